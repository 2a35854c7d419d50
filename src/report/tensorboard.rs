//! TensorBoard's event files of a finished run.

use std::path::Path;

use super::page::{PageError, read_results};

/// Writes the event files of the finished run in `directory`, to its subdirectory `tensorboard/`. Existing event files are
/// replaced.
///
/// # Errors
/// Returns an error if a table cannot be read or has other replicas than the experiment, or if a file cannot be written.
pub fn write_event_files(directory: &Path) -> Result<(), PageError> {
    let (experiment, results) = read_results(directory)?;
    let mut files = experiment.event_files(directory)?;
    Ok(results.append_to(&mut files)?)
}
