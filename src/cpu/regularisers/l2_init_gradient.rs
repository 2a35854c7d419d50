//! Twin of `shaders/regularisers/l2_init_gradient.wgsl`.

use crate::cpu::Array;
use crate::kernels::L2InitGradient;
use crate::state::{RUNNING, ReplicaConfig, ReplicaState};

pub(crate) fn run(_: &L2InitGradient, arrays: &mut [Array; 5]) {
    let [configs, states, parameters, initial, gradients] = arrays;
    let l2_init = configs.read::<ReplicaConfig>()[0].l2_init;
    if l2_init == 0.0 || states.read::<ReplicaState>()[0].halted != RUNNING {
        return;
    }
    let parameters = parameters.read::<f32>().iter().zip(initial.read::<f32>());
    let gradients = gradients.write::<f32>().iter_mut();
    pulp::Arch::new().dispatch(|| {
        for (g, (theta, initial)) in gradients.zip(parameters) {
            *g += l2_init * (theta - initial);
        }
    });
}
