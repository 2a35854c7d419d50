//! Sums in an order that does not depend on the number of threads.

/// Accumulators that run side by side: enough to fill the widest vectors.
const LANES: usize = 16;

/// The sum of `term(i)` for `i` in `0..length`: lane l adds every LANES-th term from the l-th on, then
/// the lanes are added pairwise.
#[inline(always)]
pub(crate) fn sum_in_lanes<const N: usize>(
    length: usize,
    term: impl Fn(usize) -> [f32; N],
) -> [f32; N] {
    let mut lanes = [[0.0; LANES]; N];
    let whole = length / LANES * LANES;
    for first in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            let terms = term(first + lane);
            for n in 0..N {
                lanes[n][lane] += terms[n];
            }
        }
    }
    for i in whole..length {
        let terms = term(i);
        for n in 0..N {
            lanes[n][i - whole] += terms[n];
        }
    }
    lanes.map(|mut lanes: [f32; LANES]| {
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
            half /= 2;
        }
        lanes[0]
    })
}

/// The `index`-th of `parts` equal stretches of `length` things.
pub(crate) fn stretch(length: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    let size = length.div_ceil(parts);
    (index * size).min(length)..((index + 1) * size).min(length)
}
