//! Twins of the kernels of sums of two values.

mod add_backward;
mod add_forward;
mod add_tangent_backward;
mod add_tangent_forward;

use super::twins;

twins! {
    add_forward: AddForward,
    add_backward: AddBackward,
    add_tangent_forward: AddTangentForward,
    add_tangent_backward: AddTangentBackward,
}
