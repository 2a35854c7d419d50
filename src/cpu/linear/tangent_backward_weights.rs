//! Twin of `shaders/linear/tangent_backward_weights.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::layer_gradient::{bias_gradient, weights_gradient};
use crate::cpu::matrix::{WEIGHT_ROWS_PER_TASK, view};
use crate::kernels::TangentBackwardWeights;
use crate::state::{ProbeSlot, SLOT_DIVERGED, SLOT_RUNNING};

pub(crate) fn run(params: &TangentBackwardWeights, arrays: &mut [Array; 6]) {
    let [
        slots,
        inputs,
        lower_tangents,
        output_gradients,
        tangent_gradients,
        products,
    ] = arrays;
    let slot = slots.read::<ProbeSlot>()[params.slot as usize];
    let is_wanted = if params.is_iterate != 0 {
        slot.advanced > 0 && slot.status != SLOT_DIVERGED
    } else {
        slot.status == SLOT_RUNNING
    };
    if !is_wanted {
        return;
    }
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let batch = params.batch as usize;
    let segment =
        &mut products.write::<f32>()[params.offset as usize * 4..][..(rows + 1) * columns];
    let (weights, bias) = segment.split_at_mut(rows * columns);
    let gradients =
        &tangent_gradients.read::<f32>()[params.gradients_offset as usize * 4..][..batch * columns];
    let above = view(gradients, batch, columns, columns);
    let below = view(inputs.read::<f32>(), batch, rows, rows);
    let second_term = (params.lower_stride > 0).then(|| {
        (
            view(lower_tangents.read::<f32>(), batch, rows, rows),
            view(output_gradients.read::<f32>(), batch, columns, columns),
        )
    });
    let backward = |(task, weights): (usize, &mut [f32])| {
        let (first, task_rows) = (task * WEIGHT_ROWS_PER_TASK, weights.len() / columns);
        let pairs = [Some((below, above)), second_term].into_iter().flatten();
        let pairs = pairs.map(|(below, above)| (below.subcols(first, task_rows), above));
        weights_gradient(columns, pairs, weights);
    };
    weights
        .par_chunks_mut(WEIGHT_ROWS_PER_TASK * columns)
        .enumerate()
        .for_each(backward);
    bias_gradient(gradients, bias);
}
