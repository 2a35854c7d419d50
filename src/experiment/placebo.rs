//! Placebo controls, made from another arm's record. They keep a scheduler's effect on the step sizes without its signal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::ProbeRow;
use crate::scheduler::{Action, AlwaysCool, Control, RandomCool, Replay, ReplayPoint};

/// A control that repeats what another arm's control did, without its signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Placebo {
    /// The other arm's name.
    pub of: String,
    /// The part of the other arm's control that is kept.
    pub kind: PlaceboKind,
}

/// The part of another arm's control that a placebo keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PlaceboKind {
    /// Keeps the mean decay. All layers are cooled at every probe, so that the geometric mean of step sizes over layers and
    /// seeds ends where the other arm's did.
    AlwaysCool,
    /// Keeps the mean decay and the share of probes at which a layer was cooled, but cools at random.
    RandomCool,
    /// Keeps all step sizes, but those of another seed: the i-th seed gets the step sizes of the next one.
    Replay,
}

/// Returns the control of seed number `seed` (of `seeds`), from the other arm's `rows`.
pub(super) fn control(
    kind: PlaceboKind,
    rows: &[&ProbeRow],
    seeds: &[u32],
    seed: usize,
) -> Control {
    if of_layers(rows).next().is_none() {
        // The other arm was never probed, so that it has no step sizes to follow.
        return Control::Constant;
    }
    match kind {
        PlaceboKind::Replay => replay(rows, seeds[(seed + 1) % seeds.len()]),
        PlaceboKind::AlwaysCool => Control::AlwaysCool(AlwaysCool {
            rate: Decay::of(rows).rate(1.0),
        }),
        PlaceboKind::RandomCool => {
            let decay = Decay::of(rows);
            let probability = decay.cooled / decay.probes;
            Control::RandomCool(RandomCool {
                rate: decay.rate(probability),
                probability,
            })
        }
    }
}

fn replay(rows: &[&ProbeRow], seed: u32) -> Control {
    let mut points: Vec<ReplayPoint> = Vec::new();
    for (row, step_size) in of_layers(rows).filter(|(row, _)| row.seed == seed) {
        match points.last_mut() {
            Some(point) if point.update == row.update => point.step_sizes.push(step_size),
            _ => points.push(ReplayPoint {
                update: row.update,
                step_sizes: vec![step_size],
            }),
        }
    }
    match points.len() {
        // The seed diverged before its first probe, so there is nothing to replay.
        0 => Control::Constant,
        _ => Control::Replay(Replay { points }),
    }
}

/// The decay of step sizes over all layers, probes and seeds.
struct Decay {
    /// The sum over layers and seeds of the logarithm of the last step size's share of the first.
    log: f64,
    /// The number of times that a layer was probed, and the number of times that it was cooled.
    probes: f64,
    cooled: f64,
}

impl Decay {
    fn of(rows: &[&ProbeRow]) -> Self {
        let mut decay = Self {
            log: 0.0,
            probes: 0.0,
            cooled: 0.0,
        };
        // The first and the last step size of every layer of every seed. Those in between are not needed: the device's are
        // f32 and become zero long before the controller's.
        let mut ends: BTreeMap<_, [f64; 2]> = BTreeMap::new();
        for (row, step_size) in of_layers(rows) {
            let layer = (row.seed, row.layer.as_str());
            ends.entry(layer).or_insert([row.step_size, step_size])[1] = step_size;
            decay.probes += 1.0;
            decay.cooled += f64::from(u8::from(row.action == Some(Action::Cool)));
        }
        for [first, last] in ends.into_values() {
            decay.log += last.max(f64::MIN_POSITIVE).ln() - first.ln();
        }
        decay
    }

    /// Returns the factor that gives the same decay when it is applied with `probability`; 1 where step sizes did not fall,
    /// and where the probability is 0.
    fn rate(&self, probability: f64) -> f64 {
        if self.log < 0.0 && probability > 0.0 {
            (self.log / (self.probes * probability)).exp()
        } else {
            1.0
        }
    }
}

/// Returns the rows of layers, each with the step size after the probe. The network has no step size of its own.
fn of_layers<'a>(rows: &[&'a ProbeRow]) -> impl Iterator<Item = (&'a ProbeRow, f64)> {
    rows.iter()
        .filter_map(|row| row.next_step_size.map(|step_size| (*row, step_size)))
}
