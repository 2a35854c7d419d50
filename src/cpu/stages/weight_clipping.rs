//! Twin of `shaders/stages/weight_clipping.wgsl`.

use crate::cpu::Array;
use crate::kernels::WeightClipping;
use crate::state::{RUNNING, ReplicaState, TensorLayout};

pub(crate) fn run(_: &WeightClipping, arrays: &mut [Array; 4]) {
    let [states, weight_clipping, tensors, parameters] = arrays;
    let kappa = weight_clipping.read::<f32>()[0];
    if kappa == 0.0 || states.read::<ReplicaState>()[0].halted != RUNNING {
        return;
    }
    let parameters = parameters.write::<f32>();
    let tensors = tensors.read::<TensorLayout>().iter();
    for tensor in tensors.filter(|tensor| tensor.block_bound != 0.0) {
        let limit = kappa * tensor.block_bound;
        for theta in &mut parameters[tensor.elements()] {
            *theta = theta.clamp(-limit, limit);
        }
    }
}
