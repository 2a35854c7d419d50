//! Twin of `shaders/probe/lobpcg_solve.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::sum_of_slot;
use crate::cpu::symmetric::{dot, ends};
use crate::kernels::LobpcgSolve;
use crate::state::{CONTESTED, LobpcgStep, ProbeSlot, SLOT_CONVERGED, SLOT_DIVERGED, SLOT_RUNNING};

const DEPENDENT: f32 = 1e-4;
const ROUNDING: f32 = 1e-12;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::symmetric::tests::{by_trigonometry, noise, symmetric};
    use bytemuck::Zeroable;

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
