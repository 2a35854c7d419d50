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

/// The part of one window that is not in the border.
pub(crate) struct Inside {
    /// The rows of the window that the part has.
    pub(crate) rows: Range<usize>,
    /// The columns of the window that the part has.
    pub(crate) columns: Range<usize>,
    corner: [isize; 2],
}

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

    /// The parts of all windows that are not in the border, in row-major order.
    pub(crate) fn all(self) -> impl Iterator<Item = Inside> {
        let [height, width] = self.outputs;
        (0..height).flat_map(move |row| {
            let (top, rows) = self.part(0, row);
            (0..width).map(move |column| {
                let (left, columns) = self.part(1, column);
                Inside {
                    rows: rows.clone(),
                    columns,
                    corner: [top, left],
                }
            })
        })
    }

    /// The place in the grid where windows begin along an axis, and their places that are inside.
    fn part(&self, axis: usize, window: usize) -> (isize, Range<usize>) {
        let corner = (window * self.stride) as isize - self.padding as isize;
        let start = (-corner).max(0) as usize;
        let end = (self.grid[axis] as isize - corner).max(0) as usize;
        (corner, start..end.min(self.size[axis]))
    }
}

impl Inside {
    /// The row and the column in the grid of a place in the window.
    pub(crate) fn in_grid(&self, row: usize, column: usize) -> [usize; 2] {
        let [top, left] = self.corner;
        [top + row as isize, left + column as isize].map(|place| place as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_windows_are_those_inside_the_grid() {
        let windows = Windows {
            grid: [3, 5],
            size: [3, 4],
            stride: 2,
            padding: 2,
            outputs: [3, 3],
        };
        assert_eq!(windows.all().count(), windows.count());
        for (number, inside) in windows.all().enumerate() {
            for (row, column) in (0..3).flat_map(|row| (0..4).map(move |column| (row, column))) {
                let y = (number / 3 * 2 + row) as isize - 2;
                let x = (number % 3 * 2 + column) as isize - 2;
                let wanted = (0..3).contains(&y) && (0..5).contains(&x);
                let found = inside.rows.contains(&row) && inside.columns.contains(&column);
                assert_eq!(found, wanted, "{number}, {row}, {column}");
                if wanted {
                    assert_eq!(inside.in_grid(row, column), [y as usize, x as usize]);
                }
            }
        }
    }
}
