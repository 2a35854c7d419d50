//! Rows that state how well indicators warn of drops in accuracy.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::TableRow;
use super::range::{self, OutOfRange};

/// One indicator as an early warning: how well its value over one task tells that the next task's online accuracy is lower by
/// more than 0.05. It is a row of early_warning.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyWarningRow {
    /// The arm, or `all arms` for all arms pooled.
    pub arm: String,
    /// The indicator. Where lower values are worse, the score is its negative.
    pub indicator: Cow<'static, str>,
    /// The number of drops over all seeds.
    pub drops: usize,
    /// The number of pairs of neighbouring tasks between which accuracy can drop, over all seeds.
    pub pairs: usize,
    /// The area under the ROC curve; one half is chance.
    pub auroc: Option<f64>,
    /// The lower end of the area's 95% bootstrap interval over seeds.
    pub auroc_low: Option<f64>,
    /// The upper end of that interval.
    pub auroc_high: Option<f64>,
    /// The threshold with the largest Youden's J; a score above it is an alarm.
    pub threshold: Option<f64>,
    /// Youden's J at the threshold: the share of drops with an alarm less the share of other pairs with one.
    pub youden: Option<f64>,
    /// The number of drops with an alarm at the task before.
    pub warned: Option<usize>,
    /// The number of alarms that no drop followed.
    pub false_alarms: Option<usize>,
    /// The median number of tasks from the first alarm to the drop. There is none where the area is one half or less,
    /// because an alarm that is always on leads every drop.
    pub median_lead: Option<f64>,
}

/// The value of [`EarlyWarningRow::arm`] for all arms together.
pub(crate) const ALL_ARMS: &str = "all arms";

impl TableRow for EarlyWarningRow {
    const FILE: &str = "early_warning.csv";
    const COLUMNS: &[&str] = &[
        "arm",
        "indicator",
        "drops",
        "pairs",
        "auroc",
        "auroc_low",
        "auroc_high",
        "threshold",
        "youden",
        "warned",
        "false_alarms",
        "median_lead",
    ];

    fn check(&self) -> Result<(), OutOfRange> {
        range::share_or_none("auroc", self.auroc)?;
        range::part("drops", self.drops, self.pairs, "no more than pairs")?;
        let warned = self.warned.unwrap_or(0);
        range::part("warned", warned, self.drops, "no more than drops")?;
        let alarms = self.false_alarms.unwrap_or(0);
        let others = self.pairs - self.drops;
        range::part(
            "false_alarms",
            alarms,
            others,
            "no more than pairs less drops",
        )
    }
}
