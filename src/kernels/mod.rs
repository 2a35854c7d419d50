//! The table of kernels, with the name, the room, the WGSL, the ordered bindings and the uniform of each kernel.
//!
//! A *room* holds kernels of one topic: one file here, one folder of `shaders/` and one folder of `src/cpu/`.
//!
//! Matrix products come in three variants with the same bindings and the same uniform: `plain`, a register tile without
//! workgroup memory, which suits software rasterisers, and two for GPUs, `wide` and `deep`, that stage their factors
//! in workgroup memory. [`crate::gpu::Tiling`] chooses among them.

mod linear;
mod loss;
mod optimisers;
mod probe;
mod regularisers;
mod sort;
mod stages;
mod stream;
mod tensors;

pub(crate) use linear::*;
pub(crate) use loss::*;
pub(crate) use optimisers::*;
pub(crate) use probe::*;
pub(crate) use regularisers::*;
pub(crate) use sort::*;
pub(crate) use stages::*;
pub(crate) use stream::*;
pub(crate) use tensors::*;

use crate::layout::{ShaderStruct, StructLayout};

/// The access of a kernel to one of its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Read and written.
    ReadWrite,
}

/// One storage binding.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The name of the variable in the shader.
    pub name: &'static str,
    /// The access that the shader declares.
    pub access: Access,
}

/// One way to compute a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// `plain`, `wide` or `deep`.
    pub name: &'static str,
    /// The complete WGSL: the shared files that it needs, then its own.
    pub source: &'static str,
    /// The size of a workgroup, in invocations.
    pub workgroup: [u32; 3],
    /// The columns and rows of a product that one workgroup computes; 0 for a kernel that is not a product.
    pub tile: [u32; 2],
    /// The largest number of bytes of workgroup memory that it may use, as WebGPU counts them.
    pub workgroup_memory: u32,
}

/// One kernel: `shaders/ROOM/NAME.wgsl`, its twin `src/cpu/ROOM/NAME.rs` and, for a product,
/// `shaders/ROOM/tiled/NAME.wgsl`.
#[derive(Debug)]
pub struct Kernel {
    /// The name of the files.
    pub name: &'static str,
    /// The folder of the files.
    pub room: &'static str,
    /// The variant that every device can run.
    pub plain: Variant,
    /// The variants for GPUs, the largest tile first; empty for a kernel that is not a product.
    pub tiled: &'static [Variant],
    /// Storage bindings 1, 2, ...; binding 0 is the uniform.
    pub bindings: &'static [Binding],
    /// The uniform.
    pub params: StructLayout,
}

impl Kernel {
    /// Every variant, `plain` first.
    pub fn variants(&self) -> impl Iterator<Item = &Variant> {
        std::iter::once(&self.plain).chain(self.tiled)
    }

    /// The variant of this name; `plain` where the kernel has no such variant.
    pub fn variant(&self, name: &str) -> &Variant {
        let named = self.tiled.iter().find(|variant| variant.name == name);
        named.unwrap_or(&self.plain)
    }
}

/// The uniform of a kernel. Its type identifies the kernel.
pub(crate) trait Params: ShaderStruct {
    /// The kernel that takes it.
    const KERNEL: &'static Kernel;
}

/// The WGSL of one file, after the WGSL of the shared files that it needs.
macro_rules! source {
    ([$($common:literal),*], $($file:expr),+) => {
        concat!(
            $(include_str!(concat!("../../shaders/common/", $common, ".wgsl")), "\n",)*
            include_str!(concat!("../../shaders/", $($file,)+ ".wgsl")),
        )
    };
}
use source;

/// The columns and rows of a plain product's tile: each of 32 invocations computes one vec4 by 8 rows.
const PLAIN_TILE: [u32; 2] = [128, 8];

/// Lists the variants of a product for GPUs.
macro_rules! tiled {
    ($room:literal, $module:ident, [$($common:literal),*]) => {
        &[
            Variant {
                name: "wide",
                source: source!(
                    [$($common,)* "tile_wide", "product"],
                    $room, "/tiled/", stringify!($module)
                ),
                workgroup: [64, 1, 1],
                tile: [64, 64],
                workgroup_memory: 8_704,
            },
            Variant {
                name: "deep",
                source: source!(
                    [$($common,)* "tile_deep", "product"],
                    $room, "/tiled/", stringify!($module)
                ),
                workgroup: [256, 1, 1],
                tile: [32, 32],
                workgroup_memory: 13_312,
            },
        ]
    };
}
use tiled;

/// Declares a kernel's entry in the table from its room, its name and the shared files that it needs. `product` adds
/// the tiled variants.
macro_rules! kernel {
    (
        $(#[$doc:meta])*
        $room:literal, $module:ident $common:tt, product,
        $($rest:tt)*
    ) => {
        kernel! {
            @entry $(#[$doc])* $room, $module $common,
            [32, 1, 1], $crate::kernels::PLAIN_TILE, $crate::kernels::tiled!($room, $module, $common), $($rest)*
        }
    };
    (
        $(#[$doc:meta])*
        $room:literal, $module:ident $common:tt, workgroup $workgroup:expr,
        $($rest:tt)*
    ) => {
        kernel! { @entry $(#[$doc])* $room, $module $common, $workgroup, [0, 0], &[], $($rest)* }
    };
    (
        @entry
        $(#[$doc:meta])*
        $room:literal, $module:ident $common:tt, $workgroup:expr, $tile:expr, $tiled:expr,
        $params:ident { $($field:ident: $kind:ty,)* }
        [$($binding:ident: $access:ident,)*]
    ) => {
        shader_struct! {
            $(#[$doc])*
            pub(crate) struct $params { $($field: $kind,)* }
        }

        impl Params for $params {
            const KERNEL: &'static Kernel = &Kernel {
                name: stringify!($module),
                room: $room,
                plain: Variant {
                    name: "plain",
                    source: source!($common, $room, "/", stringify!($module)),
                    workgroup: $workgroup,
                    tile: $tile,
                    workgroup_memory: WORKGROUP_MEMORY,
                },
                tiled: $tiled,
                bindings: &[$(
                    Binding { name: stringify!($binding), access: Access::$access },
                )*],
                params: <$params as ShaderStruct>::LAYOUT,
            };
        }
    };
}
use kernel;

/// An upper bound on the workgroup memory of every plain variant, in bytes as WebGPU counts them.
pub const WORKGROUP_MEMORY: u32 = 2_048;

/// Every kernel.
pub const KERNELS: [&Kernel; 39] = [
    ParameterInit::KERNEL,
    BatchGather::KERNEL,
    LinearForward::KERNEL,
    SoftmaxCrossEntropy::KERNEL,
    LinearBackwardInput::KERNEL,
    LinearBackwardWeights::KERNEL,
    GradientSquares::KERNEL,
    OptimiserStep::KERNEL,
    StepFinish::KERNEL,
    TaskReset::KERNEL,
    ShrinkPerturb::KERNEL,
    WeightClipping::KERNEL,
    ProbeStart::KERNEL,
    ProbeReset::KERNEL,
    PrimalCopy::KERNEL,
    DualStart::KERNEL,
    TangentForward::KERNEL,
    TangentSoftmax::KERNEL,
    TangentBackwardInput::KERNEL,
    TangentBackwardWeights::KERNEL,
    Gram::KERNEL,
    GramProduct::KERNEL,
    ProbeDots::KERNEL,
    ProbeUpdate::KERNEL,
    ProbeNormalise::KERNEL,
    LobpcgStart::KERNEL,
    LobpcgSolve::KERNEL,
    LobpcgCombine::KERNEL,
    LobpcgCheck::KERNEL,
    GradientNorms::KERNEL,
    LayerSumsParams::KERNEL,
    LayerStatsParams::KERNEL,
    ReferenceCopy::KERNEL,
    L2InitGradient::KERNEL,
    RadixKeys::KERNEL,
    RadixCount::KERNEL,
    RadixScan::KERNEL,
    RadixScatter::KERNEL,
    WassersteinGradient::KERNEL,
];
