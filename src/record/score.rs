//! Scores of arms and their differences, as rows.

use serde::{Deserialize, Serialize};

use super::TableRow;

/// One arm's score: a row of scores.csv. Means over seeds, with 95% intervals over seeds, none with a single one: by
/// Student's t, which holds with few seeds, and by the bootstrap, which is too narrow there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// The arm.
    pub arm: String,
    /// Seeds that finished every task.
    pub seeds: usize,
    /// Seeds that diverged.
    pub diverged: usize,
    /// Mean online accuracy over all tasks (the paper's score).
    pub mean: Option<f64>,
    /// Lower end of its bootstrap interval.
    pub mean_low: Option<f64>,
    /// Upper end of it.
    pub mean_high: Option<f64>,
    /// Mean over the last five tasks.
    pub last_five: Option<f64>,
    /// Least-squares slope over tasks, in accuracy per task.
    pub slope: Option<f64>,
    /// Each seed's lowest online accuracy of a task, mean over seeds.
    pub worst_task: Option<f64>,
    /// Lower end of the mean's t interval. None in tables of earlier versions.
    #[serde(default)]
    pub mean_t_low: Option<f64>,
    /// Upper end of it.
    #[serde(default)]
    pub mean_t_high: Option<f64>,
}

impl TableRow for ScoreRow {
    const COLUMNS: &[&str] = &[
        "arm",
        "seeds",
        "diverged",
        "mean",
        "mean_low",
        "mean_high",
        "last_five",
        "slope",
        "worst_task",
        "mean_t_low",
        "mean_t_high",
    ];
}

impl ScoreRow {
    /// Both ends of the mean's t interval.
    pub fn t_interval(&self) -> Option<(f64, f64)> {
        self.mean_t_low.zip(self.mean_t_high)
    }
}

/// One arm's mean online accuracy less that of the arm it is compared with, seed by seed: a row of
/// differences.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// The arm.
    pub arm: String,
    /// The arm that differs only in being left alone by every control; where there is none, the first
    /// arm of its group.
    pub against: String,
    /// Seeds that finished every task in both.
    pub seeds: usize,
    /// The mean difference.
    pub difference: f64,
    /// Lower end of its 95% bootstrap interval over seeds.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Lower end of its 95% interval by Student's t over seeds.
    pub t_low: f64,
    /// Upper end of it.
    pub t_high: f64,
}

impl TableRow for DifferenceRow {
    const COLUMNS: &[&str] = &[
        "arm",
        "against",
        "seeds",
        "difference",
        "low",
        "high",
        "t_low",
        "t_high",
    ];
}
