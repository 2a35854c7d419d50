//! Reports for readers: pictures and pages, made from the rows and numbers of experiments.
//!
//! - `pictures`: the pictures that an experiment asks for.
//! - `figures`: pictures with arms side by side; `run` holds the rows from which they are made.
//! - `panels`: the rows of panels that make up a picture; `captions` are their words.
//! - `curves`: curves over seeds, computed from rows; `rows`: the arms, layers and tasks of rows.
//! - `grid`: a picture of panels, drawn by kuva; `scale`: vertical axes; `drawing`: the files.
//! - `subject`: the stream of tasks behind the rows, such as random-label MNIST, and its chance level.
//! - `page`: an HTML page of one run or several, with pictures and tables.
//! - `tensorboard`: event files of a finished run.
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
pub use page::{Foreign, PageError, check_page, write_overview, write_page, write_scoreboard};
pub use pictures::write_figures;
use subject::Subject;
pub use tensorboard::write_event_files;

/// The reason why a picture cannot be drawn or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A point of a curve is not finite. It is never left out silently.
    #[error("cannot draw {}: series {series:?} at x = {x} has low {low}, mean {mean}, high {high}", path.display())]
    NotFinite {
        /// The path of the picture, without extension.
        path: PathBuf,
        /// The curve's name.
        series: String,
        /// The point's position.
        x: f64,
        /// The band's lower edge there.
        low: f64,
        /// The value of the curve there.
        mean: f64,
        /// The band's upper edge there.
        high: f64,
    },
    /// The picture cannot be drawn.
    #[error("cannot draw {}: {reason}", path.display())]
    Chart {
        /// The path of the picture, without extension.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}
