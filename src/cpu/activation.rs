//! Twin of `shaders/common/activation.wgsl`.

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

/// Returns erf(x) within 4e-7, by the rational approximation of Eigen (`generic_fast_erf_float`), which XLA has too.
fn erf(x: f32) -> f32 {
    const P: [f32; 5] = [
        0.000_229_050_66,
        0.003_408_291,
        0.050_955_694,
        0.185_208_32,
        std::f32::consts::FRAC_2_SQRT_PI,
    ];
    const Q: [f32; 7] = [
        -1.179_160_2e-7,
        0.000_023_547_966,
        0.001_017_962_5,
        0.014_070_47,
        0.110_985_05,
        0.497_469_25,
        1.0,
    ];
    let c = x.clamp(-3.832_507, 3.832_507);
    let s = c * c;
    let horner = |sum: f32, coefficient: &f32| sum * s + coefficient;
    let (p, q) = (
        P[1..].iter().fold(P[0], horner),
        Q[1..].iter().fold(Q[0], horner),
    );
    (c * p / q).clamp(-1.0, 1.0)
}

/// The distribution function of the standard normal distribution.
fn normal_cdf(z: f32) -> f32 {
    0.5 + 0.5 * erf(std::f32::consts::FRAC_1_SQRT_2 * z)
}

/// The density of the standard normal distribution.
fn normal_density(z: f32) -> f32 {
    0.398_942_3 * (-0.5 * z * z).max(-80.0).exp()
}

/// Returns 1 / (1 + exp(-z)).
fn logistic(z: f32) -> f32 {
    1.0 / (1.0 + (-z).clamp(-80.0, 80.0).exp())
}

/// Returns sin(z + turns pi / 2) within 1e-7 for |z| up to 8192, and within [-1, 1] beyond; z where it is not finite.
///
/// The reduction in three steps and the polynomials on [-pi/4, pi/4] are those of `sinf` and `cosf` in Cephes (Moshier).
#[inline(always)]
fn sine(z: f32, turns: f32) -> f32 {
    let k = (z * std::f32::consts::FRAC_2_PI).round_ties_even();
    let reduced = ((z - k * 1.570_312_5) - k * 0.000_483_751_3) - k * 7.549_79e-8;
    let r = reduced.clamp(-0.785_81, 0.785_81);
    let s = r * r;
    let odd = ((-0.000_195_152_96 * s + 0.008_332_161) * s - 0.166_666_55) * s * r + r;
    let even = (0.000_024_433_157 * s - 0.001_388_731_6) * s + 0.041_666_646;
    let cosine = even * s * s - 0.5 * s + 1.0;
    let quarter = k + turns - 4.0 * (0.25 * (k + turns)).floor();
    let size = if quarter == 1.0 || quarter == 3.0 {
        cosine
    } else {
        odd
    };
    let signed = if quarter >= 2.0 { -size } else { size };
    if z.is_finite() { signed } else { z }
}

/// Applies f in place; where there are two copies, the first.
fn activate(activation: Activation, values: &mut [f32]) {
    let leaky = |z: f32| if z < 0.0 { LEAKY_SLOPE * z } else { z };
    let values = values.iter_mut();
    match activation {
        Activation::Identity => {}
        Activation::Relu | Activation::Crelu => values.for_each(|z| *z = relu(*z)),
        Activation::LeakyRelu => values.for_each(|z| *z = leaky(*z)),
        Activation::Tanh => values.for_each(|z| *z = z.tanh()),
        Activation::Gelu => values.for_each(|z| *z *= normal_cdf(*z)),
        Activation::Silu => values.for_each(|z| *z *= logistic(*z)),
        Activation::Fourier => values.for_each(|z| *z = sine(*z, 0.0)),
    }
}

/// The second copy of f(z).
fn mirror(activation: Activation, z: f32) -> f32 {
    match activation {
        Activation::Fourier => sine(z, 1.0),
        _ => relu(-z),
    }
}

/// Applies f to a row whose first `columns` elements are z, in place, and stores z where it is kept. The second copy's
/// padding, after `units`, becomes zero.
pub(crate) fn write_value(
    activation: Activation,
    columns: usize,
    units: usize,
    row: &mut [f32],
    kept: Option<&mut [f32]>,
) {
    let (z, second) = row.split_at_mut(columns);
    if let Some(kept) = kept {
        kept.copy_from_slice(z);
    }
    if !second.is_empty() {
        let (second, padding) = second.split_at_mut(units);
        for (m, z) in second.iter_mut().zip(&*z) {
            *m = mirror(activation, *z);
        }
        padding.fill(0.0);
    }
    activate(activation, z);
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
    pulp::Arch::new().dispatch(|| multiply_inlined(activation, width, arguments, gradients));
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
    let Some(second_derivative) = second_derivative(activation) else {
        return;
    };
    let copies = activation.copies() as usize;
    let rows = sums.chunks_mut(width).zip(gradients.chunks(copies * width));
    let arguments = arguments.chunks(width).zip(tangents.chunks(width));
    for ((sums, gradients), (x, tangents)) in rows.zip(arguments) {
        let (first, second) = gradients.split_at(width);
        let terms = x.iter().zip(tangents);
        for ((sum, g), (x, tangent)) in sums.iter_mut().zip(first).zip(terms.clone()) {
            *sum += second_derivative(*x) * tangent * g;
        }
        for ((sum, g), (x, tangent)) in sums.iter_mut().zip(second).zip(terms) {
            *sum += mirror_second_derivative(*x) * tangent * g;
        }
    }
}

/// Inlined into callers that [`pulp`] compiles for the widest vectors.
#[inline(always)]
fn multiply_inlined(
    activation: Activation,
    width: usize,
    arguments: &[f32],
    gradients: &mut [f32],
) {
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

/// Returns f''(z) as a factor of Rz, where z is kept; for tanh, as a factor of Ra = f'(z) Rz. `None` where f'' is zero.
pub(crate) fn second_derivative(activation: Activation) -> Option<fn(f32) -> f32> {
    match activation {
        Activation::Identity | Activation::Relu | Activation::Crelu | Activation::LeakyRelu => None,
        Activation::Tanh => Some(|a| -2.0 * a),
        Activation::Gelu => Some(|z| normal_density(z) * (2.0 - z * z)),
        Activation::Silu => Some(|z| {
            let p = logistic(z);
            p * (1.0 - p) * (2.0 + z * (1.0 - 2.0 * p))
        }),
        Activation::Fourier => Some(|z| -sine(z, 0.0)),
    }
}

/// Returns f''(z) of the second copy.
pub(crate) fn mirror_second_derivative(z: f32) -> f32 {
    -sine(z, 1.0)
}

/// Adds what a buffer held `before` to what it holds now, where it accumulates.
pub(crate) fn add_before(sums: &mut [f32], before: Option<Vec<f32>>) {
    let before = before.unwrap_or_default();
    sums.iter_mut().zip(before).for_each(|(sum, b)| *sum += b);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -20 to 20 and beyond, dense around zero.
    fn points() -> impl Iterator<Item = f32> {
        let dense = (-200_000..=200_000).map(|i| i as f32 * 1e-4);
        dense.chain([-8_000.0, -300.5, 88.7, 1_234.5, 8_000.0, 1e-30, -1e-30])
    }

    /// erf by its Taylor series up to 3, by the continued fraction of erfc beyond (Abramowitz and Stegun, 7.1.6 and 7.1.14).
    fn exact_erf(x: f64) -> f64 {
        let size = x.abs();
        if size < 3.0 {
            let mut term = size;
            let mut sum = size;
            for n in 1..80 {
                term *= 2.0 * size * size / f64::from(2 * n + 1);
                sum += term;
            }
            return x.signum() * sum * (-size * size).exp() * 2.0 / std::f64::consts::PI.sqrt();
        }
        let fraction = (1..60)
            .rev()
            .fold(size, |below, n| size + 0.5 * f64::from(n) / below);
        let erfc = (-size * size).exp() / fraction / std::f64::consts::PI.sqrt();
        x.signum() * (1.0 - erfc)
    }

    #[test]
    fn erf_and_sine_are_as_near_as_stated() {
        assert!((exact_erf(0.5) - 0.520_499_877_813_046_5).abs() < 1e-15);
        assert!((exact_erf(3.5) - 0.999_999_256_901_627_7).abs() < 1e-15);
        for x in points() {
            let near = |found: f32, wanted: f64, bound: f64| {
                let error = (f64::from(found) - wanted).abs();
                assert!(error <= bound, "{x}: {found} instead of {wanted}");
            };
            near(erf(x), exact_erf(x.into()), 4e-7);
            near(sine(x, 0.0), f64::from(x).sin(), 1e-7);
            near(sine(x, 1.0), f64::from(x).cos(), 1e-7);
        }
    }

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
            let mut values = [f32::NAN, -1e5];
            activate(activation, &mut values);
            assert!(values[0].is_nan() && values[1].is_finite());
        }
        let mut tails = [-30.0, 30.0];
        activate(Gelu, &mut tails);
        assert_eq!(tails, [0.0, 30.0]);
    }
}
