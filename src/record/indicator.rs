//! Indicators as rows.

use serde::{Deserialize, Serialize};

use super::TableRow;
use super::range::{self, OutOfRange};
use crate::indicators::{Indicators, UnitIndicators};

/// Indicators of one replica on the minibatch of one probe: a row of indicators.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndicatorRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task of the minibatch, counted from 1.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// [`UnitIndicators::dead`], mean over hidden layers. This field and the next two are none without a hidden layer.
    pub dead: Option<f64>,
    /// [`UnitIndicators::dormant`], mean over hidden layers.
    pub dormant: Option<f64>,
    /// [`UnitIndicators::sign_entropy`], mean over hidden layers.
    pub sign_entropy: Option<f64>,
    /// The value of [`Indicators::effective_rank`].
    pub effective_rank: f64,
    /// The value of [`Indicators::stable_rank`].
    pub stable_rank: f64,
    /// The value of [`Indicators::fisher_rank`].
    pub fisher_rank: usize,
    /// The value of [`Indicators::fisher_effective_rank`].
    pub fisher_effective_rank: f64,
}

impl TableRow for IndicatorRow {
    const FILE: &str = "indicators.csv";
    const COLUMNS: &[&str] = &[
        "arm",
        "seed",
        "task",
        "update",
        "dead",
        "dormant",
        "sign_entropy",
        "effective_rank",
        "stable_rank",
        "fisher_rank",
        "fisher_effective_rank",
    ];

    fn check(&self) -> Result<(), OutOfRange> {
        range::task(self.task)?;
        range::share_or_none("dead", self.dead)?;
        range::share_or_none("dormant", self.dormant)?;
        range::share_or_none("sign_entropy", self.sign_entropy)
    }
}

impl IndicatorRow {
    /// The row of one replica, in `task` (from 0) after `update` updates.
    pub(crate) fn new(
        arm: &str,
        seed: u32,
        task: u32,
        update: u32,
        indicators: &Indicators,
    ) -> Self {
        let layers = &indicators.hidden;
        let mean = |value: fn(&UnitIndicators) -> f64| {
            let sum: f64 = layers.iter().map(value).sum();
            (!layers.is_empty()).then_some(sum / layers.len() as f64)
        };
        Self {
            arm: arm.to_owned(),
            seed,
            task: task + 1,
            update,
            dead: mean(|units| units.dead),
            dormant: mean(|units| units.dormant),
            sign_entropy: mean(|units| units.sign_entropy),
            effective_rank: indicators.effective_rank,
            stable_rank: indicators.stable_rank,
            fisher_rank: indicators.fisher_rank,
            fisher_effective_rank: indicators.fisher_effective_rank,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read_table, write_table};
    use super::*;

    #[test]
    fn a_row_averages_over_hidden_layers_and_reads_back() {
        let units = |dead, dormant, sign_entropy| UnitIndicators {
            dead,
            dormant,
            sign_entropy,
        };
        let indicators = Indicators {
            hidden: vec![units(0.0, 0.25, 0.5), units(0.5, 0.5, 0.25)],
            effective_rank: 7.5,
            stable_rank: 3.0,
            fisher_rank: 42,
            fisher_effective_rank: 12.5,
        };
        let row = IndicatorRow::new("relu", 3, 1, 1_040, &indicators);
        let bare = Indicators {
            hidden: Vec::new(),
            ..indicators
        };
        let bare = IndicatorRow::new("linear", 1, 0, 40, &bare);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(IndicatorRow::FILE);
        write_table(&path, &[row.clone(), bare.clone()]).unwrap();
        let table = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], IndicatorRow::COLUMNS.join(","));
        assert_eq!(lines[1], "relu,3,2,1040,0.25,0.375,0.375,7.5,3.0,42,12.5");
        assert_eq!(lines[2], "linear,1,1,40,,,,7.5,3.0,42,12.5");
        assert_eq!(read_table::<IndicatorRow>(&path).unwrap(), [row, bare]);
    }
}
