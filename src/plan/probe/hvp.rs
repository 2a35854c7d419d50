//! Hessian-vector products by Pearlmutter's R-operator: one product for every running slot.

use super::ProbeSite;
use crate::kernels::{Params, TangentSoftmax, TangentSquaredError};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::Dispatch;
use crate::plan::ops;
use crate::plan::step::inverse_count;
use crate::spec::Loss;

/// Multiplies the Hessian by `direction`, which has the layout of iterates.
pub(super) fn product(site: &ProbeSite<'_>, direction: BufferId) -> Vec<Dispatch> {
    let network = &site.spec.network;
    let nodes = || {
        let nodes = network.nodes().iter();
        nodes.filter(|node| !network.is_constant(node.output))
    };
    let forward =
        nodes().flat_map(|node| ops::plans(&node.op).tangent_forward(site, node, direction));
    let mut dispatches: Vec<_> = forward.collect();
    dispatches.push(loss(site));
    let backward = nodes().rev();
    let backward = backward
        .flat_map(|node| ops::plans(&node.op).tangent_backward_input(site, node, direction));
    dispatches.extend(backward);
    let with_parameters = site.nodes.iter();
    dispatches
        .extend(with_parameters.flat_map(|node| node.op().tangent_backward_parameters(site, node)));
    dispatches
}

/// Computes the tangents of the gradients with respect to the logits.
fn loss(site: &ProbeSite<'_>) -> Dispatch {
    let (spec, buffers) = (site.spec, site.probe_buffers);
    let (batch, batch_rows, slots) = (spec.batch, spec.batch_rows(), site.slots());
    let logits = spec.network.logits();
    let (classes, columns) = (spec.network.classes(), spec.network.value(logits).columns());
    let logits = logits.index();
    let (tangents, gradients) = (
        buffers.tangents[logits],
        buffers.tangent_gradients[logits - 1],
    );
    match spec.loss() {
        Loss::CrossEntropy => {
            let params = TangentSoftmax {
                batch,
                batch_rows,
                classes,
                columns,
                slots,
                inverse_batch: (1.0 / f64::from(batch)) as f32,
            };
            let activations = site.buffers.activations[logits];
            let bound = [buffers.slots, activations, tangents, gradients];
            Dispatch::new(params, bound, grid::<TangentSoftmax>(site))
        }
        Loss::SquaredError => {
            let params = TangentSquaredError {
                batch,
                batch_rows,
                classes,
                columns,
                slots,
                inverse_count: inverse_count(spec),
            };
            let bound = [buffers.slots, tangents, gradients];
            Dispatch::new(params, bound, grid::<TangentSquaredError>(site))
        }
    }
}

/// The workgroups of a kernel with an invocation for each sample of each slot.
fn grid<P: Params>(site: &ProbeSite<'_>) -> [u32; 2] {
    let workgroup = P::KERNEL.plain.workgroup[0];
    [site.spec.batch_rows().div_ceil(workgroup), site.slots()]
}
