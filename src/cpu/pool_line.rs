//! A line of windows: those side by side, which are pooled together.
//!
//! All windows of a line take the same pixel of theirs at a time, so that one vector instruction serves several channels of
//! several windows. Each window still takes its pixels in row-major order.

use std::ops::Range;

use super::array::copy_row;
use super::pool::Pool;

/// The results of the windows of a line, `[windows, copies, units with padding]`.
pub(super) struct Line {
    /// Maxima, means, the tangents of either, or the derivatives with respect to either.
    values: Vec<f32>,
    /// The pixel of each window that holds the maximum, in row-major order.
    places: Vec<u32>,
    /// One pixel of each window.
    pixels: Vec<f32>,
}

impl Line {
    pub(super) fn new(pool: &Pool) -> Self {
        let size = pool.windows.outputs[1] * pool.pixel();
        Self {
            values: vec![0.0; size],
            places: vec![0; size],
            pixels: vec![0.0; size],
        }
    }

    /// Computes the maxima or the means of a line.
    pub(super) fn pool(&mut self, pool: &Pool, number: usize, image: &[f32]) -> &[f32] {
        if pool.is_maximum {
            self.find(pool, number, image);
            return &self.values;
        }
        self.values.fill(0.0);
        for step in pool.steps(number) {
            step.add_from(image, &mut self.values);
        }
        self.values.iter_mut().for_each(|sum| *sum *= pool.share);
        &self.values
    }

    /// Computes the tangents of a line from those of the image.
    pub(super) fn tangents(
        &mut self,
        pool: &Pool,
        number: usize,
        (image, tangents): (&[f32], &[f32]),
    ) -> &[f32] {
        if !pool.is_maximum {
            return self.pool(pool, number, tangents);
        }
        self.find(pool, number, image);
        for step in pool.steps(number) {
            step.copy_from(tangents, &mut self.pixels);
            let range = step.range();
            each(
                &mut self.values[range.clone()],
                &mut self.places[range.clone()],
                &self.pixels[range],
                |value, place, tangent| (if place == step.place { tangent } else { value }, place),
            );
        }
        &self.values
    }

    /// Computes the derivatives with respect to the pixels from those with respect to the pool, whose rows are `columns` long.
    /// Every pixel gets its windows in row-major order.
    pub(super) fn spread(
        &mut self,
        pool: &Pool,
        image: &[f32],
        (above, columns): (&[f32], usize),
        pixels: &mut [f32],
    ) {
        pixels.fill(0.0);
        let lines = above.chunks(columns * pool.windows.outputs[1]);
        for (number, above) in lines.enumerate() {
            self.spread_line(pool, number, image, (above, columns), pixels);
        }
        if !pool.is_maximum {
            pixels.iter_mut().for_each(|sum| *sum *= pool.share);
        }
    }

    /// Adds the derivatives with respect to a line, rows of `columns`, to those with respect to the pixels of the image.
    fn spread_line(
        &mut self,
        pool: &Pool,
        number: usize,
        image: &[f32],
        (above, columns): (&[f32], usize),
        sums: &mut [f32],
    ) {
        if pool.is_maximum {
            self.find(pool, number, image);
        }
        let windows = self.values.chunks_mut(pool.pixel());
        let windows = windows.zip(above.chunks(columns));
        windows.for_each(|(pixel, row)| pool.unpack(row, pixel));
        // Backwards, so that a pixel of the image gets its windows from the left to the right.
        for step in pool.steps(number).rev() {
            if !pool.is_maximum {
                step.add_to(&self.values, sums);
                continue;
            }
            let range = step.range();
            each(
                &mut self.pixels[range.clone()],
                &mut self.places[range.clone()],
                &self.values[range],
                |_, place, d| (if place == step.place { d } else { 0.0 }, place),
            );
            step.add_to(&self.pixels, sums);
        }
    }

    /// Finds the first maximum of each channel in each window, padding included.
    fn find(&mut self, pool: &Pool, number: usize, image: &[f32]) {
        // No element is smaller, so that a window of such elements has its first pixel.
        self.values.fill(f32::NEG_INFINITY);
        let windows = self.places.chunks_mut(pool.pixel()).enumerate();
        windows.for_each(|(window, places)| places.fill(pool.first_place(number, window)));
        for step in pool.steps(number) {
            step.copy_from(image, &mut self.pixels);
            let range = step.range();
            each(
                &mut self.values[range.clone()],
                &mut self.places[range.clone()],
                &self.pixels[range],
                |value, place, element| {
                    // A mask in place of a branch, so that the compiler makes vectors of the loop.
                    let mask = u32::from(is_larger(element, value)).wrapping_neg();
                    let take = |this: u32, other: u32| (this & mask) | (other & !mask);
                    let value = f32::from_bits(take(element.to_bits(), value.to_bits()));
                    (value, take(step.place, place))
                },
            );
        }
    }
}

/// One pixel of each window of a line that has it inside the image.
struct Step {
    /// The pixel's number in its window.
    place: u32,
    windows: Range<usize>,
    /// The position in the image of the first window's pixel.
    position: usize,
    /// The distance in the image from a window's pixel to the next one's.
    stride: usize,
    /// The stored length of a pixel.
    size: usize,
}

impl Step {
    /// The elements of these windows in a line.
    fn range(&self) -> Range<usize> {
        self.windows.start * self.size..self.windows.end * self.size
    }

    /// The pixels of these windows in an image.
    fn pixels<'a>(&self, image: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        image[self.position * self.size..].chunks(self.stride * self.size)
    }

    fn copy_from(&self, image: &[f32], line: &mut [f32]) {
        let windows = line[self.range()].chunks_exact_mut(self.size);
        for (window, pixel) in windows.zip(self.pixels(image)) {
            copy_row(pixel, window);
        }
    }

    fn add_from(&self, image: &[f32], line: &mut [f32]) {
        let windows = line[self.range()].chunks_exact_mut(self.size);
        windows
            .zip(self.pixels(image))
            .for_each(|(window, pixel)| add(pixel, window));
    }

    fn add_to(&self, line: &[f32], image: &mut [f32]) {
        let windows = line[self.range()].chunks_exact(self.size);
        let pixels = image[self.position * self.size..].chunks_mut(self.stride * self.size);
        windows
            .zip(pixels)
            .for_each(|(window, pixel)| add(window, pixel));
    }
}

impl Pool {
    /// The pixels that the windows of a line take, one after the other.
    fn steps(&self, number: usize) -> impl DoubleEndedIterator<Item = Step> {
        let (windows, size) = (self.windows, self.pixel());
        let ([_, width], [_, kernel_width]) = (windows.grid, windows.size);
        let (top, rows) = windows.part(0, number);
        rows.flat_map(move |row| {
            let y = (top + row as isize) as usize;
            (0..kernel_width).filter_map(move |column| {
                let reaching = windows.reaching(column);
                let first = reaching.start * windows.stride + column;
                let is_any = !reaching.is_empty();
                is_any.then(|| Step {
                    place: (row * kernel_width + column) as u32,
                    windows: reaching,
                    position: y * width + first - windows.padding,
                    stride: windows.stride,
                    size,
                })
            })
        })
    }

    /// The number in its window of the first pixel of a window of a line that is inside the image.
    fn first_place(&self, number: usize, window: usize) -> u32 {
        let [rows, columns] =
            [(0, number), (1, window)].map(|(axis, window)| self.windows.part(axis, window).1);
        (rows.start * self.windows.size[1] + columns.start) as u32
    }
}

/// Sets each value and its place to what `update` makes of them and of an element.
fn each<F: Fn(f32, u32, f32) -> (f32, u32)>(
    values: &mut [f32],
    places: &mut [u32],
    elements: &[f32],
    update: F,
) {
    pulp::Arch::new().dispatch(Each {
        values,
        places,
        elements,
        update,
    });
}

/// The work of [`each`], which [`pulp`] compiles for the widest vectors that this processor has.
struct Each<'a, F> {
    values: &'a mut [f32],
    places: &'a mut [u32],
    elements: &'a [f32],
    update: F,
}

impl<F: Fn(f32, u32, f32) -> (f32, u32)> pulp::WithSimd for Each<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let values = self.values.iter_mut().zip(self.places);
        for ((value, place), element) in values.zip(self.elements) {
            (*value, *place) = (self.update)(*value, *place, *element);
        }
    }
}

/// Adds a pixel, whose length is a multiple of four: so many elements fill a vector.
fn add(terms: &[f32], sums: &mut [f32]) {
    let fours = sums.as_chunks_mut::<4>().0.iter_mut();
    for (sums, terms) in fours.zip(terms.as_chunks::<4>().0) {
        (0..4).for_each(|i| sums[i] += terms[i]);
    }
}

/// Whether an element takes the place of a maximum; a NaN is larger than any number.
fn is_larger(element: f32, maximum: f32) -> bool {
    (element > maximum) | element.is_nan()
}
