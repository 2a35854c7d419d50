// The configuration and the state of a replica. Twin: src/state.rs; a test compares every offset.

struct ReplicaConfig {
    seed: u32,
    l2: f32,
    beta1: f32,            // SGD: the momentum
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    epsilon: f32,
    weight_decay: f32,     // decoupled from the gradient
    l2_init: f32,
    wasserstein: f32,
    optimiser: u32,        // OPTIMISER_*
    at_task_switch: u32,   // SWITCH_*
    gradient_limit: f32,   // gradient clipping: the largest norm of a replica's gradient; 0 for none
    clip_threshold: f32,   // update clipping: the largest ratio that is let through; 0 for none
    clip_hold: f32,        // the share of the ratio that the next update keeps
    clip_decay: f32,       // decay of the mean that the ratio compares with
    one_minus_clip_decay: f32,
    fast_beta2: f32,       // ADAM_MAX: decay of the faster second moment
    one_minus_fast_beta2: f32,
    spectral: f32,         // strength of the spectral regulariser
    isometry: f32,         // ADAM_O: strength of the decoupled step towards isometry
    momentum: f32,         // MUON: decay of the momentum of weight matrices
    one_minus_momentum: f32,
    adam_share: f32,       // MUON: the step size of all other tensors as a share of that of weight matrices
    noise: f32,            // UPGD: standard deviation of the noise of gradients
}

const SWITCH_CARRY: u32 = 0u;
const SWITCH_RESET_OPTIMISER: u32 = 1u;
const SWITCH_FRESH_NETWORK: u32 = 2u;
const SWITCH_RELATIVE_TIME: u32 = 3u;

struct ReplicaState {
    task: u32,             // the task that the next step belongs to
    epoch: u32,            // its epoch within the task
    batch: u32,            // its minibatch within the epoch
    updates: u32,          // parameter updates done since the start
    correction1: f32,      // 1 - beta1^t and
    correction2: f32,      // 1 - beta2^t for the next update, t = optimiser_updates + 1
    halted: u32,           // HALTED_*; a halted replica is left as it is
    halted_task: u32,      // the task and
    halted_update: u32,    // the number of updates done when it was halted
    batch_loss: f32,       // loss of the latest minibatch, before its update
    batch_correct: u32,
    task_batches: u32,     // sums over the minibatches of the current task so far
    task_loss: f32,
    task_correct: u32,
    epoch_loss: f32,       // sums over the minibatches of the current epoch so far
    epoch_correct: u32,
    whole_epoch_loss: f32,   // sums over the latest epoch that has ended
    whole_epoch_correct: u32,
    optimiser_updates: u32,  // updates done since the start or the latest reset of this count
}

// One finished task, as sums over its minibatches and over those of its last whole epoch, or over all of them
// where it is shorter than an epoch.
struct TaskRecord {
    task: u32,
    batches: u32,
    loss: f32,
    correct: u32,
    final_batches: u32,
    final_loss: f32,
    final_correct: u32,
    unused: u32,
}

// The location of a layer's block, in vec4s from the start of the replica's parameters, its step size, and the state of
// update clipping (common/clipping.wgsl). The host writes the step size; the device writes the state.
struct LayerControl {
    start: u32,
    main_end: u32,     // the end of the block's main tensor, its first: a weight matrix, a gain or an embedding
    end: u32,
    main_count: u32,   // elements of the main tensor that are not padding
    other_count: u32,  // elements of the block's other tensors that are not padding
    step_size: f32,
    clip_ratio: f32,   // h of the latest update; 0 before the first
    clip_mean: f32,    // m
    clip_weight: f32,  // w
    inputs: u32,       // inputs of the main tensor where it is a weight matrix, else 0
}

const NEVER: u32 = 0xffffffffu;  // halted_update of a running replica
const RUNNING: u32 = 0u;
const HALTED_LOSS: u32 = 1u;
const HALTED_UPDATE: u32 = 2u;

// The bias corrections 1 - beta^t of the latest update; the state holds those of the next update. They are
// clamped to their possible range, which bounds the error of the division by a small beta.
fn latest_corrections(config: ReplicaConfig, state: ReplicaState) -> vec2<f32> {
    let next = vec2<f32>(state.correction1, state.correction2);
    let beta = vec2<f32>(config.beta1, config.beta2);
    let complement = vec2<f32>(config.one_minus_beta1, config.one_minus_beta2);
    let latest = clamp((next - complement) / beta, complement, vec2<f32>(1.0));
    return select(latest, vec2<f32>(1.0), beta == vec2<f32>(0.0));
}

// Tests the exponent bits, because WGSL lets a compiler assume that there is no NaN.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn all_finite(v: vec4<f32>) -> bool {
    return all((bitcast<vec4<u32>>(v) & vec4<u32>(0x7f800000u)) != vec4<u32>(0x7f800000u));
}
