//! Snapshots: copies on the host of all words that persist from one step to the next.

mod check;

use crate::error::Error;
use crate::plan::{BufferId, Buffers, Program};
use crate::spec::TrainingSpec;

/// Everything that persists from one step or probe to the next, of all replicas: parameters, moments, counters and
/// scores, step sizes, the parameters that regularisers pull towards, the start vectors of a probe.
///
/// A snapshot holds bits, not numbers: training that is restored on the same device goes on as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The buffers, in the order of [`Program::persistent`].
    pub buffers: Vec<SnapshotBuffer>,
}

/// One buffer of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotBuffer {
    /// The buffer's name: [`crate::plan::BufferSpec::name`].
    pub name: String,
    /// The words of all replicas, `[replica, words]`.
    pub words: Vec<u32>,
}

/// A buffer that belongs in a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct PersistentBuffer {
    pub(crate) id: BufferId,
    pub(crate) name: String,
    /// The number of words of all replicas together.
    pub(crate) words: usize,
}

/// The buffers of [`Program::persistent`], with names and lengths.
pub(crate) fn persistent_buffers(program: &Program) -> Vec<PersistentBuffer> {
    let persistent = |id: &BufferId| {
        let spec = program.buffer(*id);
        PersistentBuffer {
            id: *id,
            name: spec.name.clone(),
            words: program.total_words(spec),
        }
    };
    program.persistent.iter().map(persistent).collect()
}

impl Snapshot {
    pub(crate) fn new(buffers: impl Iterator<Item = (String, Vec<u32>)>) -> Self {
        let buffer = |(name, words)| SnapshotBuffer { name, words };
        Self {
            buffers: buffers.map(buffer).collect(),
        }
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &[u32]> {
        self.buffers.iter().map(|buffer| &buffer.words[..])
    }

    /// Checks that the buffers are `persistent`, in that order, and that training of `spec` can leave their contents.
    /// Returns the number of updates before the snapshot.
    pub(crate) fn check(
        &self,
        persistent: &[PersistentBuffer],
        spec: &TrainingSpec,
        buffers: &Buffers,
    ) -> Result<u64, Error> {
        Error::check_length(
            "buffers of the snapshot",
            persistent.len(),
            self.buffers.len(),
        )?;
        for (wanted, found) in persistent.iter().zip(&self.buffers) {
            if wanted.name != found.name {
                let what = "buffer of the snapshot";
                return Err(Error::invalid(what, &wanted.name, &found.name));
            }
            let what = format!("{} of the snapshot", wanted.name);
            Error::check_length(&what, wanted.words, found.words.len())?;
        }
        let words = |id: BufferId| {
            let place = persistent.iter().position(|own| own.id == id);
            place.map(|place| &self.buffers[place].words[..])
        };
        check::contents(spec, buffers, words)
    }
}
