//! Twin of `shaders/linear/gradient_norms.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::norm_sq;
use crate::kernels::GradientNorms;

pub(crate) fn run(params: &GradientNorms, arrays: &mut [Array; 3]) {
    let [inputs, output_gradients, norms] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let batch = params.batch as f32;
    let samples = inputs
        .read::<f32>()
        .chunks(rows)
        .zip(output_gradients.read::<f32>().chunks(columns))
        .take(params.batch as usize);
    let sum: f32 = samples
        .map(|(a, d)| norm_sq(d, batch) * (norm_sq(a, 1.0) + 1.0))
        .sum();
    norms.write::<f32>()[params.layer as usize] = sum / batch;
}
