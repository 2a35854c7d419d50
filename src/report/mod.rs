//! What a run leaves to be read: tables for programs, charts for people.
//!
//! - `tables`: a row per finished task, `tasks.csv`, the curves and the scores made of the rows.
//! - `probes`: a row per probed layer, `probes.csv`, the curves made of the rows.
//! - `prediction`: how well an indicator foretells a drop in accuracy, and bootstrap intervals over seeds; `student`: Student's t intervals.
//! - `indicators`: a row per minibatch that was looked at, `indicators.csv`.
//! - `figures`: the pictures of the experiments, arms side by side; `run` is the rows they are made of.
//! - `ranges`: what the numbers of a table that is read back can be.
//! - `tensorboard`: the rows as TensorBoard shows them; `events` is the format of its files.
//! - `page`: HTML of one run or several, with all of this in it.
//! - `subject`: what rows are of, such as random-label MNIST, and its chance.
//! - `panels`: rows of panels, from which the pictures are made; `captions` is their words.
//! - `grid`: a picture of panels, drawn by kuva; `scale` is their vertical axes, `drawing` the files.
//!
//! Event files grow as a run goes on. Any other file appears under its name only when all of it is on the disk; before that it stands beside it under a
//! temporary one.

mod captions;
mod drawing;
mod events;
mod figures;
mod grid;
mod indicators;
mod page;
mod panels;
mod prediction;
mod probes;
mod ranges;
mod run;
mod scale;
mod student;
mod subject;
mod tables;
mod tensorboard;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

pub use drawing::Drawing;
pub use figures::{accuracies, diagnosis, layer_bounds, probe_chart, trajectories};
pub use indicators::{IndicatorRow, write_indicators_csv};
pub use page::{Foreign, PageError, check_page, write_overview, write_page};
pub use prediction::{
    ACCURACY_DROP, Bootstrap, IndicatorRun, Interval, LeadTime, auroc, lead_time,
    paired_difference, pooled_auroc,
};
pub(crate) use probes::NETWORK;
pub use probes::{ProbeRow, probe_rows, write_probes_csv};
pub(crate) use ranges::TableRow;
pub use run::Rows;
pub use student::student_interval;
pub use subject::Subject;
pub use tables::{
    BandPoint, Score, Series, TaskRow, online_accuracy_series, score, write_tasks_csv,
};
pub(crate) use tensorboard::EventFiles;
pub use tensorboard::write_event_files;

/// What can go wrong while a report is written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system refused.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// A point of a curve is not a number that can be drawn. It is never left out.
    #[error("cannot draw {}: series {series:?} at x = {x} has low {low}, mean {mean}, high {high}", path.display())]
    NotFinite {
        /// The chart, without extension.
        path: PathBuf,
        /// The curve's name.
        series: String,
        /// The point's place.
        x: f64,
        /// The band's lower edge there.
        low: f64,
        /// The curve there.
        mean: f64,
        /// The band's upper edge there.
        high: f64,
    },
    /// The chart makes no picture.
    #[error("cannot draw {}: {reason}", path.display())]
    Chart {
        /// The chart, without extension.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Writes `rows` to `path`, in their order, under `header`.
pub(crate) fn write_csv(
    path: &Path,
    header: &[&str],
    rows: &[impl Serialize],
) -> Result<(), ReportError> {
    let table = csv_bytes(header, rows).map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })?;
    write_whole(path, &table)
}

/// A text that came from outside as a cell of a table: spreadsheets would take what begins with `=`, `+`, `-` or `@` for a
/// formula, and so it gets an apostrophe; control characters become spaces.
pub fn text_cell(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text
    }
}

/// The header is given, so that a table without rows has one.
fn csv_bytes(header: &[&str], rows: &[impl Serialize]) -> io::Result<Vec<u8>> {
    let mut table = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    table.write_record(header)?;
    for row in rows {
        table.serialize(row)?;
    }
    table.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Writes `bytes` to a temporary name in the same directory, syncs it and renames it to `path`: the file is whole or as
/// it was. Of what is there, only a regular file or a link is replaced; a device or a pipe stays.
///
/// # Errors
/// [`ReportError::Write`]
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let temporary = temporary_beside(path);
    check_regular(path)
        .and_then(|()| write_synced(&temporary, bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| {
            // The first error is the one to tell; often there is nothing to remove.
            let _ = fs::remove_file(&temporary);
            ReportError::Write {
                path: path.to_owned(),
                source,
            }
        })
}

/// Fails where something is at `path` that a file must not take the place of.
fn check_regular(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() && !found.is_symlink() => {
            Err(io::Error::other("what is there is no regular file"))
        }
        _ => Ok(()),
    }
}

/// `.NAME.PROCESS.COUNT.tmp` in the directory of `path`: no two writers share it.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{count}.tmp", process::id()));
    path.with_file_name(name)
}

/// Removes what writers that were killed have left in `directory`, in which nobody else must be writing.
pub(crate) fn remove_temporaries(directory: &Path) -> io::Result<()> {
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let middle = name.to_str().and_then(|name| name.strip_prefix('.'));
        let Some(middle) = middle.and_then(|name| name.strip_suffix(".tmp")) else {
            continue;
        };
        let mut parts = middle.rsplit('.');
        if is_number(parts.next()) && is_number(parts.next()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    }

    #[test]
    fn no_text_is_a_formula_or_moves_the_cursor() {
        for (text, wanted) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\u{1b}[2J\t", " [2J "),
            ("L2: a = b", "L2: a = b"),
        ] {
            assert_eq!(text_cell(text), wanted);
        }
    }

    #[test]
    fn a_file_replaces_the_one_before_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        write_whole(&path, b"first, and longer").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names_in(directory.path()), ["table.csv"]);
    }

    #[test]
    fn only_temporary_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        fs::write(&path, "kept").unwrap();
        fs::write(directory.path().join(".notes.tmp"), "kept").unwrap();
        fs::write(directory.path().join(".notes.1.tmp"), "kept").unwrap();
        fs::write(temporary_beside(&path), "cut o").unwrap();
        remove_temporaries(directory.path()).unwrap();
        let mut names = names_in(directory.path());
        names.sort();
        assert_eq!(names, [".notes.1.tmp", ".notes.tmp", "table.csv"]);
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/table.csv");
        let error = write_whole(&path, b"bytes").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", path.display())
        );
        let ReportError::Write { source, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(source.kind(), io::ErrorKind::NotFound);
        assert!(names_in(directory.path()).is_empty());
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        fs::create_dir(&path).unwrap();
        let error = write_whole(&path, b"bytes").unwrap_err();
        assert!(matches!(error, ReportError::Write { .. }), "{error:?}");
        assert_eq!(names_in(directory.path()), ["table.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        write_whole(&path, b"bytes").unwrap_err();
        assert!(!fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(names_in(directory.path()), ["table.csv"]);
    }
}
