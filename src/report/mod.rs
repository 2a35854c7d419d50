//! Reports: pictures and pages for people, made of the rows and numbers of experiments.
//!
//! - `pictures`: the pictures that an experiment asks for.
//! - `figures`: arms side by side; `run` is the rows that they are made of.
//! - `panels`: rows of panels, from which the pictures are made; `captions` is their words.
//! - `curves`: curves over seeds, made of rows; `rows`: the arms, layers and tasks of rows.
//! - `grid`: a picture of panels, drawn by kuva; `scale` is their vertical axes, `drawing` the files.
//! - `subject`: the stream of tasks that rows are of, such as random-label MNIST, and its chance.
//! - `page`: HTML of one run or several, with all of this in it.
//! - `tensorboard`: event files of a run that is finished.
//!
//! Each file appears under its name only when all of it is on the disk.

mod captions;
mod curves;
mod drawing;
mod figures;
mod grid;
mod page;
mod panels;
mod pictures;
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
use subject::Subject;
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
