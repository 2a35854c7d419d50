//! Twins of the kernels that fill parameter tensors.

mod parameter_init;

use super::twins;

twins! {
    parameter_init: ParameterInit,
}
