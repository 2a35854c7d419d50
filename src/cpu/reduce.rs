//! Sums in an order that does not depend on the number of threads.

/// Sums that run side by side: enough to fill the widest vectors.
const LANES: usize = 16;

/// The sums of what `terms` makes of the elements of equally long slices: lane l adds every LANES-th
/// element from the l-th on, then the lanes are added pairwise. Inlined for [`pulp`].
#[inline(always)]
pub(crate) fn sum_in_lanes<const IN: usize, const OUT: usize>(
    slices: [&[f32]; IN],
    terms: impl Fn([f32; IN]) -> [f32; OUT],
) -> [f32; OUT] {
    let mut sums = [[0.0; LANES]; OUT];
    let mut add = |lane: usize, elements: [f32; IN]| {
        let terms = terms(elements);
        for n in 0..OUT {
            sums[n][lane] += terms[n];
        }
    };
    let chunked = slices.map(|slice| slice.as_chunks::<LANES>());
    for i in 0..slices[0].len() / LANES {
        let chunk = chunked.map(|(chunks, _)| &chunks[i]);
        for lane in 0..LANES {
            add(lane, chunk.map(|chunk| chunk[lane]));
        }
    }
    for lane in 0..slices[0].len() % LANES {
        add(lane, chunked.map(|(_, rest)| rest[lane]));
    }
    sums.map(|mut lanes: [f32; LANES]| {
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
