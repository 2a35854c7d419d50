//! Twin of `shaders/probe_start.wgsl`.

use rayon::prelude::*;

use super::Array;
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
    let part = &mut vectors.write::<f32>()[params.offset as usize * 4..];
    part[..(params.rows as usize + 1) * columns]
        .par_chunks_mut(columns)
        .enumerate()
        .for_each(|(row, elements)| {
            for (column, element) in elements.iter_mut().enumerate() {
                *element = random_element(params, seed, row as u32, column as u32);
            }
        });
}

fn random_element(params: &ProbeStart, seed: u32, row: u32, column: u32) -> f32 {
    let in_half = row % params.half_rows;
    let is_bias = row == params.rows;
    if column >= params.outputs || (!is_bias && in_half >= params.half_inputs) {
        return 0.0;
    }
    let weights = params.inputs * params.outputs;
    let place = if is_bias {
        weights + column
    } else {
        column * params.inputs + row / params.half_rows * params.half_inputs + in_half
    };
    let is_second = place % 2 == 1;
    let is_left_over = !is_second && place + 1 == weights + params.outputs;
    let bits = draw(seed, Stream::Probe, params.stream_index, place / 2);
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
    let size = params.magnitude * numerator / (1.0 + t * t);
    if sign != 0 { -size } else { size }
}
