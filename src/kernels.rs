//! The table of kernels: for each its name, its WGSL, its bindings in order, the uniform it takes and
//! its CPU twin. The twin takes the same bindings in the same order.
//!
//! Matrix products come in three variants with the same bindings and the same uniform: `plain`, a register tile without
//! workgroup memory, which suits software rasterisers, and two for GPUs, `wide` and `deep`, that stage their factors
//! in workgroup memory. [`crate::gpu::Tiling`] chooses among them.

use crate::cpu::{self, Array};
use crate::layout::{ShaderStruct, StructLayout, shader_struct};

/// How a kernel uses a binding.
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
    /// How the shader declares it.
    pub access: Access,
}

/// One way to compute a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// `plain`, `wide` or `deep`.
    pub name: &'static str,
    /// The complete WGSL, what it shares with others in front.
    pub source: &'static str,
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// Columns and rows of a product that a workgroup computes; 0 where a kernel is no product.
    pub tile: [u32; 2],
    /// Bytes of workgroup memory, as WebGPU counts them, at the most.
    pub workgroup_memory: u32,
}

/// One kernel: `shaders/NAME.wgsl`, `src/cpu/NAME.rs` and, where it is a product, `shaders/tiled/NAME.wgsl`.
pub struct Kernel {
    /// The name of the files.
    pub name: &'static str,
    /// The variant that any device takes.
    pub plain: Variant,
    /// Variants for GPUs, the largest tile first; none where the kernel is no product.
    pub tiled: &'static [Variant],
    /// Storage bindings 1, 2, ...; binding 0 is the uniform.
    pub bindings: &'static [Binding],
    /// The uniform.
    pub params: StructLayout,
    /// The same computation for one replica in plain Rust.
    pub(crate) twin: fn(&[u8], &mut [Array]),
}

impl Kernel {
    /// Every variant, `plain` first.
    pub fn variants(&self) -> impl Iterator<Item = &Variant> {
        std::iter::once(&self.plain).chain(self.tiled)
    }

    /// The variant of this name, or `plain` where the kernel has none of it.
    pub fn variant(&self, name: &str) -> &Variant {
        let named = self.tiled.iter().find(|variant| variant.name == name);
        named.unwrap_or(&self.plain)
    }
}

/// A kernel's uniform; knowing it is knowing the kernel.
pub(crate) trait Params: ShaderStruct {
    /// The kernel that takes it.
    const KERNEL: &'static Kernel;
}

/// The WGSL of one file, after that of what it shares with others.
macro_rules! source {
    ([$($common:literal),*], $($file:tt)+) => {
        concat!(
            $(include_str!(concat!("../shaders/common/", $common, ".wgsl")), "\n",)*
            include_str!(concat!("../shaders/", $($file)+, ".wgsl")),
        )
    };
}

/// Columns and rows of the plain products' tile: one vec4 by 8 rows for each of 32 invocations.
const PLAIN_TILE: [u32; 2] = [128, 8];

/// The variants of a product for GPUs.
macro_rules! tiled {
    ($module:ident, [$($common:literal),*]) => {
        &[
            Variant {
                name: "wide",
                source: source!(
                    [$($common,)* "tile_wide", "product"],
                    "tiled/", stringify!($module)
                ),
                workgroup: [64, 1, 1],
                tile: [64, 64],
                workgroup_memory: 8_704,
            },
            Variant {
                name: "deep",
                source: source!(
                    [$($common,)* "tile_deep", "product"],
                    "tiled/", stringify!($module)
                ),
                workgroup: [256, 1, 1],
                tile: [32, 32],
                workgroup_memory: 13_312,
            },
        ]
    };
}

/// A kernel's entry in the table; `product` makes it one with tiled variants.
macro_rules! kernel {
    (
        $(#[$doc:meta])*
        $module:ident $common:tt, product,
        $($rest:tt)*
    ) => {
        kernel! {
            @entry $(#[$doc])* $module $common,
            [32, 1, 1], PLAIN_TILE, tiled!($module, $common), $($rest)*
        }
    };
    (
        $(#[$doc:meta])*
        $module:ident $common:tt, workgroup $workgroup:expr,
        $($rest:tt)*
    ) => {
        kernel! { @entry $(#[$doc])* $module $common, $workgroup, [0, 0], &[], $($rest)* }
    };
    (
        @entry
        $(#[$doc:meta])*
        $module:ident $common:tt, $workgroup:expr, $tile:expr, $tiled:expr,
        $params:ident { $($field:ident: $kind:ty,)* }
        [$($binding:ident: $access:ident,)*]
    ) => {
        shader_struct! {
            $(#[$doc])*
            pub struct $params { $($field: $kind,)* }
        }

        impl Params for $params {
            const KERNEL: &'static Kernel = &Kernel {
                name: stringify!($module),
                plain: Variant {
                    name: "plain",
                    source: source!($common, stringify!($module)),
                    workgroup: $workgroup,
                    tile: $tile,
                    workgroup_memory: WORKGROUP_MEMORY,
                },
                tiled: $tiled,
                bindings: &[$(
                    Binding { name: stringify!($binding), access: Access::$access },
                )*],
                params: <$params as ShaderStruct>::LAYOUT,
                twin: |params, arrays| {
                    let params: $params = bytemuck::pod_read_unaligned(params);
                    let arrays = arrays.try_into().expect("a dispatch binds what its kernel lists");
                    cpu::$module::run(&params, arrays);
                },
            };
        }
    };
}

kernel! {
    /// Uniform of `parameter_init`.
    parameter_init["rng", "initial_weight", "state"], workgroup [64, 1, 1],
    ParameterInit {
        parameters_stride: u32,
        offset: u32,
        columns: u32,
        rows: u32,
        inputs: u32,
        outputs: u32,
        half_rows: u32,
        half_inputs: u32,
        layer: u32,
        bound: f32,
    }
    [configs: Read, parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,]
}

kernel! {
    /// Uniform of `batch_gather`.
    batch_gather["rng", "tasks", "state"], workgroup [64, 1, 1],
    BatchGather {
        batch: u32,
        batch_rows: u32,
        columns: u32,
        pixels: u32,
        words: u32,
        total: u32,
        images: u32,
        relabelled: u32,
        classes: u32,
        permuted: u32,
        floats: u32,
        plane: u32,
    }
    [
        configs: Read, states: Read, images: Read, image_labels: Read, standards: Read,
        inputs: ReadWrite, labels: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `linear_forward`.
    linear_forward["activation"], product,
    LinearForward {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
    }
    [parameters: Read, inputs: Read, outputs: ReadWrite,]
}

kernel! {
    /// Uniform of `softmax_cross_entropy`.
    softmax_cross_entropy["state"], workgroup [256, 1, 1],
    SoftmaxCrossEntropy {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        inverse_batch: f32,
    }
    [logits: Read, labels: Read, gradients: ReadWrite, states: ReadWrite,]
}

kernel! {
    /// Uniform of `linear_backward_input`.
    linear_backward_input["activation"], product,
    LinearBackwardInput {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
    }
    [parameters: Read, activations: Read, output_gradients: Read, input_gradients: ReadWrite,]
}

kernel! {
    /// Uniform of `linear_backward_weights`.
    linear_backward_weights[], product,
    LinearBackwardWeights {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
    }
    [inputs: Read, output_gradients: Read, gradients: ReadWrite,]
}

kernel! {
    /// Uniform of `adam_step`.
    adam_step["state", "optimiser"], workgroup [256, 1, 1],
    AdamStep {
        parameters_stride: u32,
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, gradients: Read,
        parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,
        divergence: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `sgd_step`.
    sgd_step["state", "optimiser"], workgroup [256, 1, 1],
    SgdStep {
        parameters_stride: u32,
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, gradients: Read,
        parameters: ReadWrite, first_moment: ReadWrite, divergence: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `step_finish`.
    step_finish["state"], workgroup [1, 1, 1],
    StepFinish {
        batches_per_epoch: u32,
        epochs: u32,
        log_length: u32,
    }
    [configs: Read, divergence: Read, states: ReadWrite, task_log: ReadWrite,]
}

kernel! {
    /// Uniform of `task_reset`.
    task_reset["rng", "initial_weight", "state"], workgroup [64, 1, 1],
    TaskReset {
        parameters_stride: u32,
        offset: u32,
        columns: u32,
        rows: u32,
        inputs: u32,
        outputs: u32,
        half_rows: u32,
        half_inputs: u32,
        layer: u32,
        bound: f32,
    }
    [
        configs: Read, states: ReadWrite, parameters: ReadWrite, first_moment: ReadWrite,
        second_moment: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `probe_start`.
    probe_start["rng", "state", "probe"], workgroup [64, 1, 1],
    ProbeStart {
        vectors_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        inputs: u32,
        outputs: u32,
        half_rows: u32,
        half_inputs: u32,
        slot: u32,
        slots: u32,
        stream_index: u32,
        seed: u32,
        cold: u32,
        magnitude: f32,
    }
    [configs: Read, slots: Read, vectors: ReadWrite,]
}

kernel! {
    /// Uniform of `probe_reset`.
    probe_reset["state", "probe"], workgroup [1, 1, 1],
    ProbeReset {
        slots: u32,
    }
    [states: Read, probe_states: ReadWrite, slots: ReadWrite,]
}

kernel! {
    /// Uniform of `tangent_forward`.
    tangent_forward["activation", "probe"], product,
    TangentForward {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
        slots: u32,
        all_slots: u32,
        has_lower: u32,
        first_member: u32,
        begin: u32,
    }
    [
        slots: Read, parameters: Read, lower_tangents: Read, inputs: Read, vectors: Read,
        activations: Read, iterates: ReadWrite, tangents: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `tangent_softmax`.
    tangent_softmax["probe"], workgroup [64, 1, 1],
    TangentSoftmax {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        slots: u32,
        inverse_batch: f32,
    }
    [slots: Read, logits: Read, tangents: Read, tangent_gradients: ReadWrite,]
}

kernel! {
    /// Uniform of `tangent_backward_input`.
    tangent_backward_input["activation", "probe"], product,
    TangentBackwardInput {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
        slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, parameters: Read, vectors: Read, activations: Read, lower_tangents: Read,
        output_gradients: Read, upper: Read, lower: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `tangent_backward_weights`.
    tangent_backward_weights["probe"], product,
    TangentBackwardWeights {
        products_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
        slot: u32,
        all_slots: u32,
        gradients_stride: u32,
        gradients_first: u32,
        lower_stride: u32,
        end: u32,
    }
    [
        slots: Read, inputs: Read, lower_tangents: Read, output_gradients: Read,
        tangent_gradients: Read, products: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `gram`.
    gram[], product,
    Gram {
        rows: u32,
        batch_rows: u32,
    }
    [inputs: Read, gram: ReadWrite,]
}

kernel! {
    /// Uniform of `gram_product`.
    gram_product["probe"], product,
    GramProduct {
        columns: u32,
        batch_rows: u32,
        slots: u32,
        all_slots: u32,
        first_member: u32,
    }
    [slots: Read, gram: Read, tangent_gradients: Read, products: ReadWrite,]
}

kernel! {
    /// Uniform of `probe_dots`.
    probe_dots["probe"], workgroup [64, 1, 1],
    ProbeDots {
        stride: u32,
        offset: u32,
        length: u32,
        image_offset: u32,
        part: u32,
        parts: u32,
        slot: u32,
        slots: u32,
        momentum: f32,
    }
    [slots: Read, iterates: Read, products: Read, previous: Read, partials: ReadWrite,]
}

kernel! {
    /// Uniform of `probe_update`.
    probe_update["state", "probe"], workgroup [32, 1, 1],
    ProbeUpdate {
        layers: u32,
        slots: u32,
        tolerance: f32,
        momentum: f32,
    }
    [partials: Read, slots: ReadWrite,]
}

kernel! {
    /// Uniform of `probe_normalise`.
    probe_normalise["probe"], workgroup [256, 1, 1],
    ProbeNormalise {
        stride: u32,
        offset: u32,
        length: u32,
        slot: u32,
        slots: u32,
        momentum: f32,
    }
    [slots: Read, products: Read, iterates: ReadWrite, previous: ReadWrite,]
}

kernel! {
    /// Uniform of `ritz_start`.
    ritz_start["probe"], workgroup [64, 1, 1],
    RitzStart {
        stride: u32,
        offset: u32,
        length: u32,
        image_offset: u32,
        part: u32,
        parts: u32,
        slot: u32,
        slots: u32,
    }
    [
        slots: Read, iterates: Read, products: Read, directions: ReadWrite, previous: ReadWrite,
        previous_products: ReadWrite, partials: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `ritz_solve`.
    ritz_solve["state", "probe"], workgroup [32, 1, 1],
    RitzSolve {
        layers: u32,
        slots: u32,
    }
    [partials: Read, direction_partials: Read, slots: ReadWrite, ritz: ReadWrite,]
}

kernel! {
    /// Uniform of `ritz_combine`.
    ritz_combine["probe"], workgroup [64, 1, 1],
    RitzCombine {
        stride: u32,
        offset: u32,
        length: u32,
        image_offset: u32,
        part: u32,
        parts: u32,
        slot: u32,
        slots: u32,
    }
    [
        slots: Read, ritz: Read, products: Read, iterates: ReadWrite, directions: ReadWrite,
        previous: ReadWrite, previous_products: ReadWrite, partials: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `ritz_check`.
    ritz_check["state", "probe"], workgroup [32, 1, 1],
    RitzCheck {
        layers: u32,
        slots: u32,
        tolerance: f32,
    }
    [partials: Read, ritz: Read, slots: ReadWrite,]
}

kernel! {
    /// Uniform of `gradient_norms`.
    gradient_norms[], workgroup [64, 1, 1],
    GradientNorms {
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
        layer: u32,
        layers: u32,
    }
    [inputs: Read, output_gradients: Read, norms: ReadWrite,]
}

kernel! {
    /// Uniform of `layer_sums`.
    layer_sums["state", "probe"], workgroup [64, 1, 1],
    LayerSumsParams {
        parameters_stride: u32,
        layers: u32,
        objective_only: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, gradients: Read, parameters: Read,
        first_moment: Read, second_moment: Read, sums: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `layer_stats`.
    layer_stats["state", "probe"], workgroup [1, 1, 1],
    LayerStatsParams {
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, sums: Read, norms: Read,
        records: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `anchor_copy`.
    anchor_copy[], workgroup [256, 1, 1],
    AnchorCopy {
        stride: u32,
    }
    [source: Read, anchor: ReadWrite,]
}

kernel! {
    /// Uniform of `l2_init_gradient`.
    l2_init_gradient["state"], workgroup [256, 1, 1],
    L2InitGradient {
        parameters_stride: u32,
    }
    [
        configs: Read, states: Read, parameters: Read, initial_parameters: Read,
        gradients: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `radix_keys`.
    radix_keys["state", "sort"], workgroup [256, 1, 1],
    RadixKeys {
        stride: u32,
    }
    [
        configs: Read, states: Read, segments: Read, parameters: Read, keys: ReadWrite,
        payloads: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `radix_count`.
    radix_count["state", "sort"], workgroup [256, 1, 1],
    RadixCount {
        stride: u32,
        tiles: u32,
        shift: u32,
    }
    [configs: Read, states: Read, segments: Read, keys: Read, counts: ReadWrite,]
}

kernel! {
    /// Uniform of `radix_scan`.
    radix_scan["state", "sort"], workgroup [256, 1, 1],
    RadixScan {
        tiles: u32,
    }
    [configs: Read, states: Read, segments: Read, counts: ReadWrite,]
}

kernel! {
    /// Uniform of `radix_scatter`.
    radix_scatter["state", "sort"], workgroup [256, 1, 1],
    RadixScatter {
        stride: u32,
        tiles: u32,
        shift: u32,
    }
    [
        configs: Read, states: Read, segments: Read, places: Read, keys: Read, payloads: Read,
        sorted_keys: ReadWrite, sorted_payloads: ReadWrite,
    ]
}

kernel! {
    /// Uniform of `wasserstein_gradient`.
    wasserstein_gradient["state", "sort"], workgroup [256, 1, 1],
    WassersteinGradient {
        stride: u32,
    }
    [
        configs: Read, states: Read, segments: Read, keys: Read, payloads: Read,
        initial_keys: Read, gradients: ReadWrite,
    ]
}

/// Bytes of workgroup memory, as WebGPU counts them, that no plain variant exceeds.
pub const WORKGROUP_MEMORY: u32 = 2_048;

/// Every kernel.
pub const KERNELS: [&Kernel; 35] = [
    ParameterInit::KERNEL,
    BatchGather::KERNEL,
    LinearForward::KERNEL,
    SoftmaxCrossEntropy::KERNEL,
    LinearBackwardInput::KERNEL,
    LinearBackwardWeights::KERNEL,
    AdamStep::KERNEL,
    SgdStep::KERNEL,
    StepFinish::KERNEL,
    TaskReset::KERNEL,
    ProbeStart::KERNEL,
    ProbeReset::KERNEL,
    TangentForward::KERNEL,
    TangentSoftmax::KERNEL,
    TangentBackwardInput::KERNEL,
    TangentBackwardWeights::KERNEL,
    Gram::KERNEL,
    GramProduct::KERNEL,
    ProbeDots::KERNEL,
    ProbeUpdate::KERNEL,
    ProbeNormalise::KERNEL,
    RitzStart::KERNEL,
    RitzSolve::KERNEL,
    RitzCombine::KERNEL,
    RitzCheck::KERNEL,
    GradientNorms::KERNEL,
    LayerSumsParams::KERNEL,
    LayerStatsParams::KERNEL,
    AnchorCopy::KERNEL,
    L2InitGradient::KERNEL,
    RadixKeys::KERNEL,
    RadixCount::KERNEL,
    RadixScan::KERNEL,
    RadixScatter::KERNEL,
    WassersteinGradient::KERNEL,
];
