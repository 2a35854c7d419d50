//! Regularisers with kernels of their own. Each keeps what it pulls towards, its *anchor*, and adds its
//! gradient to that of the loss, in place, between the backward pass and the optimiser.
//!
//! A further one is a struct of its buffers that is a [`Regulariser`], a field of
//! [`RegulariserBuffers`], and a line in [`declare_buffers`] and in [`RegulariserBuffers::in_use`].
//! What no replica uses has neither buffers nor dispatches.

use super::sort::{self, SortBuffers};
use super::{BufferId, BufferSpec, Buffers, Contents, Dispatch, Elements, dispatch};
use crate::kernels::{AnchorCopy, L2InitGradient, Params, WassersteinGradient};
use crate::spec::{ReplicaSpec, TrainingSpec};

/// The buffers of the regularisers that some replica uses.
#[derive(Clone, Debug)]
pub struct RegulariserBuffers {
    /// For [`ReplicaSpec::l2_init`].
    pub l2_init: Option<L2InitBuffers>,
    /// For [`ReplicaSpec::wasserstein`].
    pub wasserstein: Option<WassersteinBuffers>,
}

/// What L2-init needs.
#[derive(Clone, Debug)]
pub struct L2InitBuffers {
    /// `[replica, stride]` f32
    pub initial_parameters: BufferId,
}

/// What the Wasserstein regulariser needs.
#[derive(Clone, Debug)]
pub struct WassersteinBuffers {
    /// Scratch of the sort.
    pub sort: SortBuffers,
    /// `[replica, stride]` u32: sorted keys of the initial parameters, tensor by tensor.
    pub initial_keys: BufferId,
}

trait Regulariser {
    /// Takes the current parameters as the initial ones.
    fn anchor(&self, spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch>;

    /// Adds its gradient at the current parameters to `gradients`, of those replicas that use it.
    fn add_gradient(&self, spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch>;
}

impl RegulariserBuffers {
    /// Whether any replica uses any.
    pub(crate) fn are_used(&self) -> bool {
        self.in_use().next().is_some()
    }

    /// What they pull towards.
    pub(super) fn anchors(&self) -> impl Iterator<Item = BufferId> {
        let l2_init = self.l2_init.iter().map(|own| own.initial_parameters);
        let wasserstein = self.wasserstein.iter().map(|own| own.initial_keys);
        l2_init.chain(wasserstein)
    }

    /// In the order in which they add their gradients.
    fn in_use(&self) -> impl Iterator<Item = &dyn Regulariser> {
        let l2_init = self.l2_init.iter().map(|own| own as &dyn Regulariser);
        let wasserstein = self.wasserstein.iter().map(|own| own as &dyn Regulariser);
        l2_init.chain(wasserstein)
    }
}

pub(super) fn declare_buffers(
    spec: &TrainingSpec,
    arena: &mut Vec<BufferSpec>,
) -> RegulariserBuffers {
    let is_used = |coefficient: fn(&ReplicaSpec) -> f32| {
        spec.replicas
            .iter()
            .any(|replica| coefficient(replica) != 0.0)
    };
    RegulariserBuffers {
        l2_init: is_used(|replica| replica.l2_init).then(|| L2InitBuffers {
            initial_parameters: declare_anchor("initial parameters", Elements::F32, spec, arena),
        }),
        wasserstein: is_used(|replica| replica.wasserstein).then(|| WassersteinBuffers {
            sort: sort::declare_buffers(spec, arena),
            initial_keys: declare_anchor("initial keys", Elements::U32, spec, arena),
        }),
    }
}

/// Takes the current parameters as those that every regulariser in use pulls towards.
pub(super) fn anchor(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let in_use = names.regularisers.in_use();
    in_use.flat_map(|own| own.anchor(spec, names)).collect()
}

/// Adds the gradients of all regularisers in use.
pub(super) fn add_gradients(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let in_use = names.regularisers.in_use();
    in_use
        .flat_map(|own| own.add_gradient(spec, names))
        .collect()
}

impl Regulariser for L2InitBuffers {
    fn anchor(&self, spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
        vec![copy(spec, names.parameters, self.initial_parameters)]
    }

    fn add_gradient(&self, spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
        let parameters_stride = spec.network.parameter_stride() as u32 / 4;
        let buffers = [
            names.configs,
            names.states,
            names.parameters,
            self.initial_parameters,
            names.gradients,
        ];
        let workgroups = parameters_stride.div_ceil(L2InitGradient::KERNEL.plain.workgroup[0]);
        vec![dispatch(
            L2InitGradient { parameters_stride },
            buffers,
            [workgroups, 1],
        )]
    }
}

impl Regulariser for WassersteinBuffers {
    fn anchor(&self, spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
        let mut dispatches = sort::sort(spec, names, &self.sort);
        dispatches.push(copy(spec, self.sort.keys[0], self.initial_keys));
        dispatches
    }

    fn add_gradient(&self, spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
        let params = WassersteinGradient {
            stride: spec.network.parameter_stride() as u32,
        };
        let buffers = [
            names.configs,
            names.states,
            self.sort.segments,
            self.sort.keys[0],
            self.sort.payloads[0],
            self.initial_keys,
            names.gradients,
        ];
        let mut dispatches = sort::sort(spec, names, &self.sort);
        dispatches.push(dispatch(params, buffers, sort::grid(&spec.network)));
        dispatches
    }
}

/// Declares `[replica, stride]` of something.
fn declare_anchor(
    name: &str,
    elements: Elements,
    spec: &TrainingSpec,
    arena: &mut Vec<BufferSpec>,
) -> BufferId {
    arena.push(BufferSpec {
        name: name.to_owned(),
        words: spec.network.parameter_stride(),
        elements,
        shared: false,
        contents: Contents::Zero,
    });
    BufferId(arena.len() - 1)
}

/// Copies all replicas' `[stride]` of `source`.
fn copy(spec: &TrainingSpec, source: BufferId, anchor: BufferId) -> Dispatch {
    let stride = spec.network.parameter_stride() as u32 / 4;
    let workgroups = stride.div_ceil(AnchorCopy::KERNEL.plain.workgroup[0]);
    dispatch(AnchorCopy { stride }, [source, anchor], [workgroups, 1])
}
