//! What can be wrong with data.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a data set could not be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system would not open or read a path.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file or a directory does not hold what was wanted.
    #[error("{}: {fault}", path.display())]
    Invalid {
        /// The path.
        path: PathBuf,
        /// What it should hold, and what it does.
        fault: Fault,
    },
}

impl DataError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Unreadable { path, source }
    }
}

/// A number or a thing that is not what was wanted, in bytes of no name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: wanted {wanted}, found {found}")]
pub struct Fault {
    /// The number or the thing.
    pub what: String,
    /// What it should be.
    pub wanted: String,
    /// What it is.
    pub found: String,
}

impl Fault {
    pub(super) fn new(what: impl Display, wanted: impl Display, found: impl Display) -> Self {
        Self {
            what: what.to_string(),
            wanted: wanted.to_string(),
            found: found.to_string(),
        }
    }

    /// The same, of a file or a directory.
    pub(super) fn of(self, path: &Path) -> DataError {
        let path = path.to_owned();
        DataError::Invalid { path, fault: self }
    }

    /// The same, with a word before what is wrong.
    pub(super) fn within(self, place: &str) -> Self {
        let what = format!("{place}: {}", self.what);
        Self { what, ..self }
    }
}
