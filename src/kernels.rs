//! The table of kernels: for each its name, its WGSL, its bindings in order, the uniform it takes and
//! its CPU twin. The twin takes the same bindings in the same order.

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

/// One kernel: `shaders/NAME.wgsl` and `src/cpu/NAME.rs`.
pub struct Kernel {
    /// The name of both files.
    pub name: &'static str,
    /// The complete WGSL, what it shares with others in front.
    pub source: &'static str,
    /// Storage bindings 1, 2, ...; binding 0 is the uniform.
    pub bindings: &'static [Binding],
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// The uniform.
    pub params: StructLayout,
    /// The same computation for one replica in plain Rust.
    pub(crate) twin: fn(&[u8], &mut [Array]),
}

/// A kernel's uniform; knowing it is knowing the kernel.
pub(crate) trait Params: ShaderStruct {
    /// The kernel that takes it.
    const KERNEL: &'static Kernel;
}

macro_rules! kernel {
    (
        $(#[$doc:meta])*
        $module:ident($($common:literal),*), workgroup $workgroup:expr,
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
                source: concat!(
                    $(include_str!(concat!("../shaders/common/", $common, ".wgsl")), "\n",)*
                    include_str!(concat!("../shaders/", stringify!($module), ".wgsl")),
                ),
                bindings: &[$(
                    Binding { name: stringify!($binding), access: Access::$access },
                )*],
                workgroup: $workgroup,
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
    parameter_init("rng", "state"), workgroup [64, 1, 1],
    ParameterInit {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
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
    batch_gather("rng", "tasks", "state"), workgroup [64, 1, 1],
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
        scale: f32,
        shift: f32,
    }
    [configs: Read, states: Read, images: Read, inputs: ReadWrite, labels: ReadWrite,]
}

kernel! {
    /// Uniform of `linear_forward`.
    linear_forward("activation"), workgroup [32, 1, 1],
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
    softmax_cross_entropy("state"), workgroup [64, 1, 1],
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
    linear_backward_input("activation"), workgroup [32, 1, 1],
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
    linear_backward_weights(), workgroup [32, 1, 1],
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
    adam_step("state"), workgroup [256, 1, 1],
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
    /// Uniform of `step_finish`.
    step_finish("state"), workgroup [1, 1, 1],
    StepFinish {
        batches_per_epoch: u32,
        epochs: u32,
        log_length: u32,
    }
    [configs: Read, divergence: Read, states: ReadWrite, task_log: ReadWrite,]
}

/// Every kernel.
pub const KERNELS: [&Kernel; 8] = [
    ParameterInit::KERNEL,
    BatchGather::KERNEL,
    LinearForward::KERNEL,
    SoftmaxCrossEntropy::KERNEL,
    LinearBackwardInput::KERNEL,
    LinearBackwardWeights::KERNEL,
    AdamStep::KERNEL,
    StepFinish::KERNEL,
];
