//! Twin of `shaders/probe/mean_norm.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::MeanNorm;

pub(crate) fn run(params: &MeanNorm, arrays: &mut [Array; 2]) {
    let [sample_norms, norms] = arrays;
    let samples = &sample_norms.read::<f32>()[..params.batch as usize];
    let [sum] = sum_in_lanes([samples], |[norm]| [norm]);
    norms.write::<f32>()[params.layer as usize] = sum / params.batch as f32;
}
