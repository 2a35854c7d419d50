//! TensorBoard's event files of a run that is finished.

use std::path::Path;

use super::page::{PageError, read_results};

/// Writes the event files of the finished run in `directory`, to `tensorboard/` in it. Those that are there are replaced.
///
/// # Errors
/// A table that cannot be read or is of other replicas than the experiment; a file that cannot be written.
pub fn write_event_files(directory: &Path) -> Result<(), PageError> {
    let (experiment, results) = read_results(directory)?;
    let mut files = experiment.event_files(directory)?;
    Ok(results.append_to(&mut files)?)
}
