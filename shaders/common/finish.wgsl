// The end of a step: its divergence, the state of update clipping, the running statistics, and the counters of the next step.
// Needs state.wgsl, gradient_scale.wgsl and clipping.wgsl. The kernel binds `configs`, `step_sums`, `layer_controls` and
// `states`, and its Params have `layers` and `batches_per_epoch`.
//
// A replica that diverged in this step is halted, with the task and the update at which it happened. A replica that clips has
// also diverged where its squared gradients are not finite. A halted replica's counters stand still. Twin: src/cpu/finish.rs.

// Whether a squared gradient that clipping needs was not finite.
fn squares_diverged(config: ReplicaConfig, first: u32) -> u32 {
    let diverged = is_clipped(config) && !is_finite(whole_square(first, params.layers));
    return select(0u, HALTED_UPDATE, diverged);
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

// Ends the step of one replica. `divergence` is HALTED_UPDATE where an update was not finite, else 0.
fn finish_step(replica: u32, divergence: u32) {
    atomicStore(&step_sums[replica * params.layers * SQUARE_PARTS].utility, 0u);
    var state = states[replica];
    if state.halted_update != NEVER {
        return;
    }
    let config = configs[replica];
    let first = replica * params.layers;
    state.halted |= divergence | squares_diverged(config, first);
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
    states[replica] = state;
}
