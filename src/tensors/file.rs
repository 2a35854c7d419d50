//! The tensors of a safetensors file.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{HeaderError, TensorError, read_header};
use crate::files::{self, LARGEST};

/// The bytes of a regular file.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, TensorError> {
    files::read(file, LARGEST).map_err(|source| TensorError::Unreadable {
        file: file.into(),
        source,
    })
}

/// The tensors of a file, with the file's name for messages.
pub(super) struct TensorFile<'data> {
    pub(super) file: &'data Path,
    tensors: SafeTensors<'data>,
}

impl<'data> TensorFile<'data> {
    pub(super) fn parse(file: &'data Path, bytes: &'data [u8]) -> Result<Self, TensorError> {
        check_length(file, bytes)?;
        match SafeTensors::deserialize(bytes) {
            Ok(tensors) => Ok(Self { file, tensors }),
            Err(fault) => Err(TensorError::NotSafetensors {
                file: file.into(),
                fault: fault.to_string(),
            }),
        }
    }

    /// The names of the tensors, sorted so that messages are the same every time.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = self.tensors.names();
        names.sort_unstable();
        names
    }

    pub(super) fn check_names(
        &self,
        wanted: &'static str,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<(), TensorError> {
        match self.names().into_iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(TensorError::Unexpected {
                file: self.file.into(),
                wanted,
                found: name.to_owned(),
            }),
        }
    }

    /// The tensor `name`, whose elements are of one of `types`.
    pub(super) fn typed(
        &self,
        name: &str,
        types: &[Dtype],
    ) -> Result<TensorView<'data>, TensorError> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return Err(self.missing(name.to_owned()));
        };
        if types.contains(&tensor.dtype()) {
            return Ok(tensor);
        }
        let wanted: Vec<_> = types.iter().map(Dtype::to_string).collect();
        Err(TensorError::WrongType {
            file: self.file.into(),
            name: name.to_owned(),
            wanted: wanted.join(" or "),
            found: tensor.dtype().to_string(),
        })
    }

    pub(super) fn missing(&self, name: String) -> TensorError {
        TensorError::Missing {
            file: self.file.into(),
            name,
            found: list(&self.names()),
        }
    }

    /// The elements of an F32 tensor, all finite.
    pub(super) fn finite(&self, name: &str, tensor: &TensorView) -> Result<Vec<f32>, TensorError> {
        let (words, _) = tensor.data().as_chunks();
        let elements: Vec<_> = words.iter().map(|w| f32::from_le_bytes(*w)).collect();
        check_finite(self.file, name, tensor.shape(), &elements)?;
        Ok(elements)
    }

    pub(super) fn wrong_shape(
        &self,
        name: &str,
        wanted: String,
        found: &TensorView,
    ) -> TensorError {
        TensorError::WrongShape {
            file: self.file.into(),
            name: name.to_owned(),
            wanted,
            found: found.shape().to_vec(),
        }
    }
}

/// Fails at the first element of a row-major tensor that is not finite.
pub(super) fn check_finite(
    file: &Path,
    name: &str,
    shape: &[usize],
    elements: &[f32],
) -> Result<(), TensorError> {
    match elements.iter().position(|element| !element.is_finite()) {
        None => Ok(()),
        Some(position) => Err(TensorError::NotFinite {
            file: file.into(),
            name: name.to_owned(),
            index: index_of(position, shape),
            found: elements[position],
        }),
    }
}

/// Fails unless the file is as long as its header states.
fn check_length(file: &Path, bytes: &[u8]) -> Result<(), TensorError> {
    let found = bytes.len();
    let file = file.to_owned();
    match read_header(bytes, found as u64) {
        Ok(_) => Ok(()),
        Err(HeaderError::Unreadable(source)) => Err(TensorError::Unreadable { file, source }),
        Err(HeaderError::NotSafetensors(fault)) => Err(TensorError::NotSafetensors { file, fault }),
        Err(HeaderError::Length(wanted)) if wanted < found as u128 => {
            Err(TensorError::TrailingBytes {
                file,
                wanted,
                found,
            })
        }
        Err(HeaderError::Cut(wanted) | HeaderError::Length(wanted)) => {
            Err(TensorError::Truncated {
                file,
                wanted,
                found,
            })
        }
    }
}

/// The first few names, quoted.
fn list(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|n| format!("{n:?}")).collect();
    match names.len() {
        0 => "no tensor at all".to_owned(),
        1..=SHOWN => format!("only {}", shown.join(", ")),
        all => format!("only {} and {} more", shown.join(", "), all - SHOWN),
    }
}

/// One index per dimension of the element at `position` in a row-major tensor.
fn index_of(position: usize, shape: &[usize]) -> Vec<usize> {
    let mut left = position;
    let mut index: Vec<_> = shape
        .iter()
        .rev()
        .map(|&dimension| {
            let index = left % dimension;
            left /= dimension;
            index
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{network_tensors, reading, serialized};
    use super::super::read_network;
    use super::*;
    use crate::network::Activation;

    #[test]
    fn a_file_must_be_there() {
        let error = read_network(Path::new("absent.safetensors"), Activation::Relu).unwrap_err();
        let message = "cannot read absent.safetensors";
        assert_eq!(error.to_string(), message);
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_file_must_be_safetensors() {
        let wanted = "FILE: wanted a safetensors file, found something else";
        for bytes in [
            &b"PK\x03\x04 and so on"[..],
            b"\x02\0\0\0\0\0\0\0[]",
            b"\0\0\0\0\0\0\0\0",
        ] {
            let found = reading(bytes, |file| read_network(file, Activation::Relu));
            let message = found.unwrap_err();
            assert!(message.starts_with(wanted), "{message}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_truncated() {
        let bytes = serialized(&network_tensors(Activation::Relu));
        for length in 0..bytes.len() {
            let cut = reading(&bytes[..length], |file| {
                read_network(file, Activation::Relu)
            });
            let message = cut.unwrap_err();
            assert!(message.starts_with("FILE: truncated, wanted "), "{message}");
            assert!(message.ends_with(&format!("found {length}")), "{message}");
        }
    }

    #[test]
    fn a_file_must_end_after_its_tensors() {
        let mut bytes = serialized(&network_tensors(Activation::Relu));
        bytes.push(0);
        let found = reading(&bytes, |file| read_network(file, Activation::Relu));
        let (wanted, found_bytes) = (bytes.len() - 1, bytes.len());
        let message = format!("FILE: trailing bytes, wanted {wanted} bytes, found {found_bytes}");
        assert_eq!(found.unwrap_err(), message);
    }

    #[test]
    fn a_damaged_byte_never_panics() {
        let bytes = serialized(&network_tensors(Activation::Relu));
        for position in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] ^= flip;
                let _ = reading(&damaged, |file| read_network(file, Activation::Relu));
            }
        }
    }

    /// Offsets that, added to the header's length, exceed 64 bits.
    #[test]
    fn sizes_that_overflow_are_refused() {
        let large = usize::MAX / 8;
        let mut entries = Vec::new();
        for index in 0..8_usize {
            let (start, end) = (index * large, (index + 1) * large);
            entries.push(format!(
                r#""t{index}":{{"dtype":"U8","shape":[{large}],"data_offsets":[{start},{end}]}}"#
            ));
        }
        let header = format!("{{{}}}", entries.join(","));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        let found = reading(&bytes, |file| read_network(file, Activation::Relu));
        let message = found.unwrap_err();
        assert!(message.starts_with("FILE: truncated, wanted "), "{message}");
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let wanted = r#"only "a", "b", "c", "d", "e", "f" and 2 more"#;
        assert_eq!(list(&names), wanted);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused() {
        let message = read_network(Path::new("/dev/zero"), Activation::Relu).unwrap_err();
        let wanted = "cannot read /dev/zero";
        assert_eq!(message.to_string(), wanted);
    }
}
