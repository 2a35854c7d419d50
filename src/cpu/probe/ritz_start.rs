//! Twin of `shaders/probe/ritz_start.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::reduce::{stretch, sum_in_lanes};
use crate::kernels::RitzStart;
use crate::state::{PARTIALS, ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &RitzStart, arrays: &mut [Array; 7]) {
    let [
        slots,
        iterates,
        products,
        directions,
        previous,
        previous_products,
        partials,
    ] = arrays;
    let slot = slots.read::<ProbeSlot>()[params.slot as usize];
    if slot.status != SLOT_RUNNING {
        return;
    }
    let image_offset = params.image_offset as usize * 4;
    let begin = params.offset as usize * 4;
    let all = begin..begin + params.length as usize * 4 + image_offset;
    let iterates = &iterates.read::<f32>()[all.clone()];
    let products = &products.read::<f32>()[all.clone()];
    let directions = &mut directions.write::<f32>()[all.clone()];
    let previous = &mut previous.write::<f32>()[all.clone()];
    let previous_products = &mut previous_products.write::<f32>()[all];
    if slot.iterations == 2 {
        previous.fill(0.0);
        previous_products.fill(0.0);
    }
    for ((w, x), h) in directions.iter_mut().zip(iterates).zip(products) {
        *w = slot.scale * (h - slot.eigenvalue * x);
    }
    let (directions, p, hp) = (&*directions, &*previous, &*previous_products);
    partials.write::<[f32; 4]>()[(params.part * PARTIALS) as usize..][..PARTIALS as usize]
        .par_iter_mut()
        .enumerate()
        .for_each(|(index, partial)| {
            let vec4s = stretch(params.length as usize, PARTIALS as usize, index);
            let own = vec4s.start * 4..vec4s.end * 4;
            let image = own.start + image_offset..own.end + image_offset;
            let vectors = [
                &directions[own],
                &directions[image.clone()],
                &iterates[image.clone()],
                &p[image.clone()],
                &hp[image],
            ];
            *partial = sum_in_lanes(vectors, |[w, w_image, x, p, hp]| {
                [w * w_image, x * w, p * w, hp * w]
            });
        });
}
