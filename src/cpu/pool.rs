//! Twins of the kernels of pools.

mod pool_backward;
mod pool_forward;
mod pool_tangent_backward;
mod pool_tangent_forward;

use super::array::{clear_padding, copy_row};
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
pub(super) struct Pool {
    pub(super) windows: Windows,
    pub(super) units: usize,
    pub(super) copies: usize,
    pub(super) is_maximum: bool,
    /// The share of one element in a mean.
    pub(super) share: f32,
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
    pub(super) fn pixel(&self) -> usize {
        self.copies * self.width()
    }

    /// Writes pixels to rows of the pool, each `[channels]` with padding at its end.
    fn pack<'a>(&self, pixels: &[f32], rows: impl Iterator<Item = &'a mut [f32]>) {
        for (row, pixel) in rows.zip(pixels.chunks(self.pixel())) {
            if self.copies == 1 {
                copy_row(pixel, row);
            } else {
                let copies = row.chunks_mut(self.units).zip(pixel.chunks(self.width()));
                copies.for_each(|(to, from)| to.copy_from_slice(&from[..to.len()]));
            }
            clear_padding(row, self.copies * self.units);
        }
    }

    /// Reads a pixel from a row of the pool, as [`Pool::pack`] wrote it; its padding becomes 0.
    pub(super) fn unpack(&self, row: &[f32], pixel: &mut [f32]) {
        if self.copies == 1 {
            copy_row(row, pixel);
            return clear_padding(pixel, self.units);
        }
        let copies = pixel.chunks_mut(self.width()).zip(row.chunks(self.units));
        for (to, from) in copies {
            to[..self.units].copy_from_slice(from);
            clear_padding(to, self.units);
        }
    }
}
