//! Reader of one NumPy array: `.npy`, versions 1 to 3 (NEP 1, "A Simple File Format for NumPy Arrays"). A file holds magic
//! and version, the header's length, the header (a Python dictionary), and the elements.
//!
//! Existing crates (npyz 0.9, ndarray-npy 0.10) multiply the sides that a file states without a check, so that a hostile
//! header overflows. They also bring a grammar for all of Python's literals, and this header has three fields.

use std::io::Read;

use super::error::Fault;
use super::{LARGEST, Pixels};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes of the longest header that is read. NumPy writes 128 for arrays without fields.
const LONGEST_HEADER: u32 = 1 << 16;

/// An array in C order.
#[derive(Debug)]
pub struct Array {
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// Type of the elements, such as "<f4".
    kind: String,
    /// Bytes of the elements.
    bytes: Vec<u8>,
}

/// Reads an array from the bytes of a file.
///
/// # Errors
/// A [`Fault`] in the file.
pub fn array(bytes: &[u8]) -> Result<Array, Fault> {
    read(bytes)
}

/// Reads an array and checks that nothing follows. It reads at most one byte beyond the length that the header states.
pub(super) fn read(mut reader: impl Read) -> Result<Array, Fault> {
    let start = take(&mut reader, 8)?;
    if start.len() < 8 || !start.starts_with(MAGIC) {
        let found = String::from_utf8_lossy(&start).escape_debug().to_string();
        let wanted = "\\u{93}NUMPY and a version";
        return Err(Fault::new("magic string", wanted, format!("{found:?}")));
    }
    let width = match start[6] {
        1 => 2,
        2 | 3 => 4,
        other => return Err(Fault::new("version of the format", "1 to 3", other)),
    };
    let length = take(&mut reader, width)?;
    let length = length.iter().rev();
    let length = length.fold(0, |value, byte| value << 8 | u32::from(*byte));
    if length > LONGEST_HEADER {
        let wanted = format!("{LONGEST_HEADER} at most");
        return Err(Fault::new("bytes of the header", wanted, length));
    }
    let text = take(&mut reader, length.into())?;
    let text = String::from_utf8_lossy(&text);
    let (kind, shape) = header(&text)?;
    let size = element_bytes(&kind)?;
    let count = shape
        .iter()
        .try_fold(size, |product: u64, side| product.checked_mul(*side));
    // A side of 0 can hide an overflow of the others, depending on their order. Both are refused.
    let wanted = count.filter(|bytes| *bytes <= LARGEST && !shape.contains(&0));
    let Some(wanted) = wanted else {
        let wanted = format!("sides of 1 or more, {LARGEST} bytes at most");
        return Err(Fault::new("shape", wanted, format!("{shape:?}")));
    };
    let bytes = take(&mut reader, wanted + 1)?;
    let found = bytes.len() as u64;
    if found != wanted {
        let found = match found < wanted {
            true => found.to_string(),
            false => "more".to_owned(),
        };
        return Err(Fault::new("bytes of the elements", wanted, found));
    }
    Ok(Array { shape, kind, bytes })
}

fn take(reader: &mut impl Read, limit: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    match reader.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let found = format!("a fault after {} bytes ({error})", bytes.len());
            Err(Fault::new("compressed data", "whole data", found))
        }
    }
}

/// Parses the header: the type of the elements, and the sides.
fn header(text: &str) -> Result<(String, Vec<u64>), Fault> {
    let refused = |name: &str, wanted: &str, found: &str| {
        let found: String = found.chars().take(40).collect();
        Fault::new(name, wanted, format!("{found:?}"))
    };
    let field = |name: &str| {
        let quoted = |quote: char| {
            let (_, rest) = text.split_once(&format!("{quote}{name}{quote}"))?;
            rest.trim_start().strip_prefix(':').map(str::trim_start)
        };
        match quoted('\'').or_else(|| quoted('"')) {
            Some(rest) => Ok(rest),
            None => Err(refused(name, "a field of the header", text)),
        }
    };
    let order = field("fortran_order")?;
    if order.starts_with("True") {
        let wanted = "False: numpy.ascontiguousarray makes it so";
        return Err(refused("fortran_order", wanted, "True"));
    }
    if !order.starts_with("False") {
        return Err(refused("fortran_order", "True or False", order));
    }
    let rest = field("descr")?;
    let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c));
    let kind = quote.and_then(|quote| rest[1..].split_once(quote));
    let Some((kind, _)) = kind else {
        return Err(refused("descr", "a type's name", rest));
    };
    let rest = field("shape")?;
    let sides = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let Some((sides, _)) = sides else {
        return Err(refused("shape", "a tuple", rest));
    };
    let sides = sides.trim().trim_end_matches(',');
    let sides = sides.split(',').map(|side| side.trim().parse());
    match sides.collect() {
        Ok(shape) => Ok((kind.to_owned(), shape)),
        Err(_) => Err(refused("shape", "a tuple of whole numbers", rest)),
    }
}

/// Size of an element of a type that this program reads: u8, f32 and integers.
fn element_bytes(kind: &str) -> Result<u64, Fault> {
    let unordered = kind.trim_start_matches(['<', '>', '|', '=']);
    match unordered {
        "u1" | "i1" => Ok(1),
        "u2" | "i2" => Ok(2),
        "u4" | "i4" | "f4" => Ok(4),
        "u8" | "i8" => Ok(8),
        _ => {
            let found: String = kind.chars().take(40).collect();
            let wanted = "u1, f4 or an integer type of 1, 2, 4 or 8 bytes";
            Err(Fault::new("type", wanted, format!("{found:?}")))
        }
    }
}

impl Array {
    fn is_big_endian(&self) -> bool {
        self.kind.starts_with('>')
    }

    /// Converts the elements to pixels: u8 or f32.
    pub(super) fn into_pixels(self) -> Result<Pixels, Fault> {
        let is_big_endian = self.is_big_endian();
        let float = |bytes: &[u8]| {
            let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
            match is_big_endian {
                true => f32::from_be_bytes(bytes),
                false => f32::from_le_bytes(bytes),
            }
        };
        match &self.kind[self.kind.len() - 2..] {
            "u1" => Ok(Pixels::Bytes(self.bytes)),
            "f4" => Ok(Pixels::Floats(self.bytes.chunks(4).map(float).collect())),
            _ => Err(Fault::new("type", "u1 or f4", self.kind)),
        }
    }

    /// Converts the elements to labels: integers on one axis, from 0 to below 2^32.
    pub(super) fn into_labels(self) -> Result<Vec<u32>, Fault> {
        if self.shape.len() != 1 {
            let found = format!("{:?}", self.shape);
            return Err(Fault::new("shape", "one axis", found));
        }
        let (letter, digit) = self.kind.split_at(self.kind.len() - 1);
        if letter.ends_with('f') {
            return Err(Fault::new("type", "an integer type", self.kind));
        }
        let size: usize = digit.parse().expect("the header's type has a size");
        let is_signed = letter.ends_with('i');
        let labels = self.bytes.chunks(size).enumerate().map(|(index, bytes)| {
            let number = integer(bytes, self.is_big_endian(), is_signed);
            u32::try_from(number).map_err(|_| {
                let found = format!("{number} at index {index}");
                Fault::new("labels", "0 or more, below 2^32", found)
            })
        });
        labels.collect()
    }
}

fn integer(bytes: &[u8], is_big_endian: bool, is_signed: bool) -> i128 {
    let push = |value, byte: &u8| value << 8 | i128::from(*byte);
    let value = match is_big_endian {
        true => bytes.iter().fold(0, push),
        false => bytes.iter().rev().fold(0, push),
    };
    let half = 1 << (8 * bytes.len() - 1);
    match is_signed && value >= half {
        true => value - 2 * half,
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = [MAGIC, &[1, 0], &(text.len() as u16).to_le_bytes()].concat();
        bytes.extend(text.bytes());
        bytes.extend(elements);
        bytes
    }

    #[test]
    fn integers_of_every_width_order_and_sign_are_read() {
        for (kind, bytes, wanted) in [
            ("|u1", vec![0, 200], vec![0, 200]),
            ("|i1", vec![0, 127], vec![0, 127]),
            ("<u2", vec![1, 2, 0, 0], vec![513, 0]),
            (">i2", vec![1, 2, 0, 0], vec![258, 0]),
            (
                "<i8",
                [vec![7, 0, 0, 1], vec![0; 4]].concat(),
                vec![0x0100_0007],
            ),
            (
                ">u8",
                [vec![0; 4], vec![1, 0, 0, 7]].concat(),
                vec![0x0100_0007],
            ),
        ] {
            let shape = format!("({},)", wanted.len());
            let found = array(&file(kind, &shape, &bytes)).unwrap().into_labels();
            assert_eq!(found, Ok(wanted), "{kind}");
        }
    }

    #[test]
    fn every_fault_says_what_was_wanted_and_what_was_found() {
        let good = file("|u1", "(2, 3)", &[0; 6]);
        array(&good).unwrap();
        let message = |bytes: &[u8]| array(bytes).unwrap_err().to_string();
        let cases = [
            (good[..6].to_vec(), "magic string: wanted"),
            (vec![0; 100], "magic string: wanted"),
            (
                [MAGIC, &[9, 0, 0, 0]].concat(),
                "version of the format: wanted 1 to 3, found 9",
            ),
            (
                [MAGIC, &[2, 0, 255, 255, 255, 255]].concat(),
                "bytes of the header: wanted 65536 at most, found 4294967295",
            ),
            (
                good[..20].to_vec(),
                "fortran_order: wanted a field of the header, found",
            ),
            (
                good[..good.len() - 1].to_vec(),
                "bytes of the elements: wanted 6, found 5",
            ),
            (
                [&good[..], &[0]].concat(),
                "bytes of the elements: wanted 6, found more",
            ),
            (
                file("<f8", "(1,)", &[0; 8]),
                "type: wanted u1, f4 or an integer type of",
            ),
            (
                file("|O", "(1,)", &[0; 8]),
                "type: wanted u1, f4 or an integer type of",
            ),
            (
                file("é", "(1,)", &[0; 8]),
                "type: wanted u1, f4 or an integer type of",
            ),
            (
                file("|u1", "(2, x)", &[0; 6]),
                "shape: wanted a tuple of whole numbers",
            ),
            (file("|u1", "7", &[0; 6]), "shape: wanted a tuple, found"),
            (
                file("|u1", "(-1,)", &[0; 6]),
                "shape: wanted a tuple of whole numbers",
            ),
            (
                file("|u1", "(0, 3)", &[]),
                "shape: wanted sides of 1 or more, 2147483648 bytes",
            ),
            // The product of these sides is 6 modulo 2^64.
            (
                file("|u1", "(4294967296, 4294967296, 6)", &[0; 6]),
                "shape: wanted sides of 1 or more, 2147483648 bytes",
            ),
            (
                file("|u1", "(1,)", &[0])
                    .iter()
                    .map(|b| if *b == b'F' { b'T' } else { *b })
                    .collect(),
                "fortran_order: wanted True or False",
            ),
        ];
        for (bytes, wanted) in cases {
            let found = message(&bytes);
            assert!(found.starts_with(wanted), "{found}");
        }
        let labels = |kind, bytes: &[u8]| {
            let array = array(&file(kind, "(1,)", bytes)).unwrap();
            array.into_labels().unwrap_err().to_string()
        };
        let wanted = "labels: wanted 0 or more, below 2^32, found -1 at index 0";
        assert_eq!(labels("<i4", &[255; 4]), wanted);
        assert_eq!(
            labels("<f4", &[0; 4]),
            "type: wanted an integer type, found <f4"
        );
    }
}
