//! Runs side by side, and names that tell their arms apart.

use std::collections::BTreeMap;
use std::fs;

use super::PageError;
use super::cells::Cells;
use super::record::Record;
use crate::error::Error;
use crate::experiment::difference;
use crate::record::{DifferenceRow, ScoreRow, TaskRow, text_cell};
use crate::report::subject::Subject;

/// One or several runs, in the order in which they were named.
pub(super) struct Comparison {
    pub(super) runs: Vec<Run>,
    /// The scores of all arms, under the names that tell them apart.
    pub(super) scores: Vec<ScoreRow>,
    /// Differences between arms of different runs.
    pub(super) across: Vec<DifferenceRow>,
    /// The finished tasks of all arms.
    pub(super) tasks: Vec<TaskRow>,
    /// The names of the cells, where all runs are cells of one sweep.
    pub(super) cells: Option<Cells>,
}

/// A run with a name.
pub(super) struct Run {
    /// The varied fields of a cell of a sweep; otherwise the directory's name, with a number if several runs share it.
    pub(super) name: String,
    /// The directory's name, with a number if several runs share it.
    pub(super) file_name: String,
    pub(super) record: Record,
    /// The name of each arm, distinct from the arms of the other runs.
    arms: BTreeMap<String, String>,
}

impl Run {
    /// Returns the name of `arm`, distinct from the arms of the other runs.
    pub(super) fn name_of<'a>(&'a self, arm: &'a str) -> &'a str {
        self.arms.get(arm).map_or(arm, |name| name)
    }

    /// Returns the run's paired differences, with these names.
    pub(super) fn differences(&self) -> Vec<DifferenceRow> {
        let renamed = |row: &DifferenceRow| DifferenceRow {
            arm: self.name_of(&row.arm).to_owned(),
            against: self.name_of(&row.against).to_owned(),
            ..row.clone()
        };
        self.record.differences.iter().map(renamed).collect()
    }

    fn scores(&self) -> impl Iterator<Item = ScoreRow> {
        self.record.scores.iter().map(|row| ScoreRow {
            arm: self.name_of(&row.arm).to_owned(),
            ..row.clone()
        })
    }

    fn tasks(&self) -> impl Iterator<Item = TaskRow> {
        self.record.tasks.iter().map(|row| TaskRow {
            arm: self.name_of(&row.arm).to_owned(),
            ..row.clone()
        })
    }
}

impl Comparison {
    pub(super) fn new(records: Vec<Record>) -> Result<Self, PageError> {
        let cells = Cells::new(&records);
        let runs = named(records, cells.as_ref());
        if runs.is_empty() {
            return Err(PageError::NoRun);
        }
        Ok(Self {
            scores: runs.iter().flat_map(Run::scores).collect(),
            across: across(&runs)?,
            tasks: runs.iter().flat_map(Run::tasks).collect(),
            runs,
            cells,
        })
    }

    /// Returns whether any of the runs is unfinished.
    pub(super) fn is_unfinished(&self) -> bool {
        self.runs.iter().any(|run| run.record.unfinished.is_some())
    }

    /// Returns, for each score, the number of tasks in it if its run is unfinished.
    pub(super) fn scored_tasks(&self) -> Vec<Option<u32>> {
        let of_run = |run: &Run| match &run.record.unfinished {
            Some(unfinished) => unfinished.scored.iter().copied().map(Some).collect(),
            None => vec![None; run.record.scores.len()],
        };
        self.runs.iter().flat_map(of_run).collect()
    }

    /// Returns the stream of tasks of all runs.
    pub(super) fn subject(&self) -> Subject {
        let experiments: Vec<_> = self.runs.iter().map(|run| &run.record.experiment).collect();
        let arms = |(number, run): (usize, &Run)| {
            let names = run.record.arms().map(|arm| run.name_of(arm).to_owned());
            names.map(|name| (name, number)).collect::<Vec<_>>()
        };
        Subject {
            runs: self.runs.iter().enumerate().flat_map(arms).collect(),
            ..Subject::of(&experiments)
        }
    }

    pub(super) fn is_of_several(&self) -> bool {
        self.runs.len() > 1
    }

    /// Returns the differences within the runs, then those across them.
    pub(super) fn all_differences(&self) -> Vec<DifferenceRow> {
        let within = self.runs.iter().flat_map(Run::differences);
        within.chain(self.across.iter().cloned()).collect()
    }
}

/// Names the runs and their arms. An arm's name that several runs have becomes "RUN / ARM".
fn named(records: Vec<Record>, cells: Option<&Cells>) -> Vec<Run> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for arm in records.iter().flat_map(Record::arms) {
        *counts.entry(arm.to_owned()).or_default() += 1;
    }
    let mut file_names = Vec::new();
    for record in &records {
        file_names.push(unused_name(record, &file_names));
    }
    let names = cells.map_or(&file_names, |cells| &cells.names).clone();
    let run = |((name, file_name), record): ((String, String), Record)| {
        let shared = record.arms().filter(|arm| counts[*arm] > 1);
        let arms = shared.map(|arm| (arm.to_owned(), format!("{name} / {arm}")));
        Run {
            arms: arms.collect(),
            name,
            file_name,
            record,
        }
    };
    names
        .into_iter()
        .zip(file_names)
        .zip(records)
        .map(run)
        .collect()
}

/// Returns an unused name for the run: "NAME", or "NAME (2)" and so on where NAME is taken.
fn unused_name(record: &Record, taken: &[String]) -> String {
    let directory = fs::canonicalize(&record.directory);
    let directory = directory.unwrap_or_else(|_| record.directory.clone());
    let name = directory.file_name().map(|name| name.to_string_lossy());
    let name = name.map_or(record.experiment.name.clone(), String::from);
    let name = text_cell(&name);
    let numbered = (2_u32..).map(|count| format!("{name} ({count})"));
    let mut names = [name.clone()].into_iter().chain(numbered);
    let unused = names.find(|name| !taken.contains(name));
    unused.unwrap_or(name)
}

/// Returns the differences of each later run's arms from the first run's arm of the same name, or otherwise from its first
/// arm. There are none where seeds or streams differ.
fn across(runs: &[Run]) -> Result<Vec<DifferenceRow>, Error> {
    let Some((first, later)) = runs.split_first() else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for run in later {
        let (a, b) = (&first.record.experiment, &run.record.experiment);
        if a.seeds != b.seeds || !a.has_stream_of(b) {
            continue;
        }
        for arm in run.record.arms() {
            let namesake = first.record.arms().find(|other| *other == arm);
            let Some(against) = namesake.or_else(|| first.record.arms().next()) else {
                continue;
            };
            let own = (&run.record.tasks[..], arm);
            let other = (&first.record.tasks[..], against);
            let row = difference(&first.record.experiment, own, other)?;
            rows.extend(row.map(|row| DifferenceRow {
                arm: run.name_of(arm).to_owned(),
                against: first.name_of(against).to_owned(),
                ..row
            }));
        }
    }
    Ok(rows)
}
