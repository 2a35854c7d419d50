//! Twin of `shaders/probe/probe_normalise.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::kernels::ProbeNormalise;
use crate::state::{ProbeSegment, ProbeSlot, SLOT_RUNNING};

/// The number of elements that one task of the thread pool scales.
const ELEMENTS_PER_TASK: usize = 1 << 15;

pub(crate) fn run(params: &ProbeNormalise, arrays: &mut [Array; 5]) {
    let [segments, slots, products, iterates, previous] = arrays;
    for segment in segments.read::<ProbeSegment>() {
        let slot = slots.read::<ProbeSlot>()[segment.slot as usize];
        if slot.status == SLOT_RUNNING {
            let all = segment.with_image();
            advance(
                &slot,
                params.momentum != 0.0,
                &products.read()[all.clone()],
                &mut iterates.write()[all.clone()],
                &mut previous.write()[all],
            );
        }
    }
}

fn advance(
    slot: &ProbeSlot,
    keeps_previous: bool,
    products: &[f32],
    iterates: &mut [f32],
    previous: &mut [f32],
) {
    let arch = pulp::Arch::new();
    iterates
        .par_chunks_mut(ELEMENTS_PER_TASK)
        .zip(previous.par_chunks_mut(ELEMENTS_PER_TASK))
        .zip(products.par_chunks(ELEMENTS_PER_TASK))
        .for_each(|((iterates, previous), products)| {
            arch.dispatch(|| advance_chunk(slot, keeps_previous, products, iterates, previous));
        });
}

/// Inlined into callers that [`pulp`] compiles for the widest vectors.
#[inline(always)]
fn advance_chunk(
    slot: &ProbeSlot,
    keeps_previous: bool,
    products: &[f32],
    iterates: &mut [f32],
    previous: &mut [f32],
) {
    if slot.momentum == 0.0 {
        if keeps_previous {
            previous.copy_from_slice(iterates);
        }
        for (x, h) in iterates.iter_mut().zip(products) {
            *x = slot.scale * h;
        }
        return;
    }
    for ((x, p), h) in iterates.iter_mut().zip(previous).zip(products) {
        let next = h - slot.momentum * *p;
        if keeps_previous {
            *p = *x;
        }
        *x = slot.scale * next;
    }
}
