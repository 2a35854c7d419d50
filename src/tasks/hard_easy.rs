//! Hard and easy tasks in turn, after the "5+1" of Kumar, Marklund and Van Roy (arXiv 2308.11958).

use crate::rng::{Stream, draw};

/// Returns the one label of all images during `task`, or `None` where the task is hard. Tasks 0, 2, 4 ... are hard. An easy
/// task draws its label among the `classes`.
pub fn easy_label(seed: u32, task: u32, classes: u32) -> Option<u32> {
    let is_easy = task % 2 == 1;
    is_easy.then(|| draw(seed, Stream::Classes, task, 0) % classes)
}

/// Returns the task of random labels whose labels a hard `task` has: hard tasks are numbered among themselves.
pub fn hard_task(task: u32) -> u32 {
    task / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_task_has_one_label_and_labels_are_uniform() {
        for seed in [1, 2, 3] {
            let mut counts = [0_f64; 10];
            for task in 0..10_000 {
                match easy_label(seed, task, 10) {
                    Some(label) => counts[label as usize] += 1.0,
                    None => assert_eq!(hard_task(task), task / 2),
                }
                assert_eq!(easy_label(seed, task, 10).is_none(), task % 2 == 0);
            }
            // 5,000 labels of 10 classes: chi-square with 9 degrees of freedom, 99.9% quantile 27.9.
            assert_eq!(counts.iter().sum::<f64>(), 5_000.0);
            let chi_square: f64 = counts.iter().map(|c| (c - 500.0).powi(2) / 500.0).sum();
            assert!(chi_square < 27.9, "seed {seed}: {chi_square}");
        }
    }
}
