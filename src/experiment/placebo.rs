//! Controls made of another arm's record: what remains of a scheduler when its signal is taken away.

use serde::{Deserialize, Serialize};

use crate::record::ProbeRow;
use crate::scheduler::{Action, AlwaysCool, Control, RandomCool, Replay, ReplayPoint};

/// A control that does what another arm's did, but without its signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Placebo {
    /// The other arm's name.
    pub of: String,
    /// What is kept of it.
    pub kind: PlaceboKind,
}

/// What a placebo keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PlaceboKind {
    /// The mean decay: all layers are cooled at every probe, so that the step sizes' geometric mean over
    /// layers and seeds ends where the other arm's did.
    AlwaysCool,
    /// The mean decay, and how often a layer was cooled, but at random.
    RandomCool,
    /// Everything, but of another seed: the i-th seed gets the step sizes of the next one.
    Replay,
}

/// The control of seed number `seed` (of `seeds`), from the other arm's `rows`.
pub(super) fn control(
    kind: PlaceboKind,
    rows: &[&ProbeRow],
    seeds: &[u32],
    seed: usize,
) -> Control {
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
        // It diverged before its first probe: there is nothing to be replayed.
        0 => Control::Constant,
        _ => Control::Replay(Replay { points }),
    }
}

/// How step sizes fell, over all layers, probes and seeds.
struct Decay {
    /// Sum of the logarithms of the factors from one probe to the next.
    log: f64,
    /// Times a layer was probed, and times it was cooled.
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
        for (row, step_size) in of_layers(rows) {
            decay.log += (step_size / row.step_size).ln();
            decay.probes += 1.0;
            decay.cooled += f64::from(u8::from(row.action == Some(Action::Cool)));
        }
        decay
    }

    /// The factor that gives the same decay when it is applied with `probability`; 1 where step sizes
    /// did not fall.
    fn rate(&self, probability: f64) -> f64 {
        let rate = (self.log / (self.probes * probability)).exp();
        // Not a number where there was no probe or no cooling.
        if rate < 1.0 { rate } else { 1.0 }
    }
}

/// The rows of layers, which have a step size of their own, with what became of it.
fn of_layers<'a>(rows: &[&'a ProbeRow]) -> impl Iterator<Item = (&'a ProbeRow, f64)> {
    rows.iter()
        .filter_map(|row| row.next_step_size.map(|step_size| (*row, step_size)))
}
