// Makes every slot ready to iterate; marks all slots of a replica as diverged where its minibatch's loss is not finite.
//
//   states       [replica]          the training state
//   probe_states [replica]          the probe's state, which already has the minibatch's loss
//   slots        [replica, slots]
//
// One invocation handles one replica.

struct Params {
    slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(2) var<storage, read_write> probe_states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read_write> slots: array<ProbeSlot>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let replica = group.z;
    let halted = probe_states[replica].halted;
    probe_states[replica].halted = RUNNING;
    probe_states[replica].task = states[replica].task;
    probe_states[replica].updates = states[replica].updates;
    probe_states[replica].optimiser_updates = states[replica].optimiser_updates;
    for (var s = 0u; s < params.slots; s++) {
        let at = replica * params.slots + s;
        slots[at].eigenvalue = 0.0;
        slots[at].residual = 0.0;
        slots[at].scale = 0.0;
        slots[at].momentum = 0.0;
        slots[at].iterations = 0u;
        slots[at].status = select(SLOT_DIVERGED, SLOT_RUNNING, halted == RUNNING);
        slots[at].advanced = 0u;
    }
}
