//! Twin of `shaders/norm/norm_backward_parameters.wgsl`.

use super::{add_products, add_row, row_of, sums_over_rows};
use crate::cpu::Array;
use crate::kernels::NormBackwardParameters;

pub(crate) fn run(params: &NormBackwardParameters, arrays: &mut [Array; 3]) {
    let [normalised, output_gradients, gradients] = arrays;
    let columns = params.columns as usize;
    let normalised = normalised.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();
    let sums = sums_over_rows(params.batch as usize, columns, |row, gain, bias| {
        let d = &output_gradients[row * columns..][..columns];
        add_products(gain, d, row_of(normalised, row, columns).0);
        add_row(bias, d);
    });
    let gradients = &mut gradients.write::<f32>()[4 * params.offset as usize..];
    gradients[..2 * columns].copy_from_slice(&sums);
}
