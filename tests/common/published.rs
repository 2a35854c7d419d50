//! Files in MNIST's format, for tests.

#![allow(dead_code, unreachable_pub)]

use std::fs;

use tempfile::TempDir;
use trainable::data::{Dataset, Pixels};

pub const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
pub const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
pub const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Encodes images `[count, rows, columns]` as an IDX file.
pub fn idx(sides: [u32; 3], pixels: &[u8]) -> Vec<u8> {
    let fields = [0x803, sides[0], sides[1], sides[2]];
    let header = fields.into_iter().flat_map(u32::to_be_bytes);
    header.chain(pixels.iter().copied()).collect()
}

pub fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let header = [0x801, labels.len() as u32].into_iter();
    let header = header.flat_map(u32::to_be_bytes);
    header.chain(labels.iter().copied()).collect()
}

/// Writes four raw files of MNIST's size: the training examples of `mnist`, and its first 10,000 as the test set.
pub fn directory(mnist: &Dataset) -> TempDir {
    let directory = TempDir::new().unwrap();
    let Pixels::Bytes(pixels) = &mnist.train.pixels else {
        panic!("MNIST is of bytes");
    };
    let labels: Vec<u8> = mnist.train.labels.iter().map(|l| *l as u8).collect();
    let test = &pixels[..10_000 * 784];
    for (name, bytes) in [
        (TRAIN_IMAGES, idx([60_000, 28, 28], pixels)),
        (TRAIN_LABELS, idx_labels(&labels)),
        ("t10k-images-idx3-ubyte", idx([10_000, 28, 28], test)),
        (TEST_LABELS, idx_labels(&labels[..10_000])),
    ] {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}
