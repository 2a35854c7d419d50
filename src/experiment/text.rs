//! The text of experiment files.

use std::io;
use std::path::Path;

use crate::files;

/// Bytes of the largest experiment file that is read: 16 MiB, with room for all arms that there may be.
const LARGEST: u64 = 1 << 24;

/// The text of the experiment file at `path`: a regular file of 16 MiB at most, in UTF-8.
///
/// # Errors
/// A file that is none of these, or that cannot be read.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = files::read(path, LARGEST)?;
    String::from_utf8(bytes).map_err(|error| {
        let after = error.utf8_error().valid_up_to();
        let wanted = format!("wanted UTF-8, found another byte after {after}");
        io::Error::new(io::ErrorKind::InvalidData, wanted)
    })
}
