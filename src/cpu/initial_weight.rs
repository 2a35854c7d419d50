//! Kaiming-uniform weights; the twin of `shaders/common/initial_weight.wgsl`, bit for bit.

use crate::rng::{Stream, pcg4d, unit_uniform};

/// A layer, as far as its weights depend on it; the shader explains the fields.
#[derive(Clone, Copy)]
pub(crate) struct WeightShape {
    pub(crate) rows: u32,
    pub(crate) inputs: u32,
    pub(crate) outputs: u32,
    pub(crate) half_rows: u32,
    pub(crate) half_inputs: u32,
    pub(crate) layer: u32,
    pub(crate) bound: f32,
}

/// Fills a layer's stored parameters, rows of `columns` elements with the bias row last.
pub(crate) fn draw_layer(
    shape: &WeightShape,
    seed: u32,
    task: u32,
    columns: usize,
    layer: &mut [f32],
) {
    for (row, weights) in layer.chunks_mut(columns).enumerate() {
        for (column, weight) in weights.iter_mut().enumerate() {
            *weight = initial_weight(shape, seed, task, row as u32, column as u32);
        }
    }
}

fn initial_weight(shape: &WeightShape, seed: u32, task: u32, row: u32, column: u32) -> f32 {
    let in_half = row % shape.half_rows;
    let is_padding = in_half >= shape.half_inputs || column >= shape.outputs;
    if row >= shape.rows || is_padding {
        return 0.0;
    }
    let input = row / shape.half_rows * shape.half_inputs + in_half;
    // Streams are numbered below 256, so every task has one of its own.
    let stream = (Stream::Parameters as u32).wrapping_add(task << 8);
    let place = column * shape.inputs + input;
    let bits = pcg4d([seed, stream, shape.layer, place])[3];
    (2.0 * unit_uniform(bits) - 1.0) * shape.bound
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 by 100 weights within 1.
    fn weights(seed: u32, task: u32) -> Vec<f64> {
        let shape = WeightShape {
            rows: 100,
            inputs: 100,
            outputs: 100,
            half_rows: 100,
            half_inputs: 100,
            layer: 1,
            bound: 1.0,
        };
        let mut layer = vec![f32::NAN; 101 * 100];
        draw_layer(&shape, seed, task, 100, &mut layer);
        let (weights, bias) = layer.split_at(100 * 100);
        assert!(bias.iter().all(|b| *b == 0.0));
        weights.iter().map(|w| f64::from(*w)).collect()
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
                // A variance of 1/3 with a standard deviation of 0.0030, a mean of 0 with 0.0058.
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
