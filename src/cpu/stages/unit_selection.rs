//! Twin of `shaders/stages/unit_selection.wgsl`.

use bytemuck::Zeroable;

use crate::cpu::Array;
use crate::kernels::UnitSelection;
use crate::state::{
    HiddenLayer, RENEWAL_CONTINUAL_BACKPROP, RENEWAL_REDO, RenewalSettings, ReplicaState,
    UnitRecord, UnitStatistic,
};

pub(crate) fn run(_: &UnitSelection, arrays: &mut [Array; 6]) {
    let [renewals, states, layers, statistics, records, credits] = arrays;
    let statistics = statistics.write::<UnitStatistic>();
    for statistic in statistics.iter_mut() {
        statistic.renewed = 0;
    }
    let renewal = &renewals.read::<RenewalSettings>()[0];
    if !renewal.is_due(&states.read::<ReplicaState>()[0]) {
        return;
    }
    let layers = layers.read::<HiddenLayer>().iter();
    for (layer, credit) in layers.zip(credits.write::<f32>()) {
        let statistics = &mut statistics[layer.all_units()];
        let records = &mut records.write::<UnitRecord>()[layer.all_units()];
        match renewal.method {
            RENEWAL_REDO => select_dormant(renewal, statistics),
            RENEWAL_CONTINUAL_BACKPROP => select_least_useful(renewal, statistics, records, credit),
            _ => select_silent(renewal, statistics, records),
        }
    }
}

fn select_dormant(renewal: &RenewalSettings, statistics: &mut [UnitStatistic]) {
    let total: f32 = statistics.iter().map(|unit| unit.activity).sum();
    let largest = renewal.threshold * (total / statistics.len() as f32);
    for unit in statistics {
        unit.renewed = u32::from(unit.activity <= largest);
    }
}

fn select_least_useful(
    renewal: &RenewalSettings,
    statistics: &mut [UnitStatistic],
    records: &mut [UnitRecord],
    credit: &mut f32,
) {
    let mut eligible = 0.0;
    for (record, unit) in records.iter_mut().zip(&*statistics) {
        record.mean = renewal.decay * record.mean + renewal.one_minus_decay * unit.contribution;
        record.age = record.age.wrapping_add(1);
        eligible += f32::from(u8::from(record.age > renewal.maturity));
    }
    let owed = *credit + renewal.rate * eligible;
    let renewed = owed.floor().max(0.0).min(eligible);
    *credit = owed - renewed;
    for _ in 0..renewed as u32 {
        let units = records.iter().enumerate();
        let eligible = units.filter(|(_, record)| record.age > renewal.maturity);
        // The first of several smallest.
        let least = eligible.min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean));
        if let Some((unit, _)) = least {
            statistics[unit].renewed = 1;
            records[unit] = UnitRecord::zeroed();
        }
    }
}

fn select_silent(
    renewal: &RenewalSettings,
    statistics: &mut [UnitStatistic],
    records: &mut [UnitRecord],
) {
    for (record, unit) in records.iter_mut().zip(statistics) {
        let age = record.age.wrapping_add(1);
        let mean = match record.intervals {
            0 => 1.0,
            _ => record.mean,
        };
        let fired = unit.fired == 1;
        let is_renewed = !fired && age as f32 > mean * renewal.threshold;
        if fired || is_renewed {
            record.intervals = record.intervals.min(renewal.window - 1) + 1;
            record.mean += (age as f32 - record.mean) / record.intervals as f32;
            record.age = 0;
        } else {
            record.age = age;
        }
        unit.renewed = u32::from(is_renewed);
    }
}
