//! Errors of a run's directory.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::WriteError;

/// The reason why a run cannot use a directory, or cannot continue there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// Another process holds the directory's lock.
    #[error("{} is in use by another run", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A new run was asked for in the directory of another.
    #[error("{} holds a run already", path.display())]
    HoldsRun {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds no run, but it has a file where a run would write.
    #[error("{}: wanted no file where the run writes its results, found one", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// Something that is not a regular file is where a file would be written: a directory, a device or a pipe.
    #[error("{}: wanted a file or nothing, found what is no regular file", path.display())]
    NotAFile {
        /// The path of that directory, device or pipe.
        path: PathBuf,
    },
    /// The directory holds the results of a run, but no checkpoint from which to continue.
    #[error("{} holds the tables of a run, but no checkpoint", path.display())]
    NoCheckpoint {
        /// The directory.
        path: PathBuf,
    },
    /// A file has changed since it was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The evidence of the damage.
        reason: String,
    },
    /// The file is a safetensors file, but no run has written it.
    #[error("{}: wanted a checkpoint of this program, found another safetensors file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint has the format of another version of this program.
    #[error("{}: wanted a checkpoint of format {wanted}, found format {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that this version writes.
        wanted: u32,
        /// The format of the file.
        found: u32,
    },
    /// The directory holds a run of another experiment, version, backend or data set.
    #[error("{} is of another run: {what}: wanted {wanted}, found {found}", path.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// The first field that differs.
        what: String,
        /// The value asked for.
        wanted: String,
        /// The value in the file.
        found: String,
    },
}

impl DirectoryError {
    pub(in crate::experiment) fn write(path: &Path, source: io::Error) -> Self {
        WriteError::new(path, source).into()
    }

    pub(in crate::experiment) fn read(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Read { path, source }
    }

    pub(in crate::experiment) fn damaged(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        Self::Damaged { path, reason }
    }
}
