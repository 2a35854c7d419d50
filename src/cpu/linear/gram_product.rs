//! Twin of `shaders/linear/gram_product.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::{ROWS_PER_TASK, product, view, view_mut};
use crate::kernels::GramProduct;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &GramProduct, arrays: &mut [Array; 4]) {
    let [slots, gram, tangent_gradients, products] = arrays;
    let (columns, batch_rows) = (params.columns as usize, params.batch_rows as usize);
    let gram = gram.read::<f32>();
    let slots = &slots.read::<ProbeSlot>()[params.first_member as usize..];
    let per_slot = batch_rows * columns;
    let members = tangent_gradients
        .read::<f32>()
        .chunks(per_slot)
        .skip(params.first_member as usize)
        .zip(products.write::<f32>().chunks_mut(2 * per_slot))
        .zip(slots)
        .filter(|(_, slot)| slot.status == SLOT_RUNNING);
    let tasks: Vec<_> = members
        .flat_map(|((gradients, products), _)| {
            let (delta, image) = products.split_at_mut(per_slot);
            let rows = ROWS_PER_TASK * columns;
            delta
                .chunks_mut(rows)
                .zip(image.chunks_mut(rows))
                .zip(gram.chunks(ROWS_PER_TASK * batch_rows))
                .enumerate()
                .map(move |(task, parts)| (gradients, task * rows, parts))
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
