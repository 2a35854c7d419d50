//! Opens and reads regular files of a bounded size. A pipe could wait for ever, and a device might never end.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

use super::LARGEST;
use super::error::{DataError, Fault};

/// Opens a file; returns it with its size in bytes.
pub(super) fn open(path: &Path) -> Result<(File, u64), DataError> {
    let unreadable = |source| DataError::unreadable(path, source);
    // This check comes before the opening, because opening a pipe waits for a writer.
    check_regular(path, &fs::metadata(path).map_err(unreadable)?)?;
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    check_regular(path, &metadata)?;
    if metadata.len() > LARGEST {
        let wanted = format!("{LARGEST} bytes at most");
        return Err(Fault::new("size of the file", wanted, metadata.len()).of(path));
    }
    Ok((file, metadata.len()))
}

/// Reads the complete file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let (file, size) = open(path)?;
    let mut bytes = Vec::with_capacity(size as usize);
    // If the file grows meanwhile, only the first `size` bytes are read.
    let mut reader = file.take(size);
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(source) => Err(DataError::unreadable(path, source)),
    }
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), DataError> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() {
        "a directory"
    } else {
        "a pipe, a device or the like"
    };
    Err(Fault::new("kind of file", "a regular file", found).of(path))
}
