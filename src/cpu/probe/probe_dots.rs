//! Twin of `shaders/probe/probe_dots.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::ProbeDots;
use crate::state::{PARTIALS, ProbeSegment, ProbeSlot, SLOT_RUNNING};

/// The average number of elements that one task of the thread pool sums, at least.
const ELEMENTS_PER_TASK: usize = 1 << 14;

pub(crate) fn run(params: &ProbeDots, arrays: &mut [Array; 6]) {
    let [segments, slots, iterates, products, previous, partials] = arrays;
    let segments = segments.read::<ProbeSegment>();
    let slots = slots.read::<ProbeSlot>();
    let (iterates, products) = (iterates.read::<f32>(), products.read::<f32>());
    let previous = previous.read::<f32>();
    let partials = partials.write::<[f32; 4]>();
    let elements_per_partial = params.stride as usize * 4 / partials.len() + 1;
    partials
        .par_iter_mut()
        .enumerate()
        .with_min_len(ELEMENTS_PER_TASK.div_ceil(elements_per_partial))
        .for_each(|(place, partial)| {
            let segment = &segments[place / PARTIALS as usize];
            let slot = &slots[segment.slot as usize];
            if slot.status != SLOT_RUNNING {
                return;
            }
            let (range, image) = segment.stretch(place % PARTIALS as usize);
            let vectors = [
                &iterates[range.clone()],
                &iterates[image.clone()],
                &products[range],
                &products[image.clone()],
            ];
            let has_previous = params.momentum != 0.0 && slot.iterations >= 2;
            let previous = has_previous.then(|| &previous[image]);
            *partial = dots(slot.eigenvalue, vectors, previous);
        });
}

/// Computes x.h, h.h, the squared norm of h - eigenvalue x, and p.h over a stretch. `vectors` are x, its image, h and
/// its image; `previous` is the image of p.
fn dots(eigenvalue: f32, vectors: [&[f32]; 4], previous: Option<&[f32]>) -> [f32; 4] {
    let without_previous = |[x, x_image, h, h_image]: [f32; 4]| {
        let rest = h - eigenvalue * x;
        let rest_image = h_image - eigenvalue * x_image;
        [x_image * h, h * h_image, rest * rest_image]
    };
    let [x, x_image, h, h_image] = vectors;
    match previous {
        None => {
            let [xh, hh, rest] = sum_in_lanes(vectors, without_previous);
            [xh, hh, rest, 0.0]
        }
        Some(p) => sum_in_lanes(
            [x, x_image, h, h_image, p],
            |[x, x_image, h, h_image, p]| {
                let [xh, hh, rest] = without_previous([x, x_image, h, h_image]);
                [xh, hh, rest, p * h]
            },
        ),
    }
}
