//! IDX files, the format of MNIST (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"): big-endian
//! `u32` fields, then bytes.
//!
//! Images: magic `0x00000803`, count, rows, columns, then the pixels `[count, rows, columns]`. Labels: magic
//! `0x00000801`, count, then the labels `[count]`.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::{DataError, Fault};
use super::{Dataset, LARGEST, Pixels, Shape, Split, file, mnist, raw_or_compressed};

/// Names of the file of training images: one of them must exist.
pub(super) const NAMES: [&str; 2] = ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"];
/// Names of the files: images and labels for training, and for testing.
pub(super) const FILES: [[&str; 2]; 2] = [
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
    ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
];

const GZIP_MAGIC: u32 = 0x1f8b;

/// Content of a file: images or labels.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Images,
    Labels,
}

impl Kind {
    fn magic(self) -> u32 {
        match self {
            Self::Images => 0x0000_0803,
            Self::Labels => 0x0000_0801,
        }
    }

    fn header_bytes(self) -> usize {
        match self {
            Self::Images => 16,
            Self::Labels => 8,
        }
    }
}

/// Sides in a header: the count, and for images also rows and columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) count: u32,
    /// 1 x 1 for labels.
    pub(super) shape: Shape,
    /// Number of bytes after the header.
    body: u64,
}

impl Header {
    fn new(kind: Kind, bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() < kind.header_bytes() {
            return Err(Fault::new(
                "header",
                format!("{} bytes", kind.header_bytes()),
                bytes.len(),
            ));
        }
        let field = |index: usize| {
            let bytes = &bytes[4 * index..4 * index + 4];
            bytes.iter().fold(0, |value, b| value << 8 | u32::from(*b))
        };
        if field(0) != kind.magic() {
            let is_gzip = field(0) >> 16 == GZIP_MAGIC;
            let hint = if is_gzip {
                " (a gzip file? then its name must end in .gz)"
            } else {
                ""
            };
            return Err(Fault::new(
                "magic number",
                format!("{:#010x}", kind.magic()),
                format!("{:#010x}{hint}", field(0)),
            ));
        }
        let (rows, columns) = match kind {
            Kind::Images => (field(2), field(3)),
            Kind::Labels => (1, 1),
        };
        let (count, channels) = (field(1), 1);
        let product = u128::from(count) * u128::from(rows) * u128::from(columns);
        if product == 0 {
            let found = format!("{count} of {rows} x {columns} pixels");
            return Err(Fault::new("images", "one or more, of 1 x 1 or more", found));
        }
        let body = u64::try_from(product).ok().filter(|body| *body < LARGEST);
        let Some(body) = body else {
            let wanted = format!("fewer than {LARGEST} bytes");
            return Err(Fault::new("size by the header", wanted, product));
        };
        let shape = Shape {
            channels,
            rows,
            columns,
        };
        Ok(Self { count, shape, body })
    }
}

/// Reason for which bytes cannot be read.
enum Failure {
    Fault(Fault),
    /// Failure of the reader, with the number of bytes before it.
    Read(u64, io::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Reads the header and the bytes that it announces. One more byte is tried, to see whether the file is too long.
fn read(kind: Kind, mut reader: impl Read) -> Result<(Header, Vec<u8>), Failure> {
    let head = kind.header_bytes() as u64;
    let mut bytes = Vec::new();
    take(&mut reader, head, &mut bytes, 0)?;
    let header = Header::new(kind, &bytes)?;
    bytes.clear();
    take(&mut reader, header.body + 1, &mut bytes, head)?;
    check_size(head + header.body, head + bytes.len() as u64)?;
    Ok((header, bytes))
}

/// Checks the number of bytes; a `found` above `wanted` may be too large by one or by the complete rest.
fn check_size(wanted: u64, found: u64) -> Result<(), Fault> {
    let found = match found {
        found if found == wanted => return Ok(()),
        found if found < wanted => format!("the end after {found}"),
        _ => "more".to_owned(),
    };
    let wanted = format!("{wanted} bytes");
    Err(Fault::new("size by the header", wanted, found))
}

fn take(
    reader: &mut impl Read,
    limit: u64,
    bytes: &mut Vec<u8>,
    before: u64,
) -> Result<(), Failure> {
    match reader.take(limit).read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Read(before + bytes.len() as u64, error)),
    }
}

/// Reads the images of a complete file: their shape, and pixels `[count, rows, columns]`.
///
/// # Errors
/// A [`Fault`] in the file.
pub fn images(bytes: &[u8]) -> Result<(Shape, Vec<u8>), Fault> {
    parse(Kind::Images, bytes).map(|(header, pixels)| (header.shape, pixels))
}

/// Reads the labels of a complete file.
///
/// # Errors
/// A [`Fault`] in the file.
pub fn labels(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    parse(Kind::Labels, bytes).map(|(_, labels)| labels)
}

fn parse(kind: Kind, bytes: &[u8]) -> Result<(Header, Vec<u8>), Fault> {
    read(kind, bytes).map_err(|failure| match failure {
        Failure::Fault(fault) => fault,
        Failure::Read(after, error) => damaged("bytes", after, &error),
    })
}

/// Reads the images of a complete compressed file.
///
/// # Errors
/// A [`Fault`] in the file.
pub fn gunzip(bytes: &[u8]) -> Result<(Shape, Vec<u8>), Fault> {
    let read = read_compressed(Kind::Images, bytes);
    let (header, pixels) = read.map_err(|failure| match failure {
        Failure::Fault(fault) => fault,
        Failure::Read(after, error) => damaged("gzip", after, &error),
    })?;
    Ok((header.shape, pixels))
}

/// Reads one gzip member to its end, where its checksum is, and checks that nothing follows.
fn read_compressed(kind: Kind, reader: impl BufRead) -> Result<(Header, Vec<u8>), Failure> {
    let mut decoder = GzDecoder::new(reader);
    let found = read(kind, &mut decoder)?;
    let mut rest = decoder.into_inner();
    let after = (kind.header_bytes() + found.1.len()) as u64;
    let next = rest
        .fill_buf()
        .map_err(|error| Failure::Read(after, error))?;
    match next.first() {
        None => Ok(found),
        Some(byte) => {
            let found = format!("byte {byte:#04x}");
            Err(Fault::new("after the gzip member", "the end of the file", found).into())
        }
    }
}

fn damaged(what: &str, after: u64, error: &io::Error) -> Fault {
    let found = format!("a fault after {after} bytes ({error})");
    Fault::new(what, "whole data", found)
}

/// Reads one of the files, raw or compressed.
fn from_file(kind: Kind, path: &Path, is_compressed: bool) -> Result<(Header, Vec<u8>), DataError> {
    let (opened, _) = file::open(path)?;
    let reader = BufReader::new(opened);
    let found = match is_compressed {
        true => read_compressed(kind, reader),
        false => read(kind, reader),
    };
    found.map_err(|failure| match failure {
        Failure::Fault(fault) => fault.of(path),
        // Errors of the operating system have a code, and those of the decompressor have none.
        Failure::Read(_, error) if error.raw_os_error().is_some() => {
            DataError::unreadable(path, error)
        }
        Failure::Read(after, error) => damaged("gzip", after, &error).of(path),
    })
}

/// Reads the header of a raw file, and its labels if it is a file of labels.
pub(super) fn header(kind: Kind, path: &Path) -> Result<(Header, Vec<u8>), DataError> {
    if kind == Kind::Labels {
        return from_file(kind, path, false);
    }
    let (opened, size) = file::open(path)?;
    let mut bytes = Vec::new();
    let mut start = opened.take(kind.header_bytes() as u64);
    let read = start.read_to_end(&mut bytes);
    read.map_err(|source| DataError::unreadable(path, source))?;
    let header = Header::new(kind, &bytes).map_err(|fault| fault.of(path))?;
    let wanted = kind.header_bytes() as u64 + header.body;
    check_size(wanted, size).map_err(|fault| fault.of(path))?;
    Ok((header, Vec::new()))
}

/// Loads a directory of IDX files. The test files may be absent.
pub(super) fn load(directory: &Path, name: String) -> Result<Dataset, DataError> {
    if let Some(dataset) = mnist::read_published(directory, &name)? {
        return Ok(dataset);
    }
    let [train, test] = FILES;
    let has_test = test
        .iter()
        .any(|name| raw_or_compressed(directory, name).is_some());
    let train = split(directory, train)?;
    let test = has_test.then(|| split(directory, test)).transpose()?;
    Dataset::new(name, None, train, test).map_err(|fault| fault.of(directory))
}

fn split(directory: &Path, [images, labels]: [&str; 2]) -> Result<Split, DataError> {
    let found = |kind, name: &str| match raw_or_compressed(directory, name) {
        Some((path, is_compressed)) => from_file(kind, &path, is_compressed),
        None => {
            let wanted = format!("{name} or {name}.gz");
            Err(Fault::new("files", wanted, "neither").of(directory))
        }
    };
    let (header, pixels) = found(Kind::Images, images)?;
    let (_, own) = found(Kind::Labels, labels)?;
    let own = own.into_iter().map(u32::from).collect();
    let split = Split::new(header.shape, Pixels::Bytes(pixels), own);
    split.map_err(|fault| fault.within(labels).of(directory))
}
