// The end of a task, after its last step: its record, and the counters of the next task.
//
//   states   [replica]
//   task_log [replica, log_length]  finished task k is entry k mod log_length
//
// One invocation handles one replica. Halted replicas are left alone. The final sums of a task are those of its last whole
// epoch, or of all of its minibatches where it is shorter than an epoch. A task may end within an epoch.

struct Params {
    batches_per_epoch: u32,
    log_length: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> states: array<ReplicaState>;
@group(0) @binding(2) var<storage, read_write> task_log: array<TaskRecord>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let replica = group.z;
    var state = states[replica];
    if state.halted != RUNNING {
        return;
    }
    let has_whole_epoch = state.epoch > 0u;
    task_log[replica * params.log_length + state.task % params.log_length] = TaskRecord(
        state.task,
        state.task_batches,
        state.task_loss,
        state.task_correct,
        select(state.batch, params.batches_per_epoch, has_whole_epoch),
        select(state.epoch_loss, state.whole_epoch_loss, has_whole_epoch),
        select(state.epoch_correct, state.whole_epoch_correct, has_whole_epoch),
        0u,
    );
    state.task += 1u;
    state.epoch = 0u;
    state.batch = 0u;
    state.task_batches = 0u;
    state.task_loss = 0.0;
    state.task_correct = 0u;
    state.epoch_loss = 0.0;
    state.epoch_correct = 0u;
    states[replica] = state;
}
