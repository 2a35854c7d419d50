//! Elementary functions that a compiler can compute on whole vectors, unlike the library's. Shaders have erf and sine too, in
//! `shaders/common/`.

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

/// Returns log(x) within 2e-7 of its size for normal x that are positive and at most 1; what it returns for others is
/// unspecified.
///
/// The reduction and the polynomial are those of `logf` in Cephes (Moshier).
#[inline(always)]
pub(crate) fn logarithm(x: f32) -> f32 {
    // The exponent of x / sqrt(1/2), and x over that power of two, which is in [sqrt(1/2), sqrt(2)).
    let shifted = x
        .to_bits()
        .wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits()) as i32;
    let exponent = (shifted >> 23) as f32;
    let scaled = x.to_bits().wrapping_sub((shifted & !0x7f_ffff) as u32);
    let r = f32::from_bits(scaled) - 1.0;
    let coefficients = [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let p = coefficients
        .into_iter()
        .fold(7.037_683_6e-2, |p, c| p * r + c);
    let square = r * r;
    let y = p * r * square - 2.121_944_4e-4 * exponent - 0.5 * square;
    r + y + 0.693_359_4 * exponent
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
    fn the_logarithm_is_as_near_as_stated() {
        let fractions = (1..=1 << 12).map(|k| k as f32 / 4096.0);
        let small = (0..120).map(|k| 0.9_f32.powi(k * 7));
        let near = (0..200).map(|k| 1.0 - k as f32 * f32::EPSILON / 2.0);
        for x in fractions.chain(small).chain(near).filter(|x| x.is_normal()) {
            let wanted = f64::from(x).ln();
            let found = f64::from(logarithm(x));
            let within = 2e-7 * wanted.abs();
            assert!((found - wanted).abs() <= within, "{x}: {found}, {wanted}");
        }
        // The negative control: a polynomial that lacks its first term misses it.
        let cut = |r: f64| r - r * r / 2.0;
        assert!((cut(0.5) - 1.5_f64.ln()).abs() > 2e-7);
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
