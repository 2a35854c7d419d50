//! Twin of `shaders/regularisers/spectral_start.wgsl`.

use crate::cpu::Array;
use crate::kernels::SpectralStart;
use crate::rng::{Stream, draw, unit_uniform};
use crate::state::{MatrixLayout, ReplicaConfig};

pub(crate) fn run(_: &SpectralStart, arrays: &mut [Array; 3]) {
    let [configs, matrices, outputs] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let outputs = outputs.write::<f32>();
    for (number, matrix) in (0..).zip(matrices.read::<MatrixLayout>()) {
        for (column, output) in (0..).zip(&mut outputs[matrix.output_vector()]) {
            let bits = draw(seed, Stream::Spectral, number, column);
            let is_padding = column >= matrix.outputs;
            *output = if is_padding {
                0.0
            } else {
                2.0 * unit_uniform(bits) - 1.0
            };
        }
    }
}
