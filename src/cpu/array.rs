//! One replica's part of a buffer, or a buffer that all replicas read.

use std::sync::Arc;

use bytemuck::Pod;

/// Words that a kernel reads as numbers or structs.
#[derive(Clone, Debug)]
pub(crate) enum Array {
    /// Words of one replica.
    Own(Vec<u32>),
    /// Words that all replicas read and no kernel writes.
    Shared(Arc<[u32]>),
}

impl Array {
    /// Returns the words as elements of `T`.
    pub(crate) fn read<T: Pod>(&self) -> &[T] {
        match self {
            Self::Own(words) => bytemuck::cast_slice(words),
            Self::Shared(words) => bytemuck::cast_slice(words),
        }
    }

    /// Returns the words as elements of `T` for writing.
    pub(crate) fn write<T: Pod>(&mut self) -> &mut [T] {
        match self {
            Self::Own(words) => bytemuck::cast_slice_mut(words),
            Self::Shared(_) => unreachable!("a plan binds shared buffers read-only"),
        }
    }
}

impl Default for Array {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

/// Cuts a slice into chunks for `tasks` tasks; without a slice, every task gets `None`.
pub(crate) fn optional_chunks<T>(
    slice: Option<&mut [T]>,
    tasks: usize,
    size: usize,
) -> Vec<Option<&mut [T]>> {
    match slice {
        Some(slice) => slice.chunks_mut(size).map(Some).collect(),
        None => (0..tasks).map(|_| None).collect(),
    }
}

/// Sets the elements of a row from `length` on to 0. They are its padding, fewer than four, and a vector of four is written.
pub(crate) fn clear_padding(row: &mut [f32], length: usize) {
    let first = row.len() - 4;
    let last = row[first..].iter_mut().enumerate();
    last.for_each(|(i, element)| *element = if first + i < length { *element } else { 0.0 });
}

/// Copies a row, whose length is a multiple of four. The usual lengths are known to the compiler, so that it calls no function for a
/// few elements.
#[inline(always)]
pub(crate) fn copy_row(from: &[f32], to: &mut [f32]) {
    match to.len() {
        4 => copy_elements::<4>(from, to),
        8 => copy_elements::<8>(from, to),
        16 => copy_elements::<16>(from, to),
        length => to.copy_from_slice(&from[..length]),
    }
}

#[inline(always)]
fn copy_elements<const N: usize>(from: &[f32], to: &mut [f32]) {
    to[..N].copy_from_slice(&from[..N]);
}
