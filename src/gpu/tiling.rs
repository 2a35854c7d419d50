//! The choice of the variant that computes a product.

use std::str::FromStr;

use crate::error::Error;
use crate::kernels::{Params, TangentBackwardInput, Variant};
use crate::network::Activation;
use crate::plan::Dispatch;

/// The rule by which a [`crate::gpu::Recorder`] chooses among the variants of its products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tiling {
    /// Chooses by the kind of device, the matrices' size and the number of replicas.
    #[default]
    Auto,
    /// Takes `plain` everywhere; this and the next two are for tests and measurements.
    Plain,
    /// Takes `wide` wherever a kernel has it.
    Wide,
    /// Takes `deep` wherever a kernel has it.
    Deep,
}

/// Fewer workgroups than this leave processors of a large GPU idle, and smaller tiles are faster: measured on an H100,
/// which has 132 of them (PERFORMANCE.md).
const MANY_WORKGROUPS: u32 = 160;

impl FromStr for Tiling {
    type Err = Error;

    /// Parses the name of a rule.
    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|tiling| tiling.name() == name);
        found.ok_or_else(|| Error::invalid("tiling", Self::ALL.map(Self::name).join(", "), name))
    }
}

impl Tiling {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Plain, Self::Wide, Self::Deep];

    /// The name: `auto`, or that of the variant.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Plain => "plain",
            Self::Wide => "wide",
            Self::Deep => "deep",
        }
    }

    /// The variant for a dispatch over `replicas` replicas. A device that does not reach the variant's limits takes the one
    /// that it must be able to run.
    pub(crate) fn choose(
        self,
        dispatch: &Dispatch,
        replicas: u32,
        kind: wgpu::DeviceType,
        limits: &wgpu::Limits,
    ) -> &'static Variant {
        let kernel = dispatch.kernel;
        let chosen = match self {
            Self::Auto if kind == wgpu::DeviceType::Cpu => &kernel.plain,
            Self::Auto => by_size(dispatch, replicas),
            Self::Plain | Self::Wide | Self::Deep => kernel.variant(self.name()),
        };
        if fits(dispatch, chosen, limits) {
            chosen
        } else {
            required_variant(dispatch)
        }
    }
}

/// The variant that a device must be able to run: `plain`, or where that takes more workgroups along an axis than WebGPU
/// allows, the one that takes the fewest.
pub(super) fn required_variant(dispatch: &Dispatch) -> &'static Variant {
    let kernel = dispatch.kernel;
    let most = |variant: &&Variant| dispatch.workgroups(variant).into_iter().max();
    if most(&&kernel.plain) <= Some(wgpu::Limits::default().max_compute_workgroups_per_dimension) {
        return &kernel.plain;
    }
    kernel.variants().min_by_key(most).unwrap_or(&kernel.plain)
}

/// The largest tile that is not mostly padding and still makes many workgroups, or else the smallest.
fn by_size(dispatch: &Dispatch, replicas: u32) -> &'static Variant {
    let kernel = dispatch.kernel;
    let Some(columns) = dispatch.grid.narrowest() else {
        return &kernel.plain;
    };
    let is_worth_it = |variant: &&Variant| {
        let [x, y] = dispatch.workgroups(variant);
        let workgroups = u64::from(x) * u64::from(y) * u64::from(replicas);
        columns > variant.tile[0] / 2 && workgroups >= u64::from(MANY_WORKGROUPS)
    };
    let fits_registers = |variant: &&Variant| !(variant.name == "wide" && has_long_code(dispatch));
    let mut worth_it = kernel
        .tiled
        .iter()
        .filter(is_worth_it)
        .filter(fits_registers);
    let chosen = worth_it.next();
    chosen.or(kernel.tiled.last()).unwrap_or(&kernel.plain)
}

/// Whether what follows a product does not fit into the registers of some GPU together with the sums of a `wide` tile: four
/// sines a result (`assets/static_gpus.csv`, Adreno 740).
fn has_long_code(dispatch: &Dispatch) -> bool {
    let is_fourier = dispatch.activation() == Some(Activation::Fourier as u32);
    is_fourier && dispatch.kernel.name == TangentBackwardInput::KERNEL.name
}

fn fits(dispatch: &Dispatch, variant: &Variant, limits: &wgpu::Limits) -> bool {
    let invocations = variant.workgroup.iter().product();
    let mut workgroups = dispatch.workgroups(variant).into_iter();
    workgroups.all(|count| limits.max_compute_workgroups_per_dimension >= count)
        && limits.max_compute_invocations_per_workgroup >= invocations
        && limits.max_compute_workgroup_size_x >= variant.workgroup[0]
        && limits.max_compute_workgroup_storage_size >= variant.workgroup_memory
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Kernel, LinearBackward, LinearForward, OptimiserStep};
    use crate::plan::Grid;
    use wgpu::DeviceType::{Cpu, DiscreteGpu};

    fn dispatch(kernel: &'static Kernel, grid: Grid) -> Dispatch {
        Dispatch {
            kernel,
            params: Vec::new(),
            buffers: Vec::new(),
            grid,
            fused: None,
        }
    }

    fn forward(columns: u32) -> Dispatch {
        let grid = Grid::Product {
            columns,
            rows: 256,
            blocks: 1,
        };
        dispatch(LinearForward::KERNEL, grid)
    }

    fn chosen(
        tiling: Tiling,
        of: &Dispatch,
        replicas: u32,
        kind: wgpu::DeviceType,
    ) -> &'static str {
        tiling
            .choose(of, replicas, kind, &wgpu::Limits::default())
            .name
    }

    #[test]
    fn the_tile_follows_device_size_and_replicas() {
        let auto =
            |columns, replicas, kind| chosen(Tiling::Auto, &forward(columns), replicas, kind);
        assert_eq!(auto(256, 64, Cpu), "plain");
        assert_eq!(auto(256, 1, DiscreteGpu), "deep");
        // The product has 4 by 4 tiles of 64 by 64.
        assert_eq!(auto(256, 9, DiscreteGpu), "deep");
        assert_eq!(auto(256, 10, DiscreteGpu), "wide");
        assert_eq!(auto(12, 65_535, DiscreteGpu), "deep");
    }

    #[test]
    fn a_pair_of_products_takes_a_tile_that_suits_both() {
        let auto = |columns, replicas| {
            let grid = Grid::Pair([[256, 256], [columns, 257]]);
            let backward = dispatch(LinearBackward::KERNEL, grid);
            chosen(Tiling::Auto, &backward, replicas, DiscreteGpu)
        };
        // The products have 4 by 4 and 4 by 5 tiles of 64 by 64.
        assert_eq!([4, 5].map(|replicas| auto(256, replicas)), ["deep", "wide"]);
        assert_eq!(auto(12, 65_535), "deep");
    }

    /// A device need not have more workgroups along an axis than WebGPU asks of it, whatever the minibatch.
    #[test]
    fn many_rows_are_cut_into_tall_tiles() {
        let rows = |rows| {
            let grid = Grid::Product {
                columns: 16,
                rows,
                blocks: 4,
            };
            dispatch(LinearForward::KERNEL, grid)
        };
        let software = |of| chosen(Tiling::Auto, &of, 1, Cpu);
        let fits = 65_535 / 4 * 8;
        assert_eq!(software(rows(fits)), "plain");
        let tall = software(rows(fits + 1));
        assert_ne!(tall, "plain");
        assert_eq!(required_variant(&rows(fits + 1)).name, tall);
        assert_eq!(required_variant(&rows(fits)).name, "plain");
    }

    #[test]
    fn tangents_of_fourier_features_have_small_tiles() {
        let auto = |activation: Activation| {
            let params = TangentBackwardInput {
                activation: activation as u32,
                ..bytemuck::Zeroable::zeroed()
            };
            let product = Dispatch {
                params: bytemuck::bytes_of(&params).to_vec(),
                ..dispatch(TangentBackwardInput::KERNEL, forward(256).grid)
            };
            chosen(Tiling::Auto, &product, 64, DiscreteGpu)
        };
        assert_eq!(auto(Activation::Relu), "wide");
        assert_eq!(auto(Activation::Fourier), "deep");
    }

    #[test]
    fn what_is_no_product_is_plain_and_so_is_all_on_a_small_device() {
        let adam = dispatch(OptimiserStep::KERNEL, Grid::Workgroups([4, 1]));
        assert_eq!(chosen(Tiling::Auto, &adam, 64, DiscreteGpu), "plain");
        assert_eq!(chosen(Tiling::Wide, &adam, 64, DiscreteGpu), "plain");
        let small = wgpu::Limits {
            max_compute_invocations_per_workgroup: 128,
            ..wgpu::Limits::default()
        };
        let choose = |replicas| Tiling::Auto.choose(&forward(256), replicas, DiscreteGpu, &small);
        assert_eq!(
            [1, 64].map(|replicas| choose(replicas).name),
            ["plain", "wide"]
        );
    }

    #[test]
    fn a_tile_that_is_asked_for_is_taken() {
        let only = |tiling| chosen(tiling, &forward(12), 1, Cpu);
        assert_eq!(
            [Tiling::Plain, Tiling::Wide, Tiling::Deep].map(only),
            ["plain", "wide", "deep"]
        );
    }
}
