//! Twin of `shaders/linear/tangent_backward_input.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::activation::{
    add_before, add_curvature, from_number, multiply_by_derivative, subtract_copies,
};
use crate::cpu::matrix::{add_product, product, rows_per_task, view, view_mut};
use crate::kernels::TangentBackwardInput;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &TangentBackwardInput, arrays: &mut [Array; 8]) {
    let [
        slots,
        parameters,
        iterates,
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
    let keeps_z = activation.keeps_pre_activations();
    let stride = if keeps_z { width } else { rows };
    let offset = params.offset as usize * 4;
    let network = params.network_offset as usize * 4;
    let weights = view(&parameters.read::<f32>()[offset..], rows, columns, columns).transpose();
    let vector = view(&iterates.read::<f32>()[network..], rows, columns, columns).transpose();
    let activations = activations.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();

    let slots = slots.read::<ProbeSlot>();
    let upper = upper.read::<f32>();
    let lower_tangents = lower_tangents.read::<f32>();

    // Gradients with respect to the inputs, which f'' multiplies: the same for every slot.
    let primal = activation.is_curved().then(|| {
        let mut primal = vec![0.0; batch_rows * rows];
        let chunks = primal.par_chunks_mut(rows_per_task() * rows);
        let gradients =
            output_gradients[..batch_rows * columns].par_chunks(rows_per_task() * columns);
        chunks.zip(gradients).for_each(|(primal, gradients)| {
            let samples = primal.len() / rows;
            let gradients = view(gradients, samples, columns, columns);
            product(view_mut(primal, samples, rows, rows), gradients, weights);
        });
        primal
    });

    // Computes the rows of one slot from row `first` on.
    let backward = |(slot, first, lower): (usize, usize, &mut [f32])| {
        let samples = lower.len() / width;
        let before = (params.accumulate != 0).then(|| lower.to_vec());
        let above = view(
            &upper[(slot * batch_rows + first) * columns..],
            samples,
            columns,
            columns,
        );
        let gradient = view(
            &output_gradients[first * columns..],
            samples,
            columns,
            columns,
        );
        let activations = &activations[first * stride..][..samples * stride];
        // Computes the tangents with respect to the layer's inputs, to all copies.
        let at_inputs = |out: &mut [f32]| {
            product(view_mut(out, samples, rows, rows), above, weights);
            if slot == 0 {
                add_product(view_mut(out, samples, rows, rows), gradient, vector);
            }
            multiply_by_derivative(activation, width, activations, out);
        };
        if activation.copies() == 2 {
            let mut both = vec![0.0; samples * rows];
            at_inputs(&mut both);
            subtract_copies(width, &both, lower);
        } else {
            at_inputs(lower);
        }
        if let Some(primal) = &primal {
            let primal = &primal[first * rows..][..samples * rows];
            let tangents = &lower_tangents[(slot * batch_rows + first) * width..];
            add_curvature(activation, width, activations, tangents, primal, lower);
        }
        add_before(lower, before);
    };
    let tasks: Vec<_> = lower
        .write::<f32>()
        .chunks_mut(batch_rows * width)
        .take(params.slots as usize)
        .enumerate()
        .filter(|(slot, _)| slots[*slot].status == SLOT_RUNNING)
        .flat_map(|(slot, lower)| {
            let chunks = lower.chunks_mut(rows_per_task() * width).enumerate();
            chunks.map(move |(task, chunk)| (slot, task * rows_per_task(), chunk))
        })
        .collect();
    tasks.into_par_iter().for_each(backward);
}
