//! Random labels, as in arXiv 2509.19698: every task labels the images anew.

use crate::rng::{Stream, draw, permute, stream_key};

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
}
