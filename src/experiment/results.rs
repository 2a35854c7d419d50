//! What is made of an experiment's rows: scores, differences, how well indicators foretell drops, pictures.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::foresight::{foresight, write_foresight};
use super::task_indicators::{task_indicators, write_task_indicators};
use super::{Arm, Experiment, ExperimentError, Figure, Results};
use crate::error::Error;
use crate::report::{
    Bootstrap, Interval, Rows, Subject, TaskRow, accuracies, diagnosis, layer_bounds,
    paired_difference, probe_chart, score, student_interval, trajectories, write_csv,
    write_indicators_csv, write_probes_csv, write_tasks_csv,
};
use crate::scheduler::Control;

/// Of every interval by Student's t.
const CONFIDENCE: f64 = 0.95;

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
    /// Lower end of the mean's t interval: [`student_interval`]. None in tables of earlier versions.
    #[serde(default)]
    pub mean_t_low: Option<f64>,
    /// Upper end of it.
    #[serde(default)]
    pub mean_t_high: Option<f64>,
}

impl ScoreRow {
    /// The columns of scores.csv, in order.
    pub const COLUMNS: [&str; 11] = [
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
    /// Lower end of its 95% interval by Student's t over seeds: [`student_interval`].
    pub t_low: f64,
    /// Upper end of it.
    pub t_high: f64,
}

impl DifferenceRow {
    /// The columns of differences.csv, in order.
    pub const COLUMNS: [&str; 8] = [
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

/// The score of every arm, in the experiment's order.
///
/// # Errors
/// None for rows that [`super::run`] returned.
pub fn scores(experiment: &Experiment, rows: &[TaskRow]) -> Result<Vec<ScoreRow>, Error> {
    let of_arm = |name: &String| {
        let runs = finished_runs(experiment, rows, name);
        let scores: Vec<_> = runs.iter().filter_map(|run| score(run)).collect();
        let means: Vec<f64> = scores.iter().map(|score| score.mean).collect();
        let interval = Bootstrap::default()
            .interval(&means, |sample| mean(sample.iter().copied().copied()))?;
        let student = student_interval(&means, CONFIDENCE)?;
        let worst = |run: &Vec<f64>| run.iter().copied().fold(f64::INFINITY, f64::min);
        Ok(ScoreRow {
            arm: name.clone(),
            seeds: runs.len(),
            diverged: experiment.seeds.len() - runs.len(),
            mean: mean(means.iter().copied()),
            mean_low: interval.map(|interval| interval.low),
            mean_high: interval.map(|interval| interval.high),
            last_five: mean(scores.iter().map(|score| score.last_five)),
            slope: mean(scores.iter().map(|score| score.slope)).filter(|slope| slope.is_finite()),
            worst_task: mean(runs.iter().map(worst)),
            mean_t_low: student.map(|(low, _)| low),
            mean_t_high: student.map(|(_, high)| high),
        })
    };
    experiment
        .arms
        .iter()
        .map(|arm| of_arm(&arm.name))
        .collect()
}

/// scores.csv for people: a line per arm, "0.914 [0.911, 0.917]" and so on, with t intervals.
pub fn score_table(scores: &[ScoreRow]) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let width = scores.iter().map(|row| row.arm.chars().count()).max();
    let width = width.unwrap_or(0).max(3);
    let mut table = format!(
        "{:width$}  seeds  online accuracy         last five  slope per task  worst task\n",
        "arm"
    );
    for row in scores {
        let interval = row.t_interval();
        let interval = interval.map(|(low, high)| format!(" [{low:.3}, {high:.3}]"));
        let mean = number(row.mean) + &interval.unwrap_or_default();
        let slope = row
            .slope
            .map_or("-".to_owned(), |slope| format!("{slope:+.4}"));
        table += &format!(
            "{:width$}  {:5}  {mean:22}  {:>9}  {slope:>14}  {:>10}\n",
            row.arm,
            row.seeds,
            number(row.last_five),
            number(row.worst_task),
        );
    }
    table
}

/// Every arm against its [`DifferenceRow::against`]; none where fewer than two seeds finished in both.
///
/// # Errors
/// None for rows that [`super::run`] returned.
pub fn differences(experiment: &Experiment, rows: &[TaskRow]) -> Result<Vec<DifferenceRow>, Error> {
    let mut differences = Vec::new();
    for arm in &experiment.arms {
        let first = counterpart(experiment, arm);
        if first.name != arm.name {
            let (own, other) = ((rows, &arm.name[..]), (rows, &first.name[..]));
            differences.extend(difference(experiment, own, other)?);
        }
    }
    Ok(differences)
}

/// One arm less another, seed by seed, each with the rows of its run, on the stream of `experiment`; none where fewer
/// than two seeds finished in both.
///
/// # Errors
/// [`Error::Invalid`] for a NaN among the rows.
pub(crate) fn difference(
    experiment: &Experiment,
    (rows, arm): (&[TaskRow], &str),
    (other_rows, against): (&[TaskRow], &str),
) -> Result<Option<DifferenceRow>, Error> {
    let mean_of = |rows, name, seed| mean(finished_run(experiment, rows, name, seed)?.into_iter());
    let seeds = experiment.seeds.iter();
    let pairs = seeds.filter_map(|seed| {
        let own = mean_of(rows, arm, *seed)?;
        Some((own, mean_of(other_rows, against, *seed)?))
    });
    let (own, others): (Vec<_>, Vec<_>) = pairs.unzip();
    let interval = paired_difference(&own, &others, &Bootstrap::default())?;
    let paired: Vec<_> = own.iter().zip(&others).map(|(a, b)| a - b).collect();
    let student = student_interval(&paired, CONFIDENCE)?;
    let row = |(interval, (t_low, t_high)): (Interval, (f64, f64))| DifferenceRow {
        arm: arm.to_owned(),
        against: against.to_owned(),
        seeds: own.len(),
        difference: interval.estimate,
        low: interval.low,
        high: interval.high,
        t_low,
        t_high,
    };
    Ok(interval.zip(student).map(row))
}

/// What an arm is compared with; itself where there is nothing else.
fn counterpart<'a>(experiment: &'a Experiment, arm: &'a Arm) -> &'a Arm {
    let left_alone = Arm {
        control: Control::Constant,
        placebo: None,
        ..arm.clone()
    };
    let differs_in_name = |other: &&Arm| {
        Arm {
            name: arm.name.clone(),
            ..(*other).clone()
        } == left_alone
    };
    let is_of_group = |other: &&Arm| group(&other.name) == group(&arm.name);
    let arms = || experiment.arms.iter();
    arms()
        .find(|other| other.name != arm.name && differs_in_name(other))
        .or_else(|| arms().find(is_of_group))
        .unwrap_or(arm)
}

/// What stands before ": " in an arm's name; nothing for most.
fn group(name: &str) -> &str {
    name.split_once(": ").map_or("", |(group, _)| group)
}

/// Online accuracies by task, of each seed that finished all of them.
fn finished_runs(experiment: &Experiment, rows: &[TaskRow], arm: &str) -> Vec<Vec<f64>> {
    let seeds = experiment.seeds.iter();
    seeds
        .filter_map(|seed| finished_run(experiment, rows, arm, *seed))
        .collect()
}

fn finished_run(
    experiment: &Experiment,
    rows: &[TaskRow],
    arm: &str,
    seed: u32,
) -> Option<Vec<f64>> {
    let own = rows.iter().filter(|row| row.arm == arm && row.seed == seed);
    let run: Vec<f64> = own.map(|row| row.online_accuracy).collect();
    (run.len() == experiment.tasks as usize).then_some(run)
}

/// `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// Writes scores.csv and differences.csv of `rows` into `directory`, which exists. Each file is whole or absent.
///
/// # Errors
/// A file that cannot be written: [`ExperimentError::Report`]; a NaN among the rows.
pub fn write_scores(
    directory: &Path,
    experiment: &Experiment,
    rows: &[TaskRow],
) -> Result<(), ExperimentError> {
    let scores = scores(experiment, rows)?;
    write_csv(&directory.join("scores.csv"), &ScoreRow::COLUMNS, &scores)?;
    let differences = differences(experiment, rows)?;
    let path = directory.join("differences.csv");
    Ok(write_csv(&path, &DifferenceRow::COLUMNS, &differences)?)
}

/// Writes all tables and pictures of a finished experiment into `directory`, which exists: tasks.csv, probes.csv,
/// indicators.csv, scores.csv, differences.csv, task_indicators.csv, foresight.csv, and each [`Figure`] as SVG and PNG.
/// Each file is whole or absent.
///
/// # Errors
/// A file that cannot be written, or a number that cannot be drawn: [`ExperimentError::Report`].
pub fn write_results(
    directory: &Path,
    experiment: &Experiment,
    results: &Results,
) -> Result<(), ExperimentError> {
    write_tasks_csv(&directory.join("tasks.csv"), &results.tasks)?;
    write_probes_csv(&directory.join("probes.csv"), &results.probes)?;
    write_indicators_csv(&directory.join("indicators.csv"), &results.indicators)?;
    write_scores(directory, experiment, &results.tasks)?;
    let indicators = task_indicators(results);
    write_task_indicators(&directory.join("task_indicators.csv"), &indicators)?;
    let foresight = foresight(experiment, &results.tasks, &indicators)?;
    write_foresight(&directory.join("foresight.csv"), &foresight)?;
    // A picture needs something to show: where every replica diverged at once, the tables say so.
    if results.tasks.is_empty() || results.probes.is_empty() {
        return Ok(());
    }
    let rows = Rows {
        subject: &Subject::of(&[experiment]),
        tasks: &results.tasks,
        probes: &results.probes,
    };
    for figure in &experiment.figures {
        let base = directory.join(figure.file_stem());
        let draw = match figure {
            Figure::Accuracies => accuracies,
            Figure::Diagnosis => diagnosis,
            Figure::Probes => probe_chart,
            Figure::LayerBounds => layer_bounds,
            Figure::Trajectories => trajectories,
        };
        draw(&base, rows)?.write()?;
    }
    Ok(())
}
