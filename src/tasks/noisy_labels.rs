//! Noisy labels: the true labels, of which every task replaces a share by random ones.

use super::task_label;
use crate::rng::{Stream, permute, stream_key};

/// Returns the label, during `task`, of image `index` of a subset of `images`, whose true label is `label`. Every task draws
/// `noisy` of the images, exactly so many. Their labels are uniform on all `classes`, so that one in `classes` of them is
/// still the true one. The others keep their true labels.
pub fn noisy_label(
    seed: u32,
    task: u32,
    [images, noisy]: [u32; 2],
    classes: u32,
    index: u32,
    label: u32,
) -> u32 {
    if permute(stream_key(seed, Stream::Noise, task, 0), images, index) < noisy {
        task_label(seed, task, images, images, classes, index)
    } else {
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_share_is_random_and_other_images_in_every_task() {
        // With a million classes, a random label is the true one once in 4,000 tasks.
        let (images, classes) = (1_000, 1_000_000);
        for (seed, noisy) in [(1, 0), (2, 250), (3, 999), (4, 1_000)] {
            let wrong = |task, index| {
                noisy_label(seed, task, [images, noisy], classes, index, index) != index
            };
            for task in 0..5 {
                let count = (0..images).filter(|index| wrong(task, *index)).count();
                assert_eq!(count, noisy as usize, "seed {seed}, task {task}");
            }
            // Images that two tasks have in common: noisy^2 / images, with a standard deviation below 7.
            let both = (0..images).filter(|index| wrong(0, *index) && wrong(1, *index));
            let expected = f64::from(noisy * noisy) / 1_000.0;
            let both = both.count() as f64;
            assert!((both - expected).abs() < 35.0, "seed {seed}: {both}");
        }
    }
}
