//! Twin of `shaders/probe/lobpcg_combine.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::LobpcgCombine;
use crate::state::{LobpcgStep, PARTIALS, ProbeSegment};

pub(crate) fn run(_: &LobpcgCombine, arrays: &mut [Array; 8]) {
    let [
        segments,
        steps,
        products,
        iterates,
        directions,
        previous,
        previous_products,
        partials,
    ] = arrays;
    let steps = steps.read::<LobpcgStep>();
    let segments = segments.read::<ProbeSegment>().iter();
    let mut rest = Vectors {
        h: products.read(),
        x: iterates.write(),
        w: directions.write(),
        p: previous.write(),
        hp: previous_products.write(),
    };
    let mut tasks = Vec::new();
    let mut taken = 0;
    for (segment, partials) in
        segments.zip(partials.write::<[f32; 4]>().chunks_mut(PARTIALS as usize))
    {
        let all = segment.with_image();
        rest.take(all.start - taken);
        let mut vectors = rest.take(all.len());
        taken = all.end;
        let by = &steps[segment.slot as usize];
        if by.is_taken != 0 {
            let first = vectors.take(segment.iterate().len()).stretches();
            let mut images = vectors.stretches().into_iter();
            let (partials, empty) = partials.split_at_mut(first.len());
            empty.fill([0.0; 4]);
            let pairs = first.into_iter().map(|first| (first, images.next()));
            tasks.extend(
                pairs
                    .zip(partials)
                    .map(|(pair, partial)| (by, pair, partial)),
            );
        }
    }
    tasks
        .into_par_iter()
        .for_each(|(by, (first, image), partial)| *partial = combine(by, first, image));
}

/// A stretch of each vector that a step advances, and of the product that the step uses.
struct Vectors<'a> {
    h: &'a [f32],
    x: &'a mut [f32],
    w: &'a mut [f32],
    p: &'a mut [f32],
    hp: &'a mut [f32],
}

impl<'a> Vectors<'a> {
    /// Splits off the first `length` elements.
    fn take(&mut self, length: usize) -> Self {
        let take = |slice: &mut &'a mut [f32]| slice.split_off_mut(..length).expect("long enough");
        Self {
            h: self.h.split_off(..length).expect("long enough"),
            x: take(&mut self.x),
            w: take(&mut self.w),
            p: take(&mut self.p),
            hp: take(&mut self.hp),
        }
    }

    /// The stretches of the shader's workgroups: PARTIALS stretches of equal size in vec4s, without empty ones at the
    /// end.
    fn stretches(mut self) -> Vec<Self> {
        let size = (self.h.len() / 4).div_ceil(PARTIALS as usize) * 4;
        let mut stretches = Vec::with_capacity(PARTIALS as usize);
        while !self.h.is_empty() {
            stretches.push(self.take(size.min(self.h.len())));
        }
        stretches
    }
}

/// Advances a stretch and its image, and returns the partial sums. A primal stretch is its own image.
fn combine(by: &LobpcgStep, first: Vectors<'_>, image: Option<Vectors<'_>>) -> [f32; 4] {
    let first = advance(by, first);
    let image = image.map(|image| advance(by, image));
    let image = image.as_ref().unwrap_or(&first);
    sum_in_lanes(
        [first.w, image.w, image.x, image.p, image.hp],
        |[w, w_image, x, p, hp]| [w * w_image, x * w, p * w, hp * w],
    )
}

fn advance<'a>(by: &LobpcgStep, vectors: Vectors<'a>) -> Vectors<'a> {
    pulp::Arch::new().dispatch(Advance { by, vectors })
}

/// One pass over a stretch, compiled for the widest vectors that this processor has.
struct Advance<'a, 'b> {
    by: &'b LobpcgStep,
    vectors: Vectors<'a>,
}

impl<'a> pulp::WithSimd for Advance<'a, '_> {
    type Output = Vectors<'a>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Vectors<'a> {
        let Self { by, vectors } = self;
        let Vectors { h, x, w, p, hp } = vectors;
        let length = x.len();
        let h = &h[..length];
        let (w, p, hp) = (&mut w[..length], &mut p[..length], &mut hp[..length]);
        for i in 0..length {
            let hx = by.eigenvalue * x[i] + by.inverse_scale * w[i];
            let next_x = by.iterate_x * x[i] + by.iterate_w * w[i] + by.iterate_p * p[i];
            let next_p = by.previous_x * x[i] + by.previous_w * w[i] + by.previous_p * p[i];
            let of_x = (by.eigenvalue - by.next_eigenvalue) * x[i] + by.inverse_scale * w[i];
            let of_w = h[i] - by.next_eigenvalue * w[i];
            let of_p = hp[i] - by.next_eigenvalue * p[i];
            let residual = by.iterate_x * of_x + by.iterate_w * of_w + by.iterate_p * of_p;
            hp[i] = by.previous_x * hx + by.previous_w * h[i] + by.previous_p * hp[i];
            w[i] = by.next_scale * residual;
            x[i] = next_x;
            p[i] = next_p;
        }
        Vectors { h, x, w, p, hp }
    }
}
