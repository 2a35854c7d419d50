//! A training step as a flat list of dispatches over named buffers, built once and replayed.
//!
//! A [`Program`] lists the buffers, their initial contents and the dispatches of each [`Plan`]. It does not depend on a
//! device: [`crate::Engine`] records its plans into a command encoder, [`crate::cpu::CpuExecutor`] runs the twins of
//! the same dispatches.

mod buffers;
mod declare;
mod dispatch;
mod matrices;
mod ops;
mod optimiser;
mod periodic;
mod probe;
mod regularisers;
mod sort;
mod stages;
mod step;
mod steps;
mod tensors;

pub use buffers::Buffers;
pub(crate) use buffers::TASK_LOG_LENGTH;
pub use declare::{BufferId, BufferSpec, Contents, Elements};
pub use dispatch::{Dispatch, Fused, FusedWork, Grid, Plan};
pub use matrices::{MATRIX_TILE, MatrixBuffers, ProductBuffers};
pub use ops::{AttentionBuffers, ProbeAttentionBuffers};
pub use optimiser::MuonBuffers;
pub use periodic::Periodic;
pub use probe::{LobpcgBuffers, ProbeBuffers, ProbePlans};
pub use regularisers::{L2InitBuffers, RegulariserBuffers, SpectralBuffers, WassersteinBuffers};
pub use sort::{SORT_DIGITS, SortBuffers};
pub use steps::StepPlans;

use crate::error::Error;
use crate::spec::TrainingSpec;
use declare::Declare;
use stages::{Cadence, Stages};

/// Everything that an executor needs.
#[derive(Clone)]
pub struct Program {
    /// The number of replicas, the leading axis of every buffer that is not shared.
    pub replicas: u32,
    /// All buffers.
    pub declared: Vec<BufferSpec>,
    /// The identifiers of the buffers.
    pub buffers: Buffers,
    /// The buffers whose contents persist from one step or probe to the next, and so belong in a snapshot. Every other
    /// buffer is written before it is read, or never written.
    pub persistent: Vec<BufferId>,
    /// Draws initial parameters, clears the moments, and runs the dispatches of `store_reference`.
    pub initialise: Plan,
    /// Stores the current parameters as those that regularisers pull towards, and their norms, to which matrices are
    /// projected; empty where no replica needs either.
    pub store_reference: Plan,
    /// Computes the logits of the loaded minibatch.
    pub forward: Plan,
    /// Runs the forward pass, the backward pass, the regularisers and the optimiser on the loaded minibatch.
    pub update: Plan,
    /// Training on the stream; only with a task stream.
    pub steps: Option<StepPlans>,
    /// Statistics and curvature of the coming minibatch; only with [`TrainingSpec::probe`].
    pub probe: Option<ProbePlans>,
}

impl Program {
    /// # Errors
    /// A specification that [`TrainingSpec::check`] refuses, or one replica of which has 2^32 elements in a buffer.
    pub fn new(spec: &TrainingSpec) -> Result<Self, Error> {
        spec.check()?;
        let mut declare = Declare::default();
        let buffers = Buffers::declare(spec, &mut declare);
        let stages = Stages::declare(spec, &mut declare);
        let plan = |name, dispatches| Plan { name, dispatches };
        let store_reference = [
            regularisers::store_reference(spec, &buffers),
            stages.store_reference(spec, &buffers),
        ]
        .concat();
        let initialise = [tensors::initialise(spec, &buffers)];
        let due = |cadence| stages.dispatches(cadence, spec, &buffers);
        let at_end = || regularisers::end_step(spec, &buffers);
        let after_step = || [at_end(), due(Cadence::Update)].concat();
        let after_update = [at_end(), stages.after_update(spec, &buffers)].concat();
        let update = [step::update(spec, &buffers), after_update].concat();
        let gather = step::gather(spec, &buffers);
        let probed_step = || {
            let loss = step::loss(spec, &buffers, buffers.states);
            let apply = optimiser::apply(spec, &buffers);
            [&[loss], &apply[..], &after_step()].concat()
        };
        let steps = gather.map(|gather| {
            let task_switch = due(Cadence::TaskSwitch);
            let step = [step::update(spec, &buffers), after_step()].concat();
            let periodic = due(Cadence::Periodic);
            StepPlans {
                step: plan("step", [gather, step].concat()),
                probed_step: spec.probe.map(|_| plan("probed step", probed_step())),
                periodic: (!periodic.is_empty()).then(|| Periodic {
                    plan: plan("periodic", periodic),
                    periods: stages.periods(),
                }),
                task_end: plan("task end", vec![step::finish_task(spec, &buffers)]),
                task_switch: (!task_switch.is_empty()).then(|| plan("task switch", task_switch)),
                lengths: spec.task_lengths(),
            }
        });
        let probe = spec
            .probe
            .as_ref()
            .zip(buffers.probe.as_ref())
            .map(|(probe, probe_buffers)| probe::plans(spec, probe, &buffers, probe_buffers));
        Ok(Self {
            replicas: spec.replicas.len() as u32,
            declared: declare.finish()?,
            persistent: buffers
                .persistent(spec, &stages)
                .into_iter()
                .chain(stages.persistent())
                .collect(),
            initialise: plan("initialise", [&initialise[..], &store_reference].concat()),
            store_reference: plan("store reference", store_reference),
            forward: plan("forward", step::forward(spec, &buffers)),
            update: plan("update", update),
            steps,
            probe,
            buffers,
        })
    }

    /// The buffers' identifiers, in the order of [`Self::declared`].
    pub fn buffer_ids(&self) -> impl Iterator<Item = BufferId> {
        (0..self.declared.len()).map(BufferId)
    }

    /// A buffer's declaration.
    pub fn buffer(&self, id: BufferId) -> &BufferSpec {
        &self.declared[id.0]
    }

    /// Every plan.
    pub(crate) fn plans(&self) -> impl Iterator<Item = &Plan> {
        [
            &self.initialise,
            &self.store_reference,
            &self.forward,
            &self.update,
        ]
        .into_iter()
        .chain(self.steps.iter().flat_map(StepPlans::all))
        .chain(self.probe.iter().flat_map(ProbePlans::all))
    }

    /// The number of bytes of one replica's part of all buffers.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn replica_bytes(&self) -> u64 {
        let own = self.declared.iter().filter(|buffer| !buffer.shared);
        own.map(|buffer| buffer.words as u64 * 4).sum()
    }

    /// The number of bytes of one replica in a snapshot.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn persistent_bytes(&self) -> u64 {
        let persistent = self.persistent.iter();
        persistent.map(|id| self.buffer(*id).words as u64 * 4).sum()
    }

    /// The number of words of a whole buffer.
    pub(crate) fn total_words(&self, buffer: &BufferSpec) -> usize {
        if buffer.shared {
            buffer.words
        } else {
            buffer.words * self.replicas as usize
        }
    }
}
