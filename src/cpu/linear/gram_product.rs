//! Twin of `shaders/linear/gram_product.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::GramProduct;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &GramProduct, arrays: &mut [Array; 4]) {
    let [slots, gram, tangent_gradients, products] = arrays;
    let (columns, batch_rows) = (params.columns as usize, params.batch_rows as usize);
    let slots = slots.read::<ProbeSlot>();
    let gram = gram.read::<f32>();
    let size = batch_rows * columns;
    let products = products.write::<f32>();
    // The network's segments lie before the blocks'.
    let (network, block) = products.split_at_mut(params.block_offset as usize * 4);
    let network = &mut network[params.network_offset as usize * 4..];
    let own = params.slots as usize - 1;
    let tasks: Vec<_> = [(0, network), (own, block)]
        .into_iter()
        .filter(|(slot, _)| *slot >= params.first_dual as usize)
        .filter(|(slot, _)| slots[*slot].status == SLOT_RUNNING)
        .flat_map(|(slot, segment)| {
            let gradients = &tangent_gradients.read::<f32>()[slot * size..][..size];
            let (delta, image) = segment[..2 * size].split_at_mut(size);
            let rows = rows_per_task() * columns;
            delta
                .chunks_mut(rows)
                .zip(image.chunks_mut(rows))
                .zip(gram.chunks(rows_per_task() * batch_rows))
                .enumerate()
                .map(move |(task, pieces)| (gradients, task * rows, pieces))
        })
        .collect();
    tasks
        .into_par_iter()
        .for_each(|(gradients, first, ((delta, image), gram))| {
            delta.copy_from_slice(&gradients[first..first + delta.len()]);
            let samples = image.len() / columns;
            product(
                view_mut(image, samples, columns, columns),
                view(gram, samples, batch_rows, batch_rows),
                view(gradients, batch_rows, columns, columns),
            );
        });
}
