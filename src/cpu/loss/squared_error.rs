//! Twin of `shaders/loss/squared_error.wgsl`.

use crate::cpu::Array;
use crate::cpu::loss::store_batch_loss;
use crate::kernels::SquaredError;

pub(crate) fn run(params: &SquaredError, arrays: &mut [Array; 4]) {
    let [outputs, targets, gradients, states] = arrays;
    let (columns, outputs_of_one) = (params.columns as usize, params.classes as usize);
    let gradients = gradients.write::<f32>();
    gradients.fill(0.0);
    let outputs = outputs.read::<f32>().chunks(columns);
    let samples = outputs.zip(targets.read::<f32>().chunks(columns));
    let samples = samples.zip(gradients.chunks_mut(columns));
    let mut square = 0.0;
    for ((outputs, targets), gradients) in samples.take(params.batch as usize) {
        let elements = outputs.iter().zip(targets).zip(gradients);
        for ((output, target), gradient) in elements.take(outputs_of_one) {
            let error = output - target;
            *gradient = 2.0 * error * params.inverse_count;
            square += error * error;
        }
    }
    store_batch_loss(states, square * params.inverse_count, 0);
}
