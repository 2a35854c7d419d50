//! Twin of `shaders/patches/patches_backward.wgsl`.

use rayon::prelude::*;

use super::Scatter;
use crate::cpu::Array;
use crate::cpu::activation::{add_before, from_number, pre_activation_gradient};
use crate::cpu::windows::windows;
use crate::kernels::PatchesBackward;

pub(crate) fn run(params: &PatchesBackward, arrays: &mut [Array; 3]) {
    let [activations, output_gradients, input_gradients] = arrays;
    let windows = windows!(params);
    let activation = from_number(params.activation);
    let (units, copies) = (params.units as usize, activation.copies() as usize);
    let width = units.next_multiple_of(4);
    let stride = windows.positions() * activation.arguments(width);
    let arguments = activations.read::<f32>().par_chunks(stride);
    let above = output_gradients.read::<f32>();
    let above = above.par_chunks(windows.count() * params.columns as usize);
    let below = input_gradients.write::<f32>();
    let below = below.par_chunks_mut(windows.positions() * width);
    let scratch = || Scatter::new(windows, units, copies);
    let samples = below.zip(arguments).zip(above);
    samples.for_each_init(scratch, |scatter, ((below, arguments), above)| {
        let before = (params.accumulate != 0).then(|| below.to_vec());
        pre_activation_gradient(activation, width, arguments, scatter.add(above), below);
        add_before(below, before);
    });
}
