//! Twin of `shaders/regularisers/spectral_gradient.wgsl`.

use crate::cpu::Array;
use crate::cpu::regularisers::is_spectral;
use crate::kernels::SpectralGradient;
use crate::state::MatrixLayout;

pub(crate) fn run(_: &SpectralGradient, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        matrices,
        inputs,
        outputs,
        slopes,
        gradients,
    ] = arrays;
    if !is_spectral(configs, states) {
        return;
    }
    let (inputs, outputs) = (inputs.read::<f32>(), outputs.read::<f32>());
    let gradients = gradients.write::<f32>();
    let matrices = matrices.read::<MatrixLayout>().iter();
    for (matrix, slope) in matrices.zip(slopes.read::<f32>()) {
        if *slope == 0.0 {
            continue;
        }
        let output = &outputs[matrix.output_vector()];
        let rows = gradients[matrix.elements()].chunks_mut(matrix.columns as usize);
        pulp::Arch::new().dispatch(|| {
            for (row, input) in rows.zip(&inputs[matrix.input_vector()]) {
                for (g, output) in row.iter_mut().zip(output) {
                    *g += slope * input * output;
                }
            }
        });
    }
}
