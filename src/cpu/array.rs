//! One replica's part of a buffer, or a buffer that all replicas read.

use std::sync::Arc;

use bytemuck::Pod;

/// Words that a kernel sees as numbers or structs.
#[derive(Clone, Debug)]
pub(crate) enum Array {
    /// A replica's own.
    Own(Vec<u32>),
    /// The same for all replicas, never written.
    Shared(Arc<[u32]>),
}

impl Array {
    /// The words as elements of `T`.
    pub(crate) fn read<T: Pod>(&self) -> &[T] {
        match self {
            Self::Own(words) => bytemuck::cast_slice(words),
            Self::Shared(words) => bytemuck::cast_slice(words),
        }
    }

    /// The words as elements of `T`, to be written.
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
