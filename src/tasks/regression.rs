//! Slowly changing regression: the outputs of a random teacher, some units of which every task replaces.
//!
//! The teacher has one hidden layer of threshold units, as the target network of Dohare et al. (Nature 632, 2024). Theirs stays
//! and the inputs change slowly; here the images stay, and the teacher changes.

use crate::rng::{Stream, draw};

/// The number of the teacher's hidden units.
pub const TEACHER_UNITS: u32 = 64;

/// The factor of the sum over units: one over the root of their number, so that the mean square of a target is 1 over draws
/// of the teacher.
const SCALE: f32 = 0.125;

/// Returns the number by which a unit of the teacher draws its signs during `task`. Every task but the first replaces the
/// next `replaced` units, those after the last one from the first again; the number counts the replacements of a unit.
pub fn teacher_draw(task: u32, replaced: u32, unit: u32) -> u32 {
    let replacements = task
        .wrapping_mul(replaced)
        .wrapping_add(TEACHER_UNITS - 1 - unit)
        / TEACHER_UNITS;
    replacements * TEACHER_UNITS + unit
}

/// The signs of all units at one pixel or for one output.
type Signs = [f32; UNITS];

const UNITS: usize = TEACHER_UNITS as usize;

/// The teacher of one task:
///
/// ```text
/// h_u(x) = 1 where sum_p s[u, p] x_p >= 0, else -1     s[u, p] = +-1, x_p stored pixels
/// y_c(x) = 1/8 sum_u a[c, u] h_u(x)                    a[c, u] = +-1, 64 units
/// ```
#[derive(Clone, Debug)]
pub struct Teacher {
    /// s, by pixel.
    inputs: Vec<Signs>,
    /// a, by output.
    outputs: Vec<Signs>,
}

impl Teacher {
    /// The teacher of a replica's `task` for images of so many pixels, with so many outputs. Each task but the first has
    /// replaced the next `replaced` units.
    pub fn new(seed: u32, task: u32, replaced: u32, pixels: u32, outputs: u32) -> Self {
        let draws: [u32; UNITS] =
            std::array::from_fn(|unit| teacher_draw(task, replaced, unit as u32));
        let signs = |stream, count: u32| {
            let mut signs = vec![[0.0; UNITS]; count as usize];
            for (word, signs) in (0..).zip(signs.chunks_mut(32)) {
                let words = draws.map(|unit| draw(seed, stream, unit, word));
                for (bit, signs) in signs.iter_mut().enumerate() {
                    *signs = words.map(|word| (word >> bit & 1) as f32 * 2.0 - 1.0);
                }
            }
            signs
        };
        Self {
            inputs: signs(Stream::TeacherInputs, pixels),
            outputs: signs(Stream::TeacherOutputs, outputs),
        }
    }

    /// Writes the targets of an image, given its stored pixels in order.
    #[inline(always)]
    pub fn write_targets<P: Copy + Into<f32>>(&self, pixels: &[P], targets: &mut [f32]) {
        let mut units = [0.0; UNITS];
        for (signs, pixel) in self.inputs.iter().zip(pixels) {
            let pixel = (*pixel).into();
            for (sum, sign) in units.iter_mut().zip(signs) {
                *sum += sign * pixel;
            }
        }
        units = units.map(|sum| if sum >= 0.0 { 1.0 } else { -1.0 });
        for (target, signs) in targets.iter_mut().zip(&self.outputs) {
            let terms = signs.iter().zip(&units).map(|(sign, unit)| sign * unit);
            *target = SCALE * terms.sum::<f32>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXELS: u32 = 70;

    /// Images of random bytes.
    fn images() -> Vec<Vec<u8>> {
        let byte = |image, pixel| (draw(5, Stream::Order, image, pixel) >> 24) as u8;
        (0..200)
            .map(|image| (0..PIXELS).map(|pixel| byte(image, pixel)).collect())
            .collect()
    }

    fn targets(seed: u32, task: u32, replaced: u32, image: &[u8]) -> Vec<f32> {
        let mut targets = vec![0.0; 10];
        Teacher::new(seed, task, replaced, PIXELS, 10).write_targets(image, &mut targets);
        targets
    }

    /// The formula with whole numbers, unit by unit.
    fn formula(seed: u32, draws: impl Fn(u32) -> u32, image: &[u8], output: u32) -> f64 {
        let sign = |stream, of, number| {
            let bit = draw(seed, stream, of, number / 32) >> (number % 32) & 1;
            if bit == 1 { 1_i64 } else { -1 }
        };
        let unit = |of| {
            let pixels = (0..).zip(image);
            let sum: i64 = pixels
                .map(|(pixel, value)| sign(Stream::TeacherInputs, of, pixel) * i64::from(*value))
                .sum();
            if sum >= 0 { 1 } else { -1 }
        };
        let units = (0..64).map(draws);
        let sum: i64 = units
            .map(|of| sign(Stream::TeacherOutputs, of, output) * unit(of))
            .sum();
        sum as f64 / 8.0
    }

    #[test]
    fn targets_follow_from_the_formula() {
        for seed in [1, 2, 3] {
            for (number, image) in images().iter().take(20).enumerate() {
                let found = targets(seed, 0, 8, image);
                for (output, found) in (0..).zip(found) {
                    let wanted = formula(seed, |unit| unit, image, output);
                    assert_eq!(f64::from(found), wanted, "seed {seed}, image {number}");
                }
            }
        }
        // The negative control: another teacher.
        let image = &images()[0];
        assert_ne!(targets(1, 0, 8, image), targets(2, 0, 8, image));
    }

    #[test]
    fn every_task_replaces_as_many_units_and_all_in_turn() {
        for replaced in [1, 8, 24, 64] {
            let draws = |task| (0..64).map(move |unit| teacher_draw(task, replaced, unit));
            assert!(draws(0).eq(0..64));
            let mut seen: std::collections::BTreeSet<u32> = draws(0).collect();
            for task in 1..200 {
                let pairs = draws(task).zip(draws(task - 1));
                let new: Vec<u32> = pairs.filter(|(a, b)| a != b).map(|(a, _)| a).collect();
                assert_eq!(new.len() as u32, replaced, "task {task}");
                assert!(new.iter().all(|draw| seen.insert(*draw)), "task {task}");
            }
            // Every unit has been replaced as often as any other, or once more.
            let least = 199 * replaced / 64;
            assert!(draws(199).all(|draw| (least..=least + 1).contains(&(draw / 64))));
        }
    }

    #[test]
    fn targets_have_a_mean_square_of_one_and_change_as_slowly_as_the_teacher() {
        let images = images();
        for replaced in [4, 64] {
            let (mut square, mut change, mut count) = (0.0, 0.0, 0.0);
            for seed in 0..60 {
                let teachers = [0, 1].map(|task| Teacher::new(seed, task, replaced, PIXELS, 10));
                for image in &images {
                    let mut both = [[0.0_f32; 10]; 2];
                    for (teacher, targets) in teachers.iter().zip(&mut both) {
                        teacher.write_targets(image, targets);
                    }
                    for (a, b) in both[0].iter().zip(&both[1]) {
                        square += f64::from(a * a);
                        change += f64::from((a - b) * (a - b));
                        count += 1.0;
                    }
                }
            }
            // Over draws the mean square is 1, and that of the change 2 / 64 for each replaced unit. The 600 outputs of all
            // teachers are independent; the mean over an output's images has a standard deviation of 0.5 at most.
            let (square, change) = (square / count, change / count);
            let wanted = f64::from(replaced) / 32.0;
            assert!((square - 1.0).abs() < 0.1, "{square}");
            assert!((change / wanted - 1.0).abs() < 0.1, "{change}, {wanted}");
        }
    }
}
