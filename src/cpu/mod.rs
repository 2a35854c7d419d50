//! The CPU executor and one file per kernel, each the twin of the shader of the same name.
//!
//! A twin computes what its shader computes, for one replica, over the same bindings in the same
//! order. Replicas run in parallel; inside a replica, work is cut into pieces whose size does not
//! depend on the number of threads, so results are the same bits on one core and on many.

pub(crate) mod activation;
pub(crate) mod adam_step;
pub(crate) mod anchor_copy;
mod array;
pub(crate) mod batch_gather;
mod executor;
pub(crate) mod gradient_norms;
pub(crate) mod gram;
pub(crate) mod gram_product;
mod initial_weight;
pub(crate) mod l2_init_gradient;
pub(crate) mod layer_stats;
pub(crate) mod layer_sums;
pub(crate) mod linear_backward_input;
pub(crate) mod linear_backward_weights;
pub(crate) mod linear_forward;
mod matrix;
mod optimiser;
pub(crate) mod parameter_init;
pub(crate) mod probe_dots;
pub(crate) mod probe_normalise;
pub(crate) mod probe_reset;
pub(crate) mod probe_start;
pub(crate) mod probe_update;
pub(crate) mod radix_count;
pub(crate) mod radix_keys;
pub(crate) mod radix_scan;
pub(crate) mod radix_scatter;
mod reduce;
pub(crate) mod ritz_check;
pub(crate) mod ritz_combine;
pub(crate) mod ritz_solve;
pub(crate) mod ritz_start;
pub(crate) mod sgd_step;
pub(crate) mod softmax_cross_entropy;
mod sort;
pub(crate) mod step_finish;
pub(crate) mod tangent_backward_input;
pub(crate) mod tangent_backward_weights;
pub(crate) mod tangent_forward;
pub(crate) mod tangent_softmax;
pub(crate) mod task_reset;
pub(crate) mod wasserstein_gradient;

pub(crate) use array::Array;
pub use executor::CpuExecutor;
