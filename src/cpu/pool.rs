//! Twins of the kernels of pools.

mod pool_backward;
mod pool_forward;
mod pool_tangent_backward;
mod pool_tangent_forward;

use std::array::from_fn;

use super::twins;
use super::windows::{Inside, Windows};

twins! {
    pool_forward: PoolForward,
    pool_backward: PoolBackward,
    pool_tangent_forward: PoolTangentForward,
    pool_tangent_backward: PoolTangentBackward,
}

/// A pool of an image whose pixels are `[copies, units with padding]`; the twin of `shaders/common/pool.wgsl` and
/// `pool_gradient.wgsl`. A channel is a unit of a copy.
#[derive(Clone, Copy)]
struct Pool {
    windows: Windows,
    units: usize,
    copies: usize,
    is_maximum: bool,
    /// The share of one element in a mean.
    share: f32,
}

/// Reads a [`Pool`] from a kernel's uniform.
macro_rules! pool {
    ($params:ident) => {
        $crate::cpu::pool::Pool {
            windows: $crate::cpu::windows::windows!($params),
            units: $params.copy_units as usize,
            copies: $params.copies as usize,
            is_maximum: $params.is_maximum != 0,
            share: $params.share,
        }
    };
}
use pool;

impl Pool {
    /// The stored length of one copy of a pixel.
    fn width(&self) -> usize {
        self.units.next_multiple_of(4)
    }

    /// The stored length of an image.
    fn image(&self) -> usize {
        self.windows.positions() * self.pixel()
    }

    /// The stored length of a pixel.
    fn pixel(&self) -> usize {
        self.copies * self.width()
    }

    /// The places of the channels in a pixel.
    fn channels(&self) -> impl Iterator<Item = usize> {
        let (units, width) = (self.units, self.width());
        (0..self.copies).flat_map(move |copy| copy * width..copy * width + units)
    }

    /// Calls `each` with the places in an image where the pixels of a window begin, in row-major order.
    #[inline(always)]
    fn each_pixel(&self, inside: &Inside, mut each: impl FnMut(usize)) {
        let [width, stride] = [self.windows.grid[1], self.pixel()];
        for row in inside.rows.clone() {
            for column in inside.columns.clone() {
                let [y, x] = inside.in_grid(row, column);
                each((y * width + x) * stride);
            }
        }
    }

    /// Writes a pixel to a row of the pool, `[channels]` with padding at its end.
    fn pack(&self, pixel: &[f32], row: &mut [f32]) {
        let (channels, padding) = row.split_at_mut(self.copies * self.units);
        let copies = channels
            .chunks_mut(self.units)
            .zip(pixel.chunks(self.width()));
        copies.for_each(|(to, from)| to.copy_from_slice(&from[..self.units]));
        padding.fill(0.0);
    }

    /// Computes the derivatives with respect to the pixels from those with respect to the pool, whose rows are `columns` long.
    /// Every pixel gets its windows in row-major order.
    fn spread(
        &self,
        image: &[f32],
        (above, columns): (&[f32], usize),
        window: &mut Window,
        pixels: &mut [f32],
    ) {
        pixels.fill(0.0);
        for (above, inside) in above.chunks(columns).zip(self.windows.all()) {
            if self.is_maximum {
                let places = window.find(self, image, &inside);
                for (channel, d) in self.channels().zip(above) {
                    pixels[places[channel] as usize + channel] += d;
                }
                continue;
            }
            self.each_pixel(&inside, |place| {
                for (channel, d) in self.channels().zip(above) {
                    pixels[place + channel] += d;
                }
            });
        }
        if !self.is_maximum {
            pixels.iter_mut().for_each(|sum| *sum *= self.share);
        }
    }
}

/// The results of one window: pixels, `[copies, units with padding]`.
struct Window {
    /// Maxima, means, or the tangents of either.
    values: Vec<f32>,
    /// The places in an image where the pixels of the maxima begin.
    places: Vec<u32>,
}

impl Window {
    fn new(pool: &Pool) -> Self {
        Self {
            values: vec![0.0; pool.pixel()],
            places: vec![0; pool.pixel()],
        }
    }

    /// Computes the maxima or the means of a window.
    fn pool(&mut self, pool: &Pool, image: &[f32], inside: &Inside) -> &[f32] {
        if pool.is_maximum {
            self.find(pool, image, inside);
            return &self.values;
        }
        self.values.fill(0.0);
        pool.each_pixel(inside, |place| {
            let elements = fours(&image[place..][..self.values.len()]);
            for (sums, elements) in fours_mut(&mut self.values).iter_mut().zip(elements) {
                (0..4).for_each(|i| sums[i] += elements[i]);
            }
        });
        self.values.iter_mut().for_each(|sum| *sum *= pool.share);
        &self.values
    }

    /// Computes the tangents of a window from those of the image.
    fn tangents(
        &mut self,
        pool: &Pool,
        (image, tangents): (&[f32], &[f32]),
        inside: &Inside,
    ) -> &[f32] {
        if !pool.is_maximum {
            return self.pool(pool, tangents, inside);
        }
        self.find(pool, image, inside);
        let places = self.places.iter().enumerate();
        for (value, (channel, place)) in self.values.iter_mut().zip(places) {
            *value = tangents[*place as usize + channel];
        }
        &self.values
    }

    /// Finds the pixels of the first maximum of each channel in a window, padding included; a pixel is the place in the image
    /// where it begins.
    fn find(&mut self, pool: &Pool, image: &[f32], inside: &Inside) -> &[u32] {
        let mut is_first = true;
        pool.each_pixel(inside, |place| {
            let elements = &image[place..][..self.values.len()];
            if is_first {
                self.values.copy_from_slice(elements);
                self.places.fill(place as u32);
                is_first = false;
                return;
            }
            let found = fours_mut(&mut self.values).iter_mut();
            let found = found.zip(fours_mut(&mut self.places));
            for ((values, places), elements) in found.zip(fours(elements)) {
                // Masks in place of branches, so that the compiler computes four channels at once.
                let masks: [u32; 4] =
                    from_fn(|i| u32::from(is_larger(elements[i], values[i])).wrapping_neg());
                let take = |mask: u32, this: u32, other: u32| (this & mask) | (other & !mask);
                for i in 0..4 {
                    let taken = take(masks[i], elements[i].to_bits(), values[i].to_bits());
                    values[i] = f32::from_bits(taken);
                    places[i] = take(masks[i], place as u32, places[i]);
                }
            }
        });
        &self.places
    }
}

/// A slice as fours, which fill a vector.
fn fours<T>(slice: &[T]) -> &[[T; 4]] {
    slice.as_chunks().0
}

/// A slice as fours, which fill a vector.
fn fours_mut<T>(slice: &mut [T]) -> &mut [[T; 4]] {
    slice.as_chunks_mut().0
}

/// Whether an element takes the place of a maximum; a NaN is larger than any number.
fn is_larger(element: f32, maximum: f32) -> bool {
    (element > maximum) | element.is_nan()
}
