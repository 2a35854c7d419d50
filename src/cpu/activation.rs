//! Twin of `shaders/common/activation.wgsl`.

use crate::cpu::elementary::{erf, exponential, sine};
use crate::network::Activation;

const LEAKY_SLOPE: f32 = 0.01;

impl Activation {
    /// The stored length of a row of derivatives' arguments, where a copy is `width` long; see [`multiply_by_derivative`].
    pub(crate) fn arguments(self, width: usize) -> usize {
        match self.keeps_pre_activations() {
            true => width,
            false => self.copies() as usize * width,
        }
    }
}

/// The activation with this number in a uniform.
pub(crate) fn from_number(number: u32) -> Activation {
    use Activation::{Crelu, Fourier, Gelu, Identity, LeakyRelu, Relu, Silu, Tanh};
    [Identity, Relu, Crelu, LeakyRelu, Tanh, Gelu, Silu, Fourier][number as usize]
}

/// Returns max(z, 0), or NaN where z is NaN.
fn relu(z: f32) -> f32 {
    if z < 0.0 { 0.0 } else { z }
}

/// The distribution function of the standard normal distribution.
#[inline(always)]
fn normal_cdf(z: f32) -> f32 {
    0.5 + 0.5 * erf(std::f32::consts::FRAC_1_SQRT_2 * z)
}

/// The density of the standard normal distribution.
#[inline(always)]
fn normal_density(z: f32) -> f32 {
    0.398_942_3 * exponential((-0.5 * z * z).max(-80.0))
}

/// Returns 1 / (1 + exp(-z)).
#[inline(always)]
fn logistic(z: f32) -> f32 {
    1.0 / (1.0 + exponential((-z).clamp(-80.0, 80.0)))
}

/// Applies f in place; where there are two copies, the first.
///
/// This work and those of [`Multiply`] and [`Curvature`] are compiled by [`pulp`] for the widest vectors that this processor
/// has. They are no closures, because the compiler may leave a closure outside the function that [`pulp`] compiles.
struct Activate<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl pulp::WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let leaky = |z: f32| if z < 0.0 { LEAKY_SLOPE * z } else { z };
        let values = self.values.iter_mut();
        match self.activation {
            Activation::Identity => {}
            Activation::Relu | Activation::Crelu => values.for_each(|z| *z = relu(*z)),
            Activation::LeakyRelu => values.for_each(|z| *z = leaky(*z)),
            Activation::Tanh => values.for_each(|z| *z = z.tanh()),
            Activation::Gelu => values.for_each(|z| *z *= normal_cdf(*z)),
            Activation::Silu => values.for_each(|z| *z *= logistic(*z)),
            Activation::Fourier => values.for_each(|z| *z = sine(*z, 0.0)),
        }
    }
}

/// The second copy of f(z).
#[inline(always)]
fn mirror(activation: Activation, z: f32) -> f32 {
    match activation {
        Activation::Fourier => sine(z, 1.0),
        _ => relu(-z),
    }
}

/// Applies f in place to rows whose first `columns` elements are z, and stores z, `[columns]` a row, where it is kept. The second
/// copy's padding, after `units`, becomes zero.
pub(crate) fn write_value(
    activation: Activation,
    columns: usize,
    units: usize,
    rows: &mut [f32],
    kept: Option<&mut [f32]>,
) {
    let stride = columns * activation.copies() as usize;
    if let Some(kept) = kept {
        for (kept, row) in kept.chunks_mut(columns).zip(rows.chunks(stride)) {
            kept.copy_from_slice(&row[..columns]);
        }
    }
    let arch = pulp::Arch::new();
    if activation.copies() == 1 {
        return arch.dispatch(Activate {
            activation,
            values: rows,
        });
    }
    for row in rows.chunks_mut(stride) {
        let (z, second) = row.split_at_mut(columns);
        let (second, padding) = second.split_at_mut(units);
        for (m, z) in second.iter_mut().zip(&*z) {
            *m = mirror(activation, *z);
        }
        padding.fill(0.0);
        arch.dispatch(Activate {
            activation,
            values: z,
        });
    }
}

/// Makes tangents of f(z) of rows whose first `columns` elements are tangents of z, in place, and stores the latter where
/// z is kept. `arguments` are as in [`multiply_by_derivative`].
pub(crate) fn write_tangent(
    activation: Activation,
    columns: usize,
    arguments: &[f32],
    tangents: &mut [f32],
    kept: Option<&mut [f32]>,
) {
    let stride = columns * activation.copies() as usize;
    if let Some(kept) = kept {
        for (kept, z) in kept.chunks_mut(columns).zip(tangents.chunks(stride)) {
            kept.copy_from_slice(&z[..columns]);
        }
    }
    if activation.copies() == 2 {
        for z in tangents.chunks_mut(stride) {
            let (z, second) = z.split_at_mut(columns);
            second.iter_mut().zip(z).for_each(|(m, z)| *m = -*z);
        }
    }
    multiply_by_derivative(activation, columns, arguments, tangents);
}

/// Multiplies the rows `[copies, width]` of `gradients` by f'(z); a second copy by -f'(z), which [`subtract_copies`] makes up
/// for.
///
/// The rows of `arguments` are z `[width]` where z is kept, and f(z) `[copies, width]` elsewhere.
pub(crate) fn multiply_by_derivative(
    activation: Activation,
    width: usize,
    arguments: &[f32],
    gradients: &mut [f32],
) {
    pulp::Arch::new().dispatch(Multiply {
        activation,
        width,
        arguments,
        gradients,
    });
}

/// Computes the rows `[width]` of `below` from the rows `[2, width]` of `both`: the first copy less the second.
pub(crate) fn subtract_copies(width: usize, both: &[f32], below: &mut [f32]) {
    for (below, both) in below.chunks_mut(width).zip(both.chunks(2 * width)) {
        let (first, second) = both.split_at(width);
        for ((below, first), second) in below.iter_mut().zip(first).zip(second) {
            *below = first - second;
        }
    }
}

/// Computes gradients with respect to z, rows `[width]`, from those with respect to f(z), rows `[copies, width]`, which become
/// products with the derivatives. `arguments` are as in [`multiply_by_derivative`].
pub(crate) fn pre_activation_gradient(
    activation: Activation,
    width: usize,
    arguments: &[f32],
    gradients: &mut [f32],
    below: &mut [f32],
) {
    multiply_by_derivative(activation, width, arguments, gradients);
    match activation.copies() {
        2 => subtract_copies(width, gradients, below),
        _ => below.copy_from_slice(gradients),
    }
}

/// Adds `f''(z) Rz g`, summed over copies, to rows `[width]`. The rows of `gradients` g are `[copies, width]`, and those of
/// `tangents` Rz, or Ra where z is not kept, `[width]`.
pub(crate) fn add_curvature(
    activation: Activation,
    width: usize,
    arguments: &[f32],
    tangents: &[f32],
    gradients: &[f32],
    sums: &mut [f32],
) {
    pulp::Arch::new().dispatch(Curvature {
        activation,
        width,
        factors: (arguments, tangents, gradients),
        sums,
    });
}

/// Multiplies gradients by f'(z); see [`multiply_by_derivative`] and [`Activate`].
struct Multiply<'a> {
    activation: Activation,
    width: usize,
    arguments: &'a [f32],
    gradients: &'a mut [f32],
}

impl pulp::WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            activation,
            width,
            arguments,
            gradients,
        } = self;
        if activation == Activation::Fourier {
            let rows = gradients.chunks_mut(2 * width).zip(arguments.chunks(width));
            for (gradients, z) in rows {
                let (first, second) = gradients.split_at_mut(width);
                first
                    .iter_mut()
                    .zip(z)
                    .for_each(|(g, z)| *g *= sine(*z, 1.0));
                second
                    .iter_mut()
                    .zip(z)
                    .for_each(|(g, z)| *g *= sine(*z, 0.0));
            }
            return;
        }
        let pairs = gradients.iter_mut().zip(arguments);
        match activation {
            Activation::Identity | Activation::Fourier => {}
            Activation::Relu | Activation::Crelu => {
                pairs.for_each(|(g, a)| *g *= if *a > 0.0 { 1.0 } else { 0.0 });
            }
            Activation::LeakyRelu => {
                pairs.for_each(|(g, a)| *g *= if *a > 0.0 { 1.0 } else { LEAKY_SLOPE });
            }
            Activation::Tanh => pairs.for_each(|(g, a)| *g *= 1.0 - a * a),
            Activation::Gelu => {
                pairs.for_each(|(g, z)| *g *= normal_cdf(*z) + z * normal_density(*z));
            }
            Activation::Silu => pairs.for_each(|(g, z)| {
                let p = logistic(*z);
                *g *= p * (1.0 + z * (1.0 - p));
            }),
        }
    }
}

/// Adds f''(z) Rz g; see [`add_curvature`] and [`Activate`].
struct Curvature<'a> {
    activation: Activation,
    width: usize,
    /// The arguments x, the tangents and the gradients g.
    factors: (&'a [f32], &'a [f32], &'a [f32]),
    sums: &'a mut [f32],
}

impl pulp::WithSimd for Curvature<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            activation,
            width,
            factors,
            sums,
        } = self;
        let (arguments, tangents, gradients) = factors;
        match activation {
            Activation::Identity | Activation::Relu | Activation::Crelu | Activation::LeakyRelu => {
            }
            // Here the argument is a = f(z), and the tangent Ra = f'(z) Rz.
            Activation::Tanh => add_products(|a| -2.0 * a, factors, sums),
            Activation::Gelu => add_products(|z| normal_density(z) * (2.0 - z * z), factors, sums),
            Activation::Silu => {
                let second = |z| {
                    let p = logistic(z);
                    p * (1.0 - p) * (2.0 + z * (1.0 - 2.0 * p))
                };
                add_products(second, factors, sums);
            }
            Activation::Fourier => {
                let rows = sums.chunks_mut(width).zip(gradients.chunks(2 * width));
                let arguments = arguments.chunks(width).zip(tangents.chunks(width));
                for ((sums, gradients), (z, tangents)) in rows.zip(arguments) {
                    let (first, second) = gradients.split_at(width);
                    add_products(|z| -sine(z, 0.0), (z, tangents, first), sums);
                    add_products(|z| -sine(z, 1.0), (z, tangents, second), sums);
                }
            }
        }
    }
}

/// Adds `second(x) tangent g` for the elements of three slices x, tangents and g.
#[inline(always)]
fn add_products(
    second: impl Fn(f32) -> f32,
    (arguments, tangents, gradients): (&[f32], &[f32], &[f32]),
    sums: &mut [f32],
) {
    let terms = arguments.iter().zip(tangents).zip(gradients);
    for (sum, ((x, tangent), g)) in sums.iter_mut().zip(terms) {
        *sum += second(*x) * tangent * g;
    }
}

/// Adds what a buffer held `before` to what it holds now, where it accumulates.
pub(crate) fn add_before(sums: &mut [f32], before: Option<Vec<f32>>) {
    let before = before.unwrap_or_default();
    sums.iter_mut().zip(before).for_each(|(sum, b)| *sum += b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_stay_bounded_and_what_is_not_finite_passes() {
        for z in [1e5, -3e8, 1e20, f32::MAX] {
            for turns in [0.0, 1.0] {
                assert!(sine(z, turns).abs() <= 1.0, "{z}");
            }
        }
        assert_eq!(sine(f32::INFINITY, 0.0), f32::INFINITY);
        use Activation::{Fourier, Gelu, Silu};
        for activation in [Gelu, Silu, Fourier] {
            let mut values = [f32::NAN, -1e5, 0.0, 0.0];
            let row = &mut values[..2 * activation.copies() as usize];
            write_value(activation, 2, 2, row, None);
            assert!(values[0].is_nan() && values[1].is_finite());
        }
        let mut tails = [-30.0, 30.0];
        write_value(Gelu, 2, 2, &mut tails, None);
        assert_eq!(tails, [0.0, 30.0]);
    }
}
