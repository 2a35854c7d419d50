//! What training depends on, between two steps, as words on the host.

mod check;

use crate::error::Error;
use crate::plan::{BufferId, Buffers, Program};
use crate::spec::TrainingSpec;

/// Everything that carries over from one step or probe to the next, of all replicas: parameters, moments,
/// counters and scores, step sizes, what regularisers pull towards, the vectors that a probe starts at.
///
/// It holds bits, not numbers: restored on the same device, training goes on as if nothing had been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// In the order of [`Program::carried`].
    pub buffers: Vec<SnapshotBuffer>,
}

/// One buffer of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotBuffer {
    /// The buffer's name: [`crate::plan::BufferSpec::name`].
    pub name: String,
    /// `[replica, words]`
    pub words: Vec<u32>,
}

/// A buffer that belongs in a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct CarriedBuffer {
    pub(crate) id: BufferId,
    pub(crate) name: String,
    /// Of all replicas.
    pub(crate) words: usize,
}

/// [`Program::carried`] with names and lengths.
pub(crate) fn carried_buffers(program: &Program) -> Vec<CarriedBuffer> {
    let carried = |id: &BufferId| {
        let spec = program.buffer(*id);
        CarriedBuffer {
            id: *id,
            name: spec.name.clone(),
            words: program.total_words(spec),
        }
    };
    program.carried.iter().map(carried).collect()
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

    /// Fails unless the buffers are `carried`, in that order, and hold what training of `spec` can have left in them.
    pub(crate) fn check(
        &self,
        carried: &[CarriedBuffer],
        spec: &TrainingSpec,
        names: &Buffers,
    ) -> Result<(), Error> {
        Error::check_length("buffers of the snapshot", carried.len(), self.buffers.len())?;
        for (wanted, found) in carried.iter().zip(&self.buffers) {
            if wanted.name != found.name {
                let what = "buffer of the snapshot";
                return Err(Error::invalid(what, &wanted.name, &found.name));
            }
            let what = format!("{} of the snapshot", wanted.name);
            Error::check_length(&what, wanted.words, found.words.len())?;
        }
        let words = |id: BufferId| {
            let place = carried.iter().position(|own| own.id == id);
            place.map(|place| &self.buffers[place].words[..])
        };
        check::contents(spec, names, words)
    }
}
