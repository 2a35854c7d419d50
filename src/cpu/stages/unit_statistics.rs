//! Twin of `shaders/stages/unit_statistics.wgsl`.

use crate::cpu::Array;
use crate::kernels::UnitStatistics;
use crate::state::{RenewalSettings, ReplicaState, UnitStatistic};

pub(crate) fn run(params: &UnitStatistics, arrays: &mut [Array; 5]) {
    let [renewals, states, activations, parameters, statistics] = arrays;
    let renewal = &renewals.read::<RenewalSettings>()[0];
    if !renewal.is_due(&states.read::<ReplicaState>()[0]) {
        return;
    }
    let (units, padded_units) = (params.units as usize, params.padded_units as usize);
    let columns = params.copies as usize * padded_units;
    let mut sums = vec![(0.0, 0.0_f32); columns];
    let samples = activations.read::<f32>().chunks(columns);
    for sample in samples.take(params.batch as usize) {
        for ((magnitude, positive), h) in sums.iter_mut().zip(sample) {
            *magnitude += h.abs();
            *positive += h.max(0.0);
        }
    }
    let weights = &parameters.read::<f32>()[params.outgoing as usize..];
    let first = params.first_unit as usize;
    let statistics = &mut statistics.write::<UnitStatistic>()[first..first + units];
    for (unit, statistic) in statistics.iter_mut().enumerate() {
        statistic.activity = 0.0;
        statistic.contribution = 0.0;
        statistic.fired = 0;
        for row in (unit..columns).step_by(padded_units) {
            let (magnitude, positive) = sums[row];
            let outputs = params.outputs as usize;
            let weights = &weights[row * outputs..(row + 1) * outputs];
            let outgoing: f32 = weights.iter().map(|w| w.abs()).sum();
            statistic.activity += magnitude;
            statistic.contribution += magnitude * outgoing;
            statistic.fired |= u32::from(positive > 0.0);
        }
        statistic.activity *= params.inverse_batch;
        statistic.contribution *= params.inverse_batch;
    }
}
