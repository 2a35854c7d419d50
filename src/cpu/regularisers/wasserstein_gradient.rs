//! Twin of `shaders/regularisers/wasserstein_gradient.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{float_of, is_sorted};
use crate::kernels::WassersteinGradient;
use crate::state::{ReplicaConfig, TensorLayout};

pub(crate) fn run(_: &WassersteinGradient, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        tensors,
        keys,
        payloads,
        initial_keys,
        gradients,
    ] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let factor = 2.0 * configs.read::<ReplicaConfig>()[0].wasserstein;
    let gradients = gradients.write::<f32>();
    for tensor in tensors.read::<TensorLayout>() {
        let ranks = tensor.start as usize..(tensor.start + tensor.count) as usize;
        let sorted = keys.read::<u32>()[ranks.clone()]
            .iter()
            .zip(&payloads.read::<u32>()[ranks.clone()])
            .zip(&initial_keys.read::<u32>()[ranks]);
        for ((key, payload), initial) in sorted {
            gradients[*payload as usize] += factor * (float_of(*key) - float_of(*initial));
        }
    }
}
