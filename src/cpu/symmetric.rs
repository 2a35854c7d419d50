//! Eigenpairs of symmetric 3 by 3 matrices, by Jacobi's method; bit for bit the twin of `ends` in
//! `shaders/probe/lobpcg_solve.wgsl`.

/// The number of times that every element off the diagonal is rotated away.
const SWEEPS: usize = 6;

/// Elements off the diagonal below this share of the diagonal are left as they are.
const NEGLIGIBLE: f32 = 1e-15;

/// The inner product of two vectors.
pub(super) fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Two eigenpairs of a symmetric matrix: that of the eigenvalue of largest absolute value, and that of the eigenvalue
/// farthest towards the other end of the spectrum.
pub(super) fn ends(mut t: [[f32; 3]; 3]) -> [(f32, [f32; 3]); 2] {
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..SWEEPS {
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            rotate(&mut t, &mut v, i, j);
        }
    }
    let mut best = 0;
    for k in 1..3 {
        if t[k][k].abs() > t[best][best].abs() {
            best = k;
        }
    }
    let value = t[best][best];
    let (mut other, third) = ((best + 1) % 3, (best + 2) % 3);
    if value.signum() * t[third][third] < value.signum() * t[other][other] {
        other = third;
    }
    [best, other].map(|k| {
        let norm = dot(v[k], v[k]).sqrt();
        (t[k][k], v[k].map(|x| x / norm))
    })
}

/// One rotation of Jacobi's method; the rows of `v` are the eigenvectors.
fn rotate(t: &mut [[f32; 3]; 3], v: &mut [[f32; 3]; 3], i: usize, j: usize) {
    let (a, b, off) = (t[i][i], t[j][j], t[i][j]);
    if off.abs() <= NEGLIGIBLE * (a.abs() + b.abs()) {
        return;
    }
    let tau = (b - a) / (2.0 * off);
    let sign = if tau >= 0.0 { 1.0 } else { -1.0 };
    let tangent = sign / (tau.abs() + (1.0 + tau * tau).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let sine = tangent * cosine;
    let turn = |a: &mut f32, b: &mut f32| {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    };
    for rows in [&mut *t, v] {
        let [row_i, row_j] = rows.get_disjoint_mut([i, j]).expect("two rows");
        row_i.iter_mut().zip(row_j).for_each(|(a, b)| turn(a, b));
    }
    for row in t {
        let [a, b] = row.get_disjoint_mut([i, j]).expect("two columns");
        turn(a, b);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rng::{pcg4d, unit_uniform};

    /// A uniform number from -1 to 1.
    pub(in crate::cpu) fn noise(seed: u32, number: u32) -> f32 {
        2.0 * unit_uniform(pcg4d([seed, number, 7, 1])[0]) - 1.0
    }

    /// The matrix with these diagonal elements, and then elements 01, 02 and 12.
    pub(in crate::cpu) fn symmetric(entries: [f32; 6]) -> [[f32; 3]; 3] {
        let [a, b, c, d, e, f] = entries;
        [[a, d, e], [d, b, f], [e, f, c]]
    }

    /// Computes the eigenvalues by Smith's trigonometric solution of the characteristic cubic (Comm. ACM 4, 1961).
    pub(in crate::cpu) fn by_trigonometry(t: [[f32; 3]; 3]) -> [f64; 3] {
        let t = t.map(|row| row.map(f64::from));
        let mean = (t[0][0] + t[1][1] + t[2][2]) / 3.0;
        let off = t[0][1].powi(2) + t[0][2].powi(2) + t[1][2].powi(2);
        let diagonal: f64 = (0..3).map(|i| (t[i][i] - mean).powi(2)).sum();
        let size = ((diagonal + 2.0 * off) / 6.0).sqrt();
        if size == 0.0 {
            return [mean; 3];
        }
        let b = |i: usize, j: usize| (t[i][j] - if i == j { mean } else { 0.0 }) / size;
        let determinant = b(0, 0) * (b(1, 1) * b(2, 2) - b(1, 2) * b(2, 1))
            - b(0, 1) * (b(1, 0) * b(2, 2) - b(1, 2) * b(2, 0))
            + b(0, 2) * (b(1, 0) * b(2, 1) - b(1, 1) * b(2, 0));
        let angle = (determinant / 2.0).clamp(-1.0, 1.0).acos() / 3.0;
        let turn = 2.0 * std::f64::consts::PI / 3.0;
        [0.0, 1.0, 2.0].map(|k| mean + 2.0 * size * (angle + k * turn).cos())
    }

    fn check_ends(t: [[f32; 3]; 3]) {
        let [(value, u), (other, q)] = ends(t);
        let all = by_trigonometry(t);
        let size = all.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        let (largest, least) = (
            all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            all.iter().copied().fold(f64::INFINITY, f64::min),
        );
        let is = |found: f32, wanted: f64| (f64::from(found) - wanted).abs() <= 2e-6 * size;
        let is_high = is(value, largest) && is(other, least);
        let is_low = is(value, least) && is(other, largest);
        assert!(is_high || is_low, "{t:?}: {value}, {other}, {all:?}");
        assert!(
            f64::from(value.abs()) >= size * (1.0 - 2e-6),
            "{t:?}: {value}, {all:?}"
        );
        for (value, u) in [(value, u), (other, q)] {
            let u = u.map(f64::from);
            let norm_sq: f64 = u.iter().map(|x| x * x).sum();
            assert!((norm_sq - 1.0).abs() <= 1e-6, "{t:?}: {u:?}");
            for (row, x) in t.iter().zip(u) {
                let product: f64 = row.iter().zip(u).map(|(t, x)| f64::from(*t) * x).sum();
                let error = (product - f64::from(value) * x).abs();
                assert!(error <= 2e-6 * size, "{t:?}: {u:?}");
            }
        }
    }

    #[test]
    fn eigenpairs_equal_the_roots_of_the_characteristic_cubic() {
        for seed in 0..2_000 {
            let t = symmetric(std::array::from_fn(|i| noise(seed, i as u32)));
            for scale in [1.0, 1e-18, 1e18] {
                check_ends(t.map(|row| row.map(|x| scale * x)));
            }
            let weakly = |x| 1e-6 * x;
            let [a, b, c] = [0, 1, 2].map(|i| noise(seed, 10 + i));
            check_ends(symmetric([a, b, c, weakly(b), 0.0, weakly(a)]));
            check_ends(symmetric([a, -a, 0.0, weakly(b), 0.0, c]));
        }
    }

    #[test]
    fn degenerate_matrices_have_eigenpairs_too() {
        for entries in [
            [0.0; 6],
            [2.0, 2.0, 2.0, 0.0, 0.0, 0.0],
            [-3.0, 1.0, 3.0, 0.0, 0.0, 0.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 0.0, 1.0],
            [0.0, 0.0, 1e-30, 0.0, 0.0, 0.0],
            [5.0, 0.0, 0.0, 1e-12, 0.0, 1e-12],
        ] {
            check_ends(symmetric(entries));
        }
        assert_eq!(
            ends(symmetric([5.0, 0.0, 0.0, 0.0, 0.0, 0.0]))[0],
            (5.0, [1.0, 0.0, 0.0])
        );
    }
}
