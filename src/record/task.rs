//! Finished tasks as rows.

use serde::{Deserialize, Serialize};

use super::TableRow;
use super::range::{self, OutOfRange};
use crate::progress::TaskScore;

/// One finished task of one replica: a row of tasks.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task, counted from 1.
    pub task: u32,
    /// Mean accuracy over the task's minibatches, each before its update; R^2 for regression
    /// ([`TaskScore::online_accuracy`]).
    pub online_accuracy: f64,
    /// Mean loss over the task's minibatches.
    pub online_loss: f64,
    /// Mean accuracy over the minibatches of the task's last whole epoch, each before its update; over all minibatches
    /// where the task is shorter than an epoch; R^2 for regression.
    pub final_accuracy: f64,
    /// Mean loss over the same minibatches.
    pub final_loss: f64,
}

impl TaskRow {
    /// The row of a finished task.
    pub(crate) fn new(arm: &str, seed: u32, score: &TaskScore) -> Self {
        Self {
            arm: arm.to_owned(),
            seed,
            task: score.task + 1,
            online_accuracy: score.online_accuracy,
            online_loss: score.online_loss,
            final_accuracy: score.final_accuracy,
            final_loss: score.final_loss,
        }
    }
}

impl TableRow for TaskRow {
    const FILE: &str = "tasks.csv";
    const COLUMNS: &[&str] = &[
        "arm",
        "seed",
        "task",
        "online_accuracy",
        "online_loss",
        "final_accuracy",
        "final_loss",
    ];

    fn check(&self) -> Result<(), OutOfRange> {
        range::task(self.task)?;
        range::share("online_accuracy", self.online_accuracy)?;
        range::share("final_accuracy", self.final_accuracy)?;
        range::number("online_loss", self.online_loss)?;
        range::number("final_loss", self.final_loss)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::task_row as row;
    use super::super::table::tests::{read_back, written};
    use super::*;

    #[test]
    fn the_table_is_the_one_written_by_hand() {
        assert_eq!(
            written(&[row("relu", 7, 1, 0.25), row("l2, strong", 8, 2, 0.1)]),
            "arm,seed,task,online_accuracy,online_loss,final_accuracy,final_loss\n\
             relu,7,1,0.25,2.0,0.5,1.0\n\
             \"l2, strong\",8,2,0.1,2.0,0.5,1.0\n"
        );
    }

    #[test]
    fn an_empty_table_has_its_header() {
        assert_eq!(
            written::<TaskRow>(&[]),
            "arm,seed,task,online_accuracy,online_loss,final_accuracy,final_loss\n"
        );
    }

    #[test]
    fn numbers_and_names_read_back_exactly() {
        let rows = [
            TaskRow {
                arm: "a \"quoted\",\nβ₁ name".to_owned(),
                seed: u32::MAX,
                task: 1,
                online_accuracy: 0.1 + 0.2,
                online_loss: f64::MIN_POSITIVE,
                final_accuracy: 1.0 / 3.0,
                final_loss: f64::MAX,
            },
            TaskRow {
                final_accuracy: -0.0,
                final_loss: 5e-324,
                ..row("relu", 0, u32::MAX, 0.999_999_999_999_999_9)
            },
        ];
        let read: Vec<TaskRow> = read_back(&written(&rows));
        assert_eq!(read, rows);
        assert!(read[1].final_accuracy.is_sign_negative());
    }

    #[test]
    fn a_table_shows_what_is_not_finite() {
        let rows = [TaskRow {
            online_loss: f64::INFINITY,
            final_loss: f64::NEG_INFINITY,
            ..row("relu", 1, 1, f64::NAN)
        }];
        let table = written(&rows);
        assert!(table.ends_with("relu,1,1,NaN,inf,0.5,-inf\n"), "{table}");
        assert!(read_back::<TaskRow>(&table)[0].online_accuracy.is_nan());
    }
}
