//! Twin of `shaders/tensors/parameter_init.wgsl`.

use crate::cpu::Array;
use crate::cpu::initial_weight::{WeightShape, draw_layer};
use crate::kernels::ParameterInit;
use crate::state::ReplicaConfig;

pub(crate) fn run(params: &ParameterInit, arrays: &mut [Array; 4]) {
    let [configs, parameters, first_moment, second_moment] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let columns = params.columns as usize;
    let start = params.offset as usize * 4;
    let layer = start..start + (params.rows as usize + 1) * columns;
    for moment in [first_moment, second_moment] {
        moment.write::<f32>()[layer.clone()].fill(0.0);
    }
    let layer = &mut parameters.write::<f32>()[layer];
    draw_layer(&shape(params), seed, 0, columns, layer);
}

fn shape(params: &ParameterInit) -> WeightShape {
    WeightShape {
        rows: params.rows,
        inputs: params.inputs,
        outputs: params.outputs,
        half_rows: params.half_rows,
        half_inputs: params.half_inputs,
        layer: params.layer,
        bound: params.bound,
    }
}
