// The optimisers. Needs state.wgsl. Twin: src/cpu/optimiser.rs.
//
// An optimiser keeps two moments m and v of each parameter. It has a case in each of these functions:
//
//   moments_of_v    the number of second moments that it keeps
//   advance         the moments after a gradient g, the coupled L2 term included
//   stepped         the parameters after an update with these moments
//   latest_update   the parameters before the update less those after it, from those after it
//   mean_square     the contribution of v to the mean square that the step size is divided by
//   effective_step  the factor between a gradient and its update, for that mean square
//
// An optimiser without a case is computed as Adam. `corrections` are 1 - beta1^t and 1 - beta2^t, where t counts the
// update itself.

const OPTIMISER_ADAM: u32 = 0u;
const OPTIMISER_SGD: u32 = 1u;
const OPTIMISER_ADAMW: u32 = 2u;  // as Adam, but for its weight decay
const OPTIMISER_LION: u32 = 3u;
const OPTIMISER_AMSGRAD: u32 = 4u;   // as Adam, but for v
const OPTIMISER_ADAM_MAX: u32 = 5u;  // as Adam, but for v
const OPTIMISER_ADAM_O: u32 = 6u;    // as Adam; optimisers/isometry_step.wgsl has the rest
const OPTIMISER_MUON: u32 = 7u;      // as Adam, but for its step size and for weight matrices (optimisers/muon_step.wgsl)
const OPTIMISER_UPGD: u32 = 8u;      // optimisers/upgd_step.wgsl makes its update: m is the gradient that it takes, v its utility

// The moments of a dead unit decay for ever. Without a floor they become denormals, which some processors
// flush to zero and others compute a hundred times slower than other numbers. With the floor they become
// zero long before, on every processor; an update with such moments would be below 1e-20 step sizes.
const FIRST_MOMENT_FLOOR: f32 = 1e-30;
const SECOND_MOMENT_FLOOR: f32 = 1e-36;

fn flush(x: vec4<f32>, floor: f32) -> vec4<f32> {
    return select(x, vec4<f32>(0.0), abs(x) < vec4<f32>(floor));
}

// The step size of an update that has the ratio `ratio`: step_size min(1, clip_threshold / ratio). common/clipping.wgsl
// defines the ratio. Without update clipping the step size stays as it is.
fn clipped_step_size(config: ReplicaConfig, step_size: f32, ratio: f32) -> f32 {
    if config.clip_threshold == 0.0 || ratio <= config.clip_threshold {
        return step_size;
    }
    return step_size * (config.clip_threshold / ratio);
}

// Whether vec4 `index` of a replica belongs to a weight matrix that Muon updates: m is its momentum, and v its latest update
// without the step size.
fn is_muon_matrix(config: ReplicaConfig, control: LayerControl, index: u32) -> bool {
    return config.optimiser == OPTIMISER_MUON && control.inputs > 0u && index < control.main_end;
}

// The step size of Adam as a share of the layer's.
fn share_of_adam(config: ReplicaConfig) -> f32 {
    return select(1.0, config.adam_share, config.optimiser == OPTIMISER_MUON);
}

// inputs / c^2 for a weight matrix that Muon updates, with c the bias correction of its momentum after t updates; 0 for others.
fn factor_of_muon(config: ReplicaConfig, control: LayerControl, t: u32) -> f32 {
    if config.optimiser != OPTIMISER_MUON {
        return 0.0;
    }
    let correction = correction_of(config.momentum, config.one_minus_momentum, t);
    return select(f32(control.inputs) / (correction * correction), f32(control.inputs), t == 0u);
}

// v is the second moment that the step size is divided by. AMSGrad and ADAM_MAX make it of other second moments.
struct Moments {
    m: vec4<f32>,
    v: vec4<f32>,
    slow: vec4<f32>,  // running mean of g^2 with beta2
    fast: vec4<f32>,  // running mean of g^2 with fast_beta2
}

// The number of second moments that the optimiser uses, in the order v, slow, fast; it leaves the others zero.
fn moments_of_v(config: ReplicaConfig) -> u32 {
    switch config.optimiser {
        case OPTIMISER_SGD: { return 0u; }
        case OPTIMISER_AMSGRAD: { return 2u; }
        case OPTIMISER_ADAM_MAX: { return 3u; }
        default: { return 1u; }
    }
}

// 1 - beta^t without cancellation: c(2 n) = c(n) (2 - c(n)), c(n + 1) = 1 - beta + beta c(n).
fn correction_of(beta: f32, one_minus_beta: f32, t: u32) -> f32 {
    var correction = 0.0;
    for (var bits = 32u - countLeadingZeros(t); bits > 0u; bits -= 1u) {
        correction *= 2.0 - correction;
        if ((t >> (bits - 1u)) & 1u) == 1u {
            correction = one_minus_beta + beta * correction;
        }
    }
    return correction;
}

// The factor c2 / c_fast that makes v of `fast`, where the update is number t.
fn share_of_fast(config: ReplicaConfig, correction2: f32, t: u32) -> f32 {
    if config.optimiser != OPTIMISER_ADAM_MAX {
        return 1.0;
    }
    return correction2 / correction_of(config.fast_beta2, config.one_minus_fast_beta2, t);
}

// SGD:  m = beta1 m + g
// Adam: m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
// Lion: m = beta2 m + (1 - beta2) g,  v = beta1 m + (1 - beta1) g with the previous m; the update follows the sign of v
// AMSGrad:   slow = beta2 slow + (1 - beta2) g^2,  v = max(v, slow)
// ADAM_MAX:  also fast = fast_beta2 fast + (1 - fast_beta2) g^2,  v = max(slow, fast c2 / c_fast), so that
//            v / c2 = max(slow / c2, fast / c_fast); `fast_share` is c2 / c_fast
fn advance(config: ReplicaConfig, fast_share: f32, g: vec4<f32>, before: Moments) -> Moments {
    var after = before;
    if config.optimiser == OPTIMISER_SGD {
        after.m = flush(config.beta1 * before.m + g, FIRST_MOMENT_FLOOR);
        return after;
    }
    if config.optimiser == OPTIMISER_LION {
        let m = config.beta2 * before.m + config.one_minus_beta2 * g;
        let v = config.beta1 * before.m + config.one_minus_beta1 * g;
        after.m = flush(m, FIRST_MOMENT_FLOOR);
        after.v = flush(v, FIRST_MOMENT_FLOOR);
        return after;
    }
    let m = config.beta1 * before.m + config.one_minus_beta1 * g;
    after.m = flush(m, FIRST_MOMENT_FLOOR);
    if config.optimiser != OPTIMISER_AMSGRAD && config.optimiser != OPTIMISER_ADAM_MAX {
        let v = config.beta2 * before.v + config.one_minus_beta2 * g * g;
        after.v = flush(v, SECOND_MOMENT_FLOOR);
        return after;
    }
    let slow = config.beta2 * before.slow + config.one_minus_beta2 * g * g;
    after.slow = flush(slow, SECOND_MOMENT_FLOOR);
    if config.optimiser == OPTIMISER_AMSGRAD {
        after.v = max(before.v, after.slow);
        return after;
    }
    let fast = config.fast_beta2 * before.fast + config.one_minus_fast_beta2 * g * g;
    after.fast = flush(fast, SECOND_MOMENT_FLOOR);
    after.v = max(after.slow, fast_share * after.fast);
    return after;
}

// The amount that the moments alone subtract from the parameters.
//
// SGD, UPGD: step_size m
// Adam: step_size / c1 * m / (sqrt(v / c2) + epsilon)
// Lion: step_size sign(v)
fn descent(
    config: ReplicaConfig, corrections: vec2<f32>, step_size: f32, moments: Moments,
) -> vec4<f32> {
    if config.optimiser == OPTIMISER_SGD || config.optimiser == OPTIMISER_UPGD {
        return step_size * moments.m;
    }
    if config.optimiser == OPTIMISER_LION {
        return step_size * sign(moments.v);
    }
    let rate = share_of_adam(config) * step_size / corrections.x;
    return rate * moments.m / (sqrt(moments.v / corrections.y) + config.epsilon);
}

// (1 - step_size weight_decay) theta - descent: the decay is decoupled from the gradient (Loshchilov and
// Hutter, 2019) and bypasses the moments.
fn stepped(
    config: ReplicaConfig, corrections: vec2<f32>, step_size: f32, theta: vec4<f32>, moments: Moments,
) -> vec4<f32> {
    let taken = descent(config, corrections, step_size, moments);
    if config.weight_decay == 0.0 {
        return theta - taken;
    }
    return theta - step_size * config.weight_decay * theta - taken;
}

// (descent + decay theta) / (1 - decay), decay = step_size weight_decay. With a decay of 1 the parameters before the
// update cannot be recovered; the result is zero then.
fn latest_update(
    config: ReplicaConfig, corrections: vec2<f32>, step_size: f32, theta: vec4<f32>, moments: Moments,
) -> vec4<f32> {
    let taken = descent(config, corrections, step_size, moments);
    if config.weight_decay == 0.0 {
        return taken;
    }
    let decay = step_size * config.weight_decay;
    return (taken + decay * theta) / select(1.0 - decay, 1.0, decay == 1.0);
}

// `factor` is that of a weight matrix that Muon updates, else 0.
//
// Lion: v^2
// UPGD: 0
// Muon: inputs (m / c)^2 for weight matrices; v c1^2 / (c2 share^2) for others, so that step_size / sqrt(mean) is Adam's step
fn mean_square(
    config: ReplicaConfig, corrections: vec2<f32>, factor: f32, moments: Moments,
) -> vec4<f32> {
    if config.optimiser == OPTIMISER_LION {
        return moments.v * moments.v;
    }
    if config.optimiser == OPTIMISER_UPGD {
        return vec4<f32>(0.0);
    }
    if config.optimiser == OPTIMISER_MUON {
        if factor > 0.0 {
            return factor * (moments.m * moments.m);
        }
        let share = config.adam_share;
        return moments.v * (corrections.x * corrections.x / (corrections.y * share * share));
    }
    return moments.v;
}

// SGD:  step_size (1 - momentum^t) / (1 - momentum)
// UPGD: step_size
// Adam: step_size / (c1 (sqrt(mean / c2) + epsilon))
// Lion, Muon: step_size / sqrt(mean); 0 where the mean is 0
fn effective_step(
    config: ReplicaConfig, corrections: vec2<f32>, step_size: f32, mean: f32,
) -> f32 {
    if config.optimiser == OPTIMISER_SGD {
        return step_size * (corrections.x / config.one_minus_beta1);
    }
    if config.optimiser == OPTIMISER_UPGD {
        return step_size;
    }
    if config.optimiser == OPTIMISER_LION || config.optimiser == OPTIMISER_MUON {
        return select(step_size / sqrt(mean), 0.0, mean == 0.0);
    }
    return step_size / (corrections.x * (sqrt(mean / corrections.y) + config.epsilon));
}
