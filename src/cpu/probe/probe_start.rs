//! Twin of `shaders/probe/probe_start.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::kernels::ProbeStart;
use crate::rng::{Stream, draw, unit_uniform};
use crate::state::{ProbeSlot, ReplicaConfig};

pub(crate) fn run(params: &ProbeStart, arrays: &mut [Array; 3]) {
    let [configs, slots, vectors] = arrays;
    if params.cold == 0 && slots.read::<ProbeSlot>()[params.slot as usize].has_vector != 0 {
        return;
    }
    let seed = configs.read::<ReplicaConfig>()[0]
        .seed
        .wrapping_add(params.seed);
    let columns = params.columns as usize;
    let vector = &mut vectors.write::<f32>()[params.offset as usize * 4..];
    let draw = |place| draw(seed, Stream::Probe, params.stream_index, place);
    let weights = params.inputs * params.outputs;
    let elements = weights + params.outputs;
    vector[..(params.rows as usize + 1) * columns]
        .par_chunks_mut(columns)
        .zip(0..params.rows + 1)
        .for_each(|(row, index)| {
            row.fill(0.0);
            let in_half = index % params.half_rows;
            let input = index / params.half_rows * params.half_inputs + in_half;
            let is_bias = index == params.rows;
            if is_bias || in_half < params.half_inputs {
                for (column, element) in (0..params.outputs).zip(row) {
                    let place = if is_bias {
                        weights + column
                    } else {
                        column * params.inputs + input
                    };
                    let is_left_over = place % 2 == 0 && place + 1 == elements;
                    *element = params.magnitude
                        * point_on_circle(draw(place / 2), place % 2 == 1, is_left_over);
                }
            }
        });
}

/// The first or second coordinate of a random point, or 1 or -1 where there is only one.
fn point_on_circle(bits: u32, is_second: bool, is_left_over: bool) -> f32 {
    let t = if is_left_over {
        0.0
    } else {
        unit_uniform(bits)
    };
    let (numerator, sign) = if is_second {
        (2.0 * t, bits & 2)
    } else {
        (1.0 - t * t, bits & 1)
    };
    let size = numerator / (1.0 + t * t);
    if sign != 0 { -size } else { size }
}
