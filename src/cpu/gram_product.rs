//! Twin of `shaders/gram_product.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::matrix::{ROWS_PER_TASK, product, view, view_mut};
use crate::kernels::GramProduct;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &GramProduct, arrays: &mut [Array; 4]) {
    let [slots, gram, tangent_gradients, products] = arrays;
    let (columns, batch_rows) = (params.columns as usize, params.batch_rows as usize);
    let gram = gram.read::<f32>();
    let first_member = params.first_member as usize;
    let members = products
        .write::<f32>()
        .chunks_mut(2 * batch_rows * columns)
        .zip(
            tangent_gradients
                .read::<f32>()
                .chunks(batch_rows * columns)
                .skip(first_member),
        )
        .zip(&slots.read::<ProbeSlot>()[first_member..]);
    for ((product_and_image, gradients), _) in
        members.filter(|(_, slot)| slot.status == SLOT_RUNNING)
    {
        let (delta, image) = product_and_image.split_at_mut(batch_rows * columns);
        delta.copy_from_slice(gradients);
        let gradients = view(gradients, batch_rows, columns, columns);
        image
            .par_chunks_mut(ROWS_PER_TASK * columns)
            .zip(gram.par_chunks(ROWS_PER_TASK * batch_rows))
            .for_each(|(image, gram)| {
                let samples = image.len() / columns;
                product(
                    view_mut(image, samples, columns, columns),
                    view(gram, samples, batch_rows, batch_rows),
                    gradients,
                );
            });
    }
}
