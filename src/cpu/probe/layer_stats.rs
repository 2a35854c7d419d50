//! Twin of `shaders/probe/layer_stats.wgsl`.

use crate::cpu::Array;
use crate::cpu::optimiser::{Rule, Setting, with_rule};
use crate::kernels::LayerStatsParams;
use crate::state::{LayerControl, LayerRecord, LayerSums, PARTIALS, ReplicaConfig, ReplicaState};

/// Sums over a whole layer, or over all layers.
#[derive(Clone, Copy, Default)]
struct Totals {
    gradient: f32,
    objective: f32,
    weight: f32,
    update: f32,
    main_second_moment: f32,
    other_second_moment: f32,
    norm: f32,
    main_count: f32,
    other_count: f32,
    /// Sum of the step size over the elements of main tensors.
    steps: f32,
    /// The same sum of the step sizes of the latest update, after clipping.
    clipped_steps: f32,
}

pub(crate) fn run(_: &LayerStatsParams, arrays: &mut [Array; 6]) {
    let [configs, states, controls, sums, norms, records] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = states.read::<ReplicaState>()[0];
    let layers = controls
        .read::<LayerControl>()
        .iter()
        .zip(sums.read::<LayerSums>().chunks(PARTIALS as usize))
        .zip(norms.read::<f32>());
    let records = records.write::<LayerRecord>();
    let mut network = Totals::default();
    for (((control, sums), norm), entry) in layers.zip(&mut *records) {
        let clipped = config.clipped_step_size(control.step_size, control.clip_ratio);
        let mut layer = Totals {
            norm: *norm,
            main_count: control.main_count as f32,
            other_count: control.other_count as f32,
            steps: control.main_count as f32 * control.step_size,
            clipped_steps: control.main_count as f32 * clipped,
            ..Totals::default()
        };
        for sums in sums {
            layer.gradient += sums.gradient;
            layer.objective += sums.objective;
            layer.weight += sums.weight;
            layer.update += sums.update;
            layer.main_second_moment += sums.main_second_moment;
            layer.other_second_moment += sums.other_second_moment;
        }
        let steps = [control.step_size, clipped];
        *entry = record(&config, &state, &layer, steps, control.clip_ratio);
        network.gradient += layer.gradient;
        network.objective += layer.objective;
        network.weight += layer.weight;
        network.update += layer.update;
        network.main_second_moment += layer.main_second_moment;
        network.other_second_moment += layer.other_second_moment;
        network.norm += layer.norm;
        network.main_count += layer.main_count;
        network.other_count += layer.other_count;
        network.steps += layer.steps;
        network.clipped_steps += layer.clipped_steps;
    }
    let steps = [network.steps, network.clipped_steps].map(|sum| sum / network.main_count);
    if let Some(last) = records.last_mut() {
        *last = record(&config, &state, &network, steps, 0.0);
    }
}

/// The record of `totals`, at a step size without and with clipping.
fn record(
    config: &ReplicaConfig,
    state: &ReplicaState,
    totals: &Totals,
    [step_size, clipped]: [f32; 2],
    clip_ratio: f32,
) -> LayerRecord {
    let setting = Setting {
        config,
        corrections: config.latest_corrections(state),
        step_size: clipped,
    };
    let effective_step = if state.optimiser_updates > 0 {
        let mean = totals.main_second_moment / totals.main_count;
        with_rule!(setting, |rule| rule.effective_step(mean))
    } else {
        0.0
    };
    LayerRecord {
        grad_norm_sq: totals.gradient,
        objective_grad_norm_sq: totals.objective,
        grad_variance: (totals.norm - totals.gradient).max(0.0),
        weight_norm: totals.weight.sqrt(),
        update_norm: totals.update.sqrt(),
        step_size,
        effective_step,
        second_moment: (totals.main_second_moment + totals.other_second_moment)
            / (totals.main_count + totals.other_count),
        clip_ratio,
        clip_factor: config.clipped_step_size(1.0, clip_ratio),
    }
}
