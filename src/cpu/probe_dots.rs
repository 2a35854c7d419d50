//! Twin of `shaders/probe_dots.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::reduce::{stretch, sum_in_lanes};
use crate::kernels::ProbeDots;
use crate::state::{PARTIALS, ProbeSlot, SLOT_RUNNING};

/// Stretches that one task of the thread pool sums.
const STRETCHES_PER_TASK: usize = 16;

pub(crate) fn run(params: &ProbeDots, arrays: &mut [Array; 4]) {
    let [slots, iterates, products, partials] = arrays;
    let slot = slots.read::<ProbeSlot>()[params.slot as usize];
    if slot.status != SLOT_RUNNING {
        return;
    }
    let (offset, length) = (params.offset as usize * 4, params.length as usize * 4);
    let image = offset + params.image_offset as usize * 4;
    let (iterates, products) = (iterates.read::<f32>(), products.read::<f32>());
    let x = &iterates[offset..][..length];
    let x_image = &iterates[image..][..length];
    let h = &products[offset..][..length];
    let h_image = &products[image..][..length];
    let arch = pulp::Arch::new();
    let partials = &mut partials.write::<[f32; 4]>()[(params.part * PARTIALS) as usize..];
    partials[..PARTIALS as usize]
        .par_iter_mut()
        .enumerate()
        .with_min_len(STRETCHES_PER_TASK)
        .for_each(|(index, partial)| {
            let vec4s = stretch(params.length as usize, PARTIALS as usize, index);
            let range = vec4s.start * 4..vec4s.end * 4;
            let (x, x_image) = (&x[range.clone()], &x_image[range.clone()]);
            let (h, h_image) = (&h[range.clone()], &h_image[range]);
            let [xh, hh, rest] = arch.dispatch(|| dots(slot.eigenvalue, x, x_image, h, h_image));
            *partial = [xh, hh, rest, 0.0];
        });
}

/// x.h, h.h and the squared norm of h - eigenvalue x. Inlined for [`pulp`].
#[inline(always)]
fn dots(eigenvalue: f32, x: &[f32], x_image: &[f32], h: &[f32], h_image: &[f32]) -> [f32; 3] {
    let length = x.len();
    let (x, x_image, h, h_image) = (
        &x[..length],
        &x_image[..length],
        &h[..length],
        &h_image[..length],
    );
    sum_in_lanes(length, |i| {
        let rest = h[i] - eigenvalue * x[i];
        let rest_image = h_image[i] - eigenvalue * x_image[i];
        [x_image[i] * h[i], h[i] * h_image[i], rest * rest_image]
    })
}
