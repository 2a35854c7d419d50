//! The text of experiment files.

use std::io;
use std::path::Path;

use crate::files;

/// The size in bytes of the largest experiment file that is read: 16 MiB, which is enough for the largest number of
/// arms.
const LARGEST: u64 = 1 << 24;

/// Reads the experiment file at `path`: a regular file of 16 MiB at most, in UTF-8.
///
/// # Errors
/// An error for a file that is not such a file, or that cannot be read.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = files::read(path, LARGEST)?;
    String::from_utf8(bytes).map_err(|error| {
        let after = error.utf8_error().valid_up_to();
        let wanted = format!("wanted UTF-8, found an invalid byte after {after} bytes");
        io::Error::new(io::ErrorKind::InvalidData, wanted)
    })
}
