//! The CPU executor, and the twins of the shaders: one file per kernel, with the name and the room of its shader.
//!
//! A twin computes what its shader computes, for one replica, over the same bindings in the same
//! order. Replicas run in parallel; inside a replica, work is cut into pieces whose size does not
//! depend on the number of threads, so results are the same bits on one core and on many.

mod activation;
mod add;
mod array;
mod attention;
mod clipping;
mod divisor;
mod elementary;
mod executor;
mod finish;
mod fused;
mod initial_element;
mod layer_gradient;
mod linear;
mod loss;
mod matrices;
mod matrix;
mod muon;
mod norm;
mod optimiser;
mod optimisers;
mod patches;
mod pool;
mod pool_line;
mod position;
mod probe;
mod reduce;
mod regularisers;
mod segment;
mod sort;
mod stages;
mod stream;
mod symmetric;
mod tensors;
mod windows;

pub(crate) use array::Array;
pub use executor::CpuExecutor;

use crate::kernels::Kernel;

/// A function that computes one kernel for one replica, from the bytes of its uniform and its ordered storage bindings.
type Twin = fn(&[u8], &mut [Array]);

/// Defines `twin`, which finds the twins of a room by their kernels' names. Each twin is a module of the room.
macro_rules! twins {
    ($($module:ident: $params:ident,)*) => {
        /// The twin of the kernel with this name, if it is in this room.
        pub(super) fn twin(kernel: &str) -> Option<$crate::cpu::Twin> {
            $(
                if kernel == stringify!($module) {
                    return Some(|params, arrays| {
                        let params: $crate::kernels::$params = bytemuck::pod_read_unaligned(params);
                        let arrays = arrays.try_into().expect("a dispatch binds what its kernel lists");
                        $module::run(&params, arrays);
                    });
                }
            )*
            None
        }
    };
}
use twins;

/// The twin of a kernel.
fn twin(kernel: &Kernel) -> Twin {
    let found = match kernel.room {
        "add" => add::twin(kernel.name),
        "attention" => attention::twin(kernel.name),
        "linear" => linear::twin(kernel.name),
        "loss" => loss::twin(kernel.name),
        "matrices" => matrices::twin(kernel.name),
        "norm" => norm::twin(kernel.name),
        "position" => position::twin(kernel.name),
        "stream" => stream::twin(kernel.name),
        "tensors" => tensors::twin(kernel.name),
        "optimisers" => optimisers::twin(kernel.name),
        "patches" => patches::twin(kernel.name),
        "pool" => pool::twin(kernel.name),
        "regularisers" => regularisers::twin(kernel.name),
        "sort" => sort::twin(kernel.name),
        "stages" => stages::twin(kernel.name),
        "probe" => probe::twin(kernel.name),
        _ => None,
    };
    found.unwrap_or_else(|| panic!("{} has no twin", kernel.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels;

    #[test]
    fn every_kernel_has_a_twin_and_other_names_have_none() {
        kernels::all().for_each(|kernel| {
            twin(kernel);
        });
        assert!(linear::twin("optimiser_step").is_none());
    }
}
