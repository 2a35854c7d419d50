//! Permuted pixels (Goodfellow et al., arXiv 1312.6211): every task permutes the pixels of all images alike.

use crate::rng::{Stream, permute, permute_all, stream_key};

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

#[cfg(test)]
mod tests {
    use super::*;

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
