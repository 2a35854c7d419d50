//! Twins of the kernels of patches.

mod patches_backward;
mod patches_forward;
mod patches_tangent_backward;
mod patches_tangent_forward;

use super::twins;
use super::windows::Windows;

twins! {
    patches_forward: PatchesForward,
    patches_backward: PatchesBackward,
    patches_tangent_forward: PatchesTangentForward,
    patches_tangent_backward: PatchesTangentBackward,
}

/// An image and its patches; the twin of `shaders/common/patch.wgsl`.
#[derive(Clone, Copy)]
struct Gather {
    windows: Windows,
    /// The stored length of a patch.
    columns: usize,
    units: usize,
    copies: usize,
    copy_stride: usize,
    channel_stride: usize,
    row_stride: usize,
    column_stride: usize,
}

/// Reads a [`Gather`] from a kernel's uniform.
macro_rules! gather {
    ($params:ident) => {
        $crate::cpu::patches::Gather {
            windows: $crate::cpu::windows::windows!($params),
            columns: $params.columns as usize,
            units: $params.units as usize,
            copies: $params.copies as usize,
            copy_stride: $params.copy_stride as usize,
            channel_stride: $params.channel_stride as usize,
            row_stride: $params.row_stride as usize,
            column_stride: $params.column_stride as usize,
        }
    };
}
use gather;

impl Gather {
    /// The number of elements of a sample's patches.
    fn size(&self) -> usize {
        self.windows.count() * self.columns
    }

    /// Computes the patches of one sample. Where its pixels hold their channels, `planes` becomes the image as planes first, so
    /// that a window is copied by rows.
    fn sample(&self, image: &[f32], patches: &mut [f32], planes: &mut Vec<f32>) {
        let positions = self.windows.positions();
        let channels = self.copies * self.units;
        if self.windows.padding > 0 || self.columns > channels * self.windows.area() {
            patches.fill(0.0);
        }
        if self.column_stride == 1 && self.copies == 1 {
            return self.cut(image, [self.channel_stride, self.row_stride], patches);
        }
        planes.resize(channels * positions, 0.0);
        self.split_channels(image, planes);
        self.cut(planes, [positions, self.windows.grid[1]], patches);
    }

    /// Makes planes, `[channels, positions]`, of an image.
    fn split_channels(&self, image: &[f32], planes: &mut [f32]) {
        let [height, width] = self.windows.grid;
        for (channel, plane) in planes.chunks_mut(height * width).enumerate() {
            let (copy, unit) = (channel / self.units, channel % self.units);
            let first = copy * self.copy_stride + unit * self.channel_stride;
            for (y, row) in plane.chunks_mut(width).enumerate() {
                let pixels = image[first + y * self.row_stride..].iter();
                let pixels = pixels.step_by(self.column_stride);
                row.iter_mut()
                    .zip(pixels)
                    .for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Copies the windows of planes into patches. The strides are from channel to channel and from row to row.
    fn cut(&self, planes: &[f32], [channel_stride, row_stride]: [usize; 2], patches: &mut [f32]) {
        let (area, kernel_width) = (self.windows.area(), self.windows.size[1]);
        let patches = patches.chunks_mut(self.columns);
        for (patch, inside) in patches.zip(self.windows.all()) {
            let columns = inside.columns.clone();
            let first = inside.in_grid(inside.rows.start, columns.start);
            for channel in 0..self.copies * self.units {
                let mut from = channel * channel_stride + first[0] * row_stride + first[1];
                for row in inside.rows.clone() {
                    let to = channel * area + row * kernel_width + columns.start;
                    copy_row(&planes[from..], &mut patch[to..][..columns.len()]);
                    from += row_stride;
                }
            }
        }
    }
}

/// Expands to a match of a length. The compiler knows the usual ones, so that it calls no function for a few elements.
macro_rules! by_length {
    ($length:expr, $use:ident) => {
        match $length {
            1 => $use!(1),
            2 => $use!(2),
            3 => $use!(3),
            4 => $use!(4),
            5 => $use!(5),
            6 => $use!(6),
            7 => $use!(7),
            length => $use!(length),
        }
    };
}

/// Copies as many elements as `to` has.
#[inline(always)]
fn copy_row(from: &[f32], to: &mut [f32]) {
    macro_rules! copy {
        ($length:expr) => {
            to[..$length].copy_from_slice(&from[..$length])
        };
    }
    by_length!(to.len(), copy);
}

/// Adds as many elements as `from` has.
#[inline(always)]
fn add_row(from: &[f32], to: &mut [f32]) {
    macro_rules! add {
        ($length:expr) => {
            for (sum, x) in to[..$length].iter_mut().zip(&from[..$length]) {
                *sum += x;
            }
        };
    }
    by_length!(from.len(), add);
}

/// Sums of the patches of one sample over the pixels that they hold; the twin of `shaders/common/patch_gradient.wgsl`. Every
/// pixel gets its windows in row-major order.
struct Scatter {
    windows: Windows,
    units: usize,
    copies: usize,
    /// The sums as planes, `[channels, positions]`.
    planes: Vec<f32>,
    /// The sums as pixels, `[positions, copies, units with padding]`.
    pixels: Vec<f32>,
}

impl Scatter {
    fn new(windows: Windows, units: usize, copies: usize) -> Self {
        let positions = windows.positions();
        Self {
            windows,
            units,
            copies,
            planes: vec![0.0; positions * copies * units],
            pixels: vec![0.0; positions * copies * units.next_multiple_of(4)],
        }
    }

    /// Computes the pixels from the patches of a sample.
    fn add(&mut self, patches: &[f32]) -> &mut [f32] {
        let (area, positions) = (self.windows.area(), self.windows.positions());
        let [kernel_width, width] = [self.windows.size[1], self.windows.grid[1]];
        let columns = patches.len() / self.windows.count();
        self.planes.fill(0.0);
        for (patch, inside) in patches.chunks(columns).zip(self.windows.all()) {
            let taken = inside.columns.clone();
            let first = inside.in_grid(inside.rows.start, taken.start);
            for channel in 0..self.copies * self.units {
                let mut to = channel * positions + first[0] * width + first[1];
                for row in inside.rows.clone() {
                    let from = channel * area + row * kernel_width;
                    add_row(&patch[from..][taken.clone()], &mut self.planes[to..]);
                    to += width;
                }
            }
        }
        let padded = self.units.next_multiple_of(4);
        for (channel, plane) in self.planes.chunks(positions).enumerate() {
            let first = channel / self.units * padded + channel % self.units;
            let pixels = self.pixels[first..]
                .iter_mut()
                .step_by(self.copies * padded);
            pixels.zip(plane).for_each(|(pixel, sum)| *pixel = *sum);
        }
        &mut self.pixels
    }
}
