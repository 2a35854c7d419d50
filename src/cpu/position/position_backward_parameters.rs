//! Twin of `shaders/position/position_backward_parameters.wgsl`.

use super::sum_of_samples;
use crate::cpu::Array;
use crate::kernels::PositionBackwardParameters;

pub(crate) fn run(params: &PositionBackwardParameters, arrays: &mut [Array; 2]) {
    let [output_gradients, gradients] = arrays;
    let size = (params.positions * params.columns) as usize;
    let gradients = &mut gradients.write::<f32>()[4 * params.offset as usize..][..size];
    sum_of_samples(params.batch, output_gradients.read(), gradients);
}
