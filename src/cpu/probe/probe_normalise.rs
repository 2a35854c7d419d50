//! Twin of `shaders/probe/probe_normalise.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::kernels::ProbeNormalise;
use crate::state::{ProbeSlot, SLOT_RUNNING};

/// Elements that one task of the thread pool scales.
const ELEMENTS_PER_TASK: usize = 1 << 15;

pub(crate) fn run(params: &ProbeNormalise, arrays: &mut [Array; 4]) {
    let [slots, products, iterates, previous] = arrays;
    let slot = slots.read::<ProbeSlot>()[params.slot as usize];
    if slot.status != SLOT_RUNNING {
        return;
    }
    let (offset, length) = (params.offset as usize * 4, params.length as usize * 4);
    let arch = pulp::Arch::new();
    iterates.write::<f32>()[offset..][..length]
        .par_chunks_mut(ELEMENTS_PER_TASK)
        .zip(previous.write::<f32>()[offset..][..length].par_chunks_mut(ELEMENTS_PER_TASK))
        .zip(products.read::<f32>()[offset..][..length].par_chunks(ELEMENTS_PER_TASK))
        .for_each(|((iterates, previous), products)| {
            arch.dispatch(|| {
                let keeps_previous = params.momentum != 0.0;
                advance(&slot, keeps_previous, products, iterates, previous);
            });
        });
}

/// Inlined for [`pulp`].
#[inline(always)]
fn advance(
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
