//! Layer normalisation under the R-operator.

use super::super::add;
use super::{ROWS, inverse_units};
use crate::kernels::{
    NormGradientNorms, NormTangent, NormTangentBackward, NormTangentBackwardParameters,
    NormTangentForward,
};
use crate::network::LayerNorm;
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, workgroups};
use crate::plan::probe::{ProbeSite, ProbedNode};

/// Computes the tangents of the normalised input, and of the activations.
pub(super) fn tangent_forward(
    site: &ProbeSite<'_>,
    norm: LayerNorm,
    node: &ProbedNode<'_>,
    direction: BufferId,
) -> Vec<Dispatch> {
    let (output, buffers) = (node.node.output, site.probe_buffers);
    let value = site.spec.network.value(output);
    let params = NormTangentForward {
        parameters_stride: site.parameters_stride(),
        offset: norm.offset(&site.spec.network),
        batch_rows: site.spec.stored_rows(output),
        columns: value.padded_units(),
        activation: value.activation as u32,
        slots: node.slots(),
        all_slots: site.slots(),
        lower_slots: site.value_slots(node.node.inputs[0]),
        iterates_stride: site.iterates_stride(),
        network_offset: node.network.offset,
        block_offset: node.block.offset,
    };
    let bound = [
        buffers.slots,
        site.buffers.parameters,
        direction,
        site.buffers.normalised(output),
        normalised_tangents(site, node),
        site.buffers.derivative_argument(output),
        buffers.tangents[output.index()],
        site.kept_tangents(output),
    ];
    let elements = params.batch_rows * params.columns;
    let grid = [workgroups::<NormTangentForward>(elements / 4), params.slots];
    let forward = Dispatch::new(params, bound, grid);
    let normalise = (!node.reads_constant()).then(|| normalise(site, node));
    normalise.into_iter().chain([forward]).collect()
}

fn normalise(site: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Dispatch {
    let (input, buffers) = (node.node.inputs[0], site.probe_buffers);
    let value = site.spec.network.value(input);
    let params = NormTangent {
        batch_rows: site.spec.stored_rows(input),
        columns: value.padded_units(),
        units: value.units,
        slots: site.value_slots(input),
        all_slots: site.slots(),
        inverse_units: inverse_units(value),
    };
    let bound = [
        buffers.slots,
        site.buffers.normalised(node.node.output),
        buffers.tangents[input.index()],
        normalised_tangents(site, node),
    ];
    let grid = [params.batch_rows / ROWS, params.slots];
    Dispatch::new(params, bound, grid)
}

/// Computes the tangents of the gradient of the input: with respect to f(z), and then to z. The node must not read a
/// constant.
pub(super) fn tangent_backward_input(
    site: &ProbeSite<'_>,
    norm: LayerNorm,
    node: &ProbedNode<'_>,
    direction: BufferId,
) -> Vec<Dispatch> {
    let (input, output) = (node.node.inputs[0], node.node.output);
    let (value, buffers) = (site.spec.network.value(input), site.probe_buffers);
    let of_value = buffers.value_tangent_gradients[output.index()];
    let params = NormTangentBackward {
        parameters_stride: site.parameters_stride(),
        offset: norm.offset(&site.spec.network),
        batch_rows: site.spec.stored_rows(input),
        columns: value.padded_units(),
        units: value.units,
        slots: site.value_slots(input),
        upper_slots: node.slots(),
        all_slots: site.slots(),
        iterates_stride: site.iterates_stride(),
        network_offset: node.network.offset,
        inverse_units: inverse_units(value),
    };
    let bound = [
        buffers.slots,
        site.buffers.parameters,
        direction,
        site.buffers.normalised(output),
        normalised_tangents(site, node),
        site.buffers.pre_activation_gradients[output.index() - 1],
        buffers.tangent_gradients[output.index() - 1],
        // Without an activation, and without another reader, f(z) is z.
        of_value.unwrap_or(buffers.tangent_gradients[input.index() - 1]),
    ];
    let grid = [params.batch_rows / ROWS, params.slots];
    let backward = Dispatch::new(params, bound, grid);
    let activate = of_value.map(|tangents| {
        let gradients = add::SumGradients {
            primal: site.buffers.value_gradients(output),
            tangents,
            slots: site.value_slots(input),
        };
        add::tangent_backward(site, node.node, input, gradients)
    });
    [backward].into_iter().chain(activate).collect()
}

/// Computes the normalisation's segments of the products.
pub(super) fn tangent_backward_parameters(site: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Dispatch {
    let (output, buffers) = (node.node.output, site.probe_buffers);
    let params = NormTangentBackwardParameters {
        batch: site.spec.rows(output),
        batch_rows: site.spec.stored_rows(output),
        columns: site.spec.network.value(output).padded_units(),
        slots: node.slots(),
        all_slots: site.slots(),
        lower_slots: site.value_slots(node.node.inputs[0]),
        products_stride: site.iterates_stride(),
        network_offset: node.network.offset,
        block_offset: node.block.offset,
    };
    let bound = [
        buffers.slots,
        site.buffers.normalised(output),
        normalised_tangents(site, node),
        site.buffers.pre_activation_gradients[output.index() - 1],
        buffers.tangent_gradients[output.index() - 1],
        buffers.products,
    ];
    Dispatch::new(params, bound, [params.columns / 4, 2])
}

/// Computes the squared norm of every sample's gradient.
pub(super) fn gradient_norms(site: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Dispatch {
    let value = site.spec.network.value(node.node.output);
    let params = NormGradientNorms {
        columns: value.padded_units(),
        batch: site.spec.batch,
        batch_rows: site.spec.batch_rows(),
        positions: value.positions(),
    };
    let bound = [
        site.buffers.normalised(node.node.output),
        site.buffers.pre_activation_gradients[node.output() - 1],
        site.probe_buffers.sample_norms,
    ];
    Dispatch::new(params, bound, [params.batch, 1])
}

/// The tangents of the normalised input; a placeholder where the input is a constant.
fn normalised_tangents(site: &ProbeSite<'_>, node: &ProbedNode<'_>) -> BufferId {
    let tangents = site.probe_buffers.normalised_tangents[node.output()];
    tangents.expect("a normalisation has the buffer")
}
