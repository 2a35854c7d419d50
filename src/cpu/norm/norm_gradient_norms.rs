//! Twin of `shaders/norm/norm_gradient_norms.wgsl`.

use rayon::prelude::*;

use super::{add_products, add_row, row_of};
use crate::cpu::Array;
use crate::cpu::reduce::norm_sq;
use crate::kernels::NormGradientNorms;

pub(crate) fn run(params: &NormGradientNorms, arrays: &mut [Array; 3]) {
    let [normalised, output_gradients, sample_norms] = arrays;
    let (columns, positions) = (params.columns as usize, params.positions as usize);
    let normalised = normalised.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();
    let norms = sample_norms.write::<f32>().par_iter_mut();
    let norms = norms.take(params.batch as usize).enumerate();
    norms.for_each(|(sample, norm)| {
        let mut gradient = vec![0.0; 2 * columns];
        let (gain, bias) = gradient.split_at_mut(columns);
        for row in sample * positions..(sample + 1) * positions {
            let d = &output_gradients[row * columns..][..columns];
            add_products(gain, d, row_of(normalised, row, columns).0);
            add_row(bias, d);
        }
        *norm = norm_sq(&gradient, params.batch as f32);
    });
}
