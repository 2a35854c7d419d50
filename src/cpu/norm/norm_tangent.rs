//! Twin of `shaders/norm/norm_tangent.wgsl`.

use rayon::prelude::*;

use super::{ROWS_PER_TASK, row_of};
use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::NormTangent;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &NormTangent, arrays: &mut [Array; 4]) {
    let [slots, normalised, lower_tangents, normalised_tangents] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let units = params.units as usize;
    let normalised = normalised.read::<f32>();
    let tangent = |(row, (rxhat, rx)): (usize, (&mut [f32], &[f32]))| {
        let (xhat, rstd) = row_of(normalised, row, columns);
        let sums = sum_in_lanes([&rx[..units], &xhat[..units]], |[rx, xhat]| [rx, rx * xhat]);
        let [mean, m] = sums.map(|sum| params.inverse_units * sum);
        for (rxhat, (rx, xhat)) in rxhat.iter_mut().zip(rx.iter().zip(xhat)) {
            *rxhat = rstd * (rx - mean - xhat * m);
        }
        rxhat[units..].fill(0.0);
        rxhat[columns] = m;
    };
    let slots = slots.read::<ProbeSlot>().iter();
    let tangents = normalised_tangents.write::<f32>();
    let tangents = tangents.chunks_mut(rows * (columns + 4));
    let tangents = tangents.zip(lower_tangents.read::<f32>().chunks(rows * columns));
    for (state, (tangents, lower)) in slots.zip(tangents).take(params.slots as usize) {
        if state.status == SLOT_RUNNING {
            let rows = tangents.par_chunks_mut(columns + 4);
            let rows = rows.zip(lower.par_chunks(columns)).enumerate();
            rows.with_min_len(ROWS_PER_TASK).for_each(tangent);
        }
    }
}
