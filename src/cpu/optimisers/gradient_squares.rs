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
    let (controls, parts) = (controls.read::<LayerControl>(), SQUARE_PARTS as usize);
    let is_clipped = is_clipped(&config);
    let fill = |(index, sum): (usize, &mut StepSum)| {
        let control = &controls[index / parts];
        let start = control.start as usize;
        let length = if is_clipped {
            control.end as usize - start
        } else {
            0
        };
        let vec4s = stretch(length, parts, index % parts);
        let range = (start + vec4s.start) * 4..(start + vec4s.end) * 4;
        let gradients = &gradients[range.clone()];
        [sum.square] = if config.l2 > 0.0 {
            sum_in_lanes([gradients, &parameters[range]], |[gradient, theta]| {
                let g = gradient + config.l2 * theta;
                [g * g]
            })
        } else {
            sum_in_lanes([gradients], |[g]| [g * g])
        };
    };
    sums.write::<StepSum>()
        .par_iter_mut()
        .enumerate()
        .for_each(fill);
}
