//! Twin of `shaders/stream/batch_gather.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::rows_per_task;
use crate::kernels::BatchGather;
use crate::state::{ReplicaConfig, ReplicaState};
use crate::tasks::{epoch_image, subset_image, task_label, task_pixel};

pub(crate) fn run(params: &BatchGather, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        images,
        image_labels,
        standards,
        inputs,
        labels,
    ] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let state = states.read::<ReplicaState>()[0];
    let columns = params.columns as usize;
    let images = images.read::<u32>();
    let image_labels = image_labels.read::<u32>();
    let standards = standards.read::<[f32; 2]>();
    let permutation = (params.permuted != 0).then(|| permutation(params, seed, state.task));
    let rows = inputs.write::<f32>().par_chunks_mut(columns);
    let gather = |(row, (values, label)): (usize, (&mut [f32], &mut u32))| {
        if row >= params.batch as usize {
            values.fill(0.0);
            *label = 0;
            return;
        }
        let position = state.batch * params.batch + row as u32;
        let index = epoch_image(seed, state.task, state.epoch, params.images, position);
        let number = subset_image(seed, params.total, index) as usize;
        let words = params.words as usize;
        let image = &images[number * words..][..words];
        let (pixels, padding) = values.split_at_mut(params.pixels as usize);
        padding.fill(0.0);
        *label = match &permutation {
            Some(_) => image_labels[number],
            None => task_label(
                seed,
                state.task,
                params.images,
                params.relabelled,
                params.classes,
                index,
            ),
        };
        let permutation = permutation.as_deref();
        if params.floats == 0 {
            let image: &[u8] = bytemuck::cast_slice(image);
            standardise(params, standards, permutation, image, pixels);
        } else {
            let image: &[f32] = bytemuck::cast_slice(image);
            standardise(params, standards, permutation, image, pixels);
        }
    };
    rows.zip(labels.write::<u32>())
        .enumerate()
        .with_min_len(rows_per_task())
        .for_each(gather);
}

/// The index of the pixel in each column.
fn permutation(params: &BatchGather, seed: u32, task: u32) -> Vec<usize> {
    (0..params.pixels)
        .map(|column| task_pixel(seed, task, params.pixels, column) as usize)
        .collect()
}

/// Standardises the stored pixels, in order or permuted, by the mean and the standard deviation of their channel.
fn standardise<P: Copy + Into<f32>>(
    params: &BatchGather,
    standards: &[[f32; 2]],
    permutation: Option<&[usize]>,
    stored: &[P],
    values: &mut [f32],
) {
    let plane = params.plane as usize;
    match permutation {
        Some(permutation) => {
            for (value, pixel) in values.iter_mut().zip(permutation) {
                let [factor, addend] = standards[pixel / plane];
                *value = stored[*pixel].into() * factor + addend;
            }
        }
        None => {
            let channels = values.chunks_mut(plane).zip(stored.chunks(plane));
            for ((values, stored), standard) in channels.zip(standards) {
                pulp::Arch::new().dispatch(|| standardise_channel(*standard, stored, values));
            }
        }
    }
}

/// Standardises one channel. Inlined into a caller that [`pulp`] compiles for the widest vectors that this processor has.
#[inline(always)]
fn standardise_channel<P: Copy + Into<f32>>(
    [factor, addend]: [f32; 2],
    stored: &[P],
    values: &mut [f32],
) {
    for (value, stored) in values.iter_mut().zip(stored) {
        *value = (*stored).into() * factor + addend;
    }
}
