//! The pass over the probed minibatch, and the statistics of its gradients.

use super::ProbeSite;
use crate::kernels::{LayerStatsParams, LayerSumsParams};
use crate::plan::dispatch::Dispatch;
use crate::plan::regularisers;
use crate::plan::step::{forward_and_backward, gather};
use crate::state::PARTIALS;

/// Runs the forward and backward pass of a training step over the next step's minibatch. The loss goes into the probe's
/// own state.
pub(super) fn pass(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    let (spec, buffers) = (site.spec, site.buffers);
    let pass = forward_and_backward(spec, buffers, site.probe_buffers.states);
    gather(spec, buffers)
        .into_iter()
        .flatten()
        .chain(pass)
        .collect()
}

/// Computes the statistics of every layer. The first sums are over the gradients of the loss; then the regularisers add
/// their gradients, and the objective's gradients are summed again.
pub(super) fn statistics(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    let (buffers, probe_buffers) = (site.buffers, site.probe_buffers);
    let nodes = site.nodes.iter();
    let norms = nodes.flat_map(|node| node.op().sample_gradient_norms(site, node));
    let mut sums = vec![layer_sums(site, false)];
    if buffers.regularisers.are_used() {
        sums.extend(regularisers::add_gradients(site.spec, buffers));
        sums.push(layer_sums(site, true));
    }
    let stats = Dispatch::new(
        LayerStatsParams {
            layers: site.nodes.len() as u32,
        },
        [
            buffers.configs,
            buffers.states,
            buffers.layer_controls,
            probe_buffers.sums,
            probe_buffers.norms,
            probe_buffers.records,
        ],
        [1, 1],
    );
    norms.chain(sums).chain([stats]).collect()
}

/// Computes the sums over every layer: all of them, or only that of the objective's gradient.
fn layer_sums(site: &ProbeSite<'_>, objective_only: bool) -> Dispatch {
    let buffers = site.buffers;
    let layers = site.nodes.len() as u32;
    Dispatch::new(
        LayerSumsParams {
            parameters_stride: site.parameters_stride(),
            layers,
            objective_only: objective_only.into(),
            second_moments: site.spec.second_moments(),
        },
        [
            buffers.configs,
            buffers.states,
            buffers.layer_controls,
            buffers.gradients,
            buffers.parameters,
            buffers.first_moment,
            buffers.second_moment,
            site.probe_buffers.sums,
        ],
        [PARTIALS, layers],
    )
}
