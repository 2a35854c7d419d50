//! Regularisers with kernels of their own. Each stores its reference parameters, which it pulls towards, and adds its gradient
//! to that of the loss, in place, between the backward pass and the optimiser.
//!
//! To add a regulariser, write a struct of its buffers that implements [`Regulariser`], and add a field to
//! [`RegulariserBuffers`] and a line to [`declare_buffers`] and to [`RegulariserBuffers::in_use`]. A regulariser that
//! no replica uses has neither buffers nor dispatches.

mod spectral;

pub use spectral::SpectralBuffers;

use super::buffers::Buffers;
use super::declare::{BufferId, Declare};
use super::dispatch::{Dispatch, FusedWork, Grid, fuse};
use super::sort::{self, SortBuffers};
use crate::kernels::{L2InitGradient, ReferenceCopy, WassersteinGradient};
use crate::spec::{ReplicaSpec, TrainingSpec};

/// The buffers of the regularisers that some replica uses.
#[derive(Clone, Debug)]
pub struct RegulariserBuffers {
    /// The buffers of [`ReplicaSpec::l2_init`].
    pub l2_init: Option<L2InitBuffers>,
    /// The buffers of [`ReplicaSpec::wasserstein`].
    pub wasserstein: Option<WassersteinBuffers>,
    /// The buffers of [`ReplicaSpec::spectral`].
    pub spectral: Option<SpectralBuffers>,
}

/// The buffers of L2-init.
#[derive(Clone, Debug)]
pub struct L2InitBuffers {
    /// `[replica, stride]` f32
    pub initial_parameters: BufferId,
}

/// The buffers of the Wasserstein regulariser.
#[derive(Clone, Debug)]
pub struct WassersteinBuffers {
    /// Scratch of the sort.
    pub sort: SortBuffers,
    /// `[replica, stride]` u32: sorted keys of the initial parameters, tensor by tensor.
    pub initial_keys: BufferId,
}

trait Regulariser {
    /// Stores the current parameters as the reference parameters.
    fn store_reference(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch>;

    /// Adds its gradient at the current parameters to `gradients`, for the replicas that use it.
    fn add_gradient(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch>;

    /// Keeps what the next step begins with. It runs after the update and not in a probe, which adds gradients, too.
    fn end_step(&self, _: &TrainingSpec, _: &Buffers) -> Vec<Dispatch> {
        Vec::new()
    }
}

impl RegulariserBuffers {
    /// Whether any replica uses any of these regularisers.
    pub(super) fn are_used(&self) -> bool {
        self.in_use().next().is_some()
    }

    /// The buffers that persist: all reference parameters, and the vectors of power iterations.
    pub(super) fn references(&self) -> impl Iterator<Item = BufferId> {
        let l2_init = self.l2_init.iter().map(|own| own.initial_parameters);
        let wasserstein = self.wasserstein.iter().map(|own| own.initial_keys);
        let spectral = self.spectral.iter().map(|own| own.outputs);
        l2_init.chain(wasserstein).chain(spectral)
    }

    /// The regularisers in use, in the order in which they add their gradients.
    fn in_use(&self) -> impl Iterator<Item = &dyn Regulariser> {
        let l2_init = self.l2_init.iter().map(|own| own as &dyn Regulariser);
        let wasserstein = self.wasserstein.iter().map(|own| own as &dyn Regulariser);
        let spectral = self.spectral.iter().map(|own| own as &dyn Regulariser);
        l2_init.chain(wasserstein).chain(spectral)
    }
}

pub(super) fn declare_buffers(spec: &TrainingSpec, declare: &mut Declare) -> RegulariserBuffers {
    let is_used = |coefficient: fn(&ReplicaSpec) -> f32| {
        spec.replicas
            .iter()
            .any(|replica| coefficient(replica) != 0.0)
    };
    let stride = spec.network.parameter_stride();
    RegulariserBuffers {
        l2_init: is_used(|replica| replica.l2_init).then(|| L2InitBuffers {
            initial_parameters: declare.floats("initial parameters", stride),
        }),
        wasserstein: is_used(|replica| replica.wasserstein).then(|| WassersteinBuffers {
            sort: SortBuffers::declare(spec, declare),
            initial_keys: declare.integers("initial keys", stride),
        }),
        spectral: is_used(|replica| replica.spectral)
            .then(|| SpectralBuffers::declare(spec, declare)),
    }
}

/// Stores the current parameters as the reference parameters of every regulariser in use.
pub(super) fn store_reference(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let in_use = buffers.regularisers.in_use();
    in_use
        .flat_map(|own| own.store_reference(spec, buffers))
        .collect()
}

/// Adds the gradients of all regularisers in use.
pub(super) fn add_gradients(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let in_use = buffers.regularisers.in_use();
    in_use
        .flat_map(|own| own.add_gradient(spec, buffers))
        .collect()
}

/// Keeps what the next step of every regulariser in use begins with.
pub(super) fn end_step(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let in_use = buffers.regularisers.in_use();
    in_use.flat_map(|own| own.end_step(spec, buffers)).collect()
}

impl Regulariser for L2InitBuffers {
    fn store_reference(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        vec![copy_parameters(
            spec,
            buffers.parameters,
            self.initial_parameters,
        )]
    }

    fn add_gradient(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let parameters_stride = spec.network.parameter_stride() as u32 / 4;
        let bound = [
            buffers.configs,
            buffers.states,
            buffers.parameters,
            self.initial_parameters,
            buffers.gradients,
        ];
        let grid = Grid::elements::<L2InitGradient>(parameters_stride);
        vec![Dispatch::new(
            L2InitGradient { parameters_stride },
            bound,
            grid,
        )]
    }
}

impl Regulariser for WassersteinBuffers {
    fn store_reference(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let mut dispatches = sort::sort(spec, buffers, &self.sort);
        dispatches.push(copy_parameters(spec, self.sort.keys[0], self.initial_keys));
        dispatches
    }

    fn add_gradient(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let params = WassersteinGradient {
            stride: spec.network.parameter_stride() as u32,
        };
        let bound = [
            buffers.configs,
            buffers.states,
            buffers.tensors,
            self.sort.keys[0],
            self.sort.payloads[0],
            self.initial_keys,
            buffers.gradients,
        ];
        let mut dispatches = sort::sort(spec, buffers, &self.sort);
        dispatches.push(Dispatch::new(params, bound, Grid::tensors(&spec.network)));
        let used = [
            buffers.configs,
            buffers.states,
            buffers.tensors,
            buffers.parameters,
            self.initial_keys,
            buffers.gradients,
        ];
        let [keys, pulls] = self.sort.keys;
        let scratch = [self.sort.payloads[0], keys, pulls];
        fuse(dispatches, FusedWork::WassersteinGradient, &used, &scratch)
    }
}

/// Copies `source` `[replica, stride]` to `reference`.
fn copy_parameters(spec: &TrainingSpec, source: BufferId, reference: BufferId) -> Dispatch {
    copy(
        spec.network.parameter_stride() as u32 / 4,
        source,
        reference,
    )
}

/// Copies `source` `[replica, stride]`, in vec4s, to `target`.
fn copy(stride: u32, source: BufferId, target: BufferId) -> Dispatch {
    let grid = Grid::elements::<ReferenceCopy>(stride);
    Dispatch::new(ReferenceCopy { stride }, [source, target], grid)
}
