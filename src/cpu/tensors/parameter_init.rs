//! Twin of `shaders/tensors/parameter_init.wgsl`.

use crate::cpu::Array;
use crate::cpu::initial_element::fill_initial;
use crate::kernels::ParameterInit;
use crate::rng::Stream;
use crate::state::{ReplicaConfig, TensorLayout};

pub(crate) fn run(_: &ParameterInit, arrays: &mut [Array; 5]) {
    let [configs, tensors, parameters, first_moment, second_moment] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let parameters = parameters.write::<f32>();
    for tensor in tensors.read::<TensorLayout>() {
        fill_initial(
            tensor,
            seed,
            Stream::Parameters,
            0,
            &mut parameters[tensor.elements()],
        );
    }
    first_moment.write::<f32>().fill(0.0);
    second_moment.write::<f32>().fill(0.0);
}
