//! The table of kernels, with the name, the room, the WGSL, the ordered bindings and the uniform of each kernel.
//!
//! A *room* holds kernels of one topic: one file here, one folder of `shaders/` and one folder of `src/cpu/`.
//!
//! Matrix products come in three variants with the same bindings and the same uniform: `plain`, a register tile without
//! workgroup memory, which suits software rasterisers, and two for GPUs, `wide` and `deep`, that stage their factors
//! in workgroup memory. [`crate::gpu::Tiling`] chooses among them.

mod add;
mod attention;
mod linear;
mod loss;
mod matrices;
mod norm;
mod optimisers;
mod patches;
mod pool;
mod position;
mod probe;
mod regularisers;
mod sort;
mod stages;
mod stream;
mod tensors;

pub(crate) use add::*;
pub(crate) use attention::*;
pub(crate) use linear::*;
pub(crate) use loss::*;
pub(crate) use matrices::*;
pub(crate) use norm::*;
pub(crate) use optimisers::*;
pub(crate) use patches::*;
pub(crate) use pool::*;
pub(crate) use position::*;
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

/// One kernel: `shaders/ROOM/NAME.wgsl` and its twin `src/cpu/ROOM/NAME.rs`. For a product, that file says what the kernel
/// computes and declares its uniform and its bindings; `shaders/ROOM/plain/NAME.wgsl` and `shaders/ROOM/tiled/NAME.wgsl`
/// compute it.
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

/// The WGSL of a kernel: the shared files that it needs, then the files that make it up.
macro_rules! source {
    ([$($common:literal),*], $([$($file:expr),+]),+) => {
        concat!(
            $(include_str!(concat!("../../shaders/common/", $common, ".wgsl")), "\n",)*
            $("\n", include_str!(concat!("../../shaders/", $($file,)+ ".wgsl")),)+
        )
    };
}
use source;

/// The variant of a kernel that every device can run. A product has a file of its own for it.
macro_rules! plain {
    ($room:literal, $module:ident $common:tt, product $([$($part:literal),*])?) => {
        $crate::kernels::Variant {
            name: "plain",
            source: $crate::kernels::source!(
                $common,
                $($(["common/", $part, "_plain"],)*)?
                [$room, "/", stringify!($module)],
                [$room, "/plain/", stringify!($module)]
            ),
            workgroup: [32, 1, 1],
            // Each invocation computes one vec4 by 8 rows.
            tile: [128, 8],
            workgroup_memory: $crate::kernels::WORKGROUP_MEMORY,
        }
    };
    ($room:literal, $module:ident $common:tt, workgroup $workgroup:expr) => {
        $crate::kernels::Variant {
            name: "plain",
            source: $crate::kernels::source!($common, [$room, "/", stringify!($module)]),
            workgroup: $workgroup,
            tile: [0, 0],
            workgroup_memory: $crate::kernels::WORKGROUP_MEMORY,
        }
    };
}
use plain;

/// The variants of a kernel for GPUs; none for a kernel that is not a product.
macro_rules! tiled {
    ($room:literal, $module:ident $common:tt, product $([$($part:literal),*])?) => {
        &[
            $crate::kernels::Variant {
                name: "wide",
                source: $crate::kernels::tiled!(
                    @source "wide", $room, $module $common, [$($($part),*)?]
                ),
                workgroup: [64, 1, 1],
                tile: [64, 64],
                workgroup_memory: 8_704,
            },
            $crate::kernels::Variant {
                name: "deep",
                source: $crate::kernels::tiled!(
                    @source "deep", $room, $module $common, [$($($part),*)?]
                ),
                workgroup: [256, 1, 1],
                tile: [32, 32],
                workgroup_memory: 13_312,
            },
        ]
    };
    ($room:literal, $module:ident $common:tt, workgroup $workgroup:expr) => {
        &[]
    };
    (@source $tile:literal, $room:literal, $module:ident $common:tt, [$($part:literal),*]) => {
        $crate::kernels::source!(
            $common,
            ["common/tile_", $tile],
            ["common/product"],
            $(["common/", $part, "_tiled"],)*
            [$room, "/", stringify!($module)],
            [$room, "/tiled/", stringify!($module)]
        )
    };
}
use tiled;

/// Declares the kernels of a room. A kernel has a name, the shared files that it needs, the size of its workgroup (or
/// `product`, which adds the tiled variants), a uniform and its bindings. `product ["part"]` adds the shared file
/// `part_plain` to the plain variant, and `part_tiled` to the others.
macro_rules! kernels {
    (
        $room:literal,
        $(
            $(#[$doc:meta])*
            $module:ident $common:tt, $kind:ident $([$($size:literal),*])?,
            $params:ident { $($field:ident: $type:ty,)* }
            [$($binding:ident: $access:ident,)*]
        )*
    ) => {
        /// The kernels of the room.
        pub(super) const KERNELS: &[&$crate::kernels::Kernel] = &[$(
            <$params as $crate::kernels::Params>::KERNEL,
        )*];

        $(
            $crate::layout::shader_struct! {
                $(#[$doc])*
                pub(crate) struct $params { $($field: $type,)* }
            }

            impl $crate::kernels::Params for $params {
                const KERNEL: &'static $crate::kernels::Kernel = &$crate::kernels::Kernel {
                    name: stringify!($module),
                    room: $room,
                    plain: $crate::kernels::plain!(
                        $room, $module $common, $kind $([$($size),*])?
                    ),
                    tiled: $crate::kernels::tiled!(
                        $room, $module $common, $kind $([$($size),*])?
                    ),
                    bindings: &[$($crate::kernels::Binding {
                        name: stringify!($binding),
                        access: $crate::kernels::Access::$access,
                    },)*],
                    params: <$params as $crate::layout::ShaderStruct>::LAYOUT,
                };
            }
        )*
    };
}
use kernels;

/// An upper bound on the workgroup memory of every plain variant, in bytes as WebGPU counts them.
pub const WORKGROUP_MEMORY: u32 = 2_064;

/// Every kernel, room by room.
pub fn all() -> impl Iterator<Item = &'static Kernel> {
    let rooms = [
        add::KERNELS,
        attention::KERNELS,
        linear::KERNELS,
        loss::KERNELS,
        matrices::KERNELS,
        norm::KERNELS,
        optimisers::KERNELS,
        position::KERNELS,
        patches::KERNELS,
        pool::KERNELS,
        probe::KERNELS,
        regularisers::KERNELS,
        sort::KERNELS,
        stages::KERNELS,
        stream::KERNELS,
        tensors::KERNELS,
    ];
    rooms.into_iter().flatten().copied()
}
