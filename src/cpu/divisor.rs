//! The second moment v by whose root AMSGrad and Adam with the larger of two second moments divide.
//! `shaders/common/optimiser.wgsl` has the formulas.

use rayon::prelude::*;

use crate::cpu::optimiser::{SECOND_MOMENT_FLOOR, flush};
use crate::spec::optimiser::{OPTIMISER_ADAM_MAX, OPTIMISER_AMSGRAD};
use crate::state::{ReplicaConfig, ReplicaState};

/// The number of elements that one task of the thread pool updates.
pub(crate) const ELEMENTS_PER_TASK: usize = 1 << 15;

/// The numbers that make the optimiser's gradient of that of the loss: `scale (gradient + l2 theta)`.
#[derive(Clone, Copy)]
pub(crate) struct Term {
    pub(crate) scale: f32,
    pub(crate) l2: f32,
}

impl Term {
    #[inline(always)]
    pub(crate) fn gradient(self, gradient: f32, theta: f32) -> f32 {
        self.scale * (gradient + self.l2 * theta)
    }
}

/// 1 - beta^t without cancellation.
pub(super) fn correction_of(beta: f32, one_minus_beta: f32, t: u32) -> f32 {
    let bits = u32::BITS - t.leading_zeros();
    (0..bits).rev().fold(0.0, |correction: f32, bit| {
        let doubled = correction * (2.0 - correction);
        if t >> bit & 1 == 1 {
            one_minus_beta + beta * doubled
        } else {
            doubled
        }
    })
}

/// Advances the second moments `second` `[moments, stride]` of all parameters, and computes v, the first of them.
pub(crate) fn advance(
    config: &ReplicaConfig,
    state: &ReplicaState,
    term: Term,
    [gradients, parameters]: [&[f32]; 2],
    second: &mut [f32],
) {
    let (v, others) = second.split_at_mut(gradients.len());
    let tasks = gradients
        .par_chunks(ELEMENTS_PER_TASK)
        .zip(parameters.par_chunks(ELEMENTS_PER_TASK))
        .zip(v.par_chunks_mut(ELEMENTS_PER_TASK));
    match config.optimiser {
        OPTIMISER_AMSGRAD => {
            let slow = others.par_chunks_mut(ELEMENTS_PER_TASK);
            tasks.zip(slow).for_each(|(((g, theta), v), slow)| {
                for (((g, theta), v), slow) in g.iter().zip(theta).zip(v).zip(slow) {
                    *slow = slow_mean(config, *slow, term.gradient(*g, *theta));
                    *v = v.max(*slow);
                }
            });
        }
        OPTIMISER_ADAM_MAX => {
            let t = state.optimiser_updates.wrapping_add(1);
            let of_fast = correction_of(config.fast_beta2, config.one_minus_fast_beta2, t);
            let share = state.correction2 / of_fast;
            let (slow, fast) = others.split_at_mut(gradients.len());
            let slow = slow.par_chunks_mut(ELEMENTS_PER_TASK);
            let both = slow.zip(fast.par_chunks_mut(ELEMENTS_PER_TASK));
            tasks.zip(both).for_each(|(((g, theta), v), (slow, fast))| {
                let moments = v.iter_mut().zip(slow).zip(fast);
                for ((g, theta), ((v, slow), fast)) in g.iter().zip(theta).zip(moments) {
                    let g = term.gradient(*g, *theta);
                    *slow = slow_mean(config, *slow, g);
                    let next = config.fast_beta2 * *fast + config.one_minus_fast_beta2 * g * g;
                    *fast = flush(next, SECOND_MOMENT_FLOOR);
                    *v = slow.max(share * *fast);
                }
            });
        }
        _ => {}
    }
}

#[inline(always)]
fn slow_mean(config: &ReplicaConfig, slow: f32, g: f32) -> f32 {
    let next = config.beta2 * slow + config.one_minus_beta2 * g * g;
    flush(next, SECOND_MOMENT_FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_exact_to_rounding() {
        for beta in [0.0_f32, 0.5, 0.9, 0.999] {
            let complement = (1.0 - f64::from(beta)) as f32;
            for t in [1, 2, 3, 7, 100, 12_345, u32::MAX] {
                let wanted = 1.0 - f64::from(beta).powf(f64::from(t));
                let found = f64::from(correction_of(beta, complement, t));
                assert!((found / wanted - 1.0).abs() < 1e-5, "{beta}, {t}: {found}");
            }
        }
    }
}
