//! Twin of `shaders/stream/batch_gather.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::rows_per_task;
use crate::kernels::BatchGather;
use crate::state::{ReplicaConfig, ReplicaState};
use crate::tasks::{epoch_images, subset_images, task_label, task_pixels};

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
    let permutation = (params.permuted != 0).then(|| task_pixels(seed, state.task, params.pixels));
    let gather = |values: &mut [f32], label: &mut u32, index: u32, number: u32| {
        let (number, words) = (number as usize, params.words as usize);
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
    let gather_rows = |(task, (values, labels)): (usize, (&mut [f32], &mut [u32]))| {
        let first = (task * rows_per_task()) as u32;
        let end = params.batch.min(first + labels.len() as u32);
        let positions = (first..end).map(|row| state.batch * params.batch + row);
        let mut indices: Vec<u32> = positions.collect();
        epoch_images(seed, state.task, state.epoch, params.images, &mut indices);
        let mut numbers = indices.clone();
        subset_images(seed, params.total, &mut numbers);
        let samples = indices.len();
        let (values, padding) = values.split_at_mut(samples * columns);
        padding.fill(0.0);
        labels[samples..].fill(0);
        let rows = values.chunks_mut(columns).zip(labels);
        for ((values, label), (index, number)) in rows.zip(indices.into_iter().zip(numbers)) {
            gather(values, label, index, number);
        }
    };
    let rows = inputs
        .write::<f32>()
        .par_chunks_mut(rows_per_task() * columns);
    rows.zip(labels.write::<u32>().par_chunks_mut(rows_per_task()))
        .enumerate()
        .for_each(gather_rows);
}

/// Standardises the stored pixels, in order or permuted, by the mean and the standard deviation of their channel.
fn standardise<P: Copy + Into<f32>>(
    params: &BatchGather,
    standards: &[[f32; 2]],
    permutation: Option<&[u32]>,
    stored: &[P],
    values: &mut [f32],
) {
    let plane = params.plane as usize;
    match permutation {
        Some(permutation) => {
            for (value, pixel) in values.iter_mut().zip(permutation) {
                let pixel = *pixel as usize;
                let [factor, addend] = standards[pixel / plane];
                *value = stored[pixel].into() * factor + addend;
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
