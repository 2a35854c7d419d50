//! Sums in an order that does not depend on the number of threads.

use crate::state::PARTIALS;

/// The number of sums that run side by side, enough to fill the widest vectors.
const LANES: usize = 16;

/// Sums the results of `terms` over the elements of equally long slices. Lane l adds every LANES-th element from the
/// l-th on; then the lanes are added pairwise.
pub(crate) fn sum_in_lanes<const IN: usize, const OUT: usize>(
    slices: [&[f32]; IN],
    terms: impl Fn([f32; IN]) -> [f32; OUT],
) -> [f32; OUT] {
    pulp::Arch::new().dispatch(SumInLanes { slices, terms })
}

/// The squared norm of `factor * v`.
pub(crate) fn norm_sq(v: &[f32], factor: f32) -> f32 {
    sum_in_lanes([v], |[v]| [(factor * v) * (factor * v)])[0]
}

/// The work of [`sum_in_lanes`], which [`pulp`] compiles for the widest vectors that this processor has. It is no
/// closure, because the compiler may leave a closure outside the function that [`pulp`] compiles.
struct SumInLanes<'a, const IN: usize, Terms> {
    slices: [&'a [f32]; IN],
    terms: Terms,
}

impl<const IN: usize, const OUT: usize, Terms> pulp::WithSimd for SumInLanes<'_, IN, Terms>
where
    Terms: Fn([f32; IN]) -> [f32; OUT],
{
    type Output = [f32; OUT];

    #[expect(
        clippy::needless_range_loop,
        reason = "the same with map or zip does not vectorise"
    )]
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> [f32; OUT] {
        let Self { slices, terms } = self;
        let chunked = slices.map(|slice| slice.as_chunks::<LANES>());
        let count = slices[0].len() / LANES;
        let chunks = chunked.map(|(chunks, _)| &chunks[..count]);
        let mut sums = [[0.0; LANES]; OUT];
        for i in 0..count {
            let mut chunk = [[0.0; LANES]; IN];
            for n in 0..IN {
                chunk[n] = chunks[n][i];
            }
            for lane in 0..LANES {
                let mut elements = [0.0; IN];
                for n in 0..IN {
                    elements[n] = chunk[n][lane];
                }
                let terms = terms(elements);
                for n in 0..OUT {
                    sums[n][lane] += terms[n];
                }
            }
        }
        for lane in 0..slices[0].len() % LANES {
            let terms = terms(chunked.map(|(_, rest)| rest[lane]));
            for n in 0..OUT {
                sums[n][lane] += terms[n];
            }
        }
        sums.map(|mut lanes| {
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
}

/// The `index`-th of `parts` equal stretches of `length` items.
pub(crate) fn stretch(length: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    let size = length.div_ceil(parts);
    (index * size).min(length)..((index + 1) * size).min(length)
}

/// The sum of a slot's partial sums, in ascending order. The network's segments are the first, one for each layer; the
/// blocks' follow, one each.
pub(crate) fn sum_of_slot(partials: &[[f32; 4]], layers: usize, slot: usize) -> [f32; 4] {
    let segments = match slot {
        0 => 0..layers,
        block => layers + block - 1..layers + block,
    };
    let partials = &partials[segments.start * PARTIALS as usize..segments.end * PARTIALS as usize];
    partials.iter().fold([0.0; 4], |sum: [f32; 4], partial| {
        std::array::from_fn(|i| sum[i] + partial[i])
    })
}
