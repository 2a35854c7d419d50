//! Twin of `shaders/stages/task_reset.wgsl`.

use crate::cpu::Array;
use crate::cpu::initial_element::fill_initial;
use crate::kernels::TaskReset;
use crate::rng::Stream;
use crate::state::{
    LayerControl, ReplicaConfig, ReplicaState, SWITCH_CARRY, SWITCH_FRESH_NETWORK,
    SWITCH_RELATIVE_TIME, TensorLayout,
};

pub(crate) fn run(_: &TaskReset, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        tensors,
        parameters,
        first_moment,
        second_moment,
        controls,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = &mut states.write::<ReplicaState>()[0];
    if config.at_task_switch == SWITCH_CARRY || !state.begins_task() {
        return;
    }
    if config.at_task_switch != SWITCH_RELATIVE_TIME {
        first_moment.write::<f32>().fill(0.0);
        second_moment.write::<f32>().fill(0.0);
        for control in controls.write::<LayerControl>() {
            control.clip_ratio = 0.0;
            control.clip_mean = 0.0;
            control.clip_weight = 0.0;
        }
    }
    if config.at_task_switch == SWITCH_FRESH_NETWORK {
        let parameters = parameters.write::<f32>();
        for tensor in tensors.read::<TensorLayout>() {
            let fresh = &mut parameters[tensor.elements()];
            fill_initial(tensor, config.seed, Stream::Parameters, state.task, fresh);
        }
    }
    state.optimiser_updates = 0;
    state.correction1 = config.one_minus_beta1;
    state.correction2 = config.one_minus_beta2;
}
