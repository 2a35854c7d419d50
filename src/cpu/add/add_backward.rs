//! Twin of `shaders/add/add_backward.wgsl`.

use crate::cpu::Array;
use crate::cpu::activation::{add_before, from_number, multiply_by_derivative};
use crate::kernels::AddBackward;

pub(crate) fn run(params: &AddBackward, arrays: &mut [Array; 3]) {
    let [activations, output_gradients, input_gradients] = arrays;
    let activation = from_number(params.activation);
    let below = input_gradients.write::<f32>();
    let before = (params.accumulate != 0).then(|| below.to_vec());
    below.copy_from_slice(output_gradients.read());
    let columns = params.columns as usize;
    multiply_by_derivative(activation, columns, activations.read(), below);
    add_before(below, before);
}
