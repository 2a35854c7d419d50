//! Reader of `.npz`, a zip archive of NumPy arrays that `numpy.savez` or `numpy.savez_compressed` wrote.
//!
//! The archive holds `images` `[N, H, W]` or `[N, C, H, W]`, u8 or f32, and `labels` `[N]` of any integer type. Keras' names
//! `x_train` and `y_train`, with optional `x_test` and `y_test`, are also read.

use std::io::Cursor;

use zip::ZipArchive;

use super::description::printable;
use super::error::Fault;
use super::npy::{self, Array};
use super::{Dataset, Shape, Split};

/// Names of the arrays: images and labels for training, then for testing.
const NAMES: [[Option<[&str; 2]>; 2]; 2] = [
    [Some(["images", "labels"]), None],
    [Some(["x_train", "y_train"]), Some(["x_test", "y_test"])],
];
/// Largest number of names from an archive in a message.
const MOST_NAMES: usize = 10;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads a data set from the bytes of an archive.
///
/// # Errors
/// A [`Fault`] in the archive.
pub fn dataset(bytes: &[u8], name: String) -> Result<Dataset, Fault> {
    let archive = ZipArchive::new(Cursor::new(bytes));
    let mut archive = archive.map_err(|error| Fault::new("file", "a zip archive (.npz)", error))?;
    let has = |name: &str| archive.index_for_name(&file_name(name)).is_some();
    let is_there =
        |[train, _]: &&[Option<[&str; 2]>; 2]| train.is_some_and(|[images, _]| has(images));
    let mut found = NAMES.iter().filter(is_there);
    let (Some([Some(train), test]), None) = (found.next(), found.next()) else {
        let wanted = "either images.npy and labels.npy, or x_train.npy and y_train.npy";
        return Err(Fault::new("arrays", wanted, names(&archive)));
    };
    let test = test.filter(|names| names.iter().any(|name| has(name)));
    let train = split(&mut archive, *train)?;
    let test = test.map(|names| split(&mut archive, names)).transpose()?;
    Dataset::new(name, None, train, test)
}

fn file_name(array: &str) -> String {
    format!("{array}.npy")
}

fn names(archive: &Archive) -> String {
    let names = archive.file_names_raw().take(MOST_NAMES);
    let names: Vec<_> = names
        .map(|name| printable(&String::from_utf8_lossy(name)))
        .collect();
    match archive.len() {
        0 => "nothing".to_owned(),
        count if count > MOST_NAMES => format!("{}, ... ({count})", names.join(", ")),
        _ => names.join(", "),
    }
}

fn split(archive: &mut Archive, [images, labels]: [&str; 2]) -> Result<Split, Fault> {
    let (images_file, labels_file) = (file_name(images), file_name(labels));
    let pixels = array(archive, &images_file)?;
    let shape = image_shape(&pixels.shape).map_err(|fault| fault.within(&images_file))?;
    let pixels = pixels
        .into_pixels()
        .map_err(|fault| fault.within(&images_file))?;
    let labels = array(archive, &labels_file)?.into_labels();
    let labels = labels.map_err(|fault| fault.within(&labels_file))?;
    Split::new(shape, pixels, labels).map_err(|fault| fault.within(images))
}

fn array(archive: &mut Archive, file: &str) -> Result<Array, Fault> {
    if archive.index_for_name(file).is_none() {
        return Err(Fault::new("arrays", file, names(archive)));
    }
    match archive.by_name(file) {
        Ok(entry) => npy::read(entry).map_err(|fault| fault.within(file)),
        Err(error) => Err(Fault::new(file, "a stored or deflated file", error)),
    }
}

/// Shape of the images in an array `[N, H, W]` or `[N, C, H, W]`.
fn image_shape(sides: &[u64]) -> Result<Shape, Fault> {
    let refused = |wanted: &str| Err(Fault::new("shape", wanted, format!("{sides:?}")));
    let (channels, rows, columns) = match *sides {
        [_, rows, columns] => (1, rows, columns),
        [_, channels, rows, columns] => (channels, rows, columns),
        _ => return refused("[N, H, W] or [N, C, H, W]"),
    };
    // Keras has another order of axes. In our order, every row would be standardised as a channel.
    if [1, 3, 4].contains(&columns) && channels > 4 {
        return refused("[N, C, H, W]: numpy.moveaxis(images, -1, 1) puts the channels first");
    }
    let small = |side: u64| u32::try_from(side).ok();
    match (small(channels), small(rows), small(columns)) {
        (Some(channels), Some(rows), Some(columns)) => Ok(Shape {
            channels,
            rows,
            columns,
        }),
        _ => refused("sides below 2^32"),
    }
}
