//! Gradual switches (Liu and Mou, arXiv 2602.09234): over a stretch of a task, images go over to their new labels one by one.

use crate::rng::{Stream, draw};

/// The whole of a stretch, as the device has it: stretches are in parts of 1 / 65,536.
pub(crate) const WHOLE_STRETCH: u32 = 1 << 16;

/// Returns the length of the stretch in updates: `round(length * stretch / 65,536)`, and 1 at least. `stretch` must be 65,536
/// at most.
pub fn stretch_length(length: u32, stretch: u32) -> u32 {
    // In halves, because length * stretch can exceed 32 bits.
    let rounded = ((length & 0xffff) * stretch + (1 << 15)) >> 16;
    ((length >> 16) * stretch + rounded).max(1)
}

/// Returns the task of random labels whose label image `index` has at update `step` of `task`: the task itself, or the one
/// before it. Each image draws the update at which it goes over, uniform on those of the stretch, so that it has the old
/// label at `step` with the probability `max(0, 1 - step / stretch)`. The first task has no old labels.
pub fn gradual_task(seed: u32, task: u32, index: u32, step: u32, stretch: u32) -> u32 {
    let last = draw(seed, Stream::Gradual, task, index) % stretch;
    let is_old = task > 0 && step <= last;
    task - u32::from(is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretch_is_its_share_of_the_length() {
        let lengths = [1, 2, 100, 65_535, 65_536, 1_000_000, u32::MAX];
        for (length, stretch) in lengths
            .into_iter()
            .flat_map(|length| [1, 6_554, 32_768, 65_535, WHOLE_STRETCH].map(|s| (length, s)))
        {
            let product = u64::from(length) * u64::from(stretch);
            let wanted = ((product + 32_768) >> 16).max(1);
            assert_eq!(u64::from(stretch_length(length, stretch)), wanted);
        }
        assert_eq!(
            stretch_length(1_000, (0.1_f32 * 65_536.0).round() as u32),
            100
        );
    }

    #[test]
    fn old_labels_become_fewer_in_a_straight_line() {
        let (images, stretch) = (20_000, 50);
        for (seed, task) in [(1, 1), (2, 7), (3, 39)] {
            let old = |step| {
                let is_old = |i: &u32| gradual_task(seed, task, *i, step, stretch) == task - 1;
                (0..images).filter(is_old).count() as f64
            };
            for step in 0..60 {
                let share = 1.0 - f64::from(step.min(stretch)) / f64::from(stretch);
                let deviation = (20_000.0 * share * (1.0 - share)).sqrt();
                let off = (old(step) - 20_000.0 * share).abs();
                assert!(off <= 4.5 * deviation, "seed {seed}, step {step}: {off}");
            }
            // No image goes back.
            for index in 0..100 {
                let tasks = (0..60).map(|step| gradual_task(seed, task, index, step, stretch));
                assert!(tasks.is_sorted(), "seed {seed}, image {index}");
            }
            assert!((0..60).all(|step| gradual_task(seed, 0, 5, step, stretch) == 0));
        }
    }
}
