//! Twin of `shaders/norm/norm_tangent_backward.wgsl`.

use rayon::prelude::*;

use super::{ROWS_PER_TASK, add_products, gain_and_bias, row_of};
use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::NormTangentBackward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &NormTangentBackward, arrays: &mut [Array; 8]) {
    let [
        slots,
        parameters,
        iterates,
        normalised,
        normalised_tangents,
        output_gradients,
        upper,
        value_tangent_gradients,
    ] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let units = params.units as usize;
    let (gain, _) = gain_and_bias(parameters.read(), params.offset, columns);
    let (rgain, _) = gain_and_bias(iterates.read(), params.network_offset, columns);
    let normalised = normalised.read::<f32>();
    let normalised_tangents = normalised_tangents.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();
    let upper = upper.read::<f32>();
    let backward = |slot: usize, row: usize, rp: &mut [f32]| {
        let d = &output_gradients[row * columns..][..columns];
        let rd = &upper[(slot * rows + row) * columns..][..columns];
        let (xhat, rstd) = row_of(normalised, row, columns);
        let (rxhat, m) = row_of(normalised_tangents, slot * rows + row, columns);
        // Rp holds Rg first.
        for ((rg, gain), rd) in rp.iter_mut().zip(gain).zip(rd) {
            *rg = gain * rd;
        }
        if slot == 0 {
            add_products(rp, rgain, d);
        }
        let slices = [gain, d, &*rp, xhat, rxhat].map(|slice| &slice[..units]);
        let sums = sum_in_lanes(slices, |[gain, d, rg, xhat, rxhat]| {
            let g = gain * d;
            [g, g * xhat, rg, rg * xhat + g * rxhat]
        });
        let means = sums.map(|sum| params.inverse_units * sum);
        for (i, rp) in rp[..units].iter_mut().enumerate() {
            let p = rstd * (gain[i] * d[i] - means[0] - xhat[i] * means[1]);
            *rp = rstd * (*rp - means[2] - rxhat[i] * means[1] - xhat[i] * means[3] - m * p);
        }
        rp[units..].fill(0.0);
    };
    let slots = slots.read::<ProbeSlot>().iter();
    let tangents = value_tangent_gradients.write::<f32>();
    let tangents = tangents.chunks_mut(rows * columns);
    let tangents = tangents.zip(slots).take(params.slots as usize);
    for (slot, (tangents, state)) in tangents.enumerate() {
        if state.status == SLOT_RUNNING {
            let tasks = tangents.par_chunks_mut(columns).enumerate();
            let tasks = tasks.with_min_len(ROWS_PER_TASK);
            tasks.for_each(|(row, rp)| backward(slot, row, rp));
        }
    }
}
