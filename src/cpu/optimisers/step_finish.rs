//! Twin of `shaders/optimisers/step_finish.wgsl`.

use crate::cpu::Array;
use crate::cpu::finish::finish_step;
use crate::kernels::StepFinish;

pub(crate) fn run(params: &StepFinish, arrays: &mut [Array; 4]) {
    let [configs, states, controls, step_sums] = arrays;
    finish_step(
        params.batches_per_epoch,
        &configs.read()[0],
        &mut states.write()[0],
        controls.write(),
        step_sums.write(),
    );
}
