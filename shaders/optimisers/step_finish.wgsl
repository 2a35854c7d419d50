// The end of a step: the running statistics of the task, the divergence, the state of update clipping, and the counters
// of the next step.
//
//   configs        [replica]
//   step_sums      [replica, layers, SQUARE_PARTS]   the divergence is cleared
//   layer_controls [replica, layers]
//   states         [replica]
//   task_log       [replica, log_length]  finished task k is entry k mod log_length
//
// One invocation handles one replica. A replica that diverged in this step is halted, with the task and the update at which
// it happened. A replica that clips has also diverged where its squared gradients are not finite. A halted replica's
// counters stand still. A task ends after its own length. Its final sums are those of its last whole epoch, or of all of
// its minibatches where it is shorter than an epoch.

struct Params {
    batches_per_epoch: u32,
    mean_length: u32,    // of a task, in updates
    length_spread: u32,  // see task_length
    switch_seed: u32,
    log_length: u32,
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> step_sums: array<StepSum>;
@group(0) @binding(3) var<storage, read_write> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read_write> states: array<ReplicaState>;
@group(0) @binding(5) var<storage, read_write> task_log: array<TaskRecord>;

// Whether an update, or a squared gradient that clipping needs, was not finite. Clears the flag of the next step.
fn take_divergence(config: ReplicaConfig, first: u32) -> u32 {
    let found = atomicExchange(&step_sums[first * SQUARE_PARTS].divergence, 0u);
    if is_clipped(config) && !is_finite(whole_square(first, params.layers)) {
        return found | HALTED_UPDATE;
    }
    return found;
}

fn advance_clipping(config: ReplicaConfig, first: u32) {
    let scale = gradient_scale(config, first, params.layers);
    for (var layer = first; layer < first + params.layers; layer++) {
        let q = block_mean_square(layer, scale);
        let mean = config.clip_decay * layer_controls[layer].clip_mean + config.one_minus_clip_decay * q;
        layer_controls[layer].clip_ratio = next_clip_ratio(config, layer, q);
        layer_controls[layer].clip_mean = flush_mean(mean);
        layer_controls[layer].clip_weight =
            config.one_minus_clip_decay + config.clip_decay * layer_controls[layer].clip_weight;
    }
}

// 1 - beta^(t + 1) from 1 - beta^t, without the cancellation that computing beta^t would bring.
fn next_correction(beta: f32, one_minus_beta: f32, correction: f32) -> f32 {
    return one_minus_beta + beta * correction;
}

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let replica = group.z;
    var state = states[replica];
    if state.halted_update != NEVER {
        return;
    }
    let config = configs[replica];
    let first = replica * params.layers;
    state.halted |= take_divergence(config, first);
    if state.halted != RUNNING {
        state.halted_task = state.task;
        state.halted_update = state.updates;
        states[replica] = state;
        return;
    }
    if config.clip_threshold > 0.0 {
        advance_clipping(config, first);
    }
    state.updates += 1u;
    state.optimiser_updates += 1u;
    state.correction1 = next_correction(config.beta1, config.one_minus_beta1, state.correction1);
    state.correction2 = next_correction(config.beta2, config.one_minus_beta2, state.correction2);
    state.task_batches += 1u;
    state.task_loss += state.batch_loss;
    state.task_correct += state.batch_correct;
    state.epoch_loss += state.batch_loss;
    state.epoch_correct += state.batch_correct;
    state.batch += 1u;
    if state.batch == params.batches_per_epoch {
        state.whole_epoch_loss = state.epoch_loss;
        state.whole_epoch_correct = state.epoch_correct;
        state.epoch += 1u;
        state.batch = 0u;
        state.epoch_loss = 0.0;
        state.epoch_correct = 0u;
    }
    let length = task_length(params.switch_seed, state.task, params.mean_length, params.length_spread);
    if state.task_batches == length {
        // A task may end within an epoch, and even within its first.
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
    }
    states[replica] = state;
}
