//! The MNIST digits: found, checked byte by byte, then read by the `mnist` crate.
//!
//! Data flows one way: a directory or the embedded assets -> the bytes of four IDX files -> checked files -> a
//! private temporary directory of raw files -> [`mnist::MnistBuilder`] -> [`Dataset`]. The `mnist` crate panics on a
//! faulty file and does not see trailing bytes, so it is given only files that passed every check here.
//!
//! The IDX layout (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"): big-endian `u32` fields, then
//! bytes. Images: magic `0x00000803`, count, rows, columns, then the pixels `[count, rows, columns]`. Labels: magic
//! `0x00000801`, count, then the labels `[count]`.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use mnist::{Mnist, MnistBuilder};
use tempfile::TempDir;
use thiserror::Error;

/// Pixel rows in an image.
pub const ROWS: usize = 28;
/// Pixel columns in an image.
pub const COLS: usize = 28;
/// Pixels in an image.
pub const PIXELS: usize = ROWS * COLS;
/// Classes, the digits 0 to 9.
pub const CLASSES: usize = 10;
/// Mean of all training pixels on the `[0, 1]` scale (byte / 255). Source: `assets/mnist/README.md`.
pub const PIXEL_MEAN: f32 = 0.130_660_48;
/// Population standard deviation of all training pixels on the `[0, 1]` scale (byte / 255). Source:
/// `assets/mnist/README.md`.
pub const PIXEL_STD: f32 = 0.308_107_8;

const IMAGE_MAGIC: u32 = 0x0000_0803;
const LABEL_MAGIC: u32 = 0x0000_0801;
const GZIP_MAGIC: u32 = 0x1f8b;
const TRAIN_COUNT: usize = 60_000;
const TEST_COUNT: usize = 10_000;

/// The MNIST images and labels, as published: 60,000 for training and 10,000 for testing, in the files' order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The 60,000 training examples.
    pub train: Split,
    /// The 10,000 test examples.
    pub test: Split,
}

/// Images and their labels.
#[derive(Clone, PartialEq, Eq)]
pub struct Split {
    /// Pixels `[count, ROWS, COLS]`, row by row: 0 is background, 255 is full ink.
    pub images: Vec<u8>,
    /// Digits `[count]`, each 0 to 9.
    pub labels: Vec<u8>,
}

/// Prints the number of examples, not the millions of pixels.
impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split")
            .field("count", &self.labels.len())
            .finish_non_exhaustive()
    }
}

/// Why the MNIST files could not be loaded. Each message names the file, what was wanted and what was found; an
/// [`io::Error`] is kept as the source and is not repeated in the message.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The directory does not exist.
    #[error("{directory}: wanted a directory with the MNIST files, found nothing")]
    MissingDirectory {
        /// The path that was given.
        directory: PathBuf,
    },
    /// The path names something that is not a directory.
    #[error("{directory}: wanted a directory with the MNIST files, found something else")]
    NotADirectory {
        /// The path that was given.
        directory: PathBuf,
    },
    /// The directory holds the file neither raw nor compressed.
    #[error("{directory}: wanted {name} or {name}.gz, found neither")]
    Missing {
        /// The directory searched.
        directory: PathBuf,
        /// The raw file's name.
        name: &'static str,
    },
    /// The operating system would not open or read a path.
    #[error("{file}: wanted to read it, found that it cannot be read")]
    Unreadable {
        /// The path.
        file: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The first four bytes are not those of this kind of IDX file.
    #[error("{file}: wanted magic number {wanted:#010x}, found {found:#010x}{}", gzip_hint(*.found))]
    WrongMagic {
        /// The file.
        file: PathBuf,
        /// The magic number of this kind of file.
        wanted: u32,
        /// The first four bytes, big-endian.
        found: u32,
    },
    /// The header announces another number of examples.
    #[error("{file}: wanted a count of {wanted}, found {found}")]
    WrongCount {
        /// The file.
        file: PathBuf,
        /// Examples in the published file.
        wanted: u32,
        /// Examples according to the header.
        found: u32,
    },
    /// The header announces images of another size.
    #[error(
        "{file}: wanted images of {ROWS} x {COLS} pixels (rows x columns), found {rows} x {columns}"
    )]
    WrongImageSize {
        /// The file.
        file: PathBuf,
        /// Rows according to the header.
        rows: u32,
        /// Columns according to the header.
        columns: u32,
    },
    /// The file, or what it decompresses to, ends early.
    #[error("{file}: truncated, wanted {wanted} bytes, found {found}")]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Uncompressed bytes in the published file.
        wanted: usize,
        /// Uncompressed bytes found.
        found: usize,
    },
    /// The file, or what it decompresses to, goes on after the last example.
    #[error("{file}: trailing bytes, wanted {wanted} bytes, found at least {found}")]
    TrailingBytes {
        /// The file.
        file: PathBuf,
        /// Uncompressed bytes in the published file.
        wanted: usize,
        /// Uncompressed bytes read before giving up; the file may hold more.
        found: usize,
    },
    /// A label is not a digit.
    #[error("{file}: wanted labels 0 to 9, found {found} at index {index}")]
    LabelOutOfRange {
        /// The file.
        file: PathBuf,
        /// Index of the first such label.
        index: usize,
        /// The label.
        found: u8,
    },
    /// The gzip data ends early, is corrupt, fails its checksum or is not gzip at all.
    #[error(
        "{file}: damaged gzip, wanted {wanted} uncompressed bytes, found a fault after {found}"
    )]
    DamagedGzip {
        /// The file.
        file: PathBuf,
        /// Uncompressed bytes in the published file.
        wanted: usize,
        /// Bytes decompressed before the fault.
        found: usize,
        /// The decompressor's reason.
        source: io::Error,
    },
    /// The file goes on after its gzip member.
    #[error("{file}: wanted the end of the file after its gzip member, found byte {found:#04x}")]
    BytesAfterGzip {
        /// The file.
        file: PathBuf,
        /// The first byte after the gzip member.
        found: u8,
    },
    /// The temporary directory could not be made.
    #[error("{parent}: wanted to make a temporary directory in it, found that it cannot be made")]
    TemporaryDirectory {
        /// Where the temporary directory was to be.
        parent: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file could not be written in the temporary directory.
    #[error(
        "{file}: wanted to write {wanted} bytes to this temporary file, found that it cannot be written"
    )]
    TemporaryFile {
        /// The temporary file.
        file: PathBuf,
        /// Bytes to write.
        wanted: usize,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The temporary directory's path is not UTF-8, which the `mnist` crate needs.
    #[error("{directory}: wanted a temporary directory with a UTF-8 path, found one without")]
    TemporaryPathNotUtf8 {
        /// The temporary directory.
        directory: PathBuf,
    },
}

fn gzip_hint(magic: u32) -> &'static str {
    if magic >> 16 == GZIP_MAGIC {
        " (a gzip file? then its name must end in .gz)"
    } else {
        ""
    }
}

/// Loads MNIST from the four files with their published names in `directory`, each raw or with `.gz` appended; where
/// both exist the raw one is read.
///
/// # Errors
/// A [`DataError`] for the first fault found; nothing is loaded in part.
///
/// # Panics
/// Only if the operating system fails to read back the temporary files just written, inside the `mnist` crate.
pub fn load(directory: &Path) -> Result<Dataset, DataError> {
    require_directory(directory)?;
    let files = FILES
        .iter()
        .map(|layout| from_directory(layout, directory))
        .collect::<Result<_, _>>()?;
    read_with_mnist(files, &std::env::temp_dir())
}

/// Loads the MNIST files compiled into the program from `assets/mnist/`.
///
/// # Errors
/// A [`DataError`] if the temporary directory cannot be used, or if the assets were damaged when this was compiled.
///
/// # Panics
/// As [`load`].
#[cfg(feature = "embedded-mnist")]
pub fn embedded() -> Result<Dataset, DataError> {
    let files = FILES
        .iter()
        .zip(EMBEDDED)
        .map(|(layout, compressed)| from_asset(layout, compressed))
        .collect::<Result<_, _>>()?;
    read_with_mnist(files, &std::env::temp_dir())
}

/// What one of the published files must be.
struct Layout {
    name: &'static str,
    kind: Kind,
    count: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Images,
    Labels,
}

const FILES: [Layout; 4] = [
    Layout {
        name: "train-images-idx3-ubyte",
        kind: Kind::Images,
        count: TRAIN_COUNT,
    },
    Layout {
        name: "train-labels-idx1-ubyte",
        kind: Kind::Labels,
        count: TRAIN_COUNT,
    },
    Layout {
        name: "t10k-images-idx3-ubyte",
        kind: Kind::Images,
        count: TEST_COUNT,
    },
    Layout {
        name: "t10k-labels-idx1-ubyte",
        kind: Kind::Labels,
        count: TEST_COUNT,
    },
];

#[cfg(feature = "embedded-mnist")]
macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/mnist/", $name))
    };
}

/// The compressed files, in the order of [`FILES`].
#[cfg(feature = "embedded-mnist")]
const EMBEDDED: [&[u8]; 4] = [
    asset!("train-images-idx3-ubyte.gz"),
    asset!("train-labels-idx1-ubyte.gz"),
    asset!("t10k-images-idx3-ubyte.gz"),
    asset!("t10k-labels-idx1-ubyte.gz"),
];

impl Layout {
    fn magic(&self) -> u32 {
        match self.kind {
            Kind::Images => IMAGE_MAGIC,
            Kind::Labels => LABEL_MAGIC,
        }
    }

    fn header_bytes(&self) -> usize {
        match self.kind {
            Kind::Images => 16,
            Kind::Labels => 8,
        }
    }

    /// Bytes of the whole raw file.
    fn bytes(&self) -> usize {
        let example = match self.kind {
            Kind::Images => PIXELS,
            Kind::Labels => 1,
        };
        self.header_bytes() + self.count * example
    }

    fn compressed_name(&self) -> String {
        format!("{}.gz", self.name)
    }
}

fn require_directory(directory: &Path) -> Result<(), DataError> {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DataError::NotADirectory {
            directory: directory.into(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DataError::MissingDirectory {
            directory: directory.into(),
        }),
        Err(error) => Err(unreadable(directory, error)),
    }
}

fn from_directory(layout: &Layout, directory: &Path) -> Result<Checked, DataError> {
    let raw = directory.join(layout.name);
    if let Some(reader) = open(&raw)? {
        let bytes = read_raw(&raw, reader, layout.bytes())?;
        return check(layout, &raw, bytes);
    }
    let compressed = directory.join(layout.compressed_name());
    if let Some(reader) = open(&compressed)? {
        let bytes = gunzip(&compressed, BufReader::new(reader), layout.bytes())?;
        return check(layout, &compressed, bytes);
    }
    Err(DataError::Missing {
        directory: directory.into(),
        name: layout.name,
    })
}

#[cfg(feature = "embedded-mnist")]
fn from_asset(layout: &Layout, compressed: &[u8]) -> Result<Checked, DataError> {
    let file = Path::new("assets/mnist").join(layout.compressed_name());
    let bytes = gunzip(&file, compressed, layout.bytes())?;
    check(layout, &file, bytes)
}

/// `None` where there is no such file.
fn open(file: &Path) -> Result<Option<File>, DataError> {
    match File::open(file) {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(file, error)),
    }
}

fn unreadable(file: &Path, source: io::Error) -> DataError {
    DataError::Unreadable {
        file: file.into(),
        source,
    }
}

/// Up to `wanted + 1` bytes: one too many is enough to know that there are trailing bytes.
fn read_raw(file: &Path, reader: impl Read, wanted: usize) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::with_capacity(wanted + 1);
    reader
        .take(wanted as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(file, error))?;
    Ok(bytes)
}

/// Up to `wanted + 1` decompressed bytes, so that a file that decompresses to far more costs no more memory or time.
fn gunzip(file: &Path, reader: impl BufRead, wanted: usize) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::with_capacity(wanted + 1);
    let mut decoder = GzDecoder::new(reader).take(wanted as u64 + 1);
    if let Err(error) = decoder.read_to_end(&mut bytes) {
        return Err(gunzip_error(file, wanted, bytes.len(), error));
    }
    let reached_end = bytes.len() <= wanted;
    if reached_end {
        require_end(file, decoder.into_inner().into_inner())?;
    }
    Ok(bytes)
}

/// The operating system's errors have a code; the decompressor's own have none.
fn gunzip_error(file: &Path, wanted: usize, found: usize, source: io::Error) -> DataError {
    if source.raw_os_error().is_some() {
        return unreadable(file, source);
    }
    DataError::DamagedGzip {
        file: file.into(),
        wanted,
        found,
        source,
    }
}

fn require_end(file: &Path, mut reader: impl BufRead) -> Result<(), DataError> {
    let rest = reader.fill_buf().map_err(|error| unreadable(file, error))?;
    match rest.first() {
        None => Ok(()),
        Some(&found) => Err(DataError::BytesAfterGzip {
            file: file.into(),
            found,
        }),
    }
}

/// A raw file that the `mnist` crate reads without a fault. Made only by [`check`].
struct Checked {
    name: &'static str,
    bytes: Vec<u8>,
}

/// Checks the header before the length, so that another data set's file is called that, and not too long.
fn check(layout: &Layout, file: &Path, bytes: Vec<u8>) -> Result<Checked, DataError> {
    if bytes.len() < layout.header_bytes() {
        return Err(truncated(layout, file, bytes.len()));
    }
    check_header(layout, file, &bytes)?;
    check_length(layout, file, bytes.len())?;
    if layout.kind == Kind::Labels {
        check_labels(file, &bytes[layout.header_bytes()..])?;
    }
    Ok(Checked {
        name: layout.name,
        bytes,
    })
}

fn check_header(layout: &Layout, file: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let (magic, count) = (header_field(bytes, 0), header_field(bytes, 1));
    if magic != layout.magic() {
        return Err(DataError::WrongMagic {
            file: file.into(),
            wanted: layout.magic(),
            found: magic,
        });
    }
    if count != layout.count as u32 {
        return Err(DataError::WrongCount {
            file: file.into(),
            wanted: layout.count as u32,
            found: count,
        });
    }
    match layout.kind {
        Kind::Images => check_image_size(file, header_field(bytes, 2), header_field(bytes, 3)),
        Kind::Labels => Ok(()),
    }
}

/// Big-endian field `index` of a header known to hold it.
fn header_field(bytes: &[u8], index: usize) -> u32 {
    bytes[4 * index..4 * index + 4]
        .iter()
        .fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn check_image_size(file: &Path, rows: u32, columns: u32) -> Result<(), DataError> {
    if (rows, columns) == (ROWS as u32, COLS as u32) {
        return Ok(());
    }
    Err(DataError::WrongImageSize {
        file: file.into(),
        rows,
        columns,
    })
}

fn check_length(layout: &Layout, file: &Path, found: usize) -> Result<(), DataError> {
    let wanted = layout.bytes();
    if found < wanted {
        return Err(truncated(layout, file, found));
    }
    if found > wanted {
        return Err(DataError::TrailingBytes {
            file: file.into(),
            wanted,
            found,
        });
    }
    Ok(())
}

fn truncated(layout: &Layout, file: &Path, found: usize) -> DataError {
    DataError::Truncated {
        file: file.into(),
        wanted: layout.bytes(),
        found,
    }
}

fn check_labels(file: &Path, labels: &[u8]) -> Result<(), DataError> {
    match labels
        .iter()
        .position(|&label| usize::from(label) >= CLASSES)
    {
        None => Ok(()),
        Some(index) => Err(DataError::LabelOutOfRange {
            file: file.into(),
            index,
            found: labels[index],
        }),
    }
}

/// Writes the files into a new temporary directory in `parent`, removed on return, and has the `mnist` crate read it.
fn read_with_mnist(files: Vec<Checked>, parent: &Path) -> Result<Dataset, DataError> {
    let directory = temporary_directory(parent)?;
    let path = utf8(directory.path())?;
    for file in files {
        write(&directory.path().join(file.name), &file.bytes)?;
    }
    Ok(dataset(MnistBuilder::new().base_path(path).finalize()))
}

fn temporary_directory(parent: &Path) -> Result<TempDir, DataError> {
    TempDir::new_in(parent).map_err(|source| DataError::TemporaryDirectory {
        parent: parent.into(),
        source,
    })
}

fn utf8(directory: &Path) -> Result<&str, DataError> {
    directory
        .to_str()
        .ok_or_else(|| DataError::TemporaryPathNotUtf8 {
            directory: directory.into(),
        })
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), DataError> {
    fs::write(file, bytes).map_err(|source| DataError::TemporaryFile {
        file: file.into(),
        wanted: bytes.len(),
        source,
    })
}

fn dataset(read: Mnist) -> Dataset {
    Dataset {
        train: Split {
            images: read.trn_img,
            labels: read.trn_lbl,
        },
        test: Split {
            images: read.tst_img,
            labels: read.tst_lbl,
        },
    }
}

/// The faults of the temporary directory, which a caller of [`load`] cannot bring about.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_needs_its_parent() {
        let root = TempDir::new().unwrap();
        let parent = root.path().join("absent");
        let error = read_with_mnist(Vec::new(), &parent).unwrap_err();
        assert!(matches!(error, DataError::TemporaryDirectory { .. }));
        assert!(error.to_string().contains("absent"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_temporary_path_must_be_utf8() {
        use std::os::unix::ffi::OsStrExt;
        let root = TempDir::new().unwrap();
        let parent = root.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        if fs::create_dir(&parent).is_err() {
            return; // some file systems take only UTF-8 names
        }
        let error = read_with_mnist(Vec::new(), &parent).unwrap_err();
        assert!(matches!(error, DataError::TemporaryPathNotUtf8 { .. }));
        assert!(error.to_string().contains("caf"), "{error}");
        assert!(error.to_string().contains("UTF-8"), "{error}");
    }

    #[test]
    fn a_temporary_file_must_be_writable() {
        let root = TempDir::new().unwrap();
        let file = root.path().join("absent").join("t10k-labels-idx1-ubyte");
        let error = write(&file, &[0; 3]).unwrap_err();
        assert!(matches!(error, DataError::TemporaryFile { wanted: 3, .. }));
        assert!(error.to_string().contains("t10k-labels-idx1-ubyte"));
        assert!(error.to_string().contains("3 bytes"), "{error}");
    }
}
