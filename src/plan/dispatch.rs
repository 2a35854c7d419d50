//! Dispatches: runs of kernels on buffers.

use bytemuck::bytes_of;

use super::declare::BufferId;
use crate::kernels::{Kernel, Params, Variant};
use crate::network::Network;

/// The name of a uniform's field that a pipeline is compiled for (`KNOWN_ACTIVATION` in
/// `shaders/common/activation.wgsl`).
const ACTIVATION: &str = "activation";

/// One run of a kernel on buffers.
#[derive(Clone)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The bytes of its uniform.
    pub params: Vec<u8>,
    /// Its storage bindings, in the kernel's order.
    pub buffers: Vec<BufferId>,
    /// The amount of work.
    pub grid: Grid,
    /// Work that begins with this dispatch and that the CPU executor does in its own way.
    pub fused: Option<Fused>,
}

/// Consecutive dispatches for which the CPU executor runs one function in place of their twins. The results are the same
/// bits; what the dispatches leave in `scratch` differs. A device runs the dispatches.
#[derive(Clone, Debug)]
pub struct Fused {
    /// The work.
    pub work: FusedWork,
    /// The number of dispatches, at least 1.
    pub dispatches: usize,
    /// The buffers that the function reads and writes, in its order.
    pub buffers: Vec<BufferId>,
    /// Buffers for intermediate results, which no later dispatch reads before it writes them.
    pub scratch: Vec<BufferId>,
}

/// The work of fused dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FusedWork {
    /// Sorts every parameter tensor and adds the gradient of the Wasserstein regulariser.
    WassersteinGradient,
}

/// The amount of work of a dispatch for each replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// The numbers of workgroups along x and y.
    Workgroups([u32; 2]),
    /// Matrices that are cut into a variant's tiles.
    Product {
        /// The columns of each matrix.
        columns: u32,
        /// The rows of each matrix.
        rows: u32,
        /// The number of matrices, one below the other along y.
        blocks: u32,
    },
    /// Two matrices, the columns and rows of each, that are cut into a variant's tiles. The tiles of the second are below
    /// those of the first along y.
    Pair([[u32; 2]; 2]),
}

/// Fuses all of `dispatches` for the CPU executor.
pub(super) fn fuse(
    mut dispatches: Vec<Dispatch>,
    work: FusedWork,
    buffers: &[BufferId],
    scratch: &[BufferId],
) -> Vec<Dispatch> {
    let count = dispatches.len();
    if let Some(first) = dispatches.first_mut() {
        first.fused = Some(Fused {
            work,
            dispatches: count,
            buffers: buffers.to_vec(),
            scratch: scratch.to_vec(),
        });
    }
    dispatches
}

/// Dispatches in the order in which they run.
#[derive(Clone)]
pub struct Plan {
    /// The name of the plan, which labels its passes.
    pub name: &'static str,
    /// Its dispatches.
    pub dispatches: Vec<Dispatch>,
}

impl Dispatch {
    /// The run on `buffers` of the kernel that takes `params`. The buffers are in the order of the kernel's bindings.
    pub(super) fn new<P: Params, const N: usize>(
        params: P,
        buffers: [BufferId; N],
        grid: impl Into<Grid>,
    ) -> Self {
        let kernel = P::KERNEL;
        debug_assert_eq!(N, kernel.bindings.len());
        debug_assert!(
            (1..N).all(|i| !buffers[..i].contains(&buffers[i])),
            "{} aliases",
            kernel.name
        );
        Self {
            kernel,
            params: bytes_of(&params).to_vec(),
            buffers: buffers.to_vec(),
            grid: grid.into(),
            fused: None,
        }
    }

    /// The number of the activation in the uniform; `None` where the kernel has none.
    pub(crate) fn activation(&self) -> Option<u32> {
        let mut fields = self.kernel.params.fields.iter();
        let field = fields.find(|field| field.name == ACTIVATION)?;
        let word = self.params.get(field.offset..field.offset + 4)?;
        Some(bytemuck::pod_read_unaligned(word))
    }

    /// The numbers of workgroups of a variant along x and y; the replicas are along z.
    pub fn workgroups(&self, variant: &Variant) -> [u32; 2] {
        match self.grid {
            Grid::Workgroups(workgroups) => workgroups,
            Grid::Product {
                columns,
                rows,
                blocks,
            } => {
                let [width, height] = variant.tile;
                [columns.div_ceil(width), rows.div_ceil(height) * blocks]
            }
            Grid::Pair(matrices) => {
                let [width, height] = variant.tile;
                let [first, second] = matrices
                    .map(|[columns, rows]| [columns.div_ceil(width), rows.div_ceil(height)]);
                [first[0].max(second[0]), first[1] + second[1]]
            }
        }
    }
}

impl Grid {
    /// The grid of a product with one matrix.
    pub(super) fn matrix(columns: u32, rows: u32) -> Self {
        Self::Product {
            columns,
            rows,
            blocks: 1,
        }
    }

    /// The columns of the narrowest matrix of a product; `None` for a grid that is not one of products.
    pub(crate) fn narrowest(self) -> Option<u32> {
        match self {
            Self::Workgroups(_) => None,
            Self::Product { columns, .. } => Some(columns),
            Self::Pair([[first, _], [second, _]]) => Some(first.min(second)),
        }
    }

    /// The grid with one invocation for each of `elements`.
    pub(super) fn elements<P: Params>(elements: u32) -> Self {
        Self::Workgroups([workgroups::<P>(elements), 1])
    }

    /// The grid over the table of tensors: the tiles of the longest tensor along x, the tensors along y.
    pub(super) fn tensors(network: &Network) -> Self {
        Self::Workgroups([longest_tensor(network), network.tensors().len() as u32])
    }
}

/// The number of workgroups with one invocation for each of `elements`.
pub(super) fn workgroups<P: Params>(elements: u32) -> u32 {
    elements.div_ceil(P::KERNEL.plain.workgroup[0])
}

/// The number of tiles of the longest tensor.
pub(super) fn longest_tensor(network: &Network) -> u32 {
    let tiles = network.tensors().iter().map(|tensor| tensor.layout.tiles());
    tiles.max().unwrap_or(0)
}

impl From<[u32; 2]> for Grid {
    fn from(workgroups: [u32; 2]) -> Self {
        Self::Workgroups(workgroups)
    }
}
