//! Growing data, as in warm starts (Ash and Adams, arXiv 1910.08475): task after task has more of the images.

use crate::rng::{Stream, permute, stream_key};

/// Returns the number of images that `task` has, the first ones of the subset: `floor(images min(task + 1, stages) / stages)`.
/// `stages` must be from 1 to 65,535 and `images` at most.
pub fn available_images(task: u32, stages: u32, images: u32) -> u32 {
    let stage = task.min(stages - 1) + 1;
    // In parts, because images * stage can exceed 32 bits.
    images / stages * stage + images % stages * stage / stages
}

/// Returns the number of the image, of `images`, that is at `position` among all samples of a task. The passes over the
/// images follow one another without a gap, each in a fresh random order.
pub fn pass_image(seed: u32, task: u32, images: u32, position: u32) -> u32 {
    let key = stream_key(seed, Stream::Order, task, position / images);
    permute(key, images, position % images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_images_are_the_share_of_the_stage() {
        let stages = [1, 2, 3, 7, 100, 65_535];
        let images = [65_535, 65_536, 70_000, u32::MAX];
        for (stages, images) in stages.into_iter().flat_map(|s| images.map(|i| (s, i))) {
            for task in [0, 1, 2, 5, 98, 65_533, 65_534, 65_535, u32::MAX] {
                let stage = u64::from(task).saturating_add(1).min(stages.into());
                let wanted = u64::from(images) * stage / u64::from(stages);
                let found = available_images(task, stages, images);
                assert_eq!(u64::from(found), wanted, "{images}, {stages}, {task}");
                assert!(found >= 1);
            }
            assert_eq!(available_images(stages - 1, stages, images), images);
        }
    }

    #[test]
    fn every_pass_has_every_image_once_and_an_order_of_its_own() {
        for (seed, task, images) in [(1, 0, 1), (2, 3, 7), (3, 8, 100)] {
            let pass = |pass: u32| -> Vec<u32> {
                let positions = pass * images..(pass + 1) * images;
                positions
                    .map(|at| pass_image(seed, task, images, at))
                    .collect()
            };
            for number in 0..4 {
                let mut sorted = pass(number);
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..images), "{images}, pass {number}");
            }
            assert!(images == 1 || pass(0) != pass(1), "{images}");
        }
    }
}
