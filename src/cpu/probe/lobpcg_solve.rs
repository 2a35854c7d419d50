//! Twin of `shaders/probe/lobpcg_solve.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::sum_of_slot;
use crate::kernels::LobpcgSolve;
use crate::state::{CONTESTED, LobpcgStep, ProbeSlot, SLOT_CONVERGED, SLOT_DIVERGED, SLOT_RUNNING};

const DEPENDENT: f32 = 1e-4;
const ROUNDING: f32 = 1e-12;
const SWEEPS: usize = 6;
const NEGLIGIBLE: f32 = 1e-15;

pub(crate) fn run(params: &LobpcgSolve, arrays: &mut [Array; 4]) {
    let [partials, direction_partials, slots, steps] = arrays;
    let layers = params.layers as usize;
    let (slots, steps) = (slots.write::<ProbeSlot>(), steps.write::<LobpcgStep>());
    for (number, (slot, step)) in slots.iter_mut().zip(steps).enumerate() {
        step.is_taken = 0;
        if slot.status == SLOT_RUNNING {
            let [w_hw, ..] = sum_of_slot(partials.read(), layers, number);
            let sums = sum_of_slot(direction_partials.read(), layers, number);
            solve(slot, step, w_hw, sums);
        }
    }
}

/// One step of a running slot; `step` still holds the previous one.
fn solve(slot: &mut ProbeSlot, step: &mut LobpcgStep, w_hw: f32, sums: [f32; 4]) {
    slot.iterations += 1;
    if !w_hw.is_finite() {
        slot.status = SLOT_DIVERGED;
        slot.has_vector = 0;
        return;
    }
    let lambda = slot.eigenvalue;
    let inverse_scale = 1.0 / slot.scale;
    let [ww, xw, wp, w_hp] = sums;

    let left = ww - xw * xw;
    if left <= (DEPENDENT * ww).max(ROUNDING) {
        slot.status = SLOT_CONVERGED;
        return;
    }
    let n2 = left.sqrt();
    let c = wp / n2;
    let has_p = (wp != 0.0 || w_hp != 0.0) && 1.0 - c * c > DEPENDENT;
    let n3 = if has_p { (1.0 - c * c).sqrt() } else { 1.0 };
    let mut t = [[0.0; 3]; 3];
    let x_hw = lambda * xw + ww * inverse_scale;
    t[0][0] = lambda + xw * inverse_scale;
    t[0][1] = n2 * inverse_scale;
    t[1][0] = t[0][1];
    t[1][1] = (w_hw - 2.0 * xw * x_hw + xw * xw * t[0][0]) / left;
    if has_p {
        let e2_hp = w_hp / n2;
        t[1][2] = (e2_hp - c * t[1][1]) / n3;
        t[2][1] = t[1][2];
        t[2][2] = (step.curvature - 2.0 * c * e2_hp + c * c * t[1][1]) / (n3 * n3);
    }

    let [(eigenvalue, u), (other, other_u)] = ends(t);
    slot.eigenvalue = eigenvalue;
    slot.scale = 1.0 / eigenvalue.abs();
    let s = (u[1] * u[1] + u[2] * u[2]).sqrt();
    let next_p = if -eigenvalue.signum() * other > CONTESTED * eigenvalue.abs() {
        other_u
    } else {
        [-s, u[0] * (u[1] / s), u[0] * (u[2] / s)]
    };
    let in_xwp = |[e1, e2, e3]: [f32; 3]| {
        let p = e3 / n3;
        let w = (e2 - c * p) / n2;
        [e1 - xw * w, w, p]
    };
    let [iterate_x, iterate_w, iterate_p] = in_xwp(u);
    let [previous_x, previous_w, previous_p] = in_xwp(next_p);
    *step = LobpcgStep {
        iterate_x,
        iterate_w,
        iterate_p,
        previous_x,
        previous_w,
        previous_p,
        eigenvalue: lambda,
        inverse_scale,
        curvature: dot(next_p, t.map(|row| dot(row, next_p))),
        next_eigenvalue: slot.eigenvalue,
        next_scale: slot.scale,
        is_taken: 1,
    };
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Two eigenpairs of a symmetric matrix: that of the eigenvalue of largest absolute value, and that of the eigenvalue
/// farthest towards the other end of the spectrum.
fn ends(mut t: [[f32; 3]; 3]) -> [(f32, [f32; 3]); 2] {
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
mod tests {
    use super::*;
    use crate::rng::{pcg4d, unit_uniform};
    use crate::state::SLOT_RUNNING;
    use bytemuck::Zeroable;

    fn noise(seed: u32, number: u32) -> f32 {
        2.0 * unit_uniform(pcg4d([seed, number, 7, 1])[0]) - 1.0
    }

    fn symmetric(entries: [f32; 6]) -> [[f32; 3]; 3] {
        let [a, b, c, d, e, f] = entries;
        [[a, d, e], [d, b, f], [e, f, c]]
    }

    /// Computes the eigenvalues by Smith's trigonometric solution of the characteristic cubic (Comm. ACM 4, 1961).
    fn by_trigonometry(t: [[f32; 3]; 3]) -> [f64; 3] {
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

    /// LOBPCG on an `N` by `N` matrix, in double precision apart from the kernel's part.
    struct Method<const N: usize> {
        h: [[f64; N]; N],
        x: [f64; N],
        w: [f64; N],
        p: [f64; N],
        slot: ProbeSlot,
        last: LobpcgStep,
    }

    fn dot_of<const N: usize>(a: [f64; N], b: [f64; N]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    impl<const N: usize> Method<N> {
        fn new(seed: u32) -> Self {
            let entry =
                |i: usize, j: usize| f64::from(noise(seed, (i.max(j) * N + i.min(j)) as u32));
            let h = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
            let start: [f64; N] = std::array::from_fn(|i| f64::from(noise(seed, 1_000 + i as u32)));
            let norm = dot_of(start, start).sqrt();
            let mut method = Self {
                h,
                x: start.map(|x| x / norm),
                w: [0.0; N],
                p: [0.0; N],
                slot: ProbeSlot {
                    status: SLOT_RUNNING,
                    ..ProbeSlot::zeroed()
                },
                last: LobpcgStep::zeroed(),
            };
            let hx = method.times(method.x);
            method.slot.eigenvalue = dot_of(method.x, hx) as f32;
            method.slot.scale = (1.0 / dot_of(hx, hx).sqrt()) as f32;
            method.set_direction();
            method
        }

        fn times(&self, v: [f64; N]) -> [f64; N] {
            self.h.map(|row| dot_of(row, v))
        }

        fn set_direction(&mut self) {
            let (hx, scale) = (self.times(self.x), f64::from(self.slot.scale));
            let eigenvalue = f64::from(self.slot.eigenvalue);
            self.w = std::array::from_fn(|i| scale * (hx[i] - eigenvalue * self.x[i]));
        }

        fn step(&mut self) {
            let Self { x, w, p, .. } = *self;
            let w_hw = dot_of(w, self.times(w)) as f32;
            let sums = [w, x, p, self.times(p)].map(|v| dot_of(v, w) as f32);
            solve(&mut self.slot, &mut self.last, w_hw, sums);
            let by = self.last;
            let combine = |a: f32, b: f32, c: f32| -> [f64; N] {
                let [a, b, c] = [a, b, c].map(f64::from);
                std::array::from_fn(|i| a * x[i] + b * w[i] + c * p[i])
            };
            self.x = combine(by.iterate_x, by.iterate_w, by.iterate_p);
            self.p = combine(by.previous_x, by.previous_w, by.previous_p);
            self.set_direction();
        }

        /// The errors of the identities that hold after every step with a direction; 0 within rounding.
        fn errors(&self) -> [f64; 6] {
            let (hx, hp) = (self.times(self.x), self.times(self.p));
            [
                dot_of(self.x, self.x) - 1.0,
                dot_of(self.p, self.p) - 1.0,
                dot_of(self.x, self.p),
                dot_of(self.x, hp),
                dot_of(self.x, hx) - f64::from(self.slot.eigenvalue),
                dot_of(self.p, hp) - f64::from(self.last.curvature),
            ]
        }
    }

    #[test]
    fn a_step_leaves_an_orthonormal_pair_that_the_matrix_does_not_couple() {
        for seed in 0..200 {
            let mut method = Method::<9>::new(seed);
            let mut size = 0.0;
            for number in 1..=4 {
                method.step();
                let errors = method.errors();
                let is_small = |error: &f64| error.abs() <= 1e-5;
                assert!(
                    errors.iter().all(is_small),
                    "seed {seed}, step {number}: {errors:?}"
                );
                let now = f64::from(method.slot.eigenvalue).abs();
                assert!(
                    now >= size - 1e-6,
                    "seed {seed}, step {number}: {now} after {size}"
                );
                size = now;
            }
        }
    }

    #[test]
    fn three_dimensions_are_searched_in_two_steps() {
        for seed in 0..500 {
            let mut method = Method::<3>::new(seed);
            let all = by_trigonometry(method.h.map(|row| row.map(|x| x as f32)));
            let wanted = all
                .iter()
                .fold(0.0, |size: f64, value| size.max(value.abs()));
            method.step();
            let first = f64::from(method.slot.eigenvalue).abs();
            method.step();
            let second = f64::from(method.slot.eigenvalue).abs();
            assert!(
                (second - wanted).abs() <= 1e-4 * wanted,
                "seed {seed}: {second}, {all:?}"
            );
            assert!(
                first <= wanted * (1.0 + 1e-6),
                "seed {seed}: {first}, {all:?}"
            );
        }
    }

    #[test]
    fn a_last_direction_that_adds_nothing_to_the_span_stays_out() {
        let slot = ProbeSlot {
            eigenvalue: -2.0,
            scale: 0.5,
            ..ProbeSlot::zeroed()
        };
        let stepped = |w_hw, sums| {
            let (mut slot, mut step) = (
                slot,
                LobpcgStep {
                    curvature: 1e3,
                    ..LobpcgStep::zeroed()
                },
            );
            solve(&mut slot, &mut step, w_hw, sums);
            (slot, step)
        };
        // The previous direction is parallel to w, and its stored curvature is wrong: it must be left out.
        let (slot, step) = stepped(0.5, [1.0, 0.0, 1.0, 0.5]);
        let wanted = by_trigonometry(symmetric([-2.0, 0.5, 0.0, 2.0, 0.0, 0.0]));
        let largest = wanted
            .iter()
            .fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a });
        assert!(
            (f64::from(slot.eigenvalue) - largest).abs() < 1e-5,
            "{slot:?}, {wanted:?}"
        );
        assert_eq!((step.iterate_p, step.previous_p), (0.0, 0.0));
        // The previous direction is zero, and its stored curvature is that of an earlier direction.
        assert_eq!(
            stepped(0.5, [1.0, 0.0, 0.0, 0.0]).0.eigenvalue,
            slot.eigenvalue
        );
    }

    #[test]
    fn an_iteration_ends_where_there_is_nothing_to_go_on_in() {
        let slot = ProbeSlot {
            eigenvalue: -2.0,
            residual: 0.5,
            scale: 0.5,
            has_vector: 1,
            ..ProbeSlot::zeroed()
        };
        let go_on = [1e-6, 0.0, 0.0, 0.0];
        for (w_hw, sums, status, has_vector) in [
            (f32::NAN, go_on, SLOT_DIVERGED, 0),
            (f32::INFINITY, go_on, SLOT_DIVERGED, 0),
            (0.0, [0.0; 4], SLOT_CONVERGED, 1),
            (1e-13, [1e-13, 0.0, 0.0, 0.0], SLOT_CONVERGED, 1),
            (-2e-8, [1e-8, 1e-4, 0.0, 0.0], SLOT_CONVERGED, 1),
            (1e-6, go_on, SLOT_RUNNING, 1),
        ] {
            let (mut ended, mut step) = (slot, LobpcgStep::zeroed());
            solve(&mut ended, &mut step, w_hw, sums);
            let found = (ended.status, ended.has_vector, ended.iterations);
            assert_eq!(found, (status, has_vector, 1), "{w_hw}, {sums:?}");
            assert_eq!(step == LobpcgStep::zeroed(), status != SLOT_RUNNING);
            if status != SLOT_RUNNING {
                assert_eq!((ended.eigenvalue, ended.residual), (-2.0, 0.5));
            }
        }
    }
}
