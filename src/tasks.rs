//! Images, labels and pixels of task k, and its length; the twin of `tasks.wgsl` and `streams.wgsl` in `shaders/common/`.
//!
//! A replica draws its images once. A stream of tasks states three things as functions of the seed, the task, and the place
//! in it:
//!
//! 1. which images a minibatch has: every epoch visits all images of the replica in a fresh random order ([`epoch_image`]),
//!    or passes visit some of them ([`pass_image`]);
//! 2. their labels: random ones of this or another task ([`task_label`]), or a function of the true ones;
//! 3. the order of their pixels.
//!
//! One file has what is particular to one stream:
//!
//! - `random_labels`: every task labels the images anew (arXiv 2509.19698).
//! - `permuted_pixels`: every task permutes the pixels, in the same way in all images (arXiv 1312.6211).
//! - `label_permutation`: every task permutes the classes.
//! - `noisy_labels`: every task gives a share of the images random labels.
//! - `class_pairs`: every task has the images of two classes.
//! - `hard_easy`: random labels in every second task, and one label for all images in between.
//! - `growing_data`: task after task has more of the images.
//! - `recurring_tasks`: random labels come back after a period.
//! - `gradual_switches`: random labels take the place of the old ones image by image.
//! - `regression`: targets are the outputs of a random teacher, which changes slowly.
//!
//! And `lengths` has the lengths of tasks, and the task of an update.

mod class_pairs;
mod gradual_switches;
mod growing_data;
mod hard_easy;
mod label_permutation;
mod lengths;
mod noisy_labels;
mod permuted_pixels;
mod random_labels;
mod recurring_tasks;
mod regression;

use crate::rng::{Stream, draw, permute, permute_all, stream_key};

pub use class_pairs::class_pair;
pub(crate) use class_pairs::{MOST_PAIRED_CLASSES, class_table, pair_sample};
pub(crate) use gradual_switches::WHOLE_STRETCH;
pub use gradual_switches::{gradual_task, stretch_length};
pub use growing_data::{available_images, pass_image};
pub use hard_easy::{easy_label, hard_task};
pub use label_permutation::permuted_label;
pub use lengths::{TaskLengths, TaskPlace};
pub use noisy_labels::noisy_label;
pub use permuted_pixels::task_pixel;
pub(crate) use permuted_pixels::task_pixels;
pub use random_labels::task_label;
pub use recurring_tasks::recurring_task;
pub use regression::{TEACHER_UNITS, Teacher, teacher_draw};

/// Random labels, by its number on the device.
pub const TASKS_RANDOM_LABELS: u32 = 0;
/// Permuted pixels, by its number on the device.
pub const TASKS_PERMUTED_PIXELS: u32 = 1;
/// Label permutation, by its number on the device.
pub const TASKS_LABEL_PERMUTATION: u32 = 2;
/// Noisy labels, by its number on the device.
pub const TASKS_NOISY_LABELS: u32 = 3;
/// Class pairs, by its number on the device.
pub const TASKS_CLASS_PAIRS: u32 = 4;
/// Hard and easy tasks in turn, by its number on the device.
pub const TASKS_HARD_EASY: u32 = 5;
/// Growing data, by its number on the device.
pub const TASKS_GROWING_DATA: u32 = 6;
/// Recurring tasks, by its number on the device.
pub const TASKS_RECURRING_TASKS: u32 = 7;
/// Gradual switches, by its number on the device.
pub const TASKS_GRADUAL_SWITCHES: u32 = 8;
/// Slowly changing regression, by its number on the device.
pub const TASKS_REGRESSION: u32 = 9;

/// An image of the data set, with the label that it has in a minibatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) image: u32,
    pub(crate) label: u32,
}

/// Returns the image of the data set, of `total` images, that is number `index` of this replica's subset.
pub fn subset_image(seed: u32, total: u32, index: u32) -> u32 {
    permute(stream_key(seed, Stream::Subset, 0, 0), total, index)
}

/// Returns the image of the subset that is visited at `position` of an epoch.
pub fn epoch_image(seed: u32, task: u32, epoch: u32, images: u32, position: u32) -> u32 {
    permute(
        stream_key(seed, Stream::Order, task, epoch),
        images,
        position,
    )
}

/// Replaces positions of an epoch by the images of the subset there: [`epoch_image`] of each.
pub(crate) fn epoch_images(seed: u32, task: u32, epoch: u32, images: u32, positions: &mut [u32]) {
    permute_all(
        stream_key(seed, Stream::Order, task, epoch),
        images,
        positions,
    );
}

/// Replaces images of the subset by images of the data set: [`subset_image`] of each.
pub(crate) fn subset_images(seed: u32, total: u32, indices: &mut [u32]) {
    permute_all(stream_key(seed, Stream::Subset, 0, 0), total, indices);
}

/// Returns the number of updates in `task`: uniform on the whole numbers from `mean - spread` to `mean + spread`. `spread` must
/// not exceed `mean`.
///
/// The device has 32 bits for what this function has 64 for, so that both agree where `mean + spread` is below 2^32.
pub fn task_length(switch_seed: u32, task: u32, mean: u64, spread: u64) -> u64 {
    let lengths = spread.saturating_mul(2).saturating_add(1);
    let above_shortest = u64::from(draw(switch_seed, Stream::Switches, task, 0)) % lengths;
    (mean - spread).saturating_add(above_shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: u64 = 1_000;

    fn drawn_length(seed: u32, task: u32) -> u64 {
        task_length(seed, task, MEAN, MEAN / 2)
    }

    #[test]
    fn lengths_are_uniform_from_half_to_one_and_a_half_times_the_mean() {
        for seed in [0, 1, 7, u32::MAX] {
            let lengths = || (0..10_010).map(|task| drawn_length(seed, task));
            assert_eq!(lengths().min(), Some(500), "seed {seed}");
            assert_eq!(lengths().max(), Some(1_500), "seed {seed}");
            // The mean of 10,010 lengths, whose standard deviation is 289, deviates by 2.9.
            let mean = lengths().sum::<u64>() as f64 / 10_010.0;
            assert!((mean - 1_000.0).abs() < 4.0 * 2.9, "seed {seed}: {mean}");
            // 10,010 lengths in 91 classes of 11: chi-square with 90 degrees of freedom, 99.9% quantile 137.2.
            let mut counts = [0_f64; 91];
            lengths().for_each(|length| counts[(length - 500) as usize / 11] += 1.0);
            let chi_square: f64 = counts.iter().map(|c| (c - 110.0).powi(2) / 110.0).sum();
            assert!(chi_square < 137.2, "seed {seed}: {chi_square}");
        }
    }

    /// Correlation of the lengths of 10,000 tasks with other lengths, times 100: a standard normal number where they are
    /// unrelated.
    fn correlation(a: impl Fn(u32) -> u64, b: impl Fn(u32) -> u64) -> f64 {
        let deviation = |length: u64| length as f64 - MEAN as f64;
        let products = (0..10_000).map(|task| deviation(a(task)) * deviation(b(task)));
        let variance = ((MEAN + 1) * (MEAN + 1) - 1) as f64 / 12.0;
        products.sum::<f64>() / variance / 100.0
    }

    #[test]
    fn lengths_of_neighbouring_tasks_and_seeds_are_unrelated() {
        for seed in 0..20 {
            let here = |task| drawn_length(seed, task);
            for (what, z) in [
                ("task", correlation(here, |task| here(task + 1))),
                ("task but one", correlation(here, |task| here(task + 2))),
                (
                    "seed",
                    correlation(here, |task| drawn_length(seed + 1, task)),
                ),
            ] {
                // 60 draws: the largest of them is below 4.5 in all but 0.04% of generators.
                assert!(z.abs() < 4.5, "next {what} of seed {seed}: {z}");
            }
            // The negative control: a sequence is related to itself.
            assert!(correlation(here, here) > 90.0);
        }
    }

    #[test]
    fn without_spread_every_length_is_the_mean() {
        for (mean, task) in [(0, 0), (1, 3), (6, 7), (u64::from(u32::MAX), 9)] {
            assert_eq!(task_length(0, task, mean, 0), mean);
        }
    }
}
