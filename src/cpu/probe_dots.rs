//! Twin of `shaders/probe_dots.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::reduce::{stretch, sum_in_lanes};
use crate::kernels::ProbeDots;
use crate::state::{PARTIALS, ProbeSlot, SLOT_RUNNING};

/// Stretches that one task of the thread pool sums.
const STRETCHES_PER_TASK: usize = 16;

pub(crate) fn run(params: &ProbeDots, arrays: &mut [Array; 5]) {
    let [slots, iterates, products, previous, partials] = arrays;
    let slot = slots.read::<ProbeSlot>()[params.slot as usize];
    if slot.status != SLOT_RUNNING {
        return;
    }
    let (iterates, products) = (iterates.read::<f32>(), products.read::<f32>());
    let previous = previous.read::<f32>();
    let image_offset = params.image_offset as usize * 4;
    let arch = pulp::Arch::new();
    let partials = &mut partials.write::<[f32; 4]>()[(params.part * PARTIALS) as usize..];
    partials[..PARTIALS as usize]
        .par_iter_mut()
        .enumerate()
        .with_min_len(STRETCHES_PER_TASK)
        .for_each(|(index, partial)| {
            let vec4s = stretch(params.length as usize, PARTIALS as usize, index);
            let first = (params.offset as usize + vec4s.start) * 4;
            let range = first..first + vec4s.len() * 4;
            let image = range.start + image_offset..range.end + image_offset;
            let slices = [
                &iterates[range.clone()],
                &iterates[image.clone()],
                &products[range],
                &products[image.clone()],
                &previous[image],
            ];
            *partial = arch.dispatch(|| dots(&slot, slices));
        });
}

/// x.h, h.h, the squared norm of h - eigenvalue x, and p.h, from a stretch of x, of h = Hx and of p, the
/// iterate before x, and of their images. Inlined for [`pulp`].
#[inline(always)]
fn dots(slot: &ProbeSlot, x_xi_h_hi_pi: [&[f32]; 5]) -> [f32; 4] {
    let [xh, hh, rest, ph] = sum_in_lanes(x_xi_h_hi_pi, |[x, x_image, h, h_image, p_image]| {
        let rest = h - slot.eigenvalue * x;
        let rest_image = h_image - slot.eigenvalue * x_image;
        [x_image * h, h * h_image, rest * rest_image, p_image * h]
    });
    [xh, hh, rest, if slot.iterations < 2 { 0.0 } else { ph }]
}
