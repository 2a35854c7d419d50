//! TensorBoard's event files of an experiment.

use std::path::Path;

use super::{Experiment, Results};
use crate::files::WriteError;
use crate::record::{EventFiles, Replicas};

impl Experiment {
    /// Creates the event files of all its replicas, without rows, in the directory of a run. Those that are there are
    /// replaced.
    pub(crate) fn event_files(&self, directory: &Path) -> Result<EventFiles, WriteError> {
        let arms: Vec<_> = self.arms.iter().map(|arm| &arm.name[..]).collect();
        let replicas = Replicas {
            arms: &arms,
            seeds: &self.seeds,
            lengths: self.task_lengths(),
        };
        EventFiles::create(directory, &replicas)
    }
}

impl Results {
    /// Appends the rows that `files` do not have yet.
    pub(crate) fn append_to(&self, files: &mut EventFiles) -> Result<(), WriteError> {
        files.append(&self.tasks, &self.probes, &self.indicators)
    }
}
