//! Errors of data sets and their files.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Error: a data set could not be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system cannot open or read a path.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file or a directory has the wrong content.
    #[error("{}: {fault}", path.display())]
    Invalid {
        /// The path.
        path: PathBuf,
        /// Wanted and found content.
        fault: Fault,
    },
}

impl DataError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Unreadable { path, source }
    }
}

/// Fault in the bytes of a file: a value differs from what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: wanted {wanted}, found {found}")]
pub struct Fault {
    /// Name of the value.
    pub what: String,
    /// Wanted value.
    pub wanted: String,
    /// Found value.
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

    /// Adds the path of the file or directory to the fault.
    pub(super) fn of(self, path: &Path) -> DataError {
        let path = path.to_owned();
        DataError::Invalid { path, fault: self }
    }

    /// Adds `place` before the name of the value.
    pub(super) fn within(self, place: &str) -> Self {
        let what = format!("{place}: {}", self.what);
        Self { what, ..self }
    }
}
