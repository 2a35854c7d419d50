//! Twin of `shaders/regularisers/spectral_inputs.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::cpu::regularisers::is_spectral;
use crate::kernels::SpectralInputs;
use crate::state::MatrixLayout;

pub(crate) fn run(_: &SpectralInputs, arrays: &mut [Array; 6]) {
    let [configs, states, matrices, parameters, outputs, inputs] = arrays;
    if !is_spectral(configs, states) {
        return;
    }
    let (parameters, outputs) = (parameters.read::<f32>(), outputs.read::<f32>());
    let inputs = inputs.write::<f32>();
    for matrix in matrices.read::<MatrixLayout>() {
        let vector = &outputs[matrix.output_vector()];
        let rows = parameters[matrix.elements()].chunks(matrix.columns as usize);
        for (input, row) in inputs[matrix.input_vector()].iter_mut().zip(rows) {
            [*input] = sum_in_lanes([row, vector], |[w, x]| [w * x]);
        }
    }
}
