//! Experiments that are run one after the other, each in its own directory below one place.

use std::fs;
use std::path::Path;

use trainable::experiment::{DirectoryError, Experiment};
use trainable::spec::ImageSet;

use super::Failure;
use super::progress::Progress;
use super::run::{Ended, Session, check_free, describe, is_finished};

/// One of the experiments.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The path of its directory below the common place, and its name in messages.
    pub(super) name: String,
    pub(super) experiment: Experiment,
}

/// The cells to run, and how many others are finished.
pub(super) struct Unfinished<'a> {
    pub(super) cells: Vec<&'a Cell>,
    pub(super) finished: usize,
}

/// Checks the numbers of every cell.
pub(super) fn check(cells: &[Cell], images: &ImageSet) -> Result<(), Failure> {
    for cell in cells {
        let checked = cell.experiment.check(images);
        checked.map_err(|error| of_cell(cell, error.into()))?;
    }
    Ok(())
}

/// Returns the cells to run, after a check that their directories can take them.
pub(super) fn unfinished<'a>(
    cells: &'a [Cell],
    place: &Path,
    images: &ImageSet,
) -> Result<Unfinished<'a>, Failure> {
    let mut unfinished = Vec::new();
    for cell in cells {
        let path = place.join(&cell.name);
        let is_finished = is_finished(&path, &cell.experiment, images);
        if !is_finished.map_err(|error| of_cell(cell, error))? {
            check_free(&path, true).map_err(|error| of_cell(cell, error))?;
            unfinished.push(cell);
        }
    }
    Ok(Unfinished {
        finished: cells.len() - unfinished.len(),
        cells: unfinished,
    })
}

/// Writes each cell's directory with its experiment. `trainable run CELL/experiment.toml --out CELL --resume` can then
/// run it.
pub(super) fn prepare(cells: &[Cell], place: &Path) -> Result<(), Failure> {
    for cell in cells {
        let path = place.join(&cell.name);
        fs::create_dir_all(&path).map_err(|source| Failure::Make {
            path: path.clone(),
            source,
        })?;
        describe(&path, &cell.experiment)?;
    }
    Ok(())
}

impl Unfinished<'_> {
    /// Runs the cells; returns whether all of them finished.
    pub(super) fn run(
        &self,
        session: &Session,
        progress: Progress,
        place: &Path,
    ) -> Result<bool, Failure> {
        let count = self.finished + self.cells.len();
        for (number, cell) in (self.finished + 1..).zip(&self.cells) {
            if session.is_stopped() {
                return Ok(false);
            }
            progress.tell_cell(&cell.name, number, count);
            let ended = session.run(&place.join(&cell.name), &cell.experiment, true);
            if matches!(ended.map_err(|error| of_cell(cell, error))?, Ended::Stopped) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Fails if `path` holds something else than a table with this column.
pub(super) fn check_table(path: &Path, column: &str) -> Result<(), Failure> {
    let path = path.to_owned();
    let Ok(found) = fs::metadata(&path) else {
        return Ok(());
    };
    if !found.is_file() {
        return Err(DirectoryError::NotAFile { path }.into());
    }
    let header = csv::Reader::from_path(&path).and_then(|mut table| Ok(table.headers()?.clone()));
    match header {
        Ok(header) if header.iter().any(|found| found == column) => Ok(()),
        _ => Err(DirectoryError::Taken { path }.into()),
    }
}

fn of_cell(cell: &Cell, error: Failure) -> Failure {
    Failure::Cell {
        name: cell.name.clone(),
        source: Box::new(error),
    }
}
