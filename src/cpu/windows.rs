//! Twin of `shaders/common/windows.wgsl`.

use std::ops::Range;

/// Windows over the grid of an image; the arrays hold height and width.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) grid: [usize; 2],
    pub(crate) size: [usize; 2],
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) outputs: [usize; 2],
}

/// Reads windows from a kernel's uniform.
macro_rules! windows {
    ($params:ident) => {{
        let pair = |height: u32, width: u32| [height as usize, width as usize];
        $crate::cpu::windows::Windows {
            grid: pair($params.height, $params.width),
            size: pair($params.kernel_height, $params.kernel_width),
            stride: $params.stride as usize,
            padding: $params.padding as usize,
            outputs: pair($params.out_height, $params.out_width),
        }
    }};
}
pub(crate) use windows;

impl Windows {
    /// The number of positions of the grid.
    pub(crate) fn positions(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The number of windows.
    pub(crate) fn count(&self) -> usize {
        self.outputs[0] * self.outputs[1]
    }

    /// The number of positions of a window.
    pub(crate) fn area(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The windows of a line whose place in a column of theirs is inside the grid.
    pub(crate) fn reaching(&self, column: usize) -> Range<usize> {
        let windows_before = |place: usize| place.saturating_sub(column).div_ceil(self.stride);
        let end = windows_before(self.padding + self.grid[1]).min(self.outputs[1]);
        windows_before(self.padding).min(end)..end
    }

    /// Where a window begins along an axis of the grid, and its places that are inside.
    pub(crate) fn part(&self, axis: usize, window: usize) -> (isize, Range<usize>) {
        let corner = (window * self.stride) as isize - self.padding as isize;
        let start = (-corner).max(0) as usize;
        let end = (self.grid[axis] as isize - corner).max(0) as usize;
        (corner, start..end.min(self.size[axis]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_windows_are_inside_the_grid() {
        let windows = Windows {
            grid: [3, 5],
            size: [3, 4],
            stride: 2,
            padding: 2,
            outputs: [3, 3],
        };
        for (axis, window) in (0..2).flat_map(|axis| (0..3).map(move |window| (axis, window))) {
            let (corner, inside) = windows.part(axis, window);
            assert_eq!(corner, window as isize * 2 - 2);
            for place in 0..windows.size[axis] {
                let wanted = (0..windows.grid[axis] as isize).contains(&(corner + place as isize));
                assert_eq!(inside.contains(&place), wanted, "{axis}, {window}, {place}");
            }
        }
        for column in 0..4 {
            let inside = |window: &usize| windows.part(1, *window).1.contains(&column);
            let wanted: Vec<_> = (0..3).filter(inside).collect();
            assert_eq!(windows.reaching(column).collect::<Vec<_>>(), wanted);
        }
    }
}
