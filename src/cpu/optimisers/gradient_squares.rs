//! Twin of `shaders/optimisers/gradient_squares.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::is_clipped;
use crate::cpu::reduce::{stretch, sum_in_lanes};
use crate::kernels::GradientSquares;
use crate::state::{LayerControl, ReplicaConfig, SQUARE_PARTS, StepSum};

pub(crate) fn run(_: &GradientSquares, arrays: &mut [Array; 5]) {
    let [configs, controls, gradients, parameters, sums] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let (gradients, parameters) = (gradients.read::<f32>(), parameters.read::<f32>());
    let parts = SQUARE_PARTS as usize;
    let layers = controls
        .read::<LayerControl>()
        .iter()
        .zip(sums.write::<StepSum>().chunks_mut(parts));
    for (control, sums) in layers {
        let length = if is_clipped(&config) {
            (control.end - control.start) as usize
        } else {
            0
        };
        sums.par_iter_mut().enumerate().for_each(|(index, sum)| {
            let vec4s = stretch(length, parts, index);
            let start = control.start as usize;
            let range = (start + vec4s.start) * 4..(start + vec4s.end) * 4;
            let slices = [&gradients[range.clone()], &parameters[range]];
            [sum.square] = sum_in_lanes(slices, |[gradient, theta]| {
                let g = gradient + config.l2 * theta;
                [g * g]
            });
        });
    }
}
