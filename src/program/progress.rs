//! Progress messages of `trainable run`: a bar for people, lines for logs, JSON for programs, or nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;
use trainable::experiment::Event;
use trainable::record::TaskRow;

use super::pace::Pace;
use super::say::{WARNING, say, styled};

/// Form of the progress messages.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Progress {
    /// A bar on a terminal, otherwise lines
    Auto,
    /// A bar with the time left and every arm's latest score
    Bar,
    /// A line for each finished task of each replica
    Lines,
    /// JSON objects on standard output, one a line, instead of the score table
    Json,
    /// Only messages about replicas that diverge
    Quiet,
}

impl Progress {
    /// Whether standard output belongs to JSON.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json)
    }

    /// Announces the next cell of a sweep: number `number` of `count`.
    pub(crate) fn tell_cell(self, name: &str, number: usize, count: usize) {
        match self {
            Self::Auto | Self::Bar | Self::Lines => say!("cell {number} of {count}: {name}"),
            Self::Json => print_json(&json!({
                "event": "cell", "cell": name, "number": number, "cells": count,
            })),
            Self::Quiet => {}
        }
    }
}

/// Reports events in the chosen form.
pub(crate) struct Teller {
    mode: Mode,
    /// State that is shared with the bar.
    pace: Arc<Mutex<Pace>>,
    begin: Instant,
}

enum Mode {
    Bar(ProgressBar, Scores),
    Lines,
    Json,
    Quiet,
}

impl Teller {
    /// Creates a reporter for a run of `total` steps, summed over its replicas.
    pub(crate) fn new(progress: Progress, total: u64) -> Self {
        let begin = Instant::now();
        let pace = Arc::new(Mutex::new(Pace::new(total, begin)));
        let bar = || Mode::Bar(bar(total, &pace), Scores::default());
        let mode = match progress {
            Progress::Auto if io::stderr().is_terminal() => bar(),
            Progress::Bar => bar(),
            Progress::Auto | Progress::Lines => Mode::Lines,
            Progress::Json => Mode::Json,
            Progress::Quiet => Mode::Quiet,
        };
        Self { mode, pace, begin }
    }

    pub(crate) fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Steps(steps) => {
                self.pace().advance(steps);
                self.show(steps);
            }
            Event::Split { replicas, fit } => self.warn(
                &format!("{fit} of {replicas} replicas train together on this device, and the others in turn"),
                &json!({"event": "split", "replicas": replicas, "fit": fit}),
            ),
            Event::Resumed(steps) => {
                self.pace().resume(steps, Instant::now());
                self.show(steps);
            }
            Event::Task(row) => {
                let line = format!(
                    "{}, seed {}: task {} at {:.3}",
                    row.arm, row.seed, row.task, row.online_accuracy
                );
                let pace = self.pace().clone();
                match &mut self.mode {
                    Mode::Bar(bar, scores) => {
                        scores.add(row);
                        bar.set_message(scores.lines());
                    }
                    Mode::Lines => {
                        let left = pace.left(Instant::now());
                        let left = left.map_or(String::new(), |left| {
                            format!(", {:.0} s left", left.as_secs_f64())
                        });
                        say!("{:3.0}%  {line}{left}", pace.percent());
                    }
                    Mode::Json => print_json(&json!({
                        "event": "task", "steps": pace.done(), "total_steps": pace.total(), "row": row,
                    })),
                    Mode::Quiet => {}
                }
            }
            Event::Unmeasured { arm, seed, update } => self.warn(
                &format!(
                    "{arm}, seed {seed}: the probe at update {update} was not finite; the step sizes stay as they are"
                ),
                &json!({"event": "unmeasured", "arm": arm, "seed": seed, "update": update}),
            ),
            Event::Diverged { arm, seed, halt } => {
                let cause = format!("{:?}", halt.cause).to_lowercase();
                let (task, update) = (halt.task + 1, halt.update);
                let line = format!(
                    "{arm}, seed {seed}: diverged in task {task} at update {update} ({cause} not finite); stopped"
                );
                let value = json!({
                    "event": "diverged", "arm": arm, "seed": seed, "task": task,
                    "update": update, "cause": cause,
                });
                self.warn(&line, &value);
            }
        }
    }

    fn warn(&self, line: &str, value: &serde_json::Value) {
        match &self.mode {
            Mode::Bar(bar, _) => bar.suspend(|| say!("{}", styled(WARNING, line))),
            Mode::Lines | Mode::Quiet => say!("{}", styled(WARNING, line)),
            Mode::Json => print_json(value),
        }
    }

    /// Reports the end of the run.
    pub(crate) fn finish(&self, event: &str) {
        match &self.mode {
            Mode::Bar(bar, _) => bar.finish_and_clear(),
            Mode::Json => {
                let pace = self.pace();
                print_json(&json!({
                    "event": event, "steps": pace.done(), "total_steps": pace.total(),
                    "seconds": self.begin.elapsed().as_secs_f64(),
                }));
            }
            Mode::Lines | Mode::Quiet => {}
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances the bar.
    fn show(&self, steps: u64) {
        if let Mode::Bar(bar, _) = &self.mode {
            bar.inc(steps);
        }
    }
}

/// Latest scores of the arms, in the order of each arm's first score.
#[derive(Default)]
struct Scores(Vec<Latest>);

struct Latest {
    arm: String,
    /// Latest score of each seed.
    scores: BTreeMap<u32, TaskRow>,
}

impl Scores {
    fn add(&mut self, row: &TaskRow) {
        let known = self.0.iter().position(|latest| latest.arm == row.arm);
        let place = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(Latest {
                arm: row.arm.clone(),
                scores: BTreeMap::new(),
            });
        }
        self.0[place].scores.insert(row.seed, row.clone());
    }

    /// Formats a line for each arm: its newest task, and the mean over the seeds that have finished it.
    fn lines(&self) -> String {
        let names = self.0.iter().map(|latest| latest.arm.chars().count());
        let width = names.max().unwrap_or(0);
        let line = |Latest { arm, scores }: &Latest| {
            let newest = scores.values().map(|row| row.task).max().unwrap_or(0);
            let rows = scores.values().filter(|row| row.task == newest);
            let scores: Vec<_> = rows.map(|row| row.online_accuracy).collect();
            let count = scores.len();
            let mean = scores.iter().sum::<f64>() / count as f64;
            let seeds = if count == 1 { "seed" } else { "seeds" };
            format!("{arm:width$}  task {newest} at {mean:.3} ({count} {seeds})")
        };
        let lines: Vec<_> = self.0.iter().map(line).collect();
        lines.join("\n")
    }
}

/// Writes a line and ignores failures: without a reader, training goes on and the tables are written.
fn print_json(value: &serde_json::Value) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{value}").and_then(|()| output.flush());
}

/// Style of the bar, with our own estimate of the time left: the bar's own would count the steps of an earlier process.
fn bar(steps: u64, pace: &Arc<Mutex<Pace>>) -> ProgressBar {
    let template = "{wide_bar} {percent:>3}%  {elapsed}, {left} left\n{msg}";
    let style = ProgressStyle::with_template(template).expect("a template that indicatif knows");
    let pace = pace.clone();
    let left = move |_: &ProgressState, text: &mut dyn fmt::Write| {
        let pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = match pace.left(Instant::now()) {
            Some(left) => write!(text, "{:#}", HumanDuration(left)),
            None => text.write_str("-"),
        };
    };
    let bar = ProgressBar::new(steps).with_style(style.with_key("left", left));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_the_newest_task_of_each_arm() {
        let row = |arm: &str, seed, task, online_accuracy| TaskRow {
            arm: arm.to_owned(),
            seed,
            task,
            online_accuracy,
            online_loss: 0.0,
            final_accuracy: 0.0,
            final_loss: 0.0,
        };
        let mut scores = Scores::default();
        let rows = [
            ("ReLU", 1, 1, 0.5),
            ("ReLU", 2, 1, 0.7),
            ("L2: x", 1, 1, 0.25),
        ];
        for (arm, seed, task, accuracy) in rows {
            scores.add(&row(arm, seed, task, accuracy));
        }
        assert_eq!(
            scores.lines(),
            "ReLU   task 1 at 0.600 (2 seeds)\nL2: x  task 1 at 0.250 (1 seed)"
        );
        scores.add(&row("ReLU", 2, 2, 0.125));
        assert!(
            scores
                .lines()
                .starts_with("ReLU   task 2 at 0.125 (1 seed)\n")
        );
    }
}
