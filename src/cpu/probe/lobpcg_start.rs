//! Twin of `shaders/probe/lobpcg_start.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::LobpcgStart;
use crate::state::{PARTIALS, ProbeSegment, ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(_: &LobpcgStart, arrays: &mut [Array; 8]) {
    let [
        segments,
        slots,
        iterates,
        products,
        directions,
        previous,
        previous_products,
        partials,
    ] = arrays;
    let slots = slots.read::<ProbeSlot>();
    let segments = segments.read::<ProbeSegment>().iter();
    let partials = partials.write::<[f32; 4]>();
    for (segment, partials) in segments.zip(partials.chunks_mut(PARTIALS as usize)) {
        let slot = &slots[segment.slot as usize];
        if slot.status != SLOT_RUNNING {
            continue;
        }
        let all = segment.with_image();
        if slot.iterations == 2 {
            previous.write::<f32>()[all.clone()].fill(0.0);
            previous_products.write::<f32>()[all.clone()].fill(0.0);
        }
        let iterate = iterates.read::<f32>()[all.clone()].iter();
        let product = &products.read::<f32>()[all.clone()];
        let direction = directions.write::<f32>()[all].iter_mut();
        for ((w, x), h) in direction.zip(iterate).zip(product) {
            *w = slot.scale * (h - slot.eigenvalue * x);
        }
        let (directions, iterates) = (directions.read::<f32>(), iterates.read::<f32>());
        let (previous, previous_products) = (previous.read::<f32>(), previous_products.read());
        partials
            .par_iter_mut()
            .enumerate()
            .for_each(|(number, partial)| {
                let (range, image) = segment.stretch(number);
                let vectors = [
                    &directions[range],
                    &directions[image.clone()],
                    &iterates[image.clone()],
                    &previous[image.clone()],
                    &previous_products[image],
                ];
                *partial = sum_in_lanes(vectors, |[w, w_image, x, p, hp]| {
                    [w * w_image, x * w, p * w, hp * w]
                });
            });
    }
}
