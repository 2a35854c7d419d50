//! Twin of `shaders/probe/ritz_combine.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::RitzCombine;
use crate::state::{PARTIALS, ProbeSlot, Ritz, SLOT_RUNNING};

pub(crate) fn run(params: &RitzCombine, arrays: &mut [Array; 8]) {
    let [
        slots,
        ritz,
        products,
        iterates,
        directions,
        previous,
        previous_products,
        partials,
    ] = arrays;
    let slot = slots.read::<ProbeSlot>()[params.slot as usize];
    if slot.status != SLOT_RUNNING {
        return;
    }
    let by = ritz.read::<Ritz>()[params.slot as usize];
    let mut vectors = Vectors {
        h: products.read(),
        x: iterates.write(),
        w: directions.write(),
        p: previous.write(),
        hp: previous_products.write(),
    };
    let (length, image_offset) = (params.length as usize * 4, params.image_offset as usize * 4);
    vectors.take(params.offset as usize * 4);
    let own = vectors.take(length).stretches();
    let images = match image_offset {
        0 => Vec::new(),
        _ => vectors.take(length).stretches(),
    };
    let partials = &mut partials.write::<[f32; 4]>()[(params.part * PARTIALS) as usize..];
    let (partials, rest) = partials[..PARTIALS as usize].split_at_mut(own.len());
    rest.fill([0.0; 4]);
    let mut images = images.into_iter();
    let pairs: Vec<_> = own.into_iter().map(|own| (own, images.next())).collect();
    pairs
        .into_par_iter()
        .zip(partials)
        .for_each(|((own, image), partial)| *partial = combine(&slot, &by, own, image));
}

/// Stretches of everything that a step advances, and of the product that it advances them by.
struct Vectors<'a> {
    h: &'a [f32],
    x: &'a mut [f32],
    w: &'a mut [f32],
    p: &'a mut [f32],
    hp: &'a mut [f32],
}

impl<'a> Vectors<'a> {
    /// Takes the first `length` elements off.
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

    /// PARTIALS equal stretches in vec4s, as the shader's workgroups do them; fewer where the last are empty.
    fn stretches(mut self) -> Vec<Self> {
        let size = (self.h.len() / 4).div_ceil(PARTIALS as usize) * 4;
        let mut stretches = Vec::with_capacity(PARTIALS as usize);
        while !self.h.is_empty() {
            stretches.push(self.take(size.min(self.h.len())));
        }
        stretches
    }
}

/// Advances a stretch and its image, and returns the partial sums; where there is no image, the stretch is its
/// own.
fn combine(slot: &ProbeSlot, by: &Ritz, own: Vectors<'_>, image: Option<Vectors<'_>>) -> [f32; 4] {
    let own = advance(slot, by, own);
    let image = image.map(|image| advance(slot, by, image));
    let image = image.as_ref().unwrap_or(&own);
    sum_in_lanes(
        [own.w, image.w, image.x, image.p, image.hp],
        |[w, w_image, x, p, hp]| [w * w_image, x * w, p * w, hp * w],
    )
}

fn advance<'a>(slot: &ProbeSlot, by: &Ritz, vectors: Vectors<'a>) -> Vectors<'a> {
    pulp::Arch::new().dispatch(Advance { slot, by, vectors })
}

/// One pass over a stretch, to be compiled for the widest vectors that this processor has.
struct Advance<'a, 'b> {
    slot: &'b ProbeSlot,
    by: &'b Ritz,
    vectors: Vectors<'a>,
}

impl<'a> pulp::WithSimd for Advance<'a, '_> {
    type Output = Vectors<'a>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Vectors<'a> {
        let Self { slot, by, vectors } = self;
        let Vectors { h, x, w, p, hp } = vectors;
        let length = x.len();
        let h = &h[..length];
        let (w, p, hp) = (&mut w[..length], &mut p[..length], &mut hp[..length]);
        for i in 0..length {
            let hx = by.eigenvalue * x[i] + by.inverse_scale * w[i];
            let next_x = by.iterate_x * x[i] + by.iterate_w * w[i] + by.iterate_p * p[i];
            let next_p = by.previous_x * x[i] + by.previous_w * w[i] + by.previous_p * p[i];
            let of_x = (by.eigenvalue - slot.eigenvalue) * x[i] + by.inverse_scale * w[i];
            let of_w = h[i] - slot.eigenvalue * w[i];
            let of_p = hp[i] - slot.eigenvalue * p[i];
            let residual = by.iterate_x * of_x + by.iterate_w * of_w + by.iterate_p * of_p;
            hp[i] = by.previous_x * hx + by.previous_w * h[i] + by.previous_p * hp[i];
            w[i] = slot.scale * residual;
            x[i] = next_x;
            p[i] = next_p;
        }
        Vectors { h, x, w, p, hp }
    }
}
