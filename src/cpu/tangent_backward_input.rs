//! Twin of `shaders/tangent_backward_input.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::activation::{from_number, multiply_by_derivative};
use super::matrix::{ROWS_PER_TASK, add_product, product, view, view_mut};
use crate::kernels::TangentBackwardInput;
use crate::network::Activation;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &TangentBackwardInput, arrays: &mut [Array; 8]) {
    let [
        slots,
        parameters,
        vectors,
        activations,
        lower_tangents,
        output_gradients,
        upper,
        lower,
    ] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let batch_rows = params.batch_rows as usize;
    let activation = from_number(params.activation);
    let width = rows / activation.copies() as usize;
    let offset = params.offset as usize * 4;
    let network = params.parameters_stride as usize * 4 + offset;
    let weights = view(&parameters.read::<f32>()[offset..], rows, columns, columns).transpose();
    let vector = view(&vectors.read::<f32>()[network..], rows, columns, columns).transpose();
    let activations = activations.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();

    let per_slot = lower
        .write::<f32>()
        .chunks_mut(batch_rows * width)
        .zip(upper.read::<f32>().chunks(batch_rows * columns))
        .zip(lower_tangents.read::<f32>().chunks(batch_rows * rows))
        .zip(slots.read::<ProbeSlot>())
        .take(params.slots as usize)
        .enumerate();
    for (slot, (((lower, upper), tangents), state)) in per_slot {
        if state.status != SLOT_RUNNING {
            continue;
        }
        let backward = |(task, lower): (usize, &mut [f32])| {
            let (first, samples) = (task * ROWS_PER_TASK, lower.len() / width);
            let above = view(&upper[first * columns..], samples, columns, columns);
            let gradient = view(
                &output_gradients[first * columns..],
                samples,
                columns,
                columns,
            );
            let activations = &activations[first * rows..][..samples * rows];
            let tangents = &tangents[first * rows..][..samples * rows];
            // At the layer's inputs; for CReLU still both halves.
            let at_inputs = |out: &mut [f32]| {
                product(view_mut(out, samples, rows, rows), above, weights);
                if slot == 0 {
                    add_product(view_mut(out, samples, rows, rows), gradient, vector);
                }
                multiply_by_derivative(activation, activations, out);
            };
            if activation == Activation::Crelu {
                let mut both = vec![0.0; samples * rows];
                at_inputs(&mut both);
                for (lower, both) in lower.chunks_mut(width).zip(both.chunks(rows)) {
                    let (upper, mirror) = both.split_at(width);
                    for ((lower, upper), mirror) in lower.iter_mut().zip(upper).zip(mirror) {
                        *lower = upper - mirror;
                    }
                }
            } else {
                at_inputs(lower);
            }
            if activation == Activation::Tanh {
                let mut primal = vec![0.0; samples * rows];
                product(
                    view_mut(&mut primal, samples, rows, rows),
                    gradient,
                    weights,
                );
                let terms = activations.iter().zip(tangents).zip(primal);
                for (lower, ((a, tangent), g)) in lower.iter_mut().zip(terms) {
                    *lower -= 2.0 * a * tangent * g;
                }
            }
        };
        lower
            .par_chunks_mut(ROWS_PER_TASK * width)
            .enumerate()
            .for_each(backward);
    }
}
