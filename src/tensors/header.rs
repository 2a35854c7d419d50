//! The header of a safetensors file. The crate adds up offsets without a check for overflow, and does not distinguish files
//! that are too short from files that are too long. So a file's length is compared with its header before the crate reads it.

use std::io::{self, Read};

use safetensors::tensor::Metadata;

/// The crate reads no longer header.
const LONGEST_HEADER: u64 = 100_000_000;

/// A fault of a header, or of the length that it states.
#[derive(Debug)]
pub(crate) enum HeaderError {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// The file begins with something else.
    NotSafetensors(String),
    /// The file ends within its header, which ends after so many bytes.
    Cut(u128),
    /// The file has another number of bytes than this, which its header states.
    Length(u128),
}

/// Reads the header of a file of `size` bytes, and checks that the file has the length that the header states. The format:
/// the header's length n (u64, little-endian), n bytes of JSON, the elements.
pub(crate) fn read_header(mut file: impl Read, size: u64) -> Result<Metadata, HeaderError> {
    let mut length = [0; 8];
    if size < 8 {
        return Err(HeaderError::Cut(8));
    }
    file.read_exact(&mut length)
        .map_err(HeaderError::Unreadable)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER {
        let fault = "header too large".to_owned();
        return Err(HeaderError::NotSafetensors(fault));
    }
    if size - 8 < length {
        return Err(HeaderError::Cut(8 + u128::from(length)));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)
        .map_err(HeaderError::Unreadable)?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| HeaderError::NotSafetensors(error.to_string()))?;
    let wanted = 8 + u128::from(length) + metadata.data_len() as u128;
    if wanted == u128::from(size) {
        Ok(metadata)
    } else {
        Err(HeaderError::Length(wanted))
    }
}
