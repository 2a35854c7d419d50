//! Length, subset, order, labels and pixels of task k; the twin of `shaders/common/tasks.wgsl`.
//!
//! A replica draws its images once, and every epoch visits them in a fresh random order. A task of random-label MNIST
//! (arXiv 2509.19698) gives them new random labels. A task of permuted MNIST (Goodfellow et al., arXiv 1312.6211) keeps the
//! true labels and permutes the pixels, in the same way in all images.
//!
//! - `lengths`: the lengths of tasks, and the task of an update.

mod lengths;

use crate::rng::{Stream, draw, permute, permute_all, stream_key};

pub use lengths::{TaskLengths, TaskPlace};

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

/// Returns the label of image `index` of the subset during `task`. It was drawn at the latest task, up to this one, that
/// relabelled the image. Task 0 labels every image, and each later task exactly `relabelled` of them.
pub fn task_label(
    seed: u32,
    task: u32,
    images: u32,
    relabelled: u32,
    classes: u32,
    index: u32,
) -> u32 {
    let relabels = |task: &u32| {
        relabelled >= images
            || permute(stream_key(seed, Stream::Relabel, *task, 0), images, index) < relabelled
    };
    let drawn_at = (1..=task).rev().find(relabels).unwrap_or(0);
    draw(seed, Stream::Labels, drawn_at, index) % classes
}

/// Returns the pixel of an image that is in `column` during `task`. The permutations of tasks are unrelated, and the first
/// task permutes too. `column` must be below `pixels`.
pub fn task_pixel(seed: u32, task: u32, pixels: u32, column: u32) -> u32 {
    permute(stream_key(seed, Stream::Pixels, task, 0), pixels, column)
}

/// Returns the pixel in every column: [`task_pixel`] of each.
pub(crate) fn task_pixels(seed: u32, task: u32, pixels: u32) -> Vec<u32> {
    let mut columns: Vec<u32> = (0..pixels).collect();
    permute_all(
        stream_key(seed, Stream::Pixels, task, 0),
        pixels,
        &mut columns,
    );
    columns
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

    #[test]
    fn labels_are_uniform() {
        // 25,600 labels in 10 classes: chi-square with 9 degrees of freedom, 99.9% quantile 27.9.
        for (seed, task) in [(1, 0), (2, 7), (3, 39)] {
            let mut counts = [0_f64; 10];
            for index in 0..25_600 {
                counts[task_label(seed, task, 25_600, 25_600, 10, index) as usize] += 1.0;
            }
            let chi_square: f64 = counts.iter().map(|c| (c - 2_560.0).powi(2) / 2_560.0).sum();
            assert!(chi_square < 27.9, "seed {seed}, task {task}: {chi_square}");
        }
    }

    /// Distance of the number of agreeing labels from a tenth of 25,600, in standard deviations.
    fn agreement(a: impl Fn(u32) -> u32, b: impl Fn(u32) -> u32) -> f64 {
        let agree = (0..25_600).filter(|&index| a(index) == b(index)).count();
        (agree as f64 - 2_560.0) / 48.0
    }

    #[test]
    fn labels_of_neighbouring_tasks_images_and_seeds_are_independent() {
        let label = |seed, task| move |index| task_label(seed, task, 25_600, 25_600, 10, index);
        for seed in 1..4 {
            for task in 0..40 {
                let here = label(seed, task);
                let next_image = |index| here((index + 1) % 25_600);
                for (what, z) in [
                    ("task", agreement(here, label(seed, task + 1))),
                    ("seed", agreement(here, label(seed + 1, task))),
                    ("image", agreement(here, next_image)),
                ] {
                    // 360 draws: the largest of them is below 4.5 in all but 0.2% of generators.
                    assert!(
                        z.abs() < 4.5,
                        "next {what} of seed {seed}, task {task}: {z}"
                    );
                }
            }
        }
    }

    #[test]
    fn partial_relabelling_draws_exactly_its_share_anew() {
        let (images, relabelled, classes) = (1_000, 250, 1_000_000);
        let label = |task, index| task_label(9, task, images, relabelled, classes, index);
        for task in 1..6 {
            let changed = (0..images)
                .filter(|&i| label(task, i) != label(task - 1, i))
                .count();
            // With a million classes a fresh draw hits the old label about once in 4,000 tasks.
            assert_eq!(changed, 250, "task {task}");
        }
    }

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

    #[test]
    fn every_task_permutes_all_pixels() {
        for pixels in [1, 2, 5, 64, 784] {
            for (seed, task) in [(1, 0), (2, 7), (3, 39)] {
                let mut order: Vec<u32> = (0..pixels)
                    .map(|column| task_pixel(seed, task, pixels, column))
                    .collect();
                order.sort_unstable();
                assert!(order.into_iter().eq(0..pixels), "{pixels}, {seed}, {task}");
            }
        }
    }

    #[test]
    fn permutations_of_neighbouring_tasks_and_seeds_are_unrelated() {
        // Columns in which two random permutations agree: Poisson with mean 1, above 8 once in 900,000.
        let agree = |a: &dyn Fn(u32) -> u32, b: &dyn Fn(u32) -> u32| {
            (0..784).filter(|&column| a(column) == b(column)).count()
        };
        let pixel = |seed, task| move |column| task_pixel(seed, task, 784, column);
        let mut agreeing = 0;
        for seed in 1..4 {
            for task in 0..40 {
                let here = pixel(seed, task);
                for (what, count) in [
                    ("task", agree(&here, &pixel(seed, task + 1))),
                    ("seed", agree(&here, &pixel(seed + 1, task))),
                    ("identity", agree(&here, &|column| column)),
                ] {
                    assert!(count <= 8, "{what} of seed {seed}, task {task}: {count}");
                    agreeing += count;
                }
            }
        }
        // 360 pairs: within five standard deviations of 360.
        assert!((265..=455).contains(&agreeing), "{agreeing}");
    }
}
