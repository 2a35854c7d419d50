//! The MNIST training set inside the library, unpacked in memory.

use std::io::{self, Read};
use std::path::Path;

use lzma_rust2::XzReader;

use super::error::{DataError, Fault};
use super::idx;
use super::{Dataset, Pixels, Split, mnist};

macro_rules! asset {
    ($name:literal) => {
        (
            concat!("assets/mnist/", $name),
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/mnist/", $name)),
        )
    };
}

const IMAGES: (&str, &[u8]) = asset!("train-images-idx3-ubyte.xz");
const LABELS: (&str, &[u8]) = asset!("train-labels-idx1-ubyte.xz");

/// Unpacks the MNIST training set that was compiled into the library from `assets/mnist/`; it has no test examples.
///
/// # Errors
/// A [`DataError`] if the assets were damaged when the library was compiled.
pub fn embedded() -> Result<Dataset, DataError> {
    let (shape, pixels) = read(IMAGES, idx::images)?;
    let labels = read(LABELS, idx::labels)?;
    let labels = labels.into_iter().map(u32::from).collect();
    let split = Split::new(shape, Pixels::Bytes(pixels), labels);
    let dataset = split.and_then(|train| Dataset::new(mnist::NAME.to_owned(), None, train, None));
    dataset.map_err(|fault| fault.of(Path::new(IMAGES.0)))
}

fn read<T>(
    (name, compressed): (&str, &[u8]),
    parse: fn(&[u8]) -> Result<T, Fault>,
) -> Result<T, DataError> {
    let bytes = unpack(compressed);
    let bytes = bytes.map_err(|error| Fault::new("xz", "whole data", error));
    let found = bytes.and_then(|bytes| parse(&bytes));
    found.map_err(|fault| fault.of(Path::new(name)))
}

fn unpack(compressed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    XzReader::new(compressed, false).read_to_end(&mut bytes)?;
    Ok(bytes)
}
