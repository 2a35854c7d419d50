//! The bytes of a checkpoint's file, with its checksum.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use serde::Deserialize;

use super::tensors::{Tensor, Tensors};
use super::{FORMAT, Standing};
use crate::experiment::directory::DirectoryError;

const METADATA: &str = "trainable";
const CHECKSUM: &str = "checksum";

/// Encodes a checkpoint as the bytes of the file.
pub(in crate::experiment) fn encode(
    standing: &Standing,
    tensors: &Tensors,
) -> Result<Vec<u8>, SafeTensorError> {
    let metadata = serde_json::to_string(standing)?;
    let checksum = tensors.checksum(&metadata).to_le_bytes();
    let mut views = Vec::new();
    for (name, tensor) in &tensors.0 {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)?;
        views.push((name.as_str(), view));
    }
    views.push((CHECKSUM, TensorView::new(Dtype::U32, vec![1], &checksum)?));
    let metadata = HashMap::from([(METADATA.to_owned(), metadata)]);
    safetensors::serialize(views, Some(metadata))
}

/// Decodes the bytes of the file at `path`.
///
/// # Errors
/// Returns an error where the file is damaged, is not a checkpoint, or has another format.
pub(in crate::experiment) fn decode(
    path: &Path,
    bytes: &[u8],
) -> Result<(Standing, Tensors), DirectoryError> {
    let damaged = |reason: String| DirectoryError::damaged(path, reason);
    let header = header(bytes).map_err(damaged)?;
    let entries = header.metadata().as_ref();
    let Some(metadata) = entries.and_then(|entries| entries.get(METADATA)) else {
        return Err(DirectoryError::Foreign {
            path: path.to_owned(),
        });
    };
    check_format(path, metadata)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
    let tensor = |(name, view): (&str, TensorView<'_>)| {
        let tensor = Tensor {
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        };
        (name.to_owned(), tensor)
    };
    let mut tensors = Tensors(file.iter().map(tensor).collect());
    let checksum = tensors.0.remove(CHECKSUM);
    let wanted = tensors.checksum(metadata).to_le_bytes();
    if checksum.is_none_or(|found| found.bytes != wanted) {
        return Err(damaged("its checksum is another".to_owned()));
    }
    let standing = serde_json::from_str(metadata).map_err(|e| damaged(e.to_string()))?;
    Ok((standing, tensors))
}

/// Fails if the metadata has another format, whatever its other fields are.
fn check_format(path: &Path, metadata: &str) -> Result<(), DirectoryError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let found: Format = serde_json::from_str(metadata)
        .map_err(|error| DirectoryError::damaged(path, error.to_string()))?;
    if found.format == FORMAT {
        return Ok(());
    }
    Err(DirectoryError::Format {
        path: path.to_owned(),
        wanted: FORMAT,
        found: found.format,
    })
}

/// Returns the header of a safetensors file whose length is as long as the header states, or a text that names the fault.
/// The crate would add lengths that may overflow.
fn header(bytes: &[u8]) -> Result<Metadata, String> {
    let too_short = || format!("it ends after {} bytes, within its header", bytes.len());
    let (length, rest) = bytes.split_first_chunk().ok_or_else(too_short)?;
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok();
    let header = header
        .and_then(|length| rest.get(..length))
        .ok_or_else(too_short)?;
    let header: Metadata = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let wanted = 8 + u128::from(length) + header.data_len() as u128;
    if wanted != bytes.len() as u128 {
        return Err(format!("wanted {wanted} bytes, found {}", bytes.len()));
    }
    Ok(header)
}
