//! Reports: pictures and pages for people, made of the rows and numbers of experiments.
//!
//! - `pictures`: the pictures that an experiment asks for.
//! - `figures`: arms side by side; `run` is the rows that they are made of.
//! - `panels`: a picture of the probes, a row of panels per layer.
//! - `curves`: curves over seeds, made of rows; `rows`: the arms, layers and tasks of rows.
//! - `plots`: a chart of curves with bands, as SVG and PNG.
//! - `grid`: what pictures made of panels are drawn with; `scale` is their vertical axes, `captions` their words.
//! - `subject`: the stream of tasks that rows are of, such as random-label MNIST, and its chance.
//! - `page`: HTML of one run or several, with all of this in it.
//! - `tensorboard`: event files of a run that is finished.
//!
//! Each file appears under its name only when all of it is on the disk.

mod captions;
mod curves;
mod figures;
mod grid;
mod page;
mod panels;
mod pictures;
mod plots;
mod rows;
mod run;
mod scale;
mod subject;
mod tensorboard;

use std::path::PathBuf;

use crate::files::WriteError;

pub use curves::{BandPoint, Series, online_accuracy_series};
pub use page::{Foreign, PageError, check_page, write_overview, write_page};
pub use pictures::write_figures;
pub use plots::{Chart, write_chart};
pub use tensorboard::write_event_files;

/// Why a picture cannot be drawn or written.
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
