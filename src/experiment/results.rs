//! Scores of arms, differences between them, and all tables of a finished experiment.

use std::path::Path;

use super::early_warning::early_warning;
use super::task_indicators::task_indicators;
use super::{Arm, Experiment, ExperimentError, Results};
use crate::error::Error;
use crate::record::{
    DifferenceRow, EarlyWarningRow, IndicatorRow, ProbeRow, ScoreRow, TableRow, TaskIndicatorRow,
    TaskRow, write_table,
};
use crate::scheduler::Control;
use crate::spec::Loss;
use crate::statistics::{
    Bootstrap, Interval, mean_if_any as mean, paired_difference, score, student_interval,
};

/// The confidence of every interval by Student's t.
const CONFIDENCE: f64 = 0.95;

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

/// Returns the name of a task's score in these experiments: "online accuracy", "online R²" where the loss is squared error, and
/// "online score" where they differ.
pub fn score_name<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) -> &'static str {
    let mut losses = experiments.into_iter().map(|one| one.stream.loss());
    let first = losses.next().unwrap_or(Loss::CrossEntropy);
    match first {
        _ if losses.any(|other| other != first) => "online score",
        Loss::CrossEntropy => "online accuracy",
        Loss::SquaredError => "online R\u{b2}",
    }
}

/// scores.csv for people: a line per arm, "0.914 [0.911, 0.917]" and so on, with t intervals. `score` is the name of the score
/// ([`score_name`]).
pub fn score_table(scores: &[ScoreRow], score: &str) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let width = scores.iter().map(|row| row.arm.chars().count()).max();
    let width = width.unwrap_or(0).max(3);
    let mut table = format!(
        "{:width$}  seeds  {score:22}  last five  slope per task  worst task\n",
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

/// The mean difference of two arms, seed by seed, each given with the rows of its run, on the stream of `experiment`. `None`
/// where fewer than two seeds finished in both.
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

/// The arm that `arm` is compared with; `arm` itself where there is no other.
fn counterpart<'a>(experiment: &'a Experiment, arm: &'a Arm) -> &'a Arm {
    let left_alone = Arm {
        control: Control::Constant,
        host_control: None,
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

/// The part of an arm's name before ": ", which names its group; empty for most.
fn group(name: &str) -> &str {
    name.split_once(": ").map_or("", |(group, _)| group)
}

/// The online accuracies by task of each seed that finished all tasks.
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

/// Writes all tables of a finished experiment into `directory`, which exists: tasks.csv, probes.csv, indicators.csv,
/// scores.csv, differences.csv, task_indicators.csv and early_warning.csv. Each file is whole, or as it was.
///
/// # Errors
/// A file that cannot be written: [`ExperimentError::Write`]; a NaN among the rows.
pub fn write_tables(
    directory: &Path,
    experiment: &Experiment,
    results: &Results,
) -> Result<(), ExperimentError> {
    let path = |file| directory.join(file);
    write_table(&path(TaskRow::FILE), &results.tasks)?;
    write_table(&path(ProbeRow::FILE), &results.probes)?;
    write_table(&path(IndicatorRow::FILE), &results.indicators)?;
    let scores = scores(experiment, &results.tasks)?;
    write_table(&path(ScoreRow::FILE), &scores)?;
    let differences = differences(experiment, &results.tasks)?;
    write_table(&path(DifferenceRow::FILE), &differences)?;
    let indicators = task_indicators(results);
    write_table(&path(TaskIndicatorRow::FILE), &indicators)?;
    let early_warning = early_warning(experiment, &results.tasks, &indicators)?;
    Ok(write_table(&path(EarlyWarningRow::FILE), &early_warning)?)
}
