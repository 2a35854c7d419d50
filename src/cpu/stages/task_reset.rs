//! Twin of `shaders/stages/task_reset.wgsl`.

use crate::cpu::Array;
use crate::cpu::initial_weight::{WeightShape, draw_layer};
use crate::kernels::TaskReset;
use crate::state::{RUNNING, ReplicaConfig, ReplicaState, SWITCH_CARRY, SWITCH_FRESH_NETWORK};

pub(crate) fn run(params: &TaskReset, arrays: &mut [Array; 5]) {
    let [configs, states, parameters, first_moment, second_moment] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = &mut states.write::<ReplicaState>()[0];
    if config.at_task_switch == SWITCH_CARRY || !task_begins(state) {
        return;
    }
    let columns = params.columns as usize;
    let start = params.offset as usize * 4;
    let layer = start..start + (params.rows as usize + 1) * columns;
    for moment in [first_moment, second_moment] {
        moment.write::<f32>()[layer.clone()].fill(0.0);
    }
    if config.at_task_switch == SWITCH_FRESH_NETWORK {
        let layer = &mut parameters.write::<f32>()[layer];
        draw_layer(&shape(params), config.seed, state.task, columns, layer);
    }
    if params.layer == 0 {
        state.optimiser_updates = 0;
        state.correction1 = config.one_minus_beta1;
        state.correction2 = config.one_minus_beta2;
    }
}

/// Whether the step that just ended was its task's last.
fn task_begins(state: &ReplicaState) -> bool {
    let at_start = state.epoch == 0 && state.batch == 0;
    at_start && state.updates > 0 && state.halted == RUNNING
}

fn shape(params: &TaskReset) -> WeightShape {
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
