//! Twin of `shaders/patches/patches_tangent_backward.wgsl`.

use rayon::prelude::*;

use super::Scatter;
use crate::cpu::Array;
use crate::cpu::activation::{add_before, add_curvature, from_number, pre_activation_gradient};
use crate::cpu::windows::windows;
use crate::kernels::PatchesTangentBackward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &PatchesTangentBackward, arrays: &mut [Array; 6]) {
    let [
        slots,
        activations,
        lower_tangents,
        output_gradients,
        upper,
        lower,
    ] = arrays;
    let windows = windows!(params);
    let activation = from_number(params.activation);
    let (units, copies) = (params.units as usize, activation.copies() as usize);
    let (width, batch_rows) = (units.next_multiple_of(4), params.batch_rows as usize);
    let argument_size = windows.positions() * activation.arguments(width);
    let image_size = windows.positions() * width;
    let patches_size = windows.count() * params.columns as usize;
    let slots = slots.read::<ProbeSlot>();
    let arguments = activations.read::<f32>();
    let tangents = lower_tangents.read::<f32>();
    let gradients = output_gradients.read::<f32>();
    let upper = upper.read::<f32>();
    let scratch = || Scatter::new(windows, units, copies);
    let samples = lower.write::<f32>().par_chunks_mut(image_size).enumerate();
    samples.for_each_init(scratch, |scatter, (number, lower)| {
        let (slot, sample) = (number / batch_rows, number % batch_rows);
        if slot >= params.slots as usize || slots[slot].status != SLOT_RUNNING {
            return;
        }
        let arguments = &arguments[sample * argument_size..][..argument_size];
        let before = (params.accumulate != 0).then(|| lower.to_vec());
        let rd = &upper[number * patches_size..][..patches_size];
        pre_activation_gradient(activation, width, arguments, scatter.add(rd), lower);
        if activation.is_curved() {
            let d = &gradients[sample * patches_size..][..patches_size];
            let tangents = &tangents[number * image_size..][..image_size];
            add_curvature(
                activation,
                width,
                arguments,
                tangents,
                scatter.add(d),
                lower,
            );
        }
        add_before(lower, before);
    });
}
