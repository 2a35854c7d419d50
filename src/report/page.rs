//! A page of one run or several: one HTML file that needs no other file, for a browser or to send.
//!
//! - `record`: a run's directory, read back and checked.
//! - `parts`: the rows so far of an unfinished run, and their scores.
//! - `cells`: names for the cells of a sweep, from the fields that vary.
//! - `comparison`: runs side by side, and names that tell their arms apart.
//! - `pictures`: the plots, which are written beside the page and embedded in it.
//! - `scoreboard`: the page of a scoreboard, a heat map of methods by settings; `scoreboard.js` sorts it.
//! - `document`: the frame of every page.
//! - `sections`: the page from top to bottom; `page.css` is its style.
//! - `tables`: the page's tables of results.
//! - `numbers`: formatted numbers, and small pictures of intervals.

mod cells;
mod comparison;
mod document;
mod numbers;
mod parts;
mod pictures;
mod record;
mod scoreboard;
mod sections;
mod tables;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::ReportError;
use crate::error::Error;
use crate::experiment::{ExperimentError, FileError};
use crate::files::{WriteError, write_whole};
use crate::record::{DifferenceRow, ScoreRow, TableError, TableRow, write_table};
use comparison::Comparison;
use pictures::{Extent, Gallery};
use record::Record;

pub(super) use record::read_results;
pub use scoreboard::write_scoreboard;

/// The start of every page of this program, which no other page has.
const START: &str = concat!(
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">",
    "<meta name=\"generator\" content=\"trainable "
);

/// The treatment of another file in the page's place. A page of this program is always replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The file stays, and writing the page is an error.
    Keep,
    /// The file is replaced.
    Replace,
}

/// The reason why a page cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// No directory was named.
    #[error("wanted the directory of a run, found none")]
    NoRun,
    /// experiment.toml does not exist or cannot be opened.
    #[error("cannot read {}: wanted the experiment of a run", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// experiment.toml is not a valid experiment.
    #[error("cannot read {} as an experiment", path.display())]
    Experiment {
        /// The file.
        path: PathBuf,
        /// The fault of the file.
        source: FileError,
    },
    /// A name in experiment.toml is one that no run may have.
    #[error("{}: wanted names that a run may have", path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// The fault of the name.
        source: Box<ExperimentError>,
    },
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A table has other arms than the experiment.
    #[error("{}: wanted the arms of experiment.toml, {wanted}, found {found}", path.display())]
    Arms {
        /// The table.
        path: PathBuf,
        /// The experiment's arms.
        wanted: String,
        /// The table's arms, or those that the experiment does not have.
        found: String,
    },
    /// Another file is in the page's place.
    #[error("{}: wanted no file or an older report to replace, found another file", path.display())]
    Foreign {
        /// The page.
        path: PathBuf,
    },
    /// A number of a table is not finite where it must be.
    #[error(transparent)]
    Number(#[from] Error),
    /// A directory, a device or a pipe is in the page's place.
    #[error("{}: wanted a file or nothing in the page's place, found what is no regular file", path.display())]
    NotAFile {
        /// The page.
        path: PathBuf,
    },
    /// A plot cannot be drawn.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The page or a table cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes the page of the runs in `directories` to `page`, and each plot beside it as SVG and PNG. All runs are read and
/// checked first. The page's directory is created if there is none. Each file is replaced as a whole, or stays as it was.
/// The page is written last.
///
/// The page needs no script, no network, and no fonts but those of the reader's system. It is light or dark as the browser
/// is set. It holds the question, scores and paired differences with intervals, accuracies, each layer's bounds and step
/// sizes, how well indicators warned of drops, diverged replicas, and the experiment files.
///
/// In its own directory, a single run's page has plots with plain names such as `accuracies.svg`. Otherwise plots are named
/// after the page, `PAGE-accuracies.svg`, and so are the tables `PAGE-scores.csv` and `PAGE-differences.csv` of several
/// runs. Scores and differences are computed from tasks.csv. A single run's page in its own directory also writes scores.csv
/// and differences.csv again, so that tables of an earlier version get all columns.
///
/// Arms with the same name in several runs are told apart by the names of the runs' directories. Arms of two runs are
/// compared seed by seed if both have the same seeds and the same stream of tasks. An arm is compared with the first run's
/// arm of the same name, or otherwise with the first run's first arm. Cells of a sweep are named by the fields that vary.
///
/// An interrupted or running run has a page too. The page says so, and its scores are over the finished tasks. Writing it
/// needs no lock on the run, and changes none of its files. Such a page of a single run in its own directory has no pictures
/// beside it.
///
/// # Errors
/// Returns [`PageError`], with the file, what was wanted and what was found.
pub fn write_page(
    directories: &[impl AsRef<Path>],
    page: &Path,
    foreign: Foreign,
) -> Result<(), PageError> {
    write(directories, page, foreign, Extent::Whole)
}

/// Writes the page of [`write_page`] for several runs, without the parts that are on each run's own page: each layer's
/// bounds and step sizes, early warnings, and experiment files. In their place are links to the runs' own pages, `report.html` in
/// their directories.
///
/// # Errors
/// Returns the errors of [`write_page`].
pub fn write_overview(
    directories: &[impl AsRef<Path>],
    page: &Path,
    foreign: Foreign,
) -> Result<(), PageError> {
    write(directories, page, foreign, Extent::Overview)
}

fn write(
    directories: &[impl AsRef<Path>],
    page: &Path,
    foreign: Foreign,
    extent: Extent,
) -> Result<(), PageError> {
    check_page(page, foreign)?;
    let records = directories.iter();
    let records = records.map(|directory| Record::read(directory.as_ref()));
    let comparison = Comparison::new(records.collect::<Result<_, _>>()?)?;
    let directory = pictures::parent(page);
    fs::create_dir_all(directory).map_err(|source| WriteError::new(directory, source))?;
    let gallery = Gallery::draw(&comparison, page, extent)?;
    // Only the page is written in the directory of an unfinished run.
    if comparison.is_of_several() || gallery.is_own && !comparison.is_unfinished() {
        let table = |name| match gallery.is_own {
            true => page.with_file_name(name),
            false => pictures::beside(page, name),
        };
        write_table(&table(ScoreRow::FILE), &comparison.scores)?;
        write_table(&table(DifferenceRow::FILE), &comparison.all_differences())?;
    }
    let text = sections::page(&comparison, &gallery, extent).into_string();
    Ok(write_whole(page, text.as_bytes())?)
}

/// Fails where [`write_page`] would not replace the file at `page`. A long run calls it at its beginning, so that it does
/// not fail at its end.
///
/// # Errors
/// Returns [`PageError::Foreign`] or [`PageError::NotAFile`].
pub fn check_page(page: &Path, foreign: Foreign) -> Result<(), PageError> {
    // A path that cannot be inspected passes here; writing to it fails later, with the reason.
    let Ok(found) = fs::metadata(page) else {
        return Ok(());
    };
    if !found.is_file() {
        let path = page.to_owned();
        return Err(PageError::NotAFile { path });
    }
    match foreign {
        Foreign::Keep => check_replaceable(page),
        Foreign::Replace => Ok(()),
    }
}

fn check_replaceable(page: &Path) -> Result<(), PageError> {
    let foreign = || PageError::Foreign {
        path: page.to_owned(),
    };
    let file = match File::open(page) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => return Err(foreign()),
    };
    let mut start = Vec::new();
    let length = START.len() as u64;
    let is_read = file.take(length).read_to_end(&mut start).is_ok();
    if is_read && start == START.as_bytes() {
        Ok(())
    } else {
        Err(foreign())
    }
}
