//! Recognises the published MNIST. The `mnist` crate reads a raw directory of its size.

use std::path::Path;

use ::mnist::{Mnist, MnistBuilder};
use flate2::Crc;

use super::error::DataError;
use super::idx::{FILES, Kind, header};
use super::{Dataset, Pixels, Shape, Split};

pub(super) const NAME: &str = "MNIST";
pub(super) const SHAPE: Shape = Shape {
    channels: 1,
    rows: 28,
    columns: 28,
};
pub(super) const CLASSES: u32 = 10;
/// Numbers of examples for training and for testing.
const COUNTS: [u32; 2] = [60_000, 10_000];
/// CRC-32 of the published training pixels and training labels.
const TRAINING: [u32; 2] = [0xf363_9b56, 0xba07_e8ef];

/// Returns the data set, with the name "MNIST" if its training examples are the published ones.
pub(super) fn named(dataset: Dataset) -> Dataset {
    let name = NAME.to_owned();
    match is_published(&dataset.train) {
        true => Dataset { name, ..dataset },
        false => dataset,
    }
}

fn is_published(train: &Split) -> bool {
    let Pixels::Bytes(pixels) = &train.pixels else {
        return false;
    };
    if train.shape != SHAPE || train.labels.len() != COUNTS[0] as usize {
        return false;
    }
    let labels: Result<Vec<u8>, _> = train.labels.iter().map(|l| u8::try_from(*l)).collect();
    labels.is_ok_and(|labels| [&pixels[..], &labels].map(checksum) == TRAINING)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Reads a directory of four raw files of the published sizes with the `mnist` crate. Returns `None` for any other
/// directory. The crate panics on a faulty file and ignores trailing bytes. Length, header and labels of the files are
/// therefore checked first.
pub(super) fn read_published(directory: &Path, name: &str) -> Result<Option<Dataset>, DataError> {
    let Some(base) = directory.to_str() else {
        return Ok(None);
    };
    for (names, count) in FILES.iter().zip(COUNTS) {
        for (name, kind) in names.iter().zip([Kind::Images, Kind::Labels]) {
            let path = directory.join(name);
            if !path.exists() {
                return Ok(None);
            }
            let (header, labels) = header(kind, &path)?;
            let is_of_size = kind == Kind::Labels || header.shape == SHAPE;
            let is_digit = |label: &u8| u32::from(*label) < CLASSES;
            if header.count != count || !is_of_size || !labels.iter().all(is_digit) {
                return Ok(None);
            }
        }
    }
    let Mnist {
        trn_img,
        trn_lbl,
        tst_img,
        tst_lbl,
        ..
    } = MnistBuilder::new().base_path(base).finalize();
    let split = |pixels, labels: Vec<u8>| {
        let labels = labels.into_iter().map(u32::from).collect();
        Split::new(SHAPE, Pixels::Bytes(pixels), labels)
    };
    let dataset = || {
        let test = split(tst_img, tst_lbl)?;
        Dataset::new(
            name.to_owned(),
            Some(CLASSES),
            split(trn_img, trn_lbl)?,
            Some(test),
        )
    };
    let dataset = dataset().map_err(|fault| fault.of(directory))?;
    Ok(Some(dataset))
}
