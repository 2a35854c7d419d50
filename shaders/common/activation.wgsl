// Activations and their derivatives. The derivatives are functions of the activation a = f(z), so that
// no pre-activation need be stored. Twin: src/cpu/activation.rs.

const ACTIVATION_IDENTITY: u32 = 0u;
const ACTIVATION_RELU: u32 = 1u;
const ACTIVATION_CRELU: u32 = 2u;
const ACTIVATION_LEAKY_RELU: u32 = 3u;
const ACTIVATION_TANH: u32 = 4u;

const LEAKY_SLOPE: f32 = 0.01;

// Tests the bits, because WGSL lets a compiler assume that there is no NaN.
fn is_nan(z: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(z) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

// A NaN passes through instead of turning into zero, so that it is noticed in the loss.
fn relu(z: vec4<f32>) -> vec4<f32> {
    return select(max(z, vec4<f32>(0.0)), z, is_nan(z));
}

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
        default: {
            return z;
        }
    }
}

fn derivative(kind: u32, a: vec4<f32>) -> vec4<f32> {
    let one = vec4<f32>(1.0);
    switch kind {
        case ACTIVATION_RELU, ACTIVATION_CRELU: {
            return select(vec4<f32>(0.0), one, a > vec4<f32>(0.0));
        }
        case ACTIVATION_LEAKY_RELU: {
            return select(vec4<f32>(LEAKY_SLOPE), one, a > vec4<f32>(0.0));
        }
        case ACTIVATION_TANH: {
            return one - a * a;
        }
        default: {
            return one;
        }
    }
}
