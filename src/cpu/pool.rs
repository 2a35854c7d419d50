//! Twins of the kernels of pools.

mod pool_backward;
mod pool_forward;
mod pool_tangent_backward;
mod pool_tangent_forward;

use super::twins;
use super::windows::Windows;

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
        self.windows.positions() * self.copies * self.width()
    }

    fn channels(&self) -> usize {
        self.copies * self.units
    }

    /// The places in an image where the pixels of window `number` begin, in row-major order.
    fn pixels(&self, number: usize) -> impl Iterator<Item = usize> {
        let inside = self.windows.inside(number);
        let [width, stride] = [self.windows.grid[1], self.copies * self.width()];
        let columns = inside.columns.clone();
        let places = inside.rows.clone();
        let places = places.flat_map(move |row| columns.clone().map(move |column| (row, column)));
        places.map(move |(row, column)| {
            let [y, x] = inside.in_grid(row, column);
            (y * width + x) * stride
        })
    }

    /// The units of every copy of the pixel that begins at a place.
    fn pixel<'a>(&self, image: &'a [f32], place: usize) -> impl Iterator<Item = &'a [f32]> {
        let units = self.units;
        let copies = image[place..].chunks(self.width()).take(self.copies);
        copies.map(move |copy| &copy[..units])
    }

    /// Computes the maxima or the means of window `number`, `[channels]`.
    fn pool(&self, image: &[f32], number: usize, pooled: &mut [f32]) {
        let mut pixels = self.pixels(number);
        if self.is_maximum {
            let first = pixels.next().expect("a window holds a pixel");
            self.each_channel(image, first, pooled, |found, element| *found = element);
            for place in pixels {
                self.each_channel(image, place, pooled, |found, element| {
                    if is_larger(element, *found) {
                        *found = element;
                    }
                });
            }
            return;
        }
        pooled.fill(0.0);
        for place in pixels {
            self.each_channel(image, place, pooled, |sum, element| *sum += element);
        }
        pooled.iter_mut().for_each(|sum| *sum *= self.share);
    }

    fn each_channel(
        &self,
        image: &[f32],
        place: usize,
        pooled: &mut [f32],
        combine: impl Fn(&mut f32, f32),
    ) {
        let copies = pooled.chunks_mut(self.units);
        for (pooled, copy) in copies.zip(self.pixel(image, place)) {
            let pairs = pooled.iter_mut().zip(copy);
            pairs.for_each(|(pooled, element)| combine(pooled, *element));
        }
    }

    /// The places in an image of the first maximum of each channel in window `number`.
    fn maxima(&self, image: &[f32], number: usize, places: &mut [usize]) {
        let mut pixels = self.pixels(number);
        let first = pixels.next().expect("a window holds a pixel");
        let (units, width) = (self.units, self.width());
        let of_channel = |channel: usize| channel / units * width + channel % units;
        for (channel, place) in places.iter_mut().enumerate() {
            *place = first + of_channel(channel);
        }
        for pixel in pixels {
            for (channel, place) in places.iter_mut().enumerate() {
                let other = pixel + of_channel(channel);
                if is_larger(image[other], image[*place]) {
                    *place = other;
                }
            }
        }
    }

    /// Computes the tangents of window `number`, `[channels]`, from those of the image.
    fn tangents(&self, image: &[f32], tangents: &[f32], number: usize, pooled: &mut [f32]) {
        if !self.is_maximum {
            return self.pool(tangents, number, pooled);
        }
        let mut places = vec![0; self.channels()];
        self.maxima(image, number, &mut places);
        for (pooled, place) in pooled.iter_mut().zip(places) {
            *pooled = tangents[place];
        }
    }

    /// Computes the derivatives with respect to the pixels from those with respect to the pool, whose rows are `columns` long.
    /// Every pixel gets its windows in row-major order.
    fn spread(&self, image: &[f32], above: &[f32], columns: usize, pixels: &mut [f32]) {
        pixels.fill(0.0);
        let mut places = vec![0; self.channels()];
        for (number, above) in above.chunks(columns).enumerate() {
            if self.is_maximum {
                self.maxima(image, number, &mut places);
                for (place, d) in places.iter().zip(above) {
                    pixels[*place] += d;
                }
                continue;
            }
            for place in self.pixels(number) {
                let copies = pixels[place..].chunks_mut(self.width());
                for (copy, d) in copies.zip(above[..self.channels()].chunks(self.units)) {
                    copy.iter_mut().zip(d).for_each(|(sum, d)| *sum += d);
                }
            }
        }
        if !self.is_maximum {
            pixels.iter_mut().for_each(|sum| *sum *= self.share);
        }
    }
}

/// Whether an element takes the place of a maximum; a NaN is larger than any number.
fn is_larger(element: f32, maximum: f32) -> bool {
    element > maximum || element.is_nan()
}
