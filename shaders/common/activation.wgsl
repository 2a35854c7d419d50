// Activations and their derivatives. Needs sine.wgsl. Twin: src/cpu/activation.rs.
//
// The derivatives of most activations are functions of f(z), so that z need not be stored. Those from ACTIVATION_GELU on
// need z itself: a value with such an activation keeps z beside f(z). The argument x of a derivative is z where it is
// kept, and f(z) elsewhere. CReLU and Fourier features make two copies of a unit, the second of which is the mirror.

const ACTIVATION_IDENTITY: u32 = 0u;
const ACTIVATION_RELU: u32 = 1u;
const ACTIVATION_CRELU: u32 = 2u;
const ACTIVATION_LEAKY_RELU: u32 = 3u;
const ACTIVATION_TANH: u32 = 4u;
const ACTIVATION_GELU: u32 = 5u;
const ACTIVATION_SILU: u32 = 6u;
const ACTIVATION_FOURIER: u32 = 7u;

// The activation that a pipeline is compiled for, so that its code holds no other. UNKNOWN reads it from the uniform.
override KNOWN_ACTIVATION: u32 = 0xffffffffu;
const UNKNOWN: u32 = 0xffffffffu;

// The kernel's activation.
fn activation() -> u32 {
    return select(KNOWN_ACTIVATION, params.activation, KNOWN_ACTIVATION == UNKNOWN);
}

const LEAKY_SLOPE: f32 = 0.01;

// Whether a value keeps z beside f(z).
fn keeps_z(kind: u32) -> bool {
    return kind >= ACTIVATION_GELU;
}

fn has_mirror(kind: u32) -> bool {
    return kind == ACTIVATION_CRELU || kind == ACTIVATION_FOURIER;
}

// Whether f'' is not zero everywhere.
fn is_curved(kind: u32) -> bool {
    return kind >= ACTIVATION_TANH;
}

// Where a row of derivatives' arguments begins, in vec4s: [row, copies, width4], or [row, width4] where z is kept, which
// both copies share.
fn argument_row(kind: u32, row: u32, width4: u32, is_mirror: bool) -> u32 {
    if has_mirror(kind) && !keeps_z(kind) {
        return (2u * row + select(0u, 1u, is_mirror)) * width4;
    }
    return row * width4;
}

// Tests the bits, because WGSL lets a compiler assume that there is no NaN.
fn is_nan(z: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(z) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

// A NaN passes through instead of turning into zero, so that it is noticed in the loss.
fn relu(z: vec4<f32>) -> vec4<f32> {
    return select(max(z, vec4<f32>(0.0)), z, is_nan(z));
}

// erf(x) within 4e-7, by the rational approximation of Eigen (`generic_fast_erf_float`), which XLA has too.
fn erf(x: vec4<f32>) -> vec4<f32> {
    let c = clamp(x, vec4<f32>(-3.8325069), vec4<f32>(3.8325069));
    let s = c * c;
    var p = vec4<f32>(0.00022905065861350646);
    p = p * s + 0.0034082910107109506;
    p = p * s + 0.050955695062380861;
    p = p * s + 0.18520832239976145;
    p = p * s + 1.128379143519084;
    var q = vec4<f32>(-1.1791602954361697e-7);
    q = q * s + 0.000023547966471313185;
    q = q * s + 0.0010179625278914885;
    q = q * s + 0.014070470171167667;
    q = q * s + 0.11098505178285362;
    q = q * s + 0.49746925110067538;
    q = q * s + 1.0;
    return clamp(c * p / q, vec4<f32>(-1.0), vec4<f32>(1.0));
}

// The distribution function of the standard normal distribution.
fn normal_cdf(z: vec4<f32>) -> vec4<f32> {
    return 0.5 + 0.5 * erf(0.70710678 * z);
}

// The density of the standard normal distribution.
fn normal_density(z: vec4<f32>) -> vec4<f32> {
    return 0.39894228 * exp(max(-0.5 * z * z, vec4<f32>(-80.0)));
}

// 1 / (1 + exp(-z))
fn logistic(z: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(clamp(-z, vec4<f32>(-80.0), vec4<f32>(80.0))));
}

// f(z); where there are two copies, the first.
fn activate(kind: u32, z: vec4<f32>) -> vec4<f32> {
    switch kind {
        case ACTIVATION_RELU, ACTIVATION_CRELU: {
            return relu(z);
        }
        case ACTIVATION_LEAKY_RELU: {
            return select(z, LEAKY_SLOPE * z, z < vec4<f32>(0.0));
        }
        case ACTIVATION_TANH: {
            // Beyond 9 tanh is 1 in f32; some drivers compute inf / inf for large arguments.
            return select(tanh(clamp(z, vec4<f32>(-9.0), vec4<f32>(9.0))), z, is_nan(z));
        }
        case ACTIVATION_GELU: {
            return select(z * normal_cdf(z), z, is_nan(z));
        }
        case ACTIVATION_SILU: {
            return select(z * logistic(z), z, is_nan(z));
        }
        case ACTIVATION_FOURIER: {
            return sine(z, 0.0);
        }
        default: {
            return z;
        }
    }
}

// The second copy of f(z).
fn mirror(kind: u32, z: vec4<f32>) -> vec4<f32> {
    if kind == ACTIVATION_FOURIER {
        return sine(z, 1.0);
    }
    return relu(-z);
}

// f'(z); where there are two copies, of the first.
fn derivative(kind: u32, x: vec4<f32>) -> vec4<f32> {
    let one = vec4<f32>(1.0);
    switch kind {
        case ACTIVATION_RELU, ACTIVATION_CRELU: {
            return select(vec4<f32>(0.0), one, x > vec4<f32>(0.0));
        }
        case ACTIVATION_LEAKY_RELU: {
            return select(vec4<f32>(LEAKY_SLOPE), one, x > vec4<f32>(0.0));
        }
        case ACTIVATION_TANH: {
            return one - x * x;
        }
        case ACTIVATION_GELU: {
            return normal_cdf(x) + x * normal_density(x);
        }
        case ACTIVATION_SILU: {
            let p = logistic(x);
            return p * (1.0 + x * (1.0 - p));
        }
        case ACTIVATION_FOURIER: {
            return sine(x, 1.0);
        }
        default: {
            return one;
        }
    }
}

// f'(z) of the second copy.
fn mirror_derivative(kind: u32, x: vec4<f32>) -> vec4<f32> {
    if kind == ACTIVATION_FOURIER {
        return -sine(x, 0.0);
    }
    return -derivative(kind, x);
}

// f''(z) of an activation that is curved, as a factor of Rz. Where z is not kept, as for tanh, it is the factor of
// Ra = f'(z) Rz.
fn second_derivative(kind: u32, x: vec4<f32>) -> vec4<f32> {
    switch kind {
        case ACTIVATION_TANH: {
            return -2.0 * x;
        }
        case ACTIVATION_GELU: {
            return normal_density(x) * (2.0 - x * x);
        }
        case ACTIVATION_SILU: {
            let p = logistic(x);
            return p * (1.0 - p) * (2.0 + x * (1.0 - 2.0 * p));
        }
        default: {
            return -sine(x, 0.0);
        }
    }
}

// f''(z) of the second copy.
fn mirror_second_derivative(x: vec4<f32>) -> vec4<f32> {
    return -sine(x, 1.0);
}
