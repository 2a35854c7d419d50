//! Initial elements of parameter tensors; the twin of `shaders/common/initial_element.wgsl`, bit for bit.

use crate::rng::{Stream, pcg4d, unit_uniform};
use crate::state::TensorLayout;

/// Fills a tensor's stored elements with fresh initial elements, and its padding with zeros.
pub(crate) fn fill_initial(
    tensor: &TensorLayout,
    seed: u32,
    stream: Stream,
    task: u32,
    elements: &mut [f32],
) {
    let rows = elements.chunks_mut(tensor.columns as usize);
    for (row, elements) in (0..).zip(rows) {
        for (column, element) in (0..).zip(elements) {
            *element = initial_element(tensor, seed, stream, task, row, column);
        }
    }
}

/// The fresh initial element in a row and a column.
pub(crate) fn initial_element(
    tensor: &TensorLayout,
    seed: u32,
    stream: Stream,
    task: u32,
    row: u32,
    column: u32,
) -> f32 {
    let input = tensor.input_of(row).filter(|_| column < tensor.outputs);
    match input {
        Some(input) if tensor.bound != 0.0 => {
            let place = tensor.first_place + column * tensor.inputs + input;
            // Streams are numbered below 256, so every task has one of its own.
            let stream = (stream as u32).wrapping_add(task << 8);
            let bits = pcg4d([seed, stream, tensor.block, place])[3];
            (2.0 * unit_uniform(bits) - 1.0) * tensor.bound
        }
        Some(_) => tensor.constant,
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Network};

    /// Draws 100 by 100 weights in [-1, 1].
    fn weights(seed: u32, task: u32) -> Vec<f64> {
        let network = Network::mlp(&[5, 100, 100], Activation::Relu).unwrap();
        let tensors = network.tensors();
        let mut elements = vec![f32::NAN; 100 * 100];
        let weight = TensorLayout {
            bound: 1.0,
            ..tensors[2].layout
        };
        fill_initial(&weight, seed, Stream::Parameters, task, &mut elements);
        let mut bias = [f32::NAN; 100];
        fill_initial(
            &tensors[3].layout,
            seed,
            Stream::Parameters,
            task,
            &mut bias,
        );
        assert!(bias.iter().all(|b| *b == 0.0));
        elements.iter().map(|w| f64::from(*w)).collect()
    }

    /// The correlation of 10,000 pairs in standard deviations; 1/3 is the variance of each number.
    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let sum: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        3.0 * sum / 100.0
    }

    #[test]
    fn weights_are_uniform_and_those_of_different_tasks_are_unrelated() {
        for seed in [0, 1, 2] {
            let tasks: Vec<_> = (0..8).map(|task| weights(seed, task)).collect();
            for (k, task) in tasks.iter().enumerate() {
                // The variance should be 1/3 with a standard deviation of 0.0030, the mean 0 with one of 0.0058.
                let mean = task.iter().sum::<f64>() / 1e4;
                let variance = correlation(task, task) / 300.0;
                assert!(mean.abs() < 4.0 * 0.0058, "seed {seed}, task {k}: {mean}");
                assert!(
                    (variance - 1.0 / 3.0).abs() < 4.0 * 0.003,
                    "seed {seed}, task {k}: {variance}"
                );
                for (l, other) in tasks[..k].iter().enumerate() {
                    let z = correlation(task, other);
                    assert!(z.abs() < 4.0, "seed {seed}, tasks {l} and {k}: {z}");
                }
            }
        }
    }
}
