//! Finished tasks as rows, and what is made of them: `tasks.csv`, curves over the seeds, scores.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ReportError, write_csv};
use crate::progress::TaskScore;
use crate::statistics::mean;

/// One finished task of one replica: a row of tasks.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task, from 1, as people count.
    pub task: u32,
    /// Mean accuracy over the task's minibatches, each before its update.
    pub online_accuracy: f64,
    /// Mean loss over the same.
    pub online_loss: f64,
    /// Mean accuracy over the minibatches of the task's last epoch, each before its update.
    pub final_accuracy: f64,
    /// Mean loss over the same.
    pub final_loss: f64,
}

impl TaskRow {
    /// The row of a finished task.
    pub fn new(arm: &str, seed: u32, score: &TaskScore) -> Self {
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

pub(super) const HEADER: [&str; 7] = [
    "arm",
    "seed",
    "task",
    "online_accuracy",
    "online_loss",
    "final_accuracy",
    "final_loss",
];

/// Writes `rows` to `path`, in their order, under a header of the fields' names.
///
/// Numbers read back exactly. What is not finite is written as `NaN`, `inf` or `-inf`, which [`str::parse`] reads too.
/// The file is whole or absent: see the module.
///
/// # Errors
/// [`ReportError::Write`] when the file system refuses.
pub fn write_tasks_csv(path: &Path, rows: &[TaskRow]) -> Result<(), ReportError> {
    write_csv(path, &HEADER, rows)
}

/// A curve with a band.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its points, in the order in which they are joined.
    pub points: Vec<BandPoint>,
}

/// A point of a curve with a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandPoint {
    /// Its place on the horizontal axis.
    pub x: f64,
    /// The band's lower edge.
    pub low: f64,
    /// The curve.
    pub mean: f64,
    /// The band's upper edge.
    pub high: f64,
}

/// Online accuracy against task: a curve per arm, in order of first appearance; the mean over seeds, with a band from
/// the lowest seed to the highest.
///
/// A point is over the seeds that have a row for its task: where a replica was halted, the others go on alone. One NaN
/// among the seeds makes all of the point NaN, so that no chart hides it.
pub fn online_accuracy_series(rows: &[TaskRow]) -> Vec<Series> {
    accuracies_by_arm(rows)
        .into_iter()
        .map(|(arm, tasks)| Series {
            name: arm.to_owned(),
            points: tasks
                .iter()
                .map(|(&task, seeds)| band_point(task, seeds))
                .collect(),
        })
        .collect()
}

/// The seeds' online accuracies of each task of each arm.
fn accuracies_by_arm(rows: &[TaskRow]) -> Vec<(&str, BTreeMap<u32, Vec<f64>>)> {
    let mut arms: Vec<(&str, BTreeMap<u32, Vec<f64>>)> = Vec::new();
    for row in rows {
        let known = arms.iter().position(|(arm, _)| *arm == row.arm);
        let index = known.unwrap_or_else(|| {
            arms.push((&row.arm, BTreeMap::new()));
            arms.len() - 1
        });
        let seeds = arms[index].1.entry(row.task).or_default();
        seeds.push(row.online_accuracy);
    }
    arms
}

/// The mean over `seeds` at `x`, between the lowest and the highest; one NaN makes all of it NaN.
pub(super) fn band_point(x: u32, seeds: &[f64]) -> BandPoint {
    BandPoint {
        x: f64::from(x),
        low: extreme(seeds, f64::min),
        mean: mean(seeds),
        high: extreme(seeds, f64::max),
    }
}

/// `pick` over all values; NaN if one of them is ([`f64::min`] and [`f64::max`] would pass over it).
fn extreme(values: &[f64], pick: fn(f64, f64) -> f64) -> f64 {
    let pick_or_nan = |a: f64, b: f64| {
        if a.is_nan() || b.is_nan() {
            f64::NAN
        } else {
            pick(a, b)
        }
    };
    values
        .iter()
        .copied()
        .reduce(pick_or_nan)
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, io};

    use super::*;
    use crate::files::WriteError;

    pub(in super::super) fn row(arm: &str, seed: u32, task: u32, online_accuracy: f64) -> TaskRow {
        TaskRow {
            arm: arm.to_owned(),
            seed,
            task,
            online_accuracy,
            online_loss: 2.0,
            final_accuracy: 0.5,
            final_loss: 1.0,
        }
    }

    fn written(rows: &[TaskRow]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.csv");
        write_tasks_csv(&path, rows).unwrap();
        fs::read_to_string(path).unwrap()
    }

    fn read_back(table: &str) -> Vec<TaskRow> {
        csv::Reader::from_reader(table.as_bytes())
            .deserialize()
            .map(Result::unwrap)
            .collect()
    }

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
            written(&[]),
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
        let read = read_back(&written(&rows));
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
        assert!(read_back(&table)[0].online_accuracy.is_nan());
    }

    #[test]
    fn an_unwritable_directory_is_a_typed_error_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let not_a_directory = directory.path().join("file");
        fs::write(&not_a_directory, "kept").unwrap();
        let error = write_tasks_csv(
            &not_a_directory.join("tasks.csv"),
            &[row("relu", 1, 1, 0.5)],
        )
        .unwrap_err();
        let ReportError::Write(WriteError { path, source }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(path, not_a_directory.join("tasks.csv"));
        assert_eq!(source.kind(), io::ErrorKind::NotADirectory);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(not_a_directory).unwrap(), "kept");
    }

    #[test]
    fn a_series_is_the_mean_of_its_seeds_between_the_lowest_and_the_highest() {
        let rows = [
            row("relu", 1, 2, 0.25),
            row("relu", 1, 1, 1.0),
            row("crelu", 1, 1, 0.5),
            row("relu", 2, 1, 0.5),
            row("relu", 3, 1, 0.75),
            row("relu", 2, 2, 0.75),
        ];
        let point = |x, low, mean, high| BandPoint { x, low, mean, high };
        let series = [
            Series {
                name: "relu".to_owned(),
                points: vec![point(1.0, 0.5, 0.75, 1.0), point(2.0, 0.25, 0.5, 0.75)],
            },
            Series {
                name: "crelu".to_owned(),
                points: vec![point(1.0, 0.5, 0.5, 0.5)],
            },
        ];
        assert_eq!(online_accuracy_series(&rows), series);
        assert!(online_accuracy_series(&[]).is_empty());
    }

    #[test]
    fn one_nan_among_the_seeds_is_not_passed_over() {
        for order in [[f64::NAN, 0.5], [0.5, f64::NAN]] {
            let rows = [row("relu", 1, 1, order[0]), row("relu", 2, 1, order[1])];
            let point = online_accuracy_series(&rows)[0].points[0];
            assert!(
                point.low.is_nan() && point.mean.is_nan() && point.high.is_nan(),
                "{point:?}"
            );
        }
    }
}
