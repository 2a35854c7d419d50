//! A run's directory, read back and checked.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use csv::{DeserializeErrorKind, ErrorKind, StringRecord};

use super::PageError;
use super::parts::{self, Unfinished};
use crate::experiment::foresight::{ALL_ARMS, HEADER as FORESIGHT_HEADER};
use crate::experiment::{
    DifferenceRow, Experiment, ForesightRow, Results, ScoreRow, differences, foresight, read_text,
    scores, task_indicators,
};
use crate::files::{self, LARGEST};
use crate::report::indicators::HEADER as INDICATOR_HEADER;
use crate::report::probes::HEADER as PROBE_HEADER;
use crate::report::tables::HEADER as TASK_HEADER;
use crate::report::{ProbeRow, TableRow, TaskRow};

/// What a page is made of where the run is finished.
const TABLES: [&str; 3] = ["tasks.csv", "probes.csv", "foresight.csv"];

/// What a run left, as far as a page shows it.
pub(super) struct Record {
    /// Where it lies.
    pub(super) directory: PathBuf,
    /// The text of experiment.toml.
    pub(super) file: String,
    pub(super) experiment: Experiment,
    pub(super) tasks: Vec<TaskRow>,
    pub(super) probes: Vec<ProbeRow>,
    /// Of `tasks`, as `differences`: the tables of an earlier version lack columns.
    pub(super) scores: Vec<ScoreRow>,
    pub(super) differences: Vec<DifferenceRow>,
    pub(super) foresight: Vec<ForesightRow>,
    /// How far it has come, where it has not come to its end.
    pub(super) unfinished: Option<Unfinished>,
}

impl Record {
    /// Reads the experiment and the tables in `directory`; no table names an arm that the experiment has not. A run without
    /// all of its tables is read from the rows so far.
    pub(super) fn read(directory: &Path) -> Result<Self, PageError> {
        let (file, experiment) = read_named(&directory.join("experiment.toml"))?;
        let has_tables = TABLES.iter().all(|name| directory.join(name).exists());
        if !has_tables && let Some(results) = parts::read(directory, &experiment)? {
            return Self::of_parts(directory, file, experiment, results);
        }
        let tasks = read_table(&directory.join("tasks.csv"), &TASK_HEADER)?;
        let record = Self {
            directory: directory.to_owned(),
            scores: scores(&experiment, &tasks)?,
            differences: differences(&experiment, &tasks)?,
            tasks,
            probes: read_table(&directory.join("probes.csv"), &PROBE_HEADER)?,
            foresight: read_table(&directory.join("foresight.csv"), &FORESIGHT_HEADER)?,
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
            foresight: foresight(&experiment, &results.tasks, &task_indicators(&results))?,
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
        let foresight = self.foresight.iter().map(|row| &row.arm[..]);
        let tables: [(&str, BTreeSet<&str>); 3] = [
            (
                "tasks.csv",
                self.tasks.iter().map(|row| &row.arm[..]).collect(),
            ),
            (
                "probes.csv",
                self.probes.iter().map(|row| &row.arm[..]).collect(),
            ),
            (
                "foresight.csv",
                foresight.filter(|arm| *arm != ALL_ARMS).collect(),
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

    /// The arms, in the experiment's order.
    pub(super) fn arms(&self) -> impl Iterator<Item = &str> {
        self.experiment.arms.iter().map(|arm| &arm.name[..])
    }
}

/// The experiment and the rows of the run in `directory`; all of its replicas.
pub(in crate::report) fn read_results(
    directory: &Path,
) -> Result<(Experiment, Results), PageError> {
    let (_, experiment) = read_named(&directory.join("experiment.toml"))?;
    let results = Results {
        tasks: read_table(&directory.join("tasks.csv"), &TASK_HEADER)?,
        probes: read_table(&directory.join("probes.csv"), &PROBE_HEADER)?,
        indicators: read_table(&directory.join("indicators.csv"), &INDICATOR_HEADER)?,
    };
    let arms: Vec<&str> = experiment.arms.iter().map(|arm| &arm.name[..]).collect();
    let tasks = results.tasks.iter();
    let tasks = tasks.map(|row| ("tasks.csv", &row.arm[..], row.seed));
    let probes = results.probes.iter();
    let probes = probes.map(|row| ("probes.csv", &row.arm[..], row.seed));
    let indicators = results.indicators.iter();
    let indicators = indicators.map(|row| ("indicators.csv", &row.arm[..], row.seed));
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

/// Reads an experiment and refuses names that a table or a terminal would take for something else.
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
        wanted: "the experiment of a run",
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

/// The rows of `path`, which has the columns `header` in any order.
fn read_table<T: TableRow>(path: &Path, header: &[&str]) -> Result<Vec<T>, PageError> {
    let bytes = files::read(path, LARGEST).map_err(|source| unreadable(path, source))?;
    parse_table(path, &bytes, header)
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> PageError {
    PageError::Read {
        path: path.to_owned(),
        wanted: "a table of a run",
        source,
    }
}

/// The rows in `bytes`, the content of the file `path`.
pub(super) fn parse_table<T: TableRow>(
    path: &Path,
    bytes: &[u8],
    header: &[&str],
) -> Result<Vec<T>, PageError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let found = reader.headers().map_err(|error| broken(path, &error))?;
    let found = found.clone();
    if let Some(column) = header
        .iter()
        .find(|name| !found.iter().any(|f| f == **name))
    {
        return Err(PageError::Column {
            path: path.to_owned(),
            column: (*column).to_owned(),
            found: found.iter().collect::<Vec<_>>().join(", "),
        });
    }
    let row = |record: Result<StringRecord, csv::Error>| {
        let record = record.map_err(|error| broken(path, &error))?;
        let row = record.deserialize(Some(&found));
        let row: T = row.map_err(|error| wrong_field(path, &found, &record, &error))?;
        match row.check() {
            Ok(()) => Ok(row),
            Err(fault) => Err(PageError::Row {
                path: path.to_owned(),
                line: record.position().map_or(1, csv::Position::line),
                wanted: format!("{} as its {}", fault.wanted, fault.column),
                found: fault.found,
            }),
        }
    };
    reader.records().map(row).collect()
}

/// A line that is no row at all.
fn broken(path: &Path, error: &csv::Error) -> PageError {
    PageError::Row {
        path: path.to_owned(),
        line: error.position().map_or(1, csv::Position::line),
        wanted: "a row of as many fields as the header has, in UTF-8".to_owned(),
        found: match error.kind() {
            ErrorKind::UnequalLengths { len, .. } => format!("{len} fields"),
            _ => error.to_string(),
        },
    }
}

/// A row whose field is not of its column's kind.
fn wrong_field(
    path: &Path,
    header: &StringRecord,
    record: &StringRecord,
    error: &csv::Error,
) -> PageError {
    let (field, wanted) = match error.kind() {
        ErrorKind::Deserialize { err, .. } => (err.field(), wanted_by(err.kind())),
        _ => (None, error.to_string()),
    };
    let field = field.and_then(|field| usize::try_from(field).ok());
    let text = |of: &StringRecord| field.and_then(|field| of.get(field)).map(str::to_owned);
    let column = text(header).map_or(String::new(), |column| format!(" as its {column}"));
    PageError::Row {
        path: path.to_owned(),
        line: record.position().map_or(1, csv::Position::line),
        wanted: wanted + &column,
        found: text(record).map_or("another row".to_owned(), |found| format!("{found:?}")),
    }
}

fn wanted_by(kind: &DeserializeErrorKind) -> String {
    match kind {
        DeserializeErrorKind::ParseFloat(_) => "a number".to_owned(),
        DeserializeErrorKind::ParseInt(_) => "a whole number".to_owned(),
        DeserializeErrorKind::ParseBool(_) => "true or false".to_owned(),
        kind => kind.to_string(),
    }
}
