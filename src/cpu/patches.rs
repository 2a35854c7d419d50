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

    /// Computes the patches of one sample.
    fn sample(&self, image: &[f32], patches: &mut [f32]) {
        let area = self.windows.area();
        for (number, patch) in patches.chunks_mut(self.columns).enumerate() {
            patch.fill(0.0);
            for copy in 0..self.copies {
                let image = &image[copy * self.copy_stride..];
                let channels = copy * self.units * area..(copy + 1) * self.units * area;
                if self.column_stride == 1 {
                    self.planes(number, image, &mut patch[channels]);
                } else {
                    self.pixels(number, image, &mut patch[channels]);
                }
            }
        }
    }

    /// Copies one window of planes, a row of each channel at a time.
    fn planes(&self, number: usize, image: &[f32], patch: &mut [f32]) {
        let inside = self.windows.inside(number);
        let columns = inside.columns.clone();
        if columns.is_empty() {
            return;
        }
        for (channel, patch) in patch.chunks_mut(self.windows.area()).enumerate() {
            for row in inside.rows.clone() {
                let [y, x] = inside.in_grid(row, columns.start);
                let from = channel * self.channel_stride + y * self.row_stride + x;
                let to = row * self.windows.size[1] + columns.start;
                patch[to..][..columns.len()].copy_from_slice(&image[from..][..columns.len()]);
            }
        }
    }

    /// Copies one window of pixels, the channels of each pixel at a time.
    fn pixels(&self, number: usize, image: &[f32], patch: &mut [f32]) {
        let inside = self.windows.inside(number);
        for row in inside.rows.clone() {
            for column in inside.columns.clone() {
                let [y, x] = inside.in_grid(row, column);
                let from = &image[y * self.row_stride + x * self.column_stride..];
                let to = &mut patch[row * self.windows.size[1] + column..];
                let elements = to.iter_mut().step_by(self.windows.area());
                let channels = from.iter().step_by(self.channel_stride);
                for (element, channel) in elements.zip(channels).take(self.units) {
                    *element = *channel;
                }
            }
        }
    }
}

/// Adds the patches of one sample to the pixels that they hold, `[positions, copies, units with padding]`; the twin of
/// `shaders/common/patch_gradient.wgsl`. Every pixel gets its windows in row-major order.
fn add_patches(
    windows: &Windows,
    units: usize,
    copies: usize,
    patches: &[f32],
    pixels: &mut [f32],
) {
    let area = windows.area();
    let padded = units.next_multiple_of(4);
    let columns = patches.len() / windows.count();
    for (number, patch) in patches.chunks(columns).enumerate() {
        let inside = windows.inside(number);
        for row in inside.rows.clone() {
            for column in inside.columns.clone() {
                let [y, x] = inside.in_grid(row, column);
                let pixel = &mut pixels[(y * windows.grid[1] + x) * copies * padded..];
                let elements = &patch[row * windows.size[1] + column..];
                let mut elements = elements.iter().step_by(area);
                for pixel in pixel.chunks_mut(padded).take(copies) {
                    // The sum comes first: `zip` must not take an element that the next copy needs.
                    for (sum, element) in pixel[..units].iter_mut().zip(&mut elements) {
                        *sum += element;
                    }
                }
            }
        }
    }
}
