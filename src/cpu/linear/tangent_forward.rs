//! Twin of `shaders/linear/tangent_forward.wgsl`.

use faer::{MatMut, MatRef};
use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_tangent};
use crate::cpu::array::optional_chunks;
use crate::cpu::matrix::{add_product, product, rows_per_task, view, view_mut};
use crate::kernels::TangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

/// A slot, the first of some rows, their tangents and, where z is kept, those of their pre-activations.
type Task<'a> = (u32, usize, &'a mut [f32], Option<&'a mut [f32]>);

pub(crate) fn run(params: &TangentForward, arrays: &mut [Array; 8]) {
    let [
        slots,
        parameters,
        lower_tangents,
        inputs,
        iterates,
        activations,
        tangents,
        pre_activation_tangents,
    ] = arrays;
    let slots = slots.read::<ProbeSlot>();
    let is_running = |slot: u32| slots[slot as usize].status == SLOT_RUNNING;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let batch_rows = params.batch_rows as usize;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let offset = params.offset as usize * 4;
    let weights = &parameters.read::<f32>()[offset..][..rows * columns];
    let segment = |slot: u32| {
        let offset = match slot {
            0 => params.network_offset,
            _ => params.block_offset,
        };
        &iterates.read::<f32>()[offset as usize * 4..]
    };
    let inputs = inputs.read::<f32>();
    let activations = activations.read::<f32>();
    let lower_tangents = lower_tangents.read::<f32>();
    let own = params.slots - 1;

    // Computes the rows of one slot from row `first` on.
    let forward = |(slot, first, tangents, kept): Task<'_>| {
        let samples = tangents.len() / stride;
        let is_lower = slot < params.lower_slots;
        if is_lower {
            let lower = &lower_tangents[(slot as usize * batch_rows + first) * rows..];
            product(
                view_mut(tangents, samples, columns, stride),
                view(lower, samples, rows, rows),
                view(weights, rows, columns, columns),
            );
        }
        if slot >= params.first_dual {
            let image = &segment(slot)[first * columns..];
            for (z, image) in tangents.chunks_mut(stride).zip(image.chunks(columns)) {
                z[..columns].copy_from_slice(image);
            }
        } else if slot == 0 || slot == own {
            let product = if is_lower { add_product } else { product };
            let a = &inputs[first * rows..][..samples * rows];
            let vector = &segment(slot)[..(rows + 1) * columns];
            linear(product, tangents, a, vector, columns, stride);
        } else if !is_lower {
            tangents.fill(0.0);
        }
        let argument_stride = if kept.is_some() { columns } else { stride };
        let arguments = &activations[first * argument_stride..];
        write_tangent(activation, columns, arguments, tangents, kept);
    };
    let tangents = tangents.write::<f32>();
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activation_tangents.write::<f32>());
    let kept = optional_chunks(kept, params.slots as usize, batch_rows * columns);
    let tasks: Vec<_> = (0..params.slots)
        .zip(tangents.chunks_mut(batch_rows * stride))
        .zip(kept)
        .filter(|((slot, _), _)| is_running(*slot))
        .flat_map(|((slot, tangents), kept)| {
            let tasks = batch_rows.div_ceil(rows_per_task());
            let kept = optional_chunks(kept, tasks, rows_per_task() * columns);
            let chunks = tangents.chunks_mut(rows_per_task() * stride).enumerate();
            let chunks = chunks.zip(kept);
            chunks.map(move |((task, chunk), kept)| (slot, task * rows_per_task(), chunk, kept))
        })
        .collect();
    tasks.into_par_iter().for_each(forward);
}

/// Computes z = a V + bias or z += a V + bias, as `product` chooses. The rows of z are `stride` elements long.
fn linear(
    product: fn(MatMut<'_, f32>, MatRef<'_, f32>, MatRef<'_, f32>),
    z: &mut [f32],
    a: &[f32],
    vector: &[f32],
    columns: usize,
    stride: usize,
) {
    let rows = vector.len() / columns - 1;
    let samples = a.len() / rows;
    let (weights, bias) = vector.split_at(rows * columns);
    product(
        view_mut(z, samples, columns, stride),
        view(a, samples, rows, rows),
        view(weights, rows, columns, columns),
    );
    for z in z.chunks_mut(stride) {
        z.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
    }
}
