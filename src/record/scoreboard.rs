//! Tuned methods as rows.

use serde::{Deserialize, Serialize};

use super::TableRow;
use super::range::{self, OutOfRange};

/// One configuration of a method, on the seeds for tuning: a row of configurations.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigurationRow {
    /// The setting.
    pub setting: String,
    /// The method.
    pub method: String,
    /// The values of the method's grid.
    pub configuration: String,
    /// Whether this configuration was chosen for the held-out seeds.
    pub chosen: bool,
    /// The number of seeds that finished every task.
    pub seeds: usize,
    /// The number of seeds that diverged.
    pub diverged: usize,
    /// Mean online accuracy over all tasks and finished seeds.
    pub mean: Option<f64>,
}

impl TableRow for ConfigurationRow {
    const FILE: &str = "configurations.csv";
    const COLUMNS: &[&str] = &[
        "setting",
        "method",
        "configuration",
        "chosen",
        "seeds",
        "diverged",
        "mean",
    ];
}

/// One held-out seed of a method's chosen configuration: a row of held_out.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutRow {
    /// The setting.
    pub setting: String,
    /// The method.
    pub method: String,
    /// The chosen values of the method's grid.
    pub configuration: String,
    /// The seed.
    pub seed: u32,
    /// Mean online accuracy over all tasks; none where the seed diverged.
    pub mean: Option<f64>,
}

impl TableRow for HeldOutRow {
    const FILE: &str = "held_out.csv";
    const COLUMNS: &[&str] = &["setting", "method", "configuration", "seed", "mean"];

    fn check(&self) -> Result<(), OutOfRange> {
        self.mean.map_or(Ok(()), |mean| range::share("mean", mean))
    }
}

/// One method in one setting, on the held-out seeds: a row of scoreboard.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreboardRow {
    /// The setting.
    pub setting: String,
    /// The method's place in the setting, from 1: fewer diverged seeds are better, and then a higher mean.
    pub rank: usize,
    /// The method.
    pub method: String,
    /// The chosen values of the method's grid.
    pub configuration: String,
    /// The fields of the grid whose chosen value is the smallest or the largest of its list. A wider grid may have a
    /// better value.
    pub at_edge: String,
    /// Mean online accuracy of the chosen configuration on the seeds for tuning. It is biased upwards, as the largest
    /// of several.
    pub tuning_mean: Option<f64>,
    /// The number of held-out seeds that finished every task.
    pub seeds: usize,
    /// The number of held-out seeds that diverged.
    pub diverged: usize,
    /// Mean online accuracy over all tasks and finished seeds. That of the first method is biased upwards, as the largest of
    /// several.
    pub mean: Option<f64>,
    /// The lower end of the mean's 95% t interval over seeds.
    pub t_low: Option<f64>,
    /// The upper end of that interval.
    pub t_high: Option<f64>,
    /// The mean over seeds of the first method's accuracy less this one's; none where either diverged on a seed.
    pub behind: Option<f64>,
    /// The lower end of the t interval of `behind`. The intervals of all pairs of methods in the setting hold together with
    /// 95% confidence, by Bonferroni's correction.
    pub behind_low: Option<f64>,
    /// The upper end of that interval.
    pub behind_high: Option<f64>,
    /// The mean number of dispatches of a training step of the chosen configuration, without probes: a count, and no time.
    /// See [`Experiment::step_dispatches`](crate::experiment::Experiment::step_dispatches).
    #[serde(default)]
    pub dispatches: Option<f64>,
    /// `dispatches` divided by that of the first method of the file in the same setting.
    #[serde(default)]
    pub dispatches_ratio: Option<f64>,
}

impl TableRow for ScoreboardRow {
    const FILE: &str = "scoreboard.csv";
    const COLUMNS: &[&str] = &[
        "setting",
        "rank",
        "method",
        "configuration",
        "at_edge",
        "tuning_mean",
        "seeds",
        "diverged",
        "mean",
        "t_low",
        "t_high",
        "behind",
        "behind_low",
        "behind_high",
        "dispatches",
        "dispatches_ratio",
    ];
    const ALWAYS: usize = Self::COLUMNS.len() - 2;

    fn is_wide(&self) -> bool {
        self.dispatches.is_some()
    }
}
