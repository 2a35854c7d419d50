//! Twin of `shaders/batch_gather.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::matrix::ROWS_PER_TASK;
use crate::kernels::BatchGather;
use crate::state::{ReplicaConfig, ReplicaState};
use crate::tasks::{epoch_image, subset_image, task_label};

pub(crate) fn run(params: &BatchGather, arrays: &mut [Array; 5]) {
    let [configs, states, images, inputs, labels] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let state = states.read::<ReplicaState>()[0];
    let columns = params.columns as usize;
    let images = images.read::<u32>();
    let rows = inputs.write::<f32>().par_chunks_mut(columns);
    let gather = |(row, (values, label)): (usize, (&mut [f32], &mut u32))| {
        if row >= params.batch as usize {
            values.fill(0.0);
            *label = 0;
            return;
        }
        let position = state.batch * params.batch + row as u32;
        let index = epoch_image(seed, state.task, state.epoch, params.images, position);
        *label = task_label(
            seed,
            state.task,
            params.images,
            params.relabelled,
            params.classes,
            index,
        );
        let first = (subset_image(seed, params.total, index) * params.words) as usize;
        let image = &images[first..first + params.words as usize];
        standardise(params, bytemuck::cast_slice(image), values);
    };
    rows.zip(labels.write::<u32>())
        .enumerate()
        .with_min_len(ROWS_PER_TASK)
        .for_each(gather);
}

/// Bytes to standardised floats; columns past the pixels become zero.
fn standardise(params: &BatchGather, bytes: &[u8], values: &mut [f32]) {
    let (pixels, padding) = values.split_at_mut(params.pixels as usize);
    for (value, byte) in pixels.iter_mut().zip(bytes) {
        *value = f32::from(*byte) * params.scale + params.shift;
    }
    padding.fill(0.0);
}
