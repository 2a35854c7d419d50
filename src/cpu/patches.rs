//! Twins of the kernels of patches.

mod patches_backward;
mod patches_forward;
mod patches_tangent_backward;
mod patches_tangent_forward;

use std::ops::Range;

use super::array::clear_padding;
use super::twins;
use super::windows::Windows;

twins! {
    patches_forward: PatchesForward,
    patches_backward: PatchesBackward,
    patches_tangent_forward: PatchesTangentForward,
    patches_tangent_backward: PatchesTangentBackward,
}

/// Calls a method for a width that the compiler knows, so that it calls no function for a few elements; 0 is any other width.
macro_rules! for_width {
    ($width:expr, $this:ident.$method:ident($($argument:expr),*)) => {
        match $width {
            1 => $this.$method::<1>($($argument),*),
            2 => $this.$method::<2>($($argument),*),
            3 => $this.$method::<3>($($argument),*),
            4 => $this.$method::<4>($($argument),*),
            5 => $this.$method::<5>($($argument),*),
            6 => $this.$method::<6>($($argument),*),
            7 => $this.$method::<7>($($argument),*),
            _ => $this.$method::<0>($($argument),*),
        }
    };
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

    fn channels(&self) -> usize {
        self.copies * self.units
    }
}

/// Windows over planes: the channels of an image, each with its border of zeros.
struct Planes {
    windows: Windows,
    channels: usize,
    row_stride: usize,
    channel_stride: usize,
    /// Where the rows of a window begin, counted from its first pixel: `[channels, rows]`.
    row_starts: Vec<usize>,
}

impl Planes {
    /// Planes that follow one another.
    fn new(windows: Windows, channels: usize) -> Self {
        let [height, width] = windows.grid.map(|size| size + 2 * windows.padding);
        Self::with_strides(windows, channels, [height * width, width])
    }

    /// Planes with distances from channel to channel and from row to row.
    fn with_strides(windows: Windows, channels: usize, strides: [usize; 2]) -> Self {
        let [channel_stride, row_stride] = strides;
        let rows = windows.size[0];
        let starts_of =
            |channel| (0..rows).map(move |row| channel * channel_stride + row * row_stride);
        Self {
            windows,
            channels,
            row_stride,
            channel_stride,
            row_starts: (0..channels).flat_map(starts_of).collect(),
        }
    }

    /// The number of elements of all planes.
    fn size(&self) -> usize {
        self.channels * self.channel_stride
    }

    /// The places of the first pixels of all windows, in row-major order.
    fn corners(&self) -> impl Iterator<Item = usize> {
        let [height, width] = self.windows.outputs;
        let (stride, row_stride) = (self.windows.stride, self.row_stride);
        (0..height).flat_map(move |y| (0..width).map(move |x| (y * row_stride + x) * stride))
    }

    /// The places of the image's rows in a channel, without the border.
    fn rows(&self, channel: usize) -> impl Iterator<Item = Range<usize>> {
        let ([height, width], padding) = (self.windows.grid, self.windows.padding);
        let first = channel * self.channel_stride + padding * self.row_stride + padding;
        let starts = (0..height).map(move |y| first + y * self.row_stride);
        starts.map(move |start| start..start + width)
    }
}

/// Cuts samples into patches.
struct Cutter {
    gather: Gather,
    planes: Planes,
    /// The image as planes; empty where the image is stored so.
    image: Vec<f32>,
}

impl Cutter {
    fn new(gather: Gather) -> Self {
        let (windows, channels) = (gather.windows, gather.channels());
        if gather.column_stride == 1 && gather.copies == 1 && windows.padding == 0 {
            let strides = [gather.channel_stride, gather.row_stride];
            return Self {
                gather,
                planes: Planes::with_strides(windows, channels, strides),
                image: Vec::new(),
            };
        }
        let planes = Planes::new(windows, channels);
        Self {
            gather,
            image: vec![0.0; planes.size()],
            planes,
        }
    }

    /// Computes the patches of one sample. The image is made planes first, so that windows are copied by rows.
    fn sample(&mut self, image: &[f32], patches: &mut [f32]) {
        if self.image.is_empty() {
            return self.cut(image, patches);
        }
        self.fill_planes(image);
        self.cut(&self.image, patches);
    }

    fn fill_planes(&mut self, image: &[f32]) {
        let gather = &self.gather;
        for channel in 0..gather.channels() {
            let (copy, unit) = (channel / gather.units, channel % gather.units);
            let first = copy * gather.copy_stride + unit * gather.channel_stride;
            for (y, row) in self.planes.rows(channel).enumerate() {
                let pixels = image[first + y * gather.row_stride..].iter();
                let pixels = pixels.step_by(gather.column_stride);
                let row = self.image[row].iter_mut();
                row.zip(pixels).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Copies the windows of planes into patches.
    fn cut(&self, planes: &[f32], patches: &mut [f32]) {
        for_width!(self.gather.windows.size[1], self.cut_rows(planes, patches));
    }

    /// The same for windows whose rows have `WIDTH` elements; any number where it is 0.
    fn cut_rows<const WIDTH: usize>(&self, planes: &[f32], patches: &mut [f32]) {
        let windows = &self.gather.windows;
        let size = self.gather.channels() * windows.area();
        let width = if WIDTH > 0 { WIDTH } else { windows.size[1] };
        let patches = patches.chunks_mut(self.gather.columns);
        for (patch, corner) in patches.zip(self.planes.corners()) {
            clear_padding(patch, size);
            let rows = patch[..size].chunks_exact_mut(width);
            for (row, start) in rows.zip(&self.planes.row_starts) {
                row.copy_from_slice(&planes[corner + start..][..width]);
            }
        }
    }
}

/// Sums of the patches of one sample over the pixels that they hold; the twin of `shaders/common/patch_gradient.wgsl`. Every
/// pixel gets its windows in row-major order.
struct Scatter {
    planes: Planes,
    units: usize,
    copies: usize,
    /// The sums as planes.
    sums: Vec<f32>,
    /// The sums as pixels, `[positions, copies, units with padding]`.
    pixels: Vec<f32>,
}

impl Scatter {
    fn new(windows: Windows, units: usize, copies: usize) -> Self {
        let planes = Planes::new(windows, copies * units);
        Self {
            units,
            copies,
            sums: vec![0.0; planes.size()],
            planes,
            pixels: vec![0.0; windows.positions() * copies * units.next_multiple_of(4)],
        }
    }

    /// Computes the pixels from the patches of a sample.
    fn add(&mut self, patches: &[f32]) -> &mut [f32] {
        self.sums.fill(0.0);
        for_width!(self.planes.windows.size[1], self.add_rows(patches));
        let padded = self.units.next_multiple_of(4);
        let pixel = self.copies * padded;
        for channel in 0..self.planes.channels {
            let first = channel / self.units * padded + channel % self.units;
            let mut pixels = self.pixels[first..].iter_mut().step_by(pixel);
            for row in self.planes.rows(channel) {
                let sums = self.sums[row].iter();
                sums.zip(&mut pixels).for_each(|(sum, pixel)| *pixel = *sum);
            }
        }
        &mut self.pixels
    }

    /// Adds the patches to the planes; `WIDTH` as in [`Cutter::cut_rows`].
    fn add_rows<const WIDTH: usize>(&mut self, patches: &[f32]) {
        let windows = &self.planes.windows;
        let width = if WIDTH > 0 { WIDTH } else { windows.size[1] };
        let patches = patches.chunks(patches.len() / windows.count());
        for (patch, corner) in patches.zip(self.planes.corners()) {
            let rows = patch.chunks_exact(width);
            for (row, start) in rows.zip(&self.planes.row_starts) {
                let sums = &mut self.sums[corner + start..][..width];
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
        }
    }
}
