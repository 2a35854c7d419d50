//! Counter-based random numbers; bit for bit the twin of `shaders/common/rng.wgsl`.
//!
//! A value is a pure function of `(seed, stream, a, b)`. Nothing is stored or uploaded, and CPU and GPU draw the same
//! labels, orders and initial weights on every machine.

/// Purpose of a random number. The same seed gives unrelated numbers for different purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Initial parameters: a = block, b = place in PyTorch's `[outputs, inputs]` layout.
    Parameters = 1,
    /// Subset of the data set that a replica sees: a = 0; or of one class: a = 1 + class.
    Subset = 2,
    /// Order of an epoch or of a pass: a = task, b = epoch or pass.
    Order = 3,
    /// Labels: a = task, b = image of the subset.
    Labels = 4,
    /// Images that a task relabels: a = task.
    Relabel = 5,
    /// Start vectors of a probe's iterations: a = slot and layer, b = pair of positions in PyTorch's layout.
    Probe = 6,
    /// Step sizes that random cooling lowers: a = layer, b = probe; drawn only on the host.
    Cooling = 7,
    /// Resamples of a bootstrap: a = resample, b = position; drawn only on the host.
    Bootstrap = 8,
    /// Permutation of pixels in a task: a = task.
    Pixels = 9,
    /// The fresh parameters of shrink and perturb, as [`Self::Parameters`].
    Perturbation = 10,
    /// Lengths of tasks: a = task.
    Switches = 11,
    /// Permutation of the classes, or choice among them: a = task, b = class.
    Classes = 12,
    /// Images with noisy labels: a = task.
    Noise = 13,
    /// Updates at which images go over to their new labels: a = task, b = image of the subset.
    Gradual = 14,
    /// The fresh incoming weights of renewed units, as [`Self::Parameters`], with the number of updates in place of the task.
    Renewal = 15,
    /// Start vectors of the spectral regulariser: a = matrix, b = output.
    Spectral = 16,
    /// Normal noise of UPGD, two numbers for each: a = updates, b = place in the block; the block is in the stream.
    Utility = 17,
    /// Signs of the inputs of a regression teacher's units: a = draw of the unit, b = 32 pixels.
    TeacherInputs = 18,
    /// Signs of their outputs: a = draw of the unit, b = 32 outputs.
    TeacherOutputs = 19,
}

const FEISTEL_ROUNDS: u32 = 6;

/// Hash PCG4D of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
#[inline(always)]
pub fn pcg4d(input: [u32; 4]) -> [u32; 4] {
    let mut v = input.map(|x| x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mix = |v: &mut [u32; 4]| {
        v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
        v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
        v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
        v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
    };
    mix(&mut v);
    v = v.map(|x| x ^ (x >> 16));
    mix(&mut v);
    v
}

/// Key of a permutation, for [`permute`].
pub fn stream_key(seed: u32, stream: Stream, a: u32, b: u32) -> [u32; 4] {
    pcg4d([seed, stream as u32, a, b])
}

/// Draws a random word: the last component of the hash, which is mixed best. The low bits of the first component are still
/// correlated between neighbouring counters.
#[inline]
pub fn draw(seed: u32, stream: Stream, a: u32, b: u32) -> u32 {
    pcg4d([seed, stream as u32, a, b])[3]
}

/// Draws a uniform number on [0, 1) with 24 bits, which f32 holds exactly.
pub fn unit_uniform(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The number of bits in each half of the Feistel domain: the smallest h with 4^h >= n.
fn feistel_half_bits(n: u32) -> u32 {
    let bits = u32::BITS - (n.max(2) - 1).leading_zeros();
    bits.div_ceil(2)
}

/// Applies a keyed bijection of `0 .. n`. A balanced Feistel network on the next power of four is repeated along its cycle
/// until the value is inside the range again (fewer than four times on average).
///
/// `index` must be below `n`.
pub fn permute(key: [u32; 4], n: u32, index: u32) -> u32 {
    debug_assert!(index < n);
    permute_lanes(key, n, [index])[0]
}

/// Applies [`permute`] to every index, several at a time, with the widest vectors that this processor has.
pub(crate) fn permute_all(key: [u32; 4], n: u32, indices: &mut [u32]) {
    const LANES: usize = 16;
    let permute_chunk = |chunk: &mut [u32]| {
        let mut lanes = [0; LANES];
        lanes[..chunk.len()].copy_from_slice(chunk);
        chunk.copy_from_slice(&permute_lanes(key, n, lanes)[..chunk.len()]);
    };
    pulp::Arch::new().dispatch(|| indices.chunks_mut(LANES).for_each(permute_chunk));
}

#[inline(always)]
fn permute_lanes<const LANES: usize>(key: [u32; 4], n: u32, indices: [u32; LANES]) -> [u32; LANES] {
    let half_bits = feistel_half_bits(n);
    let mut values = feistel(key, half_bits, indices);
    while values.iter().any(|value| *value >= n) {
        let next = feistel(key, half_bits, values);
        for (value, next) in values.iter_mut().zip(next) {
            *value = if *value < n { *value } else { next };
        }
    }
    values
}

/// A balanced Feistel network on words of `2 half_bits` bits.
#[inline(always)]
fn feistel<const LANES: usize>(
    key: [u32; 4],
    half_bits: u32,
    values: [u32; LANES],
) -> [u32; LANES] {
    let mask = (1 << half_bits) - 1;
    let mut left = values.map(|value| value >> half_bits);
    let mut right = values.map(|value| value & mask);
    for round in 0..FEISTEL_ROUNDS {
        for (left, right) in left.iter_mut().zip(&mut right) {
            let mixed = pcg4d([*right ^ key[3], key[0].wrapping_add(round), key[1], key[2]])[3];
            (*left, *right) = (*right, *left ^ (mixed & mask));
        }
    }
    std::array::from_fn(|lane| (left[lane] << half_bits) | right[lane])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_bijection(key: [u32; 4], n: u32) -> bool {
        let mut seen = vec![false; n as usize];
        (0..n).all(|i| {
            let image = permute(key, n, i);
            image < n && !std::mem::replace(&mut seen[image as usize], true)
        })
    }

    #[test]
    fn several_indices_are_permuted_as_each_alone() {
        for (seed, n) in [(1, 1), (2, 5), (3, 784), (4, 25_600), (5, 60_000)] {
            let key = stream_key(seed, Stream::Order, 3, 4);
            let indices: Vec<u32> = (0..n).step_by(1 + n as usize / 101).collect();
            let mut found = indices.clone();
            permute_all(key, n, &mut found);
            let alone: Vec<_> = indices.iter().map(|i| permute(key, n, *i)).collect();
            assert_eq!(found, alone, "{n}");
            assert!(n == 1 || found != indices, "{n}");
        }
    }

    #[test]
    fn permute_is_a_bijection_for_every_n_up_to_3000_and_for_the_papers() {
        for n in (1..=3_000).chain([25_600, 60_000]) {
            assert!(
                is_bijection(stream_key(n, Stream::Order, 3, 4), n),
                "n = {n}"
            );
        }
    }

    #[test]
    fn permute_spreads_every_element_evenly() {
        // Positions of element 0 of 100 over 20,000 epochs: chi-square with 99 degrees of freedom, with a
        // 99.9% quantile of 148.2.
        for seed in [1, 2, 3] {
            let mut counts = [0_f64; 100];
            for epoch in 0..20_000 {
                counts[permute(stream_key(seed, Stream::Order, 0, epoch), 100, 0) as usize] += 1.0;
            }
            let chi_square: f64 = counts.iter().map(|c| (c - 200.0).powi(2) / 200.0).sum();
            assert!(chi_square < 148.2, "seed {seed}: {chi_square}");
        }
    }

    #[test]
    fn different_keys_give_different_orders() {
        let order = |epoch| -> Vec<u32> {
            (0..1_000)
                .map(|i| permute(stream_key(7, Stream::Order, 0, epoch), 1_000, i))
                .collect()
        };
        let fixed_points = order(0)
            .iter()
            .zip(order(1))
            .filter(|(a, b)| *a == b)
            .count();
        assert!(
            fixed_points < 10,
            "{fixed_points} of 1,000 in the same place"
        );
    }

    #[test]
    fn unit_uniform_stays_below_one() {
        assert_eq!(unit_uniform(0), 0.0);
        assert!(unit_uniform(u32::MAX) < 1.0);
    }
}
