//! Twin of `shaders/regularisers/spectral_finish.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::norm_sq;
use crate::cpu::regularisers::is_spectral;
use crate::kernels::SpectralFinish;
use crate::state::{MatrixLayout, ReplicaConfig};

pub(crate) fn run(_: &SpectralFinish, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        matrices,
        outputs,
        inputs,
        next_outputs,
        slopes,
    ] = arrays;
    let is_used = is_spectral(configs, states);
    let spectral = configs.read::<ReplicaConfig>()[0].spectral;
    let (outputs, inputs) = (outputs.read::<f32>(), inputs.write::<f32>());
    let next_outputs = next_outputs.write::<f32>();
    let matrices = matrices.read::<MatrixLayout>().iter();
    for (matrix, slope) in matrices.zip(slopes.write::<f32>()) {
        let input = &mut inputs[matrix.input_vector()];
        let next_output = &mut next_outputs[matrix.output_vector()];
        let lengths = [&*input, &*next_output].map(|vector| norm_sq(vector, 1.0).sqrt());
        let has_lengths = lengths
            .iter()
            .all(|length| *length > 0.0 && length.is_finite());
        if !(is_used && has_lengths) {
            next_output.copy_from_slice(&outputs[matrix.output_vector()]);
            *slope = 0.0;
            continue;
        }
        let sigma = lengths[1] / lengths[0];
        input.iter_mut().for_each(|x| *x /= lengths[0]);
        next_output.iter_mut().for_each(|x| *x /= lengths[1]);
        *slope = 4.0 * spectral * (sigma * sigma - 1.0) * sigma;
    }
}
