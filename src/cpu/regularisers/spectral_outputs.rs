//! Twin of `shaders/regularisers/spectral_outputs.wgsl`.

use crate::cpu::Array;
use crate::cpu::regularisers::is_spectral;
use crate::kernels::SpectralOutputs;
use crate::state::MatrixLayout;

pub(crate) fn run(_: &SpectralOutputs, arrays: &mut [Array; 6]) {
    let [configs, states, matrices, parameters, inputs, outputs] = arrays;
    if !is_spectral(configs, states) {
        return;
    }
    let (parameters, inputs) = (parameters.read::<f32>(), inputs.read::<f32>());
    let outputs = outputs.write::<f32>();
    for matrix in matrices.read::<MatrixLayout>() {
        let sums = &mut outputs[matrix.output_vector()];
        sums.fill(0.0);
        let rows = parameters[matrix.elements()].chunks(matrix.columns as usize);
        pulp::Arch::new().dispatch(|| {
            for (row, input) in rows.zip(&inputs[matrix.input_vector()]) {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum += input * w;
                }
            }
        });
    }
}
