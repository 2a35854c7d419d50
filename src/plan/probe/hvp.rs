//! Hessian-vector products by Pearlmutter's R-operator: one product of every running slot.
//!
//! Every function but [`product`] and [`softmax`] makes the dispatches of one linear layer.

use super::ProbeSite;
use super::segments::ProbedLayer;
use crate::kernels::{
    DualStart, GradientNorms, Gram, GramProduct, Params, TangentBackwardInput,
    TangentBackwardWeights, TangentForward, TangentSoftmax,
};
use crate::plan::{BufferId, Dispatch, Grid, dispatch, matrix};
use crate::state::ProbeSegment;

/// One product of the Hessian with `direction`, which has the layout of iterates.
pub(super) fn product(site: &ProbeSite<'_>, direction: BufferId) -> Vec<Dispatch> {
    let layers = 0..site.layers.len();
    let forward = |layer| tangent_forward(site, layer, direction);
    let mut dispatches: Vec<_> = layers.clone().map(forward).collect();
    dispatches.push(softmax(site));
    let backward = |layer| tangent_backward_input(site, layer, direction);
    dispatches.extend(layers.clone().skip(1).rev().map(backward));
    dispatches.extend(layers.flat_map(|layer| tangent_backward_weights(site, layer)));
    dispatches
}

/// The tangents of the gradients with respect to the logits.
fn softmax(site: &ProbeSite<'_>) -> Dispatch {
    let (spec, buffers) = (site.spec, site.probe_buffers);
    let layers = site.layers.len();
    let params = TangentSoftmax {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        classes: spec.network.classes(),
        columns: site.layers[layers - 1].layer.columns,
        slots: site.slots(),
        inverse_batch: (1.0 / f64::from(spec.batch)) as f32,
    };
    let buffers = [
        buffers.slots,
        site.buffers.activations[layers],
        buffers.tangents[layers],
        buffers.tangent_gradients[layers - 1],
    ];
    let workgroup = TangentSoftmax::KERNEL.plain.workgroup[0];
    let samples = spec.batch_rows().div_ceil(workgroup);
    dispatch(params, buffers, [samples, site.slots()])
}

/// The tangents of a layer's activations.
pub(super) fn tangent_forward(site: &ProbeSite<'_>, layer: usize, direction: BufferId) -> Dispatch {
    let (l, buffers) = (&site.layers[layer], site.probe_buffers);
    let params = TangentForward {
        parameters_stride: site.parameters_stride(),
        offset: l.layer.offset / 4,
        rows: l.layer.rows,
        columns: l.layer.columns,
        batch_rows: site.spec.batch_rows(),
        activation: l.layer.activation as u32,
        slots: l.slots(),
        all_slots: site.slots(),
        has_lower: u32::from(layer > 0),
        first_dual: l.first_dual(),
        iterates_stride: site.iterates_stride(),
        network_offset: l.network.image_or_vector(),
        block_offset: l.block.image_or_vector(),
    };
    let buffers = [
        buffers.slots,
        site.buffers.parameters,
        buffers.tangents[layer],
        site.buffers.activations[layer],
        direction,
        site.buffers.activations[layer + 1],
        buffers.tangents[layer + 1],
    ];
    dispatch(params, buffers, products(site, l.layer.columns, l.slots()))
}

/// The tangents of the gradients with respect to the pre-activations of the layer below; `layer` is 1 or more.
pub(super) fn tangent_backward_input(
    site: &ProbeSite<'_>,
    layer: usize,
    direction: BufferId,
) -> Dispatch {
    let (l, below) = (&site.layers[layer], &site.layers[layer - 1]);
    let buffers = site.probe_buffers;
    let params = TangentBackwardInput {
        parameters_stride: site.parameters_stride(),
        offset: l.layer.offset / 4,
        rows: l.layer.rows,
        columns: l.layer.columns,
        batch_rows: site.spec.batch_rows(),
        activation: below.layer.activation as u32,
        slots: below.slots(),
        all_slots: site.slots(),
        iterates_stride: site.iterates_stride(),
        network_offset: l.network.offset,
    };
    let buffers = [
        buffers.slots,
        site.buffers.parameters,
        direction,
        site.buffers.activations[layer],
        buffers.tangents[layer],
        site.buffers.pre_activation_gradients[layer],
        buffers.tangent_gradients[layer],
        buffers.tangent_gradients[layer - 1],
    ];
    let grid = products(site, below.layer.columns, below.slots());
    dispatch(params, buffers, grid)
}

/// A layer's segments of the products: one dispatch for each primal segment, one for all dual segments.
pub(super) fn tangent_backward_weights(site: &ProbeSite<'_>, layer: usize) -> Vec<Dispatch> {
    let l = &site.layers[layer];
    let primal = l.segments().into_iter().filter(|s| !s.is_dual());
    let primal = primal.map(|segment| primal_product(site, l, segment));
    primal.chain(gram_product(site, layer)).collect()
}

fn primal_product(site: &ProbeSite<'_>, l: &ProbedLayer<'_>, segment: &ProbeSegment) -> Dispatch {
    let batch_rows = site.spec.batch_rows();
    let size = batch_rows * l.layer.columns / 4;
    let has_lower = segment.slot == 0 && l.index > 0;
    let params = TangentBackwardWeights {
        products_stride: site.iterates_stride(),
        offset: segment.offset,
        gradients_stride: l.slots() * size,
        gradients_offset: segment.slot * size,
        lower_stride: if has_lower {
            (l.slots() - 1) * batch_rows
        } else {
            0
        },
        ..weights_params(site, l, segment)
    };
    let gradients = site.probe_buffers.tangent_gradients[l.index as usize];
    weights_dispatch(site, l, params, gradients, site.probe_buffers.products)
}

/// A layer's dual segments of the products.
fn gram_product(site: &ProbeSite<'_>, layer: usize) -> Option<Dispatch> {
    let (l, buffers) = (&site.layers[layer], site.probe_buffers);
    let params = GramProduct {
        columns: l.layer.columns,
        batch_rows: site.spec.batch_rows(),
        slots: l.slots(),
        all_slots: site.slots(),
        first_dual: l.first_dual(),
        products_stride: site.iterates_stride(),
        network_offset: l.network.offset,
        block_offset: l.block.offset,
    };
    let buffers = [
        buffers.slots,
        buffers.grams[layer]?,
        buffers.tangent_gradients[layer],
        buffers.products,
    ];
    let grid = products(site, l.layer.columns, l.duals());
    Some(dispatch(params, buffers, grid))
}

/// The Gram matrix of a layer's inputs, and the first iterates of its dual segments; nothing where it has none.
pub(super) fn dual_start(site: &ProbeSite<'_>, layer: usize) -> Vec<Dispatch> {
    let (l, buffers) = (&site.layers[layer], site.probe_buffers);
    let Some(gram) = buffers.grams[layer] else {
        return Vec::new();
    };
    let (rows, batch_rows) = (l.layer.rows, site.spec.batch_rows());
    let inputs = site.buffers.activations[layer];
    let params = DualStart {
        vectors_stride: 2 * site.parameters_stride(),
        network_vector: l.network.vector_offset,
        block_vector: l.block.vector_offset,
        rows,
        columns: l.layer.columns,
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
        dispatch(
            Gram { rows, batch_rows },
            [inputs, gram],
            matrix(batch_rows, batch_rows),
        ),
        dispatch(params, iterates, products(site, l.layer.columns, l.duals())),
    ]
}

/// The vectors of a layer's dual segments.
pub(super) fn dual_vectors(site: &ProbeSite<'_>, layer: usize) -> Vec<Dispatch> {
    let (l, buffers) = (&site.layers[layer], site.probe_buffers);
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
    l: &ProbedLayer<'_>,
    segment: &ProbeSegment,
) -> TangentBackwardWeights {
    TangentBackwardWeights {
        rows: l.layer.rows,
        columns: l.layer.columns,
        batch: site.spec.batch,
        batch_rows: site.spec.batch_rows(),
        slot: segment.slot,
        all_slots: site.slots(),
        ..bytemuck::Zeroable::zeroed()
    }
}

fn weights_dispatch(
    site: &ProbeSite<'_>,
    l: &ProbedLayer<'_>,
    params: TangentBackwardWeights,
    gradients: BufferId,
    products: BufferId,
) -> Dispatch {
    let index = l.index as usize;
    let buffers = [
        site.probe_buffers.slots,
        site.buffers.activations[index],
        site.probe_buffers.tangents[index],
        site.buffers.pre_activation_gradients[index],
        gradients,
        products,
    ];
    dispatch(params, buffers, matrix(l.layer.columns, l.layer.rows + 1))
}

/// The mean squared norm of a layer's per-sample gradients.
pub(super) fn gradient_norms(site: &ProbeSite<'_>, layer: usize) -> Dispatch {
    let l = &site.layers[layer];
    let params = GradientNorms {
        rows: l.layer.rows,
        columns: l.layer.columns,
        batch: site.spec.batch,
        batch_rows: site.spec.batch_rows(),
        layer: l.index,
        layers: site.layers.len() as u32,
    };
    let buffers = [
        site.buffers.activations[layer],
        site.buffers.pre_activation_gradients[layer],
        site.probe_buffers.norms,
    ];
    dispatch(params, buffers, [1, 1])
}

/// A matrix of the minibatch by `columns` for each of `slots`.
fn products(site: &ProbeSite<'_>, columns: u32, slots: u32) -> Grid {
    Grid::Product {
        columns,
        rows: site.spec.batch_rows(),
        blocks: slots,
    }
}
