//! Twin of `shaders/linear/tangent_backward_weights.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::{WEIGHT_ROWS_PER_TASK, add_product, product, view, view_mut};
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
    let below = view(inputs.read::<f32>(), batch, rows, rows).transpose();
    let second_term = (params.lower_stride > 0).then(|| {
        (
            view(lower_tangents.read::<f32>(), batch, rows, rows).transpose(),
            view(output_gradients.read::<f32>(), batch, columns, columns),
        )
    });
    let backward = |(task, weights): (usize, &mut [f32])| {
        let (first, task_rows) = (task * WEIGHT_ROWS_PER_TASK, weights.len() / columns);
        let mut out = view_mut(weights, task_rows, columns, columns);
        product(out.as_mut(), below.subrows(first, task_rows), above);
        if let Some((tangents, gradients)) = second_term {
            add_product(out, tangents.subrows(first, task_rows), gradients);
        }
    };
    weights
        .par_chunks_mut(WEIGHT_ROWS_PER_TASK * columns)
        .enumerate()
        .for_each(backward);
    bias.fill(0.0);
    for sample in gradients.chunks(columns) {
        bias.iter_mut().zip(sample).for_each(|(bias, d)| *bias += d);
    }
}
