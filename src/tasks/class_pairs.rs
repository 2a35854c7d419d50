//! Class pairs, as in continual ImageNet (Dohare et al., Nature 632, 2024): a task is to tell two classes apart.

use super::{Sample, pass_image};
use crate::rng::{Stream, draw, permute, stream_key};

/// The largest number of classes, whose pairs have numbers of 32 bits.
pub(crate) const MOST_PAIRED_CLASSES: u32 = 1 << 16;

/// Returns the two classes of `task`, among `classes` of them: different ones, in random order. All ordered pairs are equally
/// likely, and tasks draw independently, so that a pair can come back. `classes` must be 2 to 65,536.
pub fn class_pair(seed: u32, task: u32, classes: u32) -> [u32; 2] {
    let pair = draw(seed, Stream::Classes, task, 0) % (classes * (classes - 1));
    let (first, other) = (pair / (classes - 1), pair % (classes - 1));
    [first, other + u32::from(other >= first)]
}

/// The images of a data set by class, as the device reads them: the number C of classes, the C + 1 bounds of the classes in
/// the list that follows, and the list of all images, those of class 0 first.
pub(crate) fn class_table(labels: &[u32]) -> Vec<u32> {
    let classes = labels.iter().max().map_or(0, |highest| highest + 1);
    let mut images: Vec<u32> = (0..labels.len() as u32).collect();
    images.sort_by_key(|image| labels[*image as usize]);
    let begin = |class| images.partition_point(|image| labels[*image as usize] < class) as u32;
    let bounds = (0..=classes).map(begin);
    std::iter::once(classes)
        .chain(bounds)
        .chain(images.iter().copied())
        .collect()
}

/// Returns the image of the data set that is number `index` of the replica's images of `class`.
///
/// `table` lists the images of each class: see [`ClassPairs`](crate::spec::StreamKind::ClassPairs).
pub(crate) fn class_image(seed: u32, table: &[u32], class: u32, index: u32) -> u32 {
    let [classes, begin, end] = [0, 1 + class, 2 + class].map(|word| table[word as usize]);
    let key = stream_key(seed, Stream::Subset, 1 + class, 0);
    table[(2 + classes + begin + permute(key, end - begin, index)) as usize]
}

/// Returns the sample at `position` of `task`. The replica has `each` images of every class. The passes over the `2 each`
/// images of the pair follow one another without a gap. The label is the place of the image's class in the pair.
pub(crate) fn pair_sample(seed: u32, task: u32, each: u32, table: &[u32], position: u32) -> Sample {
    let index = pass_image(seed, task, 2 * each, position);
    let label = index / each;
    let class = class_pair(seed, task, table[0])[label as usize];
    let image = class_image(seed, table, class, index % each);
    Sample { image, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_two_classes_and_every_pair_is_equally_likely() {
        for seed in [1, 2, 3] {
            // Ordered pairs of 10 classes over 18,000 tasks: chi-square with 89 degrees of freedom, 99.9% quantile 136.
            let mut counts = [0_f64; 100];
            for task in 0..18_000 {
                let [a, b] = class_pair(seed, task, 10);
                assert_ne!(a, b);
                counts[(10 * a + b) as usize] += 1.0;
            }
            let pairs = counts.iter().filter(|count| **count > 0.0);
            assert_eq!(pairs.clone().count(), 90);
            let chi_square: f64 = pairs.map(|c| (c - 200.0).powi(2) / 200.0).sum();
            assert!(chi_square < 136.0, "seed {seed}: {chi_square}");
            let two = |task| class_pair(seed, task, 2);
            assert!((0..20).any(|task| two(task) == [0, 1]), "seed {seed}");
            assert!((0..20).any(|task| two(task) == [1, 0]), "seed {seed}");
        }
    }

    #[test]
    fn the_table_lists_every_image_by_its_class() {
        let labels = [2, 0, 3, 0, 2, 2];
        let table = class_table(&labels);
        assert_eq!(table, [4, 0, 2, 2, 5, 6, 1, 3, 0, 4, 5, 2]);
        assert_eq!(class_table(&[]), [0, 0]);
        for seed in [1, 2, 3] {
            let mut twos = [0, 1, 2].map(|index| class_image(seed, &table, 2, index));
            twos.sort_unstable();
            assert_eq!(twos, [0, 4, 5], "seed {seed}");
        }
    }
}
