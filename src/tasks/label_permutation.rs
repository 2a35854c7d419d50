//! Label permutation: the true labels, under a permutation of the classes that every task draws.

use crate::rng::{Stream, draw};

/// Returns the label, during `task`, of an image whose true label is `label`: `pi_task(label)`, where `pi_task` is a random
/// permutation of the `classes`. The first task permutes too. `label` must be below `classes`.
///
/// Every class draws a word, and `pi_task(label)` is the rank of its word. All permutations are equally likely, which those
/// of [`permute`](crate::rng::permute) are not for few classes.
pub fn permuted_label(seed: u32, task: u32, classes: u32, label: u32) -> u32 {
    let word = |class| (draw(seed, Stream::Classes, task, class), class);
    let own = word(label);
    (0..classes).map(|class| u32::from(word(class) < own)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_permutes_the_classes() {
        for classes in [1, 2, 3, 10, 100] {
            for (seed, task) in [(1, 0), (2, 7), (3, 39)] {
                let label = |label| permuted_label(seed, task, classes, label);
                let mut order: Vec<u32> = (0..classes).map(label).collect();
                order.sort_unstable();
                assert!(
                    order.into_iter().eq(0..classes),
                    "{classes}, {seed}, {task}"
                );
            }
        }
    }

    #[test]
    fn two_classes_go_to_every_pair_of_labels_equally_often() {
        // Pairs of labels over 18,000 tasks: chi-square with 89 degrees of freedom, 99.9% quantile 136.
        for seed in [1, 2, 3] {
            let mut counts = [0_f64; 100];
            for task in 0..18_000 {
                let [a, b] = [3, 7].map(|label| permuted_label(seed, task, 10, label));
                counts[(10 * a + b) as usize] += 1.0;
            }
            let pairs = counts.iter().filter(|count| **count > 0.0);
            assert_eq!(pairs.clone().count(), 90);
            let chi_square: f64 = pairs.map(|c| (c - 200.0).powi(2) / 200.0).sum();
            assert!(chi_square < 136.0, "seed {seed}: {chi_square}");
        }
    }
}
