//! A run's directory, read back and checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::PageError;
use super::parts::{self, Unfinished};
use crate::experiment::{
    Experiment, Results, differences, early_warning, read_text, scores, task_indicators,
};
use crate::record::{
    ALL_ARMS, DifferenceRow, EarlyWarningRow, IndicatorRow, ProbeRow, ScoreRow, TableRow, TaskRow,
    read_table,
};

/// The name of the table of early warnings in the directories that version 0.1.0 wrote.
const FORMER_EARLY_WARNING: &str = "foresight.csv";

/// A run and its data for the page.
pub(super) struct Record {
    /// The directory of the run.
    pub(super) directory: PathBuf,
    /// The text of experiment.toml.
    pub(super) file: String,
    pub(super) experiment: Experiment,
    pub(super) tasks: Vec<TaskRow>,
    pub(super) probes: Vec<ProbeRow>,
    /// The scores. Like `differences` they are computed from `tasks`, because the tables of an earlier version lack columns.
    pub(super) scores: Vec<ScoreRow>,
    pub(super) differences: Vec<DifferenceRow>,
    pub(super) early_warning: Vec<EarlyWarningRow>,
    /// The name of the table of early warnings in the directory.
    pub(super) early_warning_table: &'static str,
    /// The progress of an unfinished run.
    pub(super) unfinished: Option<Unfinished>,
}

impl Record {
    /// Reads the experiment and the tables in `directory`. No table may name an arm that the experiment does not have. A run
    /// without all of its tables is read from the rows so far.
    pub(super) fn read(directory: &Path) -> Result<Self, PageError> {
        let (file, experiment) = read_named(&directory.join("experiment.toml"))?;
        let early_warning_table = early_warning_table(directory);
        let needed = [TaskRow::FILE, ProbeRow::FILE, early_warning_table];
        let has_tables = needed.iter().all(|name| directory.join(name).exists());
        if !has_tables && let Some(results) = parts::read(directory, &experiment)? {
            return Self::of_parts(directory, file, experiment, results);
        }
        let tasks = read_table(&directory.join(TaskRow::FILE))?;
        let record = Self {
            directory: directory.to_owned(),
            scores: scores(&experiment, &tasks)?,
            differences: differences(&experiment, &tasks)?,
            tasks,
            probes: read_table(&directory.join(ProbeRow::FILE))?,
            early_warning: read_table(&directory.join(early_warning_table))?,
            early_warning_table,
            file,
            experiment,
            unfinished: None,
        };
        record.check_arms()?;
        Ok(record)
    }

    fn of_parts(
        directory: &Path,
        file: String,
        experiment: Experiment,
        results: Results,
    ) -> Result<Self, PageError> {
        let summary = parts::summary(&experiment, &results.tasks)?;
        let unfinished = Unfinished::new(&experiment, &results.tasks, summary.scored);
        let record = Self {
            directory: directory.to_owned(),
            file,
            early_warning: early_warning(&experiment, &results.tasks, &task_indicators(&results))?,
            early_warning_table: EarlyWarningRow::FILE,
            tasks: results.tasks,
            probes: results.probes,
            scores: summary.scores,
            differences: summary.differences,
            experiment,
            unfinished: Some(unfinished),
        };
        record.check_arms()?;
        Ok(record)
    }

    fn check_arms(&self) -> Result<(), PageError> {
        let arms: Vec<&str> = self.arms().collect();
        let unknown = |name: &str, found: Vec<&str>| PageError::Arms {
            path: self.directory.join(name),
            wanted: format!("{arms:?}"),
            found: format!("{found:?}"),
        };
        let early_warning = self.early_warning.iter().map(|row| &row.arm[..]);
        let tables: [(&str, BTreeSet<&str>); 3] = [
            (
                TaskRow::FILE,
                self.tasks.iter().map(|row| &row.arm[..]).collect(),
            ),
            (
                ProbeRow::FILE,
                self.probes.iter().map(|row| &row.arm[..]).collect(),
            ),
            (
                self.early_warning_table,
                early_warning.filter(|arm| *arm != ALL_ARMS).collect(),
            ),
        ];
        for (name, found) in tables {
            let found: Vec<_> = found
                .into_iter()
                .filter(|arm| !arms.contains(arm))
                .collect();
            if !found.is_empty() {
                return Err(unknown(name, found));
            }
        }
        Ok(())
    }

    /// Returns the arms, in the experiment's order.
    pub(super) fn arms(&self) -> impl Iterator<Item = &str> {
        self.experiment.arms.iter().map(|arm| &arm.name[..])
    }
}

/// Returns the name of the table of early warnings in `directory`: the former name where only that file exists.
fn early_warning_table(directory: &Path) -> &'static str {
    let exists = |name: &str| directory.join(name).exists();
    if !exists(EarlyWarningRow::FILE) && exists(FORMER_EARLY_WARNING) {
        return FORMER_EARLY_WARNING;
    }
    EarlyWarningRow::FILE
}

/// Reads the experiment and the rows of the finished run in `directory`.
pub(in crate::report) fn read_results(
    directory: &Path,
) -> Result<(Experiment, Results), PageError> {
    let (_, experiment) = read_named(&directory.join("experiment.toml"))?;
    let results = Results {
        tasks: read_table(&directory.join(TaskRow::FILE))?,
        probes: read_table(&directory.join(ProbeRow::FILE))?,
        indicators: read_table(&directory.join(IndicatorRow::FILE))?,
    };
    let arms: Vec<&str> = experiment.arms.iter().map(|arm| &arm.name[..]).collect();
    let tasks = results.tasks.iter();
    let tasks = tasks.map(|row| (TaskRow::FILE, &row.arm[..], row.seed));
    let probes = results.probes.iter();
    let probes = probes.map(|row| (ProbeRow::FILE, &row.arm[..], row.seed));
    let indicators = results.indicators.iter();
    let indicators = indicators.map(|row| (IndicatorRow::FILE, &row.arm[..], row.seed));
    let unknown = tasks
        .chain(probes)
        .chain(indicators)
        .find(|(_, arm, seed)| !arms.contains(arm) || !experiment.seeds.contains(seed));
    match unknown {
        None => Ok((experiment, results)),
        Some((name, arm, seed)) => Err(PageError::Arms {
            path: directory.join(name),
            wanted: format!("{arms:?} with seeds {:?}", experiment.seeds),
            found: format!("{arm:?} with seed {seed}"),
        }),
    }
}

/// Reads an experiment, and refuses names that a table or a terminal would misread.
fn read_named(path: &Path) -> Result<(String, Experiment), PageError> {
    let (text, experiment) = read_experiment(path)?;
    match experiment.check_names() {
        Ok(_) => Ok((text, experiment)),
        Err(source) => Err(PageError::Names {
            path: path.to_owned(),
            source: Box::new(source),
        }),
    }
}

fn read_experiment(path: &Path) -> Result<(String, Experiment), PageError> {
    let text = read_text(path).map_err(|source| PageError::Read {
        path: path.to_owned(),
        source,
    })?;
    match text.parse() {
        Ok(experiment) => Ok((text, experiment)),
        Err(source) => Err(PageError::Experiment {
            path: path.to_owned(),
            source,
        }),
    }
}
