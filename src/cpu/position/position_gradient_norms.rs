//! Twin of `shaders/position/position_gradient_norms.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::norm_sq;
use crate::kernels::PositionGradientNorms;

pub(crate) fn run(params: &PositionGradientNorms, arrays: &mut [Array; 2]) {
    let [output_gradients, sample_norms] = arrays;
    let size = (params.positions * params.columns) as usize;
    let samples = output_gradients.read::<f32>().chunks(size);
    let samples = samples.take(params.batch as usize);
    for (norm, d) in sample_norms.write::<f32>().iter_mut().zip(samples) {
        *norm = norm_sq(d, params.batch as f32);
    }
}
