//! Twin of `shaders/stream/batch_gather.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::rows_per_task;
use crate::kernels::BatchGather;
use crate::state::{ReplicaConfig, ReplicaState};
use crate::tasks::{
    Sample, TASKS_CLASS_PAIRS, TASKS_GRADUAL_SWITCHES, TASKS_GROWING_DATA, TASKS_HARD_EASY,
    TASKS_LABEL_PERMUTATION, TASKS_NOISY_LABELS, TASKS_PERMUTED_PIXELS, TASKS_RANDOM_LABELS,
    TASKS_RECURRING_TASKS, TASKS_REGRESSION, available_images, easy_label, epoch_images,
    gradual_task, hard_task, noisy_label, pair_sample, pass_image, permuted_label, recurring_task,
    stretch_length, subset_images, task_label, task_length, task_pixels,
};

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
    let stream = Stream {
        params,
        seed: configs.read::<ReplicaConfig>()[0].seed,
        state: &states.read::<ReplicaState>()[0],
        image_labels: image_labels.read::<u32>(),
    };
    let columns = params.columns as usize;
    let images = images.read::<u32>();
    let standards = standards.read::<[f32; 2]>();
    let permutation = (params.stream == TASKS_PERMUTED_PIXELS)
        .then(|| task_pixels(stream.seed, stream.state.task, params.pixels));
    let gather = |values: &mut [f32], number: u32| {
        let words = params.words as usize;
        let image = &images[number as usize * words..][..words];
        let (pixels, padding) = values.split_at_mut(params.pixels as usize);
        padding.fill(0.0);
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
        let samples = stream.samples(first..end);
        let (values, padding) = values.split_at_mut(samples.len() * columns);
        padding.fill(0.0);
        labels[samples.len()..].fill(0);
        let rows = values.chunks_mut(columns).zip(labels);
        for ((values, label), sample) in rows.zip(samples) {
            *label = sample.label;
            gather(values, sample.image);
        }
    };
    let rows = inputs
        .write::<f32>()
        .par_chunks_mut(rows_per_task() * columns);
    rows.zip(labels.write::<u32>().par_chunks_mut(rows_per_task()))
        .enumerate()
        .for_each(gather_rows);
}

/// A replica's place on the stream.
struct Stream<'a> {
    params: &'a BatchGather,
    seed: u32,
    state: &'a ReplicaState,
    image_labels: &'a [u32],
}

impl Stream<'_> {
    /// The update of the task.
    fn step(&self) -> u32 {
        self.state.epoch * (self.params.images / self.params.batch) + self.state.batch
    }

    /// The samples in these rows of the minibatch.
    fn samples(&self, rows: Range<u32>) -> Vec<Sample> {
        let (params, seed, task) = (self.params, self.seed, self.state.task);
        let first = self.step() * params.batch;
        let positions = rows.clone().map(|row| first + row);
        if params.stream == TASKS_CLASS_PAIRS {
            let sample = |at| pair_sample(seed, task, params.parameter, self.image_labels, at);
            return positions.map(sample).collect();
        }
        let indices: Vec<u32> = if params.stream == TASKS_GROWING_DATA {
            let available = available_images(task, params.parameter, params.images);
            let index = |position| pass_image(seed, task, available, position);
            positions.map(index).collect()
        } else {
            let first = self.state.batch * params.batch;
            let mut indices: Vec<u32> = rows.map(|row| first + row).collect();
            epoch_images(seed, task, self.state.epoch, params.images, &mut indices);
            indices
        };
        let mut images = indices.clone();
        subset_images(seed, params.total, &mut images);
        let sample = |(index, image)| Sample {
            image,
            label: self.label(index, image),
        };
        indices.into_iter().zip(images).map(sample).collect()
    }

    /// The label of image `index` of the subset, which is `image` of the data set.
    fn label(&self, index: u32, image: u32) -> u32 {
        let (params, seed, task) = (self.params, self.seed, self.state.task);
        let classes = params.classes;
        let random_label =
            |task| task_label(seed, task, params.images, params.relabelled, classes, index);
        let true_label = || self.image_labels[image as usize];
        match params.stream {
            TASKS_RANDOM_LABELS => random_label(task),
            TASKS_LABEL_PERMUTATION => permuted_label(seed, task, classes, true_label()),
            TASKS_NOISY_LABELS => {
                let counts = [params.images, params.parameter];
                noisy_label(seed, task, counts, classes, index, true_label())
            }
            TASKS_HARD_EASY => {
                easy_label(seed, task, classes).unwrap_or_else(|| random_label(hard_task(task)))
            }
            TASKS_RECURRING_TASKS => random_label(recurring_task(task, params.parameter)),
            TASKS_GRADUAL_SWITCHES => {
                let [mean, spread] = [params.mean_length, params.length_spread].map(u64::from);
                let length = task_length(params.switch_seed, task, mean, spread) as u32;
                let stretch = stretch_length(length, params.parameter);
                random_label(gradual_task(seed, task, index, self.step(), stretch))
            }
            TASKS_REGRESSION => image,
            _ => true_label(),
        }
    }
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
