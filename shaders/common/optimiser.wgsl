// The optimisers. Needs state.wgsl. Twin: src/cpu/optimiser.rs.
//
// An optimiser keeps two moments m and v of each parameter. It has a case in each of these functions:
//
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

struct Moments {
    m: vec4<f32>,
    v: vec4<f32>,
}

// Whether the optimiser uses v; an optimiser that does not use v leaves it zero.
fn keeps_v(config: ReplicaConfig) -> bool {
    return config.optimiser != OPTIMISER_SGD;
}

// SGD:  m = beta1 m + g
// Adam: m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
// Lion: m = beta2 m + (1 - beta2) g,  v = beta1 m + (1 - beta1) g with the previous m; the update follows the sign of v
fn advance(config: ReplicaConfig, g: vec4<f32>, before: Moments) -> Moments {
    if config.optimiser == OPTIMISER_SGD {
        return Moments(flush(config.beta1 * before.m + g, FIRST_MOMENT_FLOOR), before.v);
    }
    if config.optimiser == OPTIMISER_LION {
        let m = config.beta2 * before.m + config.one_minus_beta2 * g;
        let v = config.beta1 * before.m + config.one_minus_beta1 * g;
        return Moments(flush(m, FIRST_MOMENT_FLOOR), flush(v, FIRST_MOMENT_FLOOR));
    }
    let m = config.beta1 * before.m + config.one_minus_beta1 * g;
    let v = config.beta2 * before.v + config.one_minus_beta2 * g * g;
    return Moments(flush(m, FIRST_MOMENT_FLOOR), flush(v, SECOND_MOMENT_FLOOR));
}

// The amount that the moments alone subtract from the parameters.
//
// SGD:  step_size m
// Adam: step_size / c1 * m / (sqrt(v / c2) + epsilon)
// Lion: step_size sign(v)
fn descent(
    config: ReplicaConfig, corrections: vec2<f32>, step_size: f32, moments: Moments,
) -> vec4<f32> {
    if config.optimiser == OPTIMISER_SGD {
        return step_size * moments.m;
    }
    if config.optimiser == OPTIMISER_LION {
        return step_size * sign(moments.v);
    }
    let rate = step_size / corrections.x;
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

fn mean_square(config: ReplicaConfig, v: vec4<f32>) -> vec4<f32> {
    if config.optimiser == OPTIMISER_LION {
        return v * v;
    }
    return v;
}

// SGD:  step_size (1 - momentum^t) / (1 - momentum)
// Adam: step_size / (c1 (sqrt(mean / c2) + epsilon))
// Lion: step_size / sqrt(mean); 0 where every v is 0
fn effective_step(
    config: ReplicaConfig, corrections: vec2<f32>, step_size: f32, mean: f32,
) -> f32 {
    if config.optimiser == OPTIMISER_SGD {
        return step_size * (corrections.x / config.one_minus_beta1);
    }
    if config.optimiser == OPTIMISER_LION {
        return select(step_size / sqrt(mean), 0.0, mean == 0.0);
    }
    return step_size / (corrections.x * (sqrt(mean / corrections.y) + config.epsilon));
}
