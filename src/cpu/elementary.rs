//! Elementary functions that a compiler can compute on whole vectors, unlike the library's. Shaders have erf and sine too, in
//! `shaders/common/activation.wgsl`.

/// Returns erf(x) within 4e-7, by the rational approximation of Eigen (`generic_fast_erf_float`), which XLA has too.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
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

/// Returns exp(x) within 2e-7 of its size for |x| up to 87, and exp(87) or exp(-87) beyond.
///
/// The reduction and the polynomial are those of `expf` in Cephes (Moshier).
#[inline(always)]
pub(crate) fn exponential(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let k = rounded - ROUNDER;
    let r = (x - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let coefficients = [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let p = coefficients
        .into_iter()
        .fold(1.987_569_1e-4, |p, c| p * r + c);
    let exponent = rounded.to_bits().wrapping_sub(ROUNDER.to_bits());
    (p * r * r + r + 1.0) * f32::from_bits(exponent.wrapping_add(127) << 23)
}

/// Returns sin(z + turns pi / 2) within 1e-7 for |z| up to 8192, and within [-1, 1] beyond; z where it is not finite.
///
/// The reduction in three steps and the polynomials on [-pi/4, pi/4] are those of `sinf` and `cosf` in Cephes (Moshier).
#[inline(always)]
pub(crate) fn sine(z: f32, turns: f32) -> f32 {
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
    fn the_exponential_is_as_near_as_stated() {
        for i in -870_000..=870_000 {
            let x = i as f32 * 1e-4;
            let wanted = f64::from(x).exp();
            let error = (f64::from(exponential(x)) - wanted).abs();
            assert!(error <= 2e-7 * wanted, "{x}: {}", exponential(x));
        }
        assert_eq!(exponential(0.0), 1.0);
        assert_eq!(exponential(f32::INFINITY), exponential(87.0));
        assert!(exponential(f32::NAN).is_nan() && exponential(f32::NEG_INFINITY) < 2e-38);
    }
}
