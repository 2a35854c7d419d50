//! Networks and minibatches from safetensors files, checked before anything is computed.
//!
//! A network file holds pairs of `NAME.weight` `[out, in]` and `NAME.bias` `[out]` in F32, one pair a layer, named and
//! laid out as PyTorch does; after a CReLU layer `in` is twice the previous `out`. The names differ only in their numbers,
//! which say the order: `fc1`, `fc2`, ... or those of an `nn.Sequential`, `0`, `2`, ..., or `net.0`, `net.2`, ... A batch
//! file holds the inputs `x` `[B, in]` in F32 and the labels `y` `[B]` in I64, I32 or U8.
//!
//! - `names`: which tensors are a layer's, and in which order layers come.
//! - `file`: the tensors of a file.

mod batch;
mod file;
#[cfg(test)]
mod fixtures;
mod names;
mod network;

use std::io;
use std::path::PathBuf;

pub use batch::{Batch, read_batch};
pub use network::{NamedNetwork, read_network};

use crate::error::Error;

/// Why a file does not hold what was wanted. Every message names the file, the tensor where there is
/// one, what was wanted and what was found; a source is not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The operating system would not open or read the file, or it is none.
    #[error("{file}: wanted to read it, found that it cannot be read")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The file ends before its header does, or before the tensors that the header lists.
    #[error("{file}: truncated, wanted {wanted} bytes at least, found {found}")]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Bytes that the header announces.
        wanted: u128,
        /// Bytes that are there.
        found: usize,
    },
    /// The file goes on after the last tensor.
    #[error("{file}: trailing bytes, wanted {wanted} bytes, found {found}")]
    TrailingBytes {
        /// The file.
        file: PathBuf,
        /// Bytes that the header announces.
        wanted: u128,
        /// Bytes that are there.
        found: usize,
    },
    /// The header is not one. The fault is no source: it already prints its own.
    #[error("{file}: wanted a safetensors file, found something else ({fault})")]
    NotSafetensors {
        /// The file.
        file: PathBuf,
        /// What gives it away.
        fault: String,
    },
    /// A tensor is not there.
    #[error("{file}: wanted the tensor {name}, found {found}")]
    Missing {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The names that are there.
        found: String,
    },
    /// A tensor has no business there.
    #[error("{file}: wanted no tensors but {wanted}, found {found:?}")]
    Unexpected {
        /// The file.
        file: PathBuf,
        /// The names that are known.
        wanted: &'static str,
        /// The first other name.
        found: String,
    },
    /// The names of two layers do not say which one comes first.
    #[error(
        "{file}: wanted layers whose names differ in their numbers and in nothing else, found {first:?} beside {second:?}"
    )]
    Ambiguous {
        /// The file.
        file: PathBuf,
        /// One of the names, without `.weight`.
        first: String,
        /// The other.
        second: String,
    },
    /// A tensor's elements are of another type.
    #[error("{file}: {name}: wanted elements of type {wanted}, found {found}")]
    WrongType {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The types that would do.
        wanted: String,
        /// The type that it has.
        found: String,
    },
    /// A tensor has another number of dimensions, or they do not fit the other tensors.
    #[error("{file}: {name}: wanted the shape {wanted}, found {found:?}")]
    WrongShape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that was wanted, and why.
        wanted: String,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// A tensor's first NaN or infinity.
    #[error("{file}: {name}: wanted finite numbers, found {found} at {index:?}")]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// One entry per dimension, each from 0.
        index: Vec<usize>,
        /// The number.
        found: f32,
    },
    /// A label that is negative or names no class of the network.
    #[error("{file}: y: wanted labels 0 to {}, found {found} at [{index}]", .classes - 1)]
    LabelOutOfRange {
        /// The file.
        file: PathBuf,
        /// Classes of the network.
        classes: u32,
        /// The label's place, from 0.
        index: usize,
        /// The label.
        found: i64,
    },
    /// The batch has no samples.
    #[error("{file}: x: wanted 1 sample at least, found none (its shape is {found:?})")]
    EmptyBatch {
        /// The file.
        file: PathBuf,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// The engine does not take a network of this shape.
    #[error("{file}: wanted a network that can be trained, found one of widths {widths:?}")]
    Network {
        /// The file.
        file: PathBuf,
        /// Inputs, then the outputs of each layer.
        widths: Vec<u32>,
        /// What is wrong with it.
        source: Box<Error>,
    },
}
