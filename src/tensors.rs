//! Networks and minibatches in safetensors files. Reading checks everything before anything is computed.
//!
//! A network file holds a pair of `NAME.weight` `[out, in]` and `NAME.bias` `[out]` in F32 for each layer, named and laid
//! out as PyTorch does. After CReLU and Fourier features `in` is twice the previous `out`. The names differ only in their
//! numbers, which give the order: `fc1`, `fc2`, ... or those of an `nn.Sequential`, `0`, `2`, ..., or `net.0`, `net.2`, ...
//! Other networks have the tensors of their blocks, such as `conv1.weight` `[out, in, k, k]`; what the blocks compute is in
//! a list of items beside the file ([`read_listed_network`]).
//! A batch file holds the inputs `x` `[B, in]`, or images `[B, rows, columns]` or `[B, channels, rows, columns]`, in F32 and
//! the labels `y` `[B]` in I64, I32 or U8.
//!
//! - `network`: reads a perceptron; `write` writes any network.
//! - `listed`: reads a network that a list of items describes.
//! - `batch`: reads a minibatch.
//! - `names`: tells which tensors belong to a layer, and the order of layers.
//! - `file`: the tensors of a file.
//! - `header`: the header of a file, which states its length.

mod batch;
mod file;
#[cfg(test)]
mod fixtures;
mod header;
mod listed;
mod names;
mod network;
mod write;

use std::io;
use std::path::PathBuf;

pub use batch::{Batch, read_batch, read_input_shape};
pub use listed::read_listed_network;
pub use network::{NamedNetwork, read_network};
pub use write::write_network;

pub(crate) use header::{HeaderError, read_header};

use crate::error::Error;
use crate::files::WriteError;

/// An error of a safetensors file. Every message names the file and, where there is one, the tensor, with what was wanted
/// and what was found. A message does not repeat its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The operating system refused to open or read the file, or it is not a regular file.
    #[error("cannot read {file}")]
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
    /// The parameters to be written do not have the network's shape.
    #[error("cannot write {file}: the parameters do not fit the network")]
    Parameters {
        /// The file.
        file: PathBuf,
        /// What is wrong with them.
        source: Box<Error>,
    },
    /// A list of items makes no network.
    #[error("{file}: wanted tensors for a network that can be made, found another")]
    Listed {
        /// The file.
        file: PathBuf,
        /// The fault of the list.
        source: Box<Error>,
    },
    /// The file has tensors of another number of layers than the network.
    #[error("{file}: wanted tensors of the layers {wanted}, found those of {found:?}")]
    Layers {
        /// The file.
        file: PathBuf,
        /// The names of the network's layers.
        wanted: String,
        /// The names of the file's.
        found: Vec<String>,
    },
    /// The names to be written would not be read back as the same layers.
    #[error("cannot write {file}: wanted {wanted}, found {found:?}")]
    Names {
        /// The file.
        file: PathBuf,
        /// What [`read_network`] takes.
        wanted: String,
        /// The names.
        found: Vec<String>,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
