//! Decoders of the words in a program's buffers: the buffers that an answer needs, and the way from their words to it.
//!
//! [`crate::Engine`] and [`crate::Trainer`] share these decoders.

use bytemuck::cast_slice;
use rayon::prelude::*;

use crate::error::{Error, NotFinite};
use crate::indicators::{self, Indicators, Source};
use crate::network::Parameters;
use crate::plan::{BufferId, Buffers};
use crate::probe::ProbeStats;
use crate::progress::ReplicaProgress;
use crate::snapshot::{PersistentBuffer, Snapshot};
use crate::spec::TrainingSpec;
use crate::state::ReplicaState;

/// Decodes the words `[replica][buffer]`.
type Decode<T> = Box<dyn FnOnce(&[Vec<&[u32]>]) -> T + Send>;

/// A question to a program's buffers. `T` is the answer.
pub(crate) struct Question<T> {
    /// The buffers that the answer is decoded from.
    pub(crate) buffers: Vec<BufferId>,
    /// Decodes the answer from their words.
    pub(crate) decode: Decode<T>,
}

impl<T: 'static> Question<Vec<T>> {
    /// A question with one answer per replica. `decode` gets one replica's words `[buffer]`.
    fn of_each(
        buffers: impl Into<Vec<BufferId>>,
        decode: impl Fn(&[&[u32]]) -> T + Send + 'static,
    ) -> Self {
        Self {
            buffers: buffers.into(),
            decode: Box::new(move |words| words.iter().map(|replica| decode(replica)).collect()),
        }
    }
}

/// The standing and the scores of every replica.
pub(crate) fn progress(spec: &TrainingSpec, buffers: &Buffers) -> Question<Vec<ReplicaProgress>> {
    let (batch, loss) = (spec.batch, spec.loss());
    Question::of_each([buffers.states, buffers.task_log], move |words| {
        let states: &[ReplicaState] = cast_slice(words[0]);
        ReplicaProgress::new(&states[0], cast_slice(words[1]), batch, loss)
    })
}

/// The statistics of every replica's latest probe.
///
/// # Errors
/// [`Error::NoProbe`]
pub(crate) fn probe(
    spec: &TrainingSpec,
    buffers: &Buffers,
) -> Result<Question<Vec<Result<ProbeStats, NotFinite>>>, Error> {
    let probe = spec.probe.ok_or(Error::NoProbe)?;
    let probe_buffers = buffers.probe.as_ref().ok_or(Error::NoProbe)?;
    let spec = spec.clone();
    let read = [
        probe_buffers.states,
        probe_buffers.slots,
        probe_buffers.records,
    ];
    Ok(Question::of_each(read, move |words| {
        let states: &[ReplicaState] = cast_slice(words[0]);
        let (slots, records) = (cast_slice(words[1]), cast_slice(words[2]));
        ProbeStats::new(&spec, &probe, &states[0], slots, records)
    }))
}

/// The indicators of every replica, from the minibatch of its latest probe; computed in parallel.
///
/// # Errors
/// [`Error::NoProbe`]
pub(crate) fn indicators(
    spec: &TrainingSpec,
    buffers: &Buffers,
) -> Result<Question<Vec<Result<Indicators, Error>>>, Error> {
    let probe = buffers.probe.as_ref().ok_or(Error::NoProbe)?;
    let sources = indicators::sources(&spec.network).into_iter();
    let sources = sources.map(|source| match source {
        Source::Value(id) => buffers.activations[id.index()],
        Source::PreActivations(id) => buffers.pre_activations[id.index()].expect("z is kept"),
        Source::Gradients(id) => buffers.pre_activation_gradients[id.index() - 1],
        Source::Normalised(id) => buffers.normalised[id.index()].expect("a normalisation"),
    });
    let buffers = [probe.states, probe.records].into_iter().chain(sources);
    let (buffers, spec) = (buffers.collect(), spec.clone());
    let decode: Decode<_> = Box::new(move |words| {
        let replicas = words.par_iter();
        replicas
            .map(|replica| indicators::of_stored(&spec, replica))
            .collect()
    });
    Ok(Question { buffers, decode })
}

/// A buffer in the layout of the parameters: every replica's `[tensor][element]`, as PyTorch lays them out.
pub(crate) fn parameters(spec: &TrainingSpec, buffer: BufferId) -> Question<Vec<Parameters>> {
    let network = spec.network.clone();
    Question::of_each([buffer], move |words| {
        let stored = cast_slice(words[0]);
        network.unpack(stored).expect("a replica's stride")
    })
}

/// The logits `[batch, classes]` of every replica, without padding.
pub(crate) fn logits(spec: &TrainingSpec, buffers: &Buffers) -> Question<Vec<Vec<f32>>> {
    let (logits, batch) = (spec.network.logits(), spec.batch as usize);
    let value = *spec.network.value(logits);
    let stored = buffers.activations[logits.index()];
    Question::of_each([stored], move |words| {
        value.unpad(cast_slice(words[0]), batch)
    })
}

/// The words of `persistent`, of all replicas.
pub(crate) fn snapshot(persistent: &[PersistentBuffer]) -> Question<Snapshot> {
    let names: Vec<_> = persistent
        .iter()
        .map(|buffer| buffer.name.clone())
        .collect();
    let decode: Decode<_> = Box::new(move |words| {
        let buffer = |index: usize| words.iter().flat_map(move |replica| replica[index]);
        let buffers = names.into_iter().enumerate();
        Snapshot::new(buffers.map(|(index, name)| (name, buffer(index).copied().collect())))
    });
    let buffers = persistent.iter().map(|buffer| buffer.id).collect();
    Question { buffers, decode }
}
