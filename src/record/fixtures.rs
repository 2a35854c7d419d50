//! Rows for tests.

use super::{ProbeRow, TaskRow};
use crate::scheduler::Action;

/// Returns a row with numbers that are exact in binary.
pub(crate) fn task_row(arm: &str, seed: u32, task: u32, online_accuracy: f64) -> TaskRow {
    TaskRow {
        arm: arm.to_owned(),
        seed,
        task,
        online_accuracy,
        online_loss: 2.0,
        final_accuracy: 0.5,
        final_loss: 1.0,
    }
}

/// Returns a row in which every cell is full.
pub(crate) fn probe_row(arm: &str, seed: u32, update: u32, layer: &str) -> ProbeRow {
    ProbeRow {
        arm: arm.to_owned(),
        seed,
        task: 1,
        update,
        layer: layer.to_owned(),
        loss: 2.5,
        accuracy: 0.125,
        step_size: 1e-3,
        effective_step: Some(0.25),
        sharpness: Some(140.0),
        residual: Some(0.01),
        iterations: 12,
        converged: true,
        sharpness_normalised: Some(35.0),
        sharpness_mean: Some(7.0),
        sharpness_variance: Some(3.5),
        volatility: Some(0.5),
        grad_norm_sq: 0.5,
        objective_grad_norm_sq: 0.6,
        grad_variance: 16.0,
        second_moment: 2e-6,
        bound_noise: Some(0.5),
        bound_volatility: Some(0.5),
        bound_combined: Some(0.25),
        bound_tau: Some(0.125),
        violation: Some(false),
        action: Some(Action::Hold),
        next_step_size: Some(1e-3),
        weight_norm: 7.0,
        update_norm: 0.75,
        clip_ratio: None,
        clip_factor: None,
    }
}
