//! Twin of `shaders/parameter_init.wgsl`.

use super::Array;
use crate::kernels::ParameterInit;
use crate::rng::{Stream, draw, unit_uniform};
use crate::state::ReplicaConfig;

pub(crate) fn run(params: &ParameterInit, arrays: &mut [Array; 4]) {
    let [configs, parameters, first_moment, second_moment] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let columns = params.columns as usize;
    let start = params.offset as usize * 4;
    let end = start + (params.rows as usize + 1) * columns;
    for moment in [first_moment, second_moment] {
        moment.write::<f32>()[start..end].fill(0.0);
    }
    let rows = parameters.write::<f32>()[start..end].chunks_mut(columns);
    for (row, weights) in rows.enumerate() {
        for (column, weight) in weights.iter_mut().enumerate() {
            *weight = initial_weight(params, seed, row as u32, column as u32);
        }
    }
}

fn initial_weight(params: &ParameterInit, seed: u32, row: u32, column: u32) -> f32 {
    let in_half = row % params.half_rows;
    if row >= params.rows || in_half >= params.half_inputs || column >= params.outputs {
        return 0.0;
    }
    let input = row / params.half_rows * params.half_inputs + in_half;
    let counter = column * params.inputs + input;
    let bits = draw(seed, Stream::Parameters, params.layer, counter);
    (2.0 * unit_uniform(bits) - 1.0) * params.bound
}
