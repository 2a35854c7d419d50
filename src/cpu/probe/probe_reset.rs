//! Twin of `shaders/probe/probe_reset.wgsl`.

use crate::cpu::Array;
use crate::kernels::ProbeReset;
use crate::state::{ProbeSlot, RUNNING, ReplicaState, SLOT_DIVERGED, SLOT_RUNNING};

pub(crate) fn run(_: &ProbeReset, arrays: &mut [Array; 3]) {
    let [states, probe_states, slots] = arrays;
    let training = states.read::<ReplicaState>()[0];
    let state = &mut probe_states.write::<ReplicaState>()[0];
    let status = if state.halted == RUNNING {
        SLOT_RUNNING
    } else {
        SLOT_DIVERGED
    };
    state.halted = RUNNING;
    state.task = training.task;
    state.updates = training.updates;
    state.optimiser_updates = training.optimiser_updates;
    for slot in slots.write::<ProbeSlot>() {
        *slot = ProbeSlot {
            status,
            has_vector: slot.has_vector,
            ..bytemuck::Zeroable::zeroed()
        };
    }
}
