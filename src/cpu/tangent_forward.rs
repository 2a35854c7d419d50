//! Twin of `shaders/tangent_forward.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::activation::{from_number, multiply_by_derivative};
use super::matrix::{ROWS_PER_TASK, add_product, product, view, view_mut};
use crate::kernels::TangentForward;
use crate::network::Activation;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &TangentForward, arrays: &mut [Array; 8]) {
    let [
        slots,
        parameters,
        lower_tangents,
        inputs,
        vectors,
        activations,
        iterates,
        tangents,
    ] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let batch_rows = params.batch_rows as usize;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let length = (rows + 1) * columns;
    let parameters_stride = params.parameters_stride as usize * 4;
    let offset = params.offset as usize * 4;
    let weights = &parameters.read::<f32>()[offset..][..rows * columns];
    let inputs = inputs.read::<f32>();
    let activations = activations.read::<f32>();
    let own = params.slots - 1;

    for slot in 0..params.slots {
        if slots.read::<ProbeSlot>()[slot as usize].status != SLOT_RUNNING {
            continue;
        }
        let is_member = slot >= params.first_member;
        let vector_offset = if slot == 0 {
            parameters_stride + offset
        } else {
            offset
        };
        let vector = &vectors.read::<f32>()[vector_offset..][..length];
        let mut image = None;
        if is_member {
            let member = (slot - params.first_member) as usize;
            let iterate = &mut iterates.write::<f32>()[member * 2 * batch_rows * columns..]
                [..2 * batch_rows * columns];
            let (delta, stored) = iterate.split_at_mut(batch_rows * columns);
            if params.begin != 0 {
                delta.fill(0.0);
                stored
                    .par_chunks_mut(ROWS_PER_TASK * columns)
                    .zip(inputs.par_chunks(ROWS_PER_TASK * rows))
                    .for_each(|(z, a)| linear(z, a, vector, rows, columns, columns));
            }
            image = Some(&*stored);
        }
        let is_direct = slot == 0 || slot == own;
        let is_carried = params.has_lower != 0 && slot != own;
        let lower =
            is_carried.then(|| &lower_tangents.read::<f32>()[slot as usize * batch_rows * rows..]);

        let forward = |(task, (tangents, activations)): (usize, (&mut [f32], &[f32]))| {
            let (first, samples) = (task * ROWS_PER_TASK, tangents.len() / stride);
            match image {
                Some(image) => {
                    let image = image[first * columns..].chunks(columns);
                    for (z, image) in tangents.chunks_mut(stride).zip(image) {
                        z[..columns].copy_from_slice(image);
                    }
                }
                None if is_direct => {
                    let a = &inputs[first * rows..][..samples * rows];
                    linear(tangents, a, vector, rows, columns, stride);
                }
                None => tangents.fill(0.0),
            }
            if let Some(lower) = lower {
                add_product(
                    view_mut(tangents, samples, columns, stride),
                    view(&lower[first * rows..], samples, rows, rows),
                    view(weights, rows, columns, columns),
                );
            }
            if activation == Activation::Crelu {
                for z in tangents.chunks_mut(stride) {
                    let (z, mirror) = z.split_at_mut(columns);
                    mirror.iter_mut().zip(z).for_each(|(m, z)| *m = -*z);
                }
            }
            multiply_by_derivative(activation, activations, tangents);
        };
        tangents.write::<f32>()[slot as usize * batch_rows * stride..][..batch_rows * stride]
            .par_chunks_mut(ROWS_PER_TASK * stride)
            .zip(activations.par_chunks(ROWS_PER_TASK * stride))
            .enumerate()
            .for_each(forward);
    }
}

/// z = a V + bias, z in rows of `stride`.
fn linear(z: &mut [f32], a: &[f32], vector: &[f32], rows: usize, columns: usize, stride: usize) {
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
