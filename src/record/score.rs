//! Scores of arms and their differences, as rows.

use serde::{Deserialize, Serialize};

use super::TableRow;

/// One arm's score: a row of scores.csv. It has means over seeds, with 95% intervals over seeds. There are no intervals with
/// a single seed. Student's t interval is valid with few seeds; the bootstrap interval is too narrow there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// The arm.
    pub arm: String,
    /// The number of seeds that finished every task.
    pub seeds: usize,
    /// The number of seeds that diverged.
    pub diverged: usize,
    /// Mean online accuracy over all tasks (the paper's score).
    pub mean: Option<f64>,
    /// The lower end of the mean's 95% bootstrap interval.
    pub mean_low: Option<f64>,
    /// The upper end of that interval.
    pub mean_high: Option<f64>,
    /// Mean online accuracy over the last five tasks.
    pub last_five: Option<f64>,
    /// The least-squares slope over tasks, in accuracy per task.
    pub slope: Option<f64>,
    /// The mean over seeds of each seed's lowest online accuracy of a task.
    pub worst_task: Option<f64>,
    /// The lower end of the mean's 95% t interval. It is none in tables of earlier versions.
    #[serde(default)]
    pub mean_t_low: Option<f64>,
    /// The upper end of that interval.
    #[serde(default)]
    pub mean_t_high: Option<f64>,
}

impl TableRow for ScoreRow {
    const FILE: &str = "scores.csv";
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
    /// Returns both ends of the mean's t interval.
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
    /// The arm that differs from this one only in that no control changes it. If there is none, the first arm of the group.
    pub against: String,
    /// The number of seeds that finished every task in both arms.
    pub seeds: usize,
    /// The mean difference.
    pub difference: f64,
    /// The lower end of the difference's 95% bootstrap interval over seeds.
    pub low: f64,
    /// The upper end of that interval.
    pub high: f64,
    /// The lower end of the difference's 95% Student's t interval over seeds.
    pub t_low: f64,
    /// The upper end of that interval.
    pub t_high: f64,
}

impl TableRow for DifferenceRow {
    const FILE: &str = "differences.csv";
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
