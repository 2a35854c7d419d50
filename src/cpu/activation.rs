//! Twin of `shaders/common/activation.wgsl`.

use crate::network::Activation;

const LEAKY_SLOPE: f32 = 0.01;

/// The activation with this number in a uniform.
pub(crate) fn from_number(number: u32) -> Activation {
    use Activation::{Crelu, Identity, LeakyRelu, Relu, Tanh};
    [Identity, Relu, Crelu, LeakyRelu, Tanh][number as usize]
}

/// Returns max(z, 0), or NaN where z is NaN.
pub(crate) fn relu(z: f32) -> f32 {
    if z < 0.0 { 0.0 } else { z }
}

/// Applies f in place; for CReLU, the first of its copies.
pub(crate) fn activate(activation: Activation, values: &mut [f32]) {
    let leaky = |z: f32| if z < 0.0 { LEAKY_SLOPE * z } else { z };
    match activation {
        Activation::Identity => {}
        Activation::Relu | Activation::Crelu => values.iter_mut().for_each(|z| *z = relu(*z)),
        Activation::LeakyRelu => values.iter_mut().for_each(|z| *z = leaky(*z)),
        Activation::Tanh => values.iter_mut().for_each(|z| *z = z.tanh()),
    }
}

/// Multiplies `gradients` by f'(z), where f' is a function of the activations a = f(z).
pub(crate) fn multiply_by_derivative(
    activation: Activation,
    activations: &[f32],
    gradients: &mut [f32],
) {
    pulp::Arch::new().dispatch(|| multiply_inlined(activation, activations, gradients));
}

/// Inlined into callers that [`pulp`] compiles for the widest vectors.
#[inline(always)]
fn multiply_inlined(activation: Activation, activations: &[f32], gradients: &mut [f32]) {
    let pairs = gradients.iter_mut().zip(activations);
    match activation {
        Activation::Identity => {}
        Activation::Relu | Activation::Crelu => {
            pairs.for_each(|(g, a)| *g *= if *a > 0.0 { 1.0 } else { 0.0 });
        }
        Activation::LeakyRelu => {
            pairs.for_each(|(g, a)| *g *= if *a > 0.0 { 1.0 } else { LEAKY_SLOPE });
        }
        Activation::Tanh => pairs.for_each(|(g, a)| *g *= 1.0 - a * a),
    }
}
