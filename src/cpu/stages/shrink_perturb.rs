//! Twin of `shaders/stages/shrink_perturb.wgsl`.

use crate::cpu::Array;
use crate::cpu::initial_element::fill_initial;
use crate::kernels::ShrinkPerturb;
use crate::rng::Stream;
use crate::state::{ReplicaConfig, ReplicaState, TensorLayout};

pub(crate) fn run(_: &ShrinkPerturb, arrays: &mut [Array; 5]) {
    let [configs, states, shrink_perturb, tensors, parameters] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let state = &states.read::<ReplicaState>()[0];
    let [shrink, perturb] = shrink_perturb.read::<[f32; 2]>()[0];
    if [shrink, perturb] == [1.0, 0.0] || !state.begins_task() {
        return;
    }
    let parameters = parameters.write::<f32>();
    for tensor in tensors.read::<TensorLayout>() {
        let mut fresh = vec![0.0; tensor.length as usize];
        fill_initial(tensor, seed, Stream::Perturbation, state.task, &mut fresh);
        for (theta, fresh) in parameters[tensor.elements()].iter_mut().zip(fresh) {
            *theta = shrink * *theta + perturb * fresh;
        }
    }
}
