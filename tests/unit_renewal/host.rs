//! The methods in float64, from their papers: a forward pass, the statistics of units, and their selection.

use std::collections::BTreeSet;

use trainable::network::{Activation, Parameters};
use trainable::spec::Intervention;

/// A unit of a hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unit {
    pub(crate) layer: usize,
    pub(crate) unit: usize,
}

/// The activations of hidden layers, `[layer][sample][copy][unit]`.
pub(crate) type Hidden = Vec<Vec<Vec<Vec<f64>>>>;

/// Computes the activations of the hidden layers.
pub(crate) fn forward(
    parameters: &Parameters,
    activation: Activation,
    inputs: &[f32],
    widths: &[u32],
) -> Hidden {
    let samples = inputs.chunks(widths[0] as usize);
    let mut rows: Vec<Vec<f64>> = samples
        .map(|sample| sample.iter().map(|x| f64::from(*x)).collect())
        .collect();
    let mut hidden = Hidden::new();
    for (weights, biases) in parameters.chunks(2).map(|pair| (&pair[0], &pair[1])) {
        let copies: Vec<_> = rows
            .iter()
            .map(|row| {
                let outputs = weights.chunks(row.len()).zip(biases);
                let z = outputs.map(|(weights, bias)| {
                    let products = weights.iter().zip(row).map(|(w, x)| f64::from(*w) * x);
                    products.sum::<f64>() + f64::from(*bias)
                });
                copies_of(activation, &z.collect::<Vec<_>>())
            })
            .collect();
        rows = copies.iter().map(|copies| copies.concat()).collect();
        hidden.push(copies);
    }
    // The last are logits.
    hidden.pop();
    hidden
}

fn copies_of(activation: Activation, z: &[f64]) -> Vec<Vec<f64>> {
    let each = |f: fn(f64) -> f64| z.iter().map(|z| f(*z)).collect::<Vec<_>>();
    match activation {
        Activation::Relu => vec![each(|z| z.max(0.0))],
        Activation::Tanh => vec![each(f64::tanh)],
        Activation::Crelu => vec![each(|z| z.max(0.0)), each(|z| (-z).max(0.0))],
        Activation::Fourier => vec![each(f64::sin), each(f64::cos)],
        other => panic!("{other:?} is not tested here"),
    }
}

/// The measurements of a unit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    activity: f64,
    contribution: f64,
    fired: bool,
}

/// The statistics of every unit, `[layer][unit]`. `after` are the parameters after the update.
pub(crate) fn statistics(
    hidden: &Hidden,
    after: &Parameters,
    widths: &[u32],
) -> Vec<Vec<Measured>> {
    let of_layer = |(layer, samples): (usize, &Vec<Vec<Vec<f64>>>)| {
        let units = widths[layer + 1] as usize;
        let outgoing = &after[2 * layer + 2];
        let inputs = outgoing.len() / widths[layer + 2] as usize;
        let of_unit = |unit: usize| {
            let mut measured = Measured::default();
            for copies in samples {
                for (copy, activations) in copies.iter().enumerate() {
                    let h = activations[unit];
                    let weights = outgoing.iter().skip(copy * units + unit).step_by(inputs);
                    let weights: f64 = weights.map(|w| f64::from(w.abs())).sum();
                    measured.activity += h.abs() / samples.len() as f64;
                    measured.contribution += h.abs() * weights / samples.len() as f64;
                    measured.fired |= h > 0.0;
                }
            }
            measured
        };
        (0..units).map(of_unit).collect()
    };
    hidden.iter().enumerate().map(of_layer).collect()
}

/// The record that a method keeps of a unit.
#[derive(Clone, Debug, Default)]
struct Record {
    utility: f64,
    age: u32,
    silent: u32,
    mean: f64,
    intervals: u32,
}

/// A method with its records.
pub(crate) struct Method {
    settings: Intervention,
    records: Vec<Vec<Record>>,
    credits: Vec<f64>,
}

impl Method {
    pub(crate) fn new(settings: Intervention, widths: &[u32]) -> Self {
        let records = widths.iter();
        let records = records.map(|units| vec![Record::default(); *units as usize]);
        Self {
            settings,
            records: records.collect(),
            credits: vec![0.0; widths.len()],
        }
    }

    /// The units that are renewed after update number `update`, counted from 1.
    pub(crate) fn step(&mut self, measured: &[Vec<Measured>], update: u32) -> BTreeSet<Unit> {
        let mut renewed = BTreeSet::new();
        for (layer, measured) in measured.iter().enumerate() {
            let records = &mut self.records[layer];
            let units = match self.settings {
                Intervention::Redo { tau, every } => dormant(measured, tau.into(), every, update),
                Intervention::ContinualBackprop {
                    rate,
                    maturity,
                    eta,
                } => {
                    advance_utilities(measured, records, eta.into());
                    let credit = &mut self.credits[layer];
                    least_useful(records, credit, rate.into(), maturity)
                }
                Intervention::SelfNormalisedResets { eta, window } => {
                    silent(measured, records, eta.into(), window)
                }
                other => panic!("{other:?} renews no units"),
            };
            renewed.extend(units.into_iter().map(|unit| Unit { layer, unit }));
        }
        renewed
    }
}

/// ReDo: score_i = mean |h_i| / (mean over the layer of mean |h_j|) is at most tau.
fn dormant(measured: &[Measured], tau: f64, every: u32, update: u32) -> Vec<usize> {
    if !update.is_multiple_of(every) {
        return Vec::new();
    }
    let mean = measured.iter().map(|unit| unit.activity).sum::<f64>() / measured.len() as f64;
    let is_dormant = |unit: &usize| measured[*unit].activity / mean <= tau;
    (0..measured.len()).filter(is_dormant).collect()
}

fn advance_utilities(measured: &[Measured], records: &mut [Record], eta: f64) {
    for (record, measured) in records.iter_mut().zip(measured) {
        record.utility = eta * record.utility + (1.0 - eta) * measured.contribution;
        record.age += 1;
    }
}

fn least_useful(records: &mut [Record], credit: &mut f64, rate: f64, maturity: u32) -> Vec<usize> {
    let mature = |records: &[Record]| -> Vec<usize> {
        let units = 0..records.len();
        units.filter(|unit| records[*unit].age > maturity).collect()
    };
    *credit += rate * mature(records).len() as f64;
    let mut renewed = Vec::new();
    while *credit >= 1.0 {
        let mut units = mature(records);
        units.sort_by(|a, b| records[*a].utility.total_cmp(&records[*b].utility));
        let Some(least) = units.first() else {
            break;
        };
        records[*least] = Record::default();
        *credit -= 1.0;
        renewed.push(*least);
    }
    renewed
}

/// A unit is silent for longer than the 1 - eta quantile of an exponential distribution with its mean interval:
/// exp(-silent / mean) < eta.
fn silent(measured: &[Measured], records: &mut [Record], eta: f64, window: u32) -> Vec<usize> {
    let mut renewed = Vec::new();
    for (unit, (record, measured)) in records.iter_mut().zip(measured).enumerate() {
        record.silent += 1;
        let mean = if record.intervals == 0 {
            1.0
        } else {
            record.mean
        };
        let is_renewed = !measured.fired && (-f64::from(record.silent) / mean).exp() < eta;
        if measured.fired || is_renewed {
            record.intervals = window.min(record.intervals + 1);
            let weight = 1.0 / f64::from(record.intervals);
            record.mean = (1.0 - weight) * record.mean + weight * f64::from(record.silent);
            record.silent = 0;
        }
        if is_renewed {
            renewed.push(unit);
        }
    }
    renewed
}
