//! Binary files of CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images"). A
//! record holds labels and 3 x 32 x 32 pixels: all red values, then all green ones, then all blue ones.

use std::path::Path;

use super::error::{DataError, Fault};
use super::{Dataset, LARGEST, Pixels, Shape, Split, file};

/// First training file of each data set.
pub(super) const CIFAR_10: &str = "data_batch_1.bin";
pub(super) const CIFAR_100: &str = "train.bin";

const SHAPE: Shape = Shape {
    channels: 3,
    rows: 32,
    columns: 32,
};
const PIXELS: usize = 3 * 32 * 32;

/// One of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CIFAR-10: a record begins with its label.
    Cifar10,
    /// CIFAR-100: a record begins with a coarse label, one of 20, and a fine label. The fine label is used.
    Cifar100,
}

impl Kind {
    /// Largest value of each label; the label that is used comes last.
    fn labels(self) -> &'static [(&'static str, u8)] {
        match self {
            Self::Cifar10 => &[("label", 9)],
            Self::Cifar100 => &[("coarse label", 19), ("fine label", 99)],
        }
    }

    fn classes(self) -> u32 {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
        }
    }

    fn training(self) -> &'static [&'static str] {
        match self {
            Self::Cifar10 => &[
                CIFAR_10,
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Self::Cifar100 => &[CIFAR_100],
        }
    }

    fn test(self) -> &'static str {
        match self {
            Self::Cifar10 => "test_batch.bin",
            Self::Cifar100 => "test.bin",
        }
    }
}

/// Reads pixels and labels of a complete file.
///
/// # Errors
/// A [`Fault`] in the file.
pub fn records(kind: Kind, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u32>), Fault> {
    let heads = kind.labels();
    let size = heads.len() + PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(size) {
        let wanted = format!("one record of {size} bytes or more, all whole");
        return Err(Fault::new("size of the file", wanted, bytes.len()));
    }
    let mut pixels = Vec::with_capacity(bytes.len() / size * PIXELS);
    let mut labels = Vec::with_capacity(bytes.len() / size);
    for (number, record) in bytes.chunks(size).enumerate() {
        let (own, image) = record.split_at(heads.len());
        for ((what, highest), label) in heads.iter().zip(own) {
            if label > highest {
                let found = format!("{label} in record {number}");
                return Err(Fault::new(what, format!("0 to {highest}"), found));
            }
        }
        pixels.extend(image);
        labels.push(u32::from(own[heads.len() - 1]));
    }
    Ok((pixels, labels))
}

pub(super) fn load_10(directory: &Path, name: String) -> Result<Dataset, DataError> {
    load(Kind::Cifar10, directory, name)
}

pub(super) fn load_100(directory: &Path, name: String) -> Result<Dataset, DataError> {
    load(Kind::Cifar100, directory, name)
}

/// Loads the directory of a data set. The test file may be absent.
fn load(kind: Kind, directory: &Path, name: String) -> Result<Dataset, DataError> {
    let train = split(kind, directory, kind.training())?;
    let has_test = directory.join(kind.test()).exists();
    let test = has_test.then(|| split(kind, directory, &[kind.test()]));
    let dataset = Dataset::new(name, Some(kind.classes()), train, test.transpose()?);
    dataset.map_err(|fault| fault.of(directory))
}

fn split(kind: Kind, directory: &Path, files: &[&str]) -> Result<Split, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for name in files {
        let path = directory.join(name);
        if !path.exists() {
            return Err(Fault::new("files", name, "no such file").of(directory));
        }
        let bytes = file::read(&path)?;
        let total = (pixels.len() + bytes.len()) as u64;
        if total > LARGEST {
            let wanted = format!("{LARGEST} bytes at most");
            return Err(Fault::new("size of all training files", wanted, total).of(directory));
        }
        let (more, own) = records(kind, &bytes).map_err(|fault| fault.of(&path))?;
        pixels.extend(more);
        labels.extend(own);
    }
    let split = Split::new(SHAPE, Pixels::Bytes(pixels), labels);
    split.map_err(|fault| fault.of(directory))
}
