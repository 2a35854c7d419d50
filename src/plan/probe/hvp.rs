//! Hessian-vector products by Pearlmutter's R-operator: one product for every running slot.

use super::ProbeSite;
use crate::kernels::{Params, TangentSoftmax};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::Dispatch;
use crate::plan::ops;

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
    dispatches.push(softmax(site));
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
fn softmax(site: &ProbeSite<'_>) -> Dispatch {
    let (spec, buffers) = (site.spec, site.probe_buffers);
    let logits = spec.network.logits().index();
    let params = TangentSoftmax {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        classes: spec.network.classes(),
        columns: spec.network.value(spec.network.logits()).columns(),
        slots: site.slots(),
        inverse_batch: (1.0 / f64::from(spec.batch)) as f32,
    };
    let bound = [
        buffers.slots,
        site.buffers.activations[logits],
        buffers.tangents[logits],
        buffers.tangent_gradients[logits - 1],
    ];
    let workgroup = TangentSoftmax::KERNEL.plain.workgroup[0];
    let samples = spec.batch_rows().div_ceil(workgroup);
    Dispatch::new(params, bound, [samples, site.slots()])
}
