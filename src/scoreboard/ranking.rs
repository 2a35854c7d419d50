//! The rows of a scoreboard's tables.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Entry;
use crate::error::Error;
use crate::experiment::{Experiment, scores};
use crate::record::{ConfigurationRow, HeldOutRow, ScoreRow, ScoreboardRow, TaskRow};
use crate::statistics::{mean_if_any, student_interval};

/// The largest share of settings in which some interval of a setting misses its difference.
const ERROR: f64 = 0.05;

/// The results of one entry: its tuning, and its chosen configuration on the held-out seeds.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    entry: &'a Entry,
    best: usize,
    tuning: Vec<ScoreRow>,
    score: ScoreRow,
    /// The mean online accuracy of each held-out seed that finished.
    means: BTreeMap<u32, f64>,
    /// The mean number of dispatches of a training step of the chosen configuration.
    dispatches: f64,
}

impl<'a> Outcome<'a> {
    /// The outcome of `entry`, from scores.csv of its tuning, tasks.csv of its held-out seeds, and the
    /// [number of dispatches](Experiment::step_dispatches) of its chosen configuration.
    ///
    /// # Errors
    /// The errors of [`Entry::best`]; [`Error::Invalid`] for a NaN among the rows.
    pub fn new(
        entry: &'a Entry,
        tuning: Vec<ScoreRow>,
        held_out: &[TaskRow],
        dispatches: f64,
    ) -> Result<Self, Error> {
        let best = entry.best(&tuning)?;
        let experiment = entry.held_out(best);
        let score = scores(&experiment, held_out)?.swap_remove(0);
        Ok(Self {
            entry,
            best,
            tuning,
            score,
            means: seed_means(&experiment, held_out),
            dispatches,
        })
    }

    /// The rows of configurations.csv.
    pub fn configurations(&self) -> Vec<ConfigurationRow> {
        let configurations = self.entry.configurations.iter().zip(&self.tuning);
        configurations
            .enumerate()
            .map(|(place, (configuration, score))| ConfigurationRow {
                setting: self.entry.setting.clone(),
                method: self.entry.method.clone(),
                configuration: configuration.label.clone(),
                chosen: place == self.best,
                seeds: score.seeds,
                diverged: score.diverged,
                mean: score.mean,
            })
            .collect()
    }

    /// The rows of held_out.csv.
    pub fn held_out(&self) -> Vec<HeldOutRow> {
        let row = |seed: u32| HeldOutRow {
            setting: self.entry.setting.clone(),
            method: self.entry.method.clone(),
            configuration: self.entry.configurations[self.best].label.clone(),
            seed,
            mean: self.means.get(&seed).copied(),
        };
        let seeds = self.entry.held_out(self.best).seeds;
        seeds.into_iter().map(row).collect()
    }

    /// Fewer diverged seeds come first, and then higher means.
    fn order(&self, other: &Self) -> Ordering {
        let mean = |outcome: &Self| outcome.score.mean.unwrap_or(f64::NEG_INFINITY);
        let diverged = self.score.diverged.cmp(&other.score.diverged);
        diverged.then(mean(other).total_cmp(&mean(self)))
    }
}

/// The rows of scoreboard.csv for the methods of one setting, from the first to the last. `outcomes` are in the file's order.
///
/// Each method is compared with the first, seed by seed, unless one of both diverged on a seed. Which method comes first
/// is known only afterwards, so the t intervals are those of all k (k - 1) / 2 pairs of methods in the setting together: by
/// Bonferroni's correction, each has the confidence 1 - 0.05 / (k (k - 1) / 2). As every t interval, they suppose
/// differences that are normally distributed. They do not cover several settings together.
///
/// # Errors
/// [`Error::Invalid`] for a NaN among the means.
pub fn rank(outcomes: &[Outcome<'_>]) -> Result<Vec<ScoreboardRow>, Error> {
    let mut ranked: Vec<&Outcome<'_>> = outcomes.iter().collect();
    ranked.sort_by(|a, b| a.order(b));
    let pairs = ranked.len() * ranked.len().saturating_sub(1) / 2;
    let level = 1.0 - ERROR / pairs.max(1) as f64;
    let row = |(place, outcome): (usize, &&Outcome<'_>)| {
        let first = ranked[0];
        let is_compared = place > 0 && first.score.diverged == 0 && outcome.score.diverged == 0;
        let pairs = first.means.values().zip(outcome.means.values());
        let behind = pairs
            .filter(|_| is_compared)
            .map(|(first, own)| first - own);
        let behind: Vec<f64> = behind.collect();
        let interval = student_interval(&behind, level)?;
        let chosen = &outcome.entry.configurations[outcome.best];
        let interval_of_mean = outcome.score.t_interval();
        Ok(ScoreboardRow {
            setting: outcome.entry.setting.clone(),
            rank: place + 1,
            method: outcome.entry.method.clone(),
            configuration: chosen.label.clone(),
            at_edge: chosen.at_edge.join(", "),
            tuning_mean: outcome.tuning[outcome.best].mean,
            seeds: outcome.score.seeds,
            diverged: outcome.score.diverged,
            mean: outcome.score.mean,
            t_low: interval_of_mean.map(|(low, _)| low),
            t_high: interval_of_mean.map(|(_, high)| high),
            behind: mean_if_any(behind.into_iter()),
            behind_low: interval.map(|(low, _)| low),
            behind_high: interval.map(|(_, high)| high),
            dispatches: Some(outcome.dispatches),
            dispatches_ratio: Some(outcome.dispatches / outcomes[0].dispatches),
        })
    };
    ranked.iter().enumerate().map(row).collect()
}

/// scoreboard.csv for people: the methods of each setting, "0.866 [0.862, 0.870]" and so on. `score` returns the name of a
/// setting's score (see [`score_name`](crate::experiment::score_name)). Dispatches of a step are multiples of those of the first
/// method of the file.
pub fn rank_table(rows: &[ScoreboardRow], score: impl Fn(&str) -> &'static str) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let interval = |low: Option<f64>, high| {
        let ends = low.zip(high);
        ends.map_or(String::new(), |(low, high)| {
            format!(" [{low:.3}, {high:.3}]")
        })
    };
    let width = |name: fn(&ScoreboardRow) -> &String, least| {
        let widths = rows.iter().map(|row| name(row).chars().count());
        widths.max().unwrap_or(0).max(least)
    };
    let methods = width(|row| &row.method, 6);
    let configurations = width(|row| &row.configuration, 13);
    let edges = width(|row| &row.at_edge, 10);
    let mut table = String::new();
    let mut setting = None;
    for row in rows {
        if setting != Some(&row.setting) {
            setting = Some(&row.setting);
            table += &format!(
                "{}\n    {:methods$}  {:configurations$}  {:edges$}  seeds  diverged  dispatches  {:20}  behind the first\n",
                row.setting,
                "method",
                "configuration",
                "at an edge",
                score(&row.setting)
            );
        }
        let mean = number(row.mean) + &interval(row.t_low, row.t_high);
        let behind = number(row.behind) + &interval(row.behind_low, row.behind_high);
        let ratio = row.dispatches_ratio;
        let dispatches = ratio.map_or("-".to_owned(), |ratio| format!("x {ratio:.2}"));
        table += &format!(
            "{:>3} {:methods$}  {:configurations$}  {:edges$}  {:>5}  {:>8}  {dispatches:>10}  {mean:20}  {behind}\n",
            row.rank, row.method, row.configuration, row.at_edge, row.seeds, row.diverged
        );
    }
    table
}

/// The mean online accuracy over all tasks of each seed that finished them, of an experiment with one arm.
fn seed_means(experiment: &Experiment, rows: &[TaskRow]) -> BTreeMap<u32, f64> {
    let mean = |seed: u32| {
        let own = rows.iter().filter(|row| row.seed == seed);
        let accuracies: Vec<f64> = own.map(|row| row.online_accuracy).collect();
        let is_finished = accuracies.len() == experiment.tasks as usize;
        let mean = mean_if_any(accuracies.into_iter())?;
        is_finished.then_some((seed, mean))
    };
    experiment.seeds.iter().copied().filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Scoreboard;
    use super::*;

    /// Three methods of one configuration each, with two tasks on three held-out seeds.
    const FILE: &str = "
        name = 'x'
        tuning_seeds = [1]
        held_out_seeds = [5, 6, 7]
        settings = [{ name = 's', experiment = { tasks = 2 } }]
        methods = [{ name = 'a' }, { name = 'b' }, { name = 'c' }]";

    fn rows(means: &[(u32, f64)]) -> Vec<TaskRow> {
        let row = |(seed, mean, task): (u32, f64, u32)| TaskRow {
            arm: "x".to_owned(),
            seed,
            task,
            // The two tasks of a seed differ, and their mean is `mean`.
            online_accuracy: if task == 1 {
                mean - 0.125
            } else {
                mean + 0.125
            },
            online_loss: 1.0,
            final_accuracy: 0.5,
            final_loss: 1.0,
        };
        let tasks = means
            .iter()
            .flat_map(|(seed, mean)| [(*seed, *mean, 1), (*seed, *mean, 2)]);
        tasks.map(row).collect()
    }

    fn ranked(means: [&[(u32, f64)]; 3]) -> Vec<ScoreboardRow> {
        let scoreboard: Scoreboard = FILE.parse().unwrap();
        let entries = scoreboard.entries().unwrap();
        let outcome = |(entry, means): (&'_ Entry, &[(u32, f64)])| {
            let mut rows = rows(means);
            rows.iter_mut()
                .for_each(|row| row.arm.clone_from(&entry.method));
            let tuning = scores(&entry.tuning, &rows).unwrap();
            (tuning, rows)
        };
        let outcomes: Vec<_> = { entries.iter().zip(means) }
            .map(|(entry, means)| {
                let (tuning, rows) = outcome((entry, means));
                // The methods of the file have 8, 10 and 12 dispatches.
                let dispatches = 8.0 + 2.0 * f64::from(entry.method.as_bytes()[0] - b'a');
                Outcome::new(entry, tuning, &rows, dispatches).unwrap()
            })
            .collect();
        for outcome in &outcomes {
            let chosen = outcome.configurations();
            assert!(chosen.len() == 1 && chosen[0].chosen);
            assert_eq!(outcome.held_out().len(), 3);
        }
        rank(&outcomes).unwrap()
    }

    #[test]
    fn methods_are_ranked_and_compared_by_seed() {
        let rows = ranked([
            &[(5, 0.5), (6, 0.5), (7, 0.5)],
            &[(5, 0.625), (6, 0.75), (7, 0.625)],
            &[(5, 0.25), (6, 0.5), (7, 0.375)],
        ]);
        let names: Vec<_> = rows.iter().map(|row| (row.rank, &row.method[..])).collect();
        assert_eq!(names, [(1, "b"), (2, "a"), (3, "c")]);
        // Multiples of the file's first method, which is the second here.
        let dispatches: Vec<_> = { rows.iter() }
            .map(|row| (row.dispatches.unwrap(), row.dispatches_ratio.unwrap()))
            .collect();
        assert_eq!(dispatches, [(10.0, 1.25), (8.0, 1.0), (12.0, 1.5)]);
        assert_eq!((rows[0].behind, rows[0].behind_low), (None, None));
        // 0.125, 0.25, 0.125: their mean is 1/6 and their standard error 1/24. The quantile of Student's distribution with
        // 2 degrees of freedom at 1 - 0.05 / 3 / 2 is (2p - 1) sqrt(2 / (1 - (2p - 1)^2)).
        let level = 1.0 - 0.05 / 3.0_f64;
        let quantile = level * (2.0 / (1.0 - level * level)).sqrt();
        let (low, high) = (1.0 / 6.0 - quantile / 24.0, 1.0 / 6.0 + quantile / 24.0);
        assert!((rows[1].behind.unwrap() - 1.0 / 6.0).abs() < 1e-12);
        assert!(
            (rows[1].behind_low.unwrap() - low).abs() < 1e-9,
            "{low} {rows:?}"
        );
        assert!((rows[1].behind_high.unwrap() - high).abs() < 1e-9);
        // Without the correction the interval is much narrower.
        let narrow = 0.95 * (2.0 / (1.0 - 0.95_f64 * 0.95)).sqrt();
        assert!(quantile > 1.5 * narrow);
        let printed = rank_table(&rows, |_| "online R²");
        assert!(printed.starts_with("s\n"), "{printed}");
        assert!(printed.contains("  2 a "), "{printed}");
        assert!(printed.contains("0.167 ["), "{printed}");
        assert!(printed.contains("  x 1.25  "), "{printed}");
    }

    #[test]
    fn a_method_that_diverges_comes_last() {
        let rows = ranked([
            &[(5, 0.9), (6, 0.9)],
            &[(5, 0.25), (6, 0.25), (7, 0.25)],
            &[],
        ]);
        let names: Vec<_> = { rows.iter() }
            .map(|row| (&row.method[..], row.diverged, row.mean))
            .collect();
        assert_eq!(names[0], ("b", 0, Some(0.25)));
        assert_eq!((names[1].0, names[1].1), ("a", 1));
        assert_eq!(names[2], ("c", 3, None));
        // The seeds on which it diverged are missing, and a comparison on the others would be in its favour.
        assert_eq!((rows[1].behind, rows[1].behind_low), (None, None));
        assert_eq!(rows[2].behind, None);
    }
}
