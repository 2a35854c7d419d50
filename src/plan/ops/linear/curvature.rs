//! The linear operation under the R-operator, and the two forms in which a probe holds its segments.

use crate::kernels::{
    DualStart, GradientNorms, Gram, GramProduct, SharedGradientNorms, TangentBackwardInput,
    TangentBackwardWeights, TangentForward,
};
use crate::network::{LinearMatrix, Op};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, Grid};
use crate::plan::probe::{ProbeSite, ProbedNode};
use crate::state::ProbeSegment;

/// Computes the tangents of a layer's activations.
pub(super) fn tangent_forward(
    site: &ProbeSite<'_>,
    l: &ProbedNode<'_>,
    direction: BufferId,
) -> Dispatch {
    let (matrix, buffers) = (matrix_of(site, l), site.probe_buffers);
    let params = TangentForward {
        parameters_stride: site.parameters_stride(),
        offset: matrix.offset,
        rows: matrix.rows,
        columns: matrix.columns,
        batch_rows: site.spec.stored_rows(l.node.output),
        activation: site.spec.network.value(l.node.output).activation as u32,
        slots: l.slots(),
        all_slots: site.slots(),
        lower_slots: site.value_slots(l.node.inputs[0]),
        first_dual: l.first_dual(),
        iterates_stride: site.iterates_stride(),
        network_offset: l.network.image_or_vector(),
        block_offset: l.block.image_or_vector(),
    };
    let bound = [
        buffers.slots,
        site.buffers.parameters,
        buffers.tangents[l.input()],
        site.buffers.activations[l.input()],
        direction,
        site.buffers.derivative_argument(l.node.output),
        buffers.tangents[l.output()],
        site.kept_tangents(l.node.output),
    ];
    Dispatch::new(params, bound, products(site, l, matrix.columns, l.slots()))
}

/// Computes the tangents of the gradients with respect to the pre-activations of the layer below. The node must not
/// read the minibatch.
pub(super) fn tangent_backward_input(
    site: &ProbeSite<'_>,
    l: &ProbedNode<'_>,
    direction: BufferId,
) -> Dispatch {
    let network = &site.spec.network;
    let (matrix, buffers) = (matrix_of(site, l), site.probe_buffers);
    let input = network.value(l.node.inputs[0]);
    let params = TangentBackwardInput {
        parameters_stride: site.parameters_stride(),
        offset: matrix.offset,
        rows: matrix.rows,
        columns: matrix.columns,
        batch_rows: site.spec.stored_rows(l.node.output),
        activation: input.activation as u32,
        slots: site.value_slots(l.node.inputs[0]),
        all_slots: site.slots(),
        iterates_stride: site.iterates_stride(),
        network_offset: l.network.offset,
        upper_slots: l.slots(),
        accumulate: network.is_read_after(l.node, l.node.inputs[0]).into(),
    };
    let bound = [
        buffers.slots,
        site.buffers.parameters,
        direction,
        site.buffers.derivative_argument(l.node.inputs[0]),
        site.curvature_argument(l.node.inputs[0]),
        site.buffers.pre_activation_gradients[l.output() - 1],
        buffers.tangent_gradients[l.output() - 1],
        buffers.tangent_gradients[l.input() - 1],
    ];
    let grid = products(site, l, input.padded_units(), params.slots);
    Dispatch::new(params, bound, grid)
}

/// Computes a layer's segments of the products: one dispatch for each primal segment, one for all dual segments.
pub(super) fn tangent_backward_weights(site: &ProbeSite<'_>, l: &ProbedNode<'_>) -> Vec<Dispatch> {
    let primal = l.segments().into_iter().filter(|s| !s.is_dual());
    let primal = primal.map(|segment| primal_product(site, l, segment));
    primal.chain(gram_product(site, l)).collect()
}

fn primal_product(site: &ProbeSite<'_>, l: &ProbedNode<'_>, segment: &ProbeSegment) -> Dispatch {
    let batch_rows = site.spec.stored_rows(l.node.output);
    let matrix = matrix_of(site, l);
    let size = batch_rows * matrix.columns / 4;
    let has_lower = segment.slot == 0 && !l.reads_constant();
    let params = TangentBackwardWeights {
        products_stride: site.iterates_stride(),
        offset: segment.offset,
        gradients_stride: l.slots() * size,
        gradients_offset: segment.slot * size,
        lower_stride: if has_lower {
            site.value_slots(l.node.inputs[0]) * batch_rows
        } else {
            0
        },
        ..weights_params(site, l, segment)
    };
    let gradients = site.probe_buffers.tangent_gradients[l.output() - 1];
    weights_dispatch(site, l, params, gradients, site.probe_buffers.products)
}

/// Computes a layer's dual segments of the products; `None` where it has none.
fn gram_product(site: &ProbeSite<'_>, l: &ProbedNode<'_>) -> Option<Dispatch> {
    let (matrix, buffers) = (matrix_of(site, l), site.probe_buffers);
    let params = GramProduct {
        columns: matrix.columns,
        batch_rows: site.spec.stored_rows(l.node.output),
        slots: l.slots(),
        all_slots: site.slots(),
        first_dual: l.first_dual(),
        products_stride: site.iterates_stride(),
        network_offset: l.network.offset,
        block_offset: l.block.offset,
    };
    let bound = [
        buffers.slots,
        buffers.grams[l.index as usize]?,
        buffers.tangent_gradients[l.output() - 1],
        buffers.products,
    ];
    let grid = products(site, l, matrix.columns, l.duals());
    Some(Dispatch::new(params, bound, grid))
}

/// Computes the Gram matrix of a layer's inputs and the first iterates of its dual segments; empty where it has none.
pub(super) fn dual_start(site: &ProbeSite<'_>, l: &ProbedNode<'_>) -> Vec<Dispatch> {
    let (matrix, buffers) = (matrix_of(site, l), site.probe_buffers);
    let Some(gram) = buffers.grams[l.index as usize] else {
        return Vec::new();
    };
    let (rows, batch_rows) = (matrix.rows, site.spec.stored_rows(l.node.output));
    let inputs = site.buffers.activations[l.input()];
    let params = DualStart {
        vectors_stride: 2 * site.parameters_stride(),
        network_vector: l.network.vector_offset,
        block_vector: l.block.vector_offset,
        rows,
        columns: matrix.columns,
        batch_rows,
        slots: l.slots(),
        all_slots: site.slots(),
        first_dual: l.first_dual(),
        iterates_stride: site.iterates_stride(),
        network_offset: l.network.offset,
        block_offset: l.block.offset,
    };
    let iterates = [buffers.slots, inputs, buffers.vectors, buffers.iterates];
    vec![
        Dispatch::new(
            Gram { rows, batch_rows },
            [inputs, gram],
            Grid::matrix(batch_rows, batch_rows),
        ),
        Dispatch::new(
            params,
            iterates,
            products(site, l, matrix.columns, l.duals()),
        ),
    ]
}

/// Computes the vectors of a layer's dual segments.
pub(super) fn dual_vectors(site: &ProbeSite<'_>, l: &ProbedNode<'_>) -> Vec<Dispatch> {
    let buffers = site.probe_buffers;
    let dual_vector = |segment: &ProbeSegment| {
        let params = TangentBackwardWeights {
            products_stride: 2 * site.parameters_stride(),
            offset: segment.vector_offset,
            gradients_stride: site.iterates_stride(),
            gradients_offset: segment.offset,
            is_iterate: 1,
            ..weights_params(site, l, segment)
        };
        weights_dispatch(site, l, params, buffers.iterates, buffers.vectors)
    };
    let duals = l.segments().into_iter().filter(|segment| segment.is_dual());
    duals.map(dual_vector).collect()
}

fn weights_params(
    site: &ProbeSite<'_>,
    l: &ProbedNode<'_>,
    segment: &ProbeSegment,
) -> TangentBackwardWeights {
    let matrix = matrix_of(site, l);
    TangentBackwardWeights {
        rows: matrix.rows,
        columns: matrix.columns,
        batch: site.spec.rows(l.node.output),
        batch_rows: site.spec.stored_rows(l.node.output),
        slot: segment.slot,
        all_slots: site.slots(),
        ..bytemuck::Zeroable::zeroed()
    }
}

fn weights_dispatch(
    site: &ProbeSite<'_>,
    l: &ProbedNode<'_>,
    params: TangentBackwardWeights,
    gradients: BufferId,
    products: BufferId,
) -> Dispatch {
    let matrix = matrix_of(site, l);
    let bound = [
        site.probe_buffers.slots,
        site.buffers.activations[l.input()],
        site.probe_buffers.tangents[l.input()],
        site.buffers.pre_activation_gradients[l.output() - 1],
        gradients,
        products,
    ];
    Dispatch::new(params, bound, Grid::matrix(matrix.columns, matrix.rows + 1))
}

/// Computes the mean squared norm of a layer's per-sample gradients.
pub(super) fn gradient_norms(site: &ProbeSite<'_>, l: &ProbedNode<'_>) -> Vec<Dispatch> {
    let positions = site.spec.network.value(l.node.output).positions();
    if positions > 1 {
        return vec![shared_gradient_norms(site, l, positions), site.mean_norm(l)];
    }
    let matrix = matrix_of(site, l);
    let params = GradientNorms {
        rows: matrix.rows,
        columns: matrix.columns,
        batch: site.spec.rows(l.node.output),
        batch_rows: site.spec.stored_rows(l.node.output),
        layer: l.index,
        layers: site.nodes.len() as u32,
    };
    let bound = [
        site.buffers.activations[l.input()],
        site.buffers.pre_activation_gradients[l.output() - 1],
        site.probe_buffers.norms,
    ];
    vec![Dispatch::new(params, bound, [1, 1])]
}

/// Computes the squared norm of every sample's gradient of a layer that several positions share.
fn shared_gradient_norms(site: &ProbeSite<'_>, l: &ProbedNode<'_>, positions: u32) -> Dispatch {
    let matrix = matrix_of(site, l);
    let params = SharedGradientNorms {
        rows: matrix.rows,
        columns: matrix.columns,
        batch: site.spec.batch,
        batch_rows: site.spec.batch_rows(),
        positions,
    };
    let bound = [
        site.buffers.activations[l.input()],
        site.buffers.pre_activation_gradients[l.output() - 1],
        site.probe_buffers.sample_norms,
    ];
    Dispatch::new(params, bound, [params.batch, 1])
}

/// The matrix of a linear node.
fn matrix_of(site: &ProbeSite<'_>, l: &ProbedNode<'_>) -> LinearMatrix {
    let Op::Linear(linear) = l.node.op else {
        unreachable!("the plans of the linear operation are of linear nodes");
    };
    site.spec.network.linear_matrix(l.node, linear)
}

/// The grid of a product with one matrix for each of `slots`: a row for each row of the node's values, and `columns`
/// columns.
fn products(site: &ProbeSite<'_>, l: &ProbedNode<'_>, columns: u32, slots: u32) -> Grid {
    Grid::Product {
        columns,
        rows: site.spec.stored_rows(l.node.output),
        blocks: slots,
    }
}
