//! Twin of `shaders/patches/patches_tangent_forward.wgsl`.

use rayon::prelude::*;

use super::{Cutter, gather};
use crate::cpu::Array;
use crate::kernels::PatchesTangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &PatchesTangentForward, arrays: &mut [Array; 3]) {
    let [slots, inputs, tangents] = arrays;
    let gather = gather!(params);
    let slots = slots.read::<ProbeSlot>();
    let inputs = inputs.read::<f32>();
    let (batch_rows, stride) = (params.batch_rows as usize, params.sample_stride as usize);
    let samples = tangents.write::<f32>().par_chunks_mut(gather.size());
    let samples = samples.enumerate();
    let scratch = || Cutter::new(gather);
    samples.for_each_init(scratch, |cutter, (number, tangents)| {
        let slot = number / batch_rows;
        if slot >= params.slots as usize || slots[slot].status != SLOT_RUNNING {
            return;
        }
        if slot < params.lower_slots as usize {
            cutter.sample(&inputs[number * stride..][..stride], tangents);
        } else {
            tangents.fill(0.0);
        }
    });
}
