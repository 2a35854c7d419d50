//! Data sets: they are found, checked byte by byte, and read.
//!
//! Data flows one way: a path or the embedded assets -> the bytes of its files -> checked pixels and labels ->
//! [`Dataset`] -> [`ImageSet`]. [`load`] recognises these formats:
//!
//! - `idx`: a directory of IDX files with MNIST's names, raw or `.gz`, of any counts and sizes;
//! - `npz`: one file of NumPy arrays, images and labels; `npy` reads one array;
//! - `cifar`: the binary directories of CIFAR-10 and CIFAR-100.
//!
//! A new format is one more such file and a line in [`load`]. The other files are:
//!
//! - `file`: regular files of a bounded size.
//! - `mnist`: recognises the published MNIST; the `mnist` crate reads a raw directory of its size.
//! - `embedded`: the MNIST training set inside the library.
//! - `description`: name, shape and classes, which a run stores.
//! - `statistics`: mean and standard deviation of each channel.
//! - `images`: a data set as a device holds it.
//! - `error`: errors of data sets and files.

mod cifar;
mod description;
#[cfg(feature = "embedded-mnist")]
mod embedded;
mod error;
mod file;
mod idx;
mod images;
mod mnist;
#[cfg(feature = "npz")]
mod npy;
#[cfg(feature = "npz")]
mod npz;
mod statistics;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use description::{check_shape, printable};

pub use description::{Description, Shape};
#[cfg(feature = "embedded-mnist")]
pub use embedded::embedded;
pub use error::{DataError, Fault};
pub use images::ImageSet;
pub use statistics::Statistics;

/// Readers of every format, on bytes, for the fuzzer.
#[doc(hidden)]
pub mod parse {
    pub use super::cifar::{Kind as CifarKind, records as cifar};
    pub use super::idx::{gunzip as idx_gz, images as idx_images, labels as idx_labels};
    #[cfg(feature = "npz")]
    pub use super::npy::array as npy;
    #[cfg(feature = "npz")]
    pub use super::npz::dataset as npz;
}

/// Largest size of a file, and of a decompressed file: 2 GiB, in bytes.
pub(crate) const LARGEST: u64 = 1 << 31;

/// Images with labels, in the order of the files: for training, and optionally for testing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name: "MNIST" for the published files, otherwise the name of the directory, or of the file without `.npz`.
    pub name: String,
    /// Number of classes: the largest label plus 1, or the number that the format defines.
    pub classes: u32,
    /// The training examples.
    pub train: Split,
    /// The test examples. They have the same shape, and labels below `classes`.
    pub test: Option<Split>,
}

/// Images and their labels.
#[derive(Clone, PartialEq)]
pub struct Split {
    /// Shape of every image; no side is 0.
    pub shape: Shape,
    /// Pixels `[count, channels, rows, columns]`.
    pub pixels: Pixels,
    /// Labels `[count]`.
    pub labels: Vec<u32>,
}

/// Prints the number of examples, not the millions of pixels.
impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split")
            .field("shape", &self.shape)
            .field("count", &self.labels.len())
            .finish_non_exhaustive()
    }
}

/// Values of pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// Values from 0 to 255; 255 is 1 on the scale of [`Statistics`].
    Bytes(Vec<u8>),
    /// Finite values on their own scale.
    Floats(Vec<f32>),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(pixels) => pixels.len(),
            Self::Floats(pixels) => pixels.len(),
        }
    }
}

/// Loads a data set: a `.npz` file, or a directory of IDX files or of CIFAR-10's or CIFAR-100's binary files. The
/// README's section on data describes the content of each.
///
/// # Errors
/// A [`DataError`] for the first fault found. Nothing is loaded in part.
///
/// # Panics
/// The `mnist` crate panics if raw files of the published MNIST's size change or vanish between their check and their
/// reading.
pub fn load(path: &Path) -> Result<Dataset, DataError> {
    let metadata = fs::metadata(path).map_err(|source| DataError::unreadable(path, source))?;
    let name = name_of(path);
    let dataset = if metadata.is_dir() {
        load_directory(path, name)
    } else {
        load_file(path, name)
    };
    dataset.map(mnist::named)
}

fn load_directory(path: &Path, name: String) -> Result<Dataset, DataError> {
    let known: [(&[&str], Load); 3] = [
        (&idx::NAMES, idx::load),
        (&[cifar::CIFAR_10], cifar::load_10),
        (&[cifar::CIFAR_100], cifar::load_100),
    ];
    let is_there =
        |(names, _): &&(&[&str], Load)| names.iter().any(|name| path.join(name).exists());
    let found: Vec<_> = known.iter().filter(is_there).collect();
    match found[..] {
        [(_, load)] => load(path, name),
        _ => {
            let names = |(names, _): &&(&[&str], Load)| names[0].to_owned();
            let wanted = format!(
                "one of {} (or .gz), {} and {}",
                idx::NAMES[0],
                cifar::CIFAR_10,
                cifar::CIFAR_100
            );
            let found = match found[..] {
                [] => "none".to_owned(),
                _ => found.iter().map(names).collect::<Vec<_>>().join(" and "),
            };
            Err(Fault::new("training files", wanted, found).of(path))
        }
    }
}

type Load = fn(&Path, String) -> Result<Dataset, DataError>;

#[cfg(feature = "npz")]
fn load_file(path: &Path, name: String) -> Result<Dataset, DataError> {
    let bytes = file::read(path)?;
    npz::dataset(&bytes, name).map_err(|fault| fault.of(path))
}

#[cfg(not(feature = "npz"))]
fn load_file(path: &Path, _name: String) -> Result<Dataset, DataError> {
    let wanted = "a directory, because this build does not read .npz";
    Err(Fault::new("data", wanted, "a file").of(path))
}

/// Name of the directory, or of the file without its `.npz`.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_npz = whole
        .extension()
        .is_some_and(|extension| extension == "npz");
    let name = if is_npz {
        whole.file_stem()
    } else {
        whole.file_name()
    };
    let name = name.map(|name| printable(&name.to_string_lossy()));
    name.unwrap_or_else(|| "data".to_owned())
}

impl Split {
    /// Checks everything that a format does not guarantee.
    fn new(shape: Shape, pixels: Pixels, labels: Vec<u32>) -> Result<Self, Fault> {
        let each = check_shape(shape)? as usize;
        if labels.is_empty() {
            return Err(Fault::new("number of images", "1 or more", 0));
        }
        if u32::try_from(labels.len()).is_err() {
            let wanted = "fewer than 2^32";
            return Err(Fault::new("number of images", wanted, labels.len()));
        }
        let wanted = each as u128 * labels.len() as u128;
        if pixels.len() as u128 != wanted {
            let images = pixels.len() / each;
            return Err(Fault::new(
                "labels",
                format!("{images}, one for each image"),
                labels.len(),
            ));
        }
        if let Pixels::Floats(values) = &pixels
            && let Some(at) = values.iter().position(|value| !value.is_finite())
        {
            let found = format!("{} in image {}", values[at], at / each);
            return Err(Fault::new("pixels", "finite numbers", found));
        }
        Ok(Self {
            shape,
            pixels,
            labels,
        })
    }
}

impl Dataset {
    /// Creates a data set from its splits, with `classes` classes, or with as many as the largest label requires.
    fn new(
        name: String,
        classes: Option<u32>,
        train: Split,
        test: Option<Split>,
    ) -> Result<Self, Fault> {
        if let Some(test) = &test
            && test.shape != train.shape
        {
            let wanted = format!("{}, as for training", train.shape);
            return Err(Fault::new("shape of a test image", wanted, test.shape));
        }
        let labels = || {
            let test = test.iter().flat_map(|split| &split.labels);
            train.labels.iter().chain(test)
        };
        let highest = labels().copied().max().unwrap_or(0);
        let Some(found) = highest.checked_add(1) else {
            return Err(Fault::new("labels", "below 2^32 - 1", highest));
        };
        if labels().min() == labels().max() {
            let found = format!("only {highest}");
            return Err(Fault::new("labels", "two classes or more", found));
        }
        Ok(Self {
            name,
            classes: classes.unwrap_or(found),
            train,
            test,
        })
    }

    /// Description of the data set, which a run stores.
    pub fn description(&self) -> Description {
        Description {
            name: self.name.clone(),
            shape: self.train.shape,
            classes: self.classes,
        }
    }
}

/// Path of a file in `directory`, raw or with `.gz` appended; `None` if neither exists.
fn raw_or_compressed(directory: &Path, name: &str) -> Option<(PathBuf, bool)> {
    let raw = directory.join(name);
    let compressed = directory.join(format!("{name}.gz"));
    let found = |path: PathBuf, is_compressed| path.exists().then_some((path, is_compressed));
    found(raw, false).or_else(|| found(compressed, true))
}
