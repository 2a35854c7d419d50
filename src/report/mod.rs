//! What a run leaves to be read: tables for programs, charts for people.
//!
//! - `tables`: a row per finished task, `tasks.csv`, the curves made of the rows.
//! - `plots`: a chart of curves with bands, as SVG and PNG.
//! - `probes`: a row per probed layer, `probes.csv`, the curves made of the rows.
//! - `indicators`: a row per minibatch that was looked at, `indicators.csv`.
//! - `figures`: the pictures of the experiments, arms side by side; `run` is the rows they are made of.
//! - `ranges`: what the numbers of a table that is read back can be.
//! - `tensorboard`: the rows as TensorBoard shows them; `events` is the format of its files.
//! - `page`: HTML of one run or several, with all of this in it.
//! - `subject`: what rows are of, such as random-label MNIST, and its chance.
//! - `panels`: a picture of the probes, a row of panels per layer.
//! - `grid`: what pictures made of panels are drawn with; `scale` is their vertical axes, `captions` their words.
//!
//! Event files grow as a run goes on. Any other file appears under its name only when all of it is on the disk; before that it stands beside it under a
//! temporary one.

mod captions;
mod events;
mod figures;
mod grid;
mod indicators;
mod page;
mod panels;
mod plots;
mod probes;
mod ranges;
mod run;
mod scale;
mod subject;
mod tables;
mod tensorboard;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files::{WriteError, write_whole};

pub use figures::{write_accuracies, write_diagnosis, write_layer_bounds, write_trajectories};
pub use indicators::{IndicatorRow, write_indicators_csv};
pub use page::{Foreign, PageError, check_page, write_overview, write_page};
pub use panels::write_probe_chart;
pub use plots::{Chart, write_chart};
pub(crate) use probes::NETWORK;
pub use probes::{ProbeRow, probe_rows, write_probes_csv};
pub(crate) use ranges::TableRow;
pub use subject::Subject;
pub use tables::{BandPoint, Series, TaskRow, online_accuracy_series, write_tasks_csv};
pub(crate) use tensorboard::EventFiles;
pub use tensorboard::write_event_files;

/// What can go wrong while a report is written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system refused.
    #[error(transparent)]
    Write(#[from] WriteError),
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
    let table = csv_bytes(header, rows).map_err(|source| WriteError::new(path, source))?;
    Ok(write_whole(path, &table)?)
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
