//! The bytes of a checkpoint's file, with its checksum.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Deserialize;

use super::tensors::{Tensor, Tensors};
use super::{FORMAT, Standing};
use crate::experiment::directory::DirectoryError;
use crate::tensors::{HeaderError, read_header};

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
    let metadata = &read_metadata(path, bytes, bytes.len() as u64)?;
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
    Ok((standing(path, metadata)?, tensors))
}

/// Reads the header of the checkpoint at `path` of `size` bytes. What the tensors hold is not looked at.
///
/// # Errors
/// Returns an error where the header is damaged, the file has another length than it states, is not a checkpoint, or has
/// another format.
pub(in crate::experiment) fn read_standing(
    path: &Path,
    file: impl Read,
    size: u64,
) -> Result<Standing, DirectoryError> {
    standing(path, &read_metadata(path, file, size)?)
}

fn standing(path: &Path, metadata: &str) -> Result<Standing, DirectoryError> {
    let standing = serde_json::from_str(metadata);
    standing.map_err(|error| DirectoryError::damaged(path, error.to_string()))
}

/// Reads what a file's header holds besides its tensors.
fn read_metadata(path: &Path, file: impl Read, size: u64) -> Result<String, DirectoryError> {
    let header = read_header(file, size).map_err(|error| match error {
        HeaderError::Unreadable(source) => DirectoryError::read(path, source),
        HeaderError::NotSafetensors(reason) => DirectoryError::damaged(path, reason),
        HeaderError::Cut(_) => DirectoryError::damaged(
            path,
            format!("it ends after {size} bytes, within its header"),
        ),
        HeaderError::Length(wanted) => {
            DirectoryError::damaged(path, format!("wanted {wanted} bytes, found {size}"))
        }
    })?;
    let metadata = header.metadata().as_ref();
    let metadata = metadata.and_then(|entries| entries.get(METADATA));
    let metadata = metadata.ok_or_else(|| DirectoryError::Foreign {
        path: path.to_owned(),
    })?;
    check_format(path, metadata)?;
    Ok(metadata.clone())
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
