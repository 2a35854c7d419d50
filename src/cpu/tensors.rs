//! Twins of the kernels that fill parameter tensors.

use super::twins;

twins! {
    parameter_init: ParameterInit,
}
