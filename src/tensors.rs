//! Networks and minibatches from safetensors files, checked before anything is computed.
//!
//! A network file holds `fc1.weight` `[out, in]`, `fc1.bias` `[out]`, `fc2.weight`, ... in F32, named
//! and laid out as PyTorch does; after a CReLU layer `in` is twice the previous `out`. A batch file
//! holds the inputs `x` `[B, in]` in F32 and the labels `y` `[B]` in I64, I32 or U8.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};

use crate::error::Error;
use crate::network::{Activation, LayerParameters, Network};

/// Why a file does not hold what was wanted. Every message names the file, the tensor where there is
/// one, what was wanted and what was found; a source is not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The operating system would not open or read the file.
    #[error("{file}: wanted to read it, found that it cannot be read")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The file ends before its header does, or before the tensors that the header lists.
    #[error("{file}: truncated, wanted {wanted} bytes at least, found {found}")]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Bytes that the header announces.
        wanted: u128,
        /// Bytes that are there.
        found: usize,
    },
    /// The file goes on after the last tensor.
    #[error("{file}: trailing bytes, wanted {wanted} bytes, found {found}")]
    TrailingBytes {
        /// The file.
        file: PathBuf,
        /// Bytes that the header announces.
        wanted: u128,
        /// Bytes that are there.
        found: usize,
    },
    /// The header is not one. The fault is no source: it already prints its own.
    #[error("{file}: wanted a safetensors file, found something else ({fault})")]
    NotSafetensors {
        /// The file.
        file: PathBuf,
        /// What gives it away.
        fault: String,
    },
    /// A tensor is not there.
    #[error("{file}: wanted the tensor {name}, found {found}")]
    Missing {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The names that are there.
        found: String,
    },
    /// A tensor has no business there.
    #[error("{file}: wanted no tensors but {wanted}, found {found:?}")]
    Unexpected {
        /// The file.
        file: PathBuf,
        /// The names that are known.
        wanted: &'static str,
        /// The first other name.
        found: String,
    },
    /// A tensor's elements are of another type.
    #[error("{file}: {name}: wanted elements of type {wanted}, found {found}")]
    WrongType {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The types that would do.
        wanted: String,
        /// The type that it has.
        found: String,
    },
    /// A tensor has another number of dimensions, or they do not fit the other tensors.
    #[error("{file}: {name}: wanted the shape {wanted}, found {found:?}")]
    WrongShape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that was wanted, and why.
        wanted: String,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// A tensor's first NaN or infinity.
    #[error("{file}: {name}: wanted finite numbers, found {found} at {index:?}")]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// One entry per dimension, each from 0.
        index: Vec<usize>,
        /// The number.
        found: f32,
    },
    /// A label that is negative or names no class of the network.
    #[error("{file}: y: wanted labels 0 to {}, found {found} at [{index}]", .classes - 1)]
    LabelOutOfRange {
        /// The file.
        file: PathBuf,
        /// Classes of the network.
        classes: u32,
        /// The label's place, from 0.
        index: usize,
        /// The label.
        found: i64,
    },
    /// The batch has no samples.
    #[error("{file}: x: wanted 1 sample at least, found none (its shape is {found:?})")]
    EmptyBatch {
        /// The file.
        file: PathBuf,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// The engine does not take a network of this shape.
    #[error("{file}: wanted a network that can be trained, found one of widths {widths:?}")]
    Network {
        /// The file.
        file: PathBuf,
        /// Inputs, then the outputs of each layer.
        widths: Vec<u32>,
        /// What is wrong with it.
        source: Box<Error>,
    },
}

/// Samples and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of samples B, 1 at least.
    pub size: u32,
    /// `[B, in]`, row by row.
    pub inputs: Vec<f32>,
    /// `[B]`, each below the network's number of classes.
    pub labels: Vec<u32>,
}

/// Reads a network file; the number of layers and their widths are what it holds.
///
/// # Errors
/// [`TensorError`], of which every message names the file, what was wanted and what was found.
pub fn read_network(
    file: &Path,
    activation: Activation,
) -> Result<(Network, Vec<LayerParameters>), TensorError> {
    let bytes = read(file)?;
    let tensors = TensorFile::parse(file, &bytes)?;
    tensors.check_names("fc1.weight, fc1.bias, fc2.weight and so on", |name| {
        layer_number(name).is_some()
    })?;
    let names = tensors.names();
    let depth = names.iter().filter_map(|name| layer_number(name)).max();

    let mut widths = Vec::new();
    let mut layers = Vec::new();
    for number in 1..=depth.unwrap_or(1) {
        let weight = tensors.weight(number, widths.last().copied(), activation)?;
        let bias = tensors.bias(number, weight.outputs)?;
        if widths.is_empty() {
            widths.push(weight.inputs);
        }
        widths.push(weight.outputs);
        layers.push(LayerParameters {
            weight: weight.elements,
            bias,
        });
    }
    match Network::new(&widths, activation) {
        Ok(network) => Ok((network, layers)),
        Err(source) => Err(TensorError::Network {
            file: file.into(),
            widths,
            source: source.into(),
        }),
    }
}

/// Reads a batch file whose samples `network` can classify.
///
/// # Errors
/// As [`read_network`].
pub fn read_batch(file: &Path, network: &Network) -> Result<Batch, TensorError> {
    let bytes = read(file)?;
    let tensors = TensorFile::parse(file, &bytes)?;
    tensors.check_names("x and y", |name| name == "x" || name == "y")?;

    let x = tensors.typed("x", &[Dtype::F32])?;
    let wanted = format!("[B, {0}], as the network has {0} inputs", network.inputs());
    let &[samples, width] = x.shape() else {
        return Err(tensors.wrong_shape("x", wanted, &x));
    };
    if samples == 0 {
        return Err(TensorError::EmptyBatch {
            file: file.into(),
            found: x.shape().to_vec(),
        });
    }
    let (Ok(size), true) = (u32::try_from(samples), width == network.inputs() as usize) else {
        return Err(tensors.wrong_shape("x", wanted, &x));
    };
    let y = tensors.typed("y", &[Dtype::I64, Dtype::I32, Dtype::U8])?;
    if y.shape() != [samples] {
        let wanted = format!("[{samples}], one label for each row of x");
        return Err(tensors.wrong_shape("y", wanted, &y));
    }
    Ok(Batch {
        size,
        inputs: tensors.finite("x", &x)?,
        labels: tensors.labels(&y, network.classes())?,
    })
}

fn read(file: &Path) -> Result<Vec<u8>, TensorError> {
    fs::read(file).map_err(|source| TensorError::Unreadable {
        file: file.into(),
        source,
    })
}

/// The k of `fck.weight` and `fck.bias`, 1 at least.
fn layer_number(name: &str) -> Option<u32> {
    let (digits, "weight" | "bias") = name.strip_prefix("fc")?.split_once('.')? else {
        return None;
    };
    // A second spelling of a number, such as 01, would be a tensor that nobody reads.
    let number: u32 = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(number)
}

/// A layer's weights, `[outputs, inputs]`.
struct Weight {
    outputs: u32,
    inputs: u32,
    elements: Vec<f32>,
}

/// The tensors of a file, with the file's name for messages.
struct TensorFile<'data> {
    file: &'data Path,
    tensors: SafeTensors<'data>,
}

impl<'data> TensorFile<'data> {
    fn parse(file: &'data Path, bytes: &'data [u8]) -> Result<Self, TensorError> {
        check_length(file, bytes)?;
        match SafeTensors::deserialize(bytes) {
            Ok(tensors) => Ok(Self { file, tensors }),
            Err(fault) => Err(TensorError::NotSafetensors {
                file: file.into(),
                fault: fault.to_string(),
            }),
        }
    }

    /// Sorted, for messages that are the same every time.
    fn names(&self) -> Vec<&str> {
        let mut names = self.tensors.names();
        names.sort_unstable();
        names
    }

    fn check_names(
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
    fn typed(&self, name: &str, types: &[Dtype]) -> Result<TensorView<'data>, TensorError> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return Err(TensorError::Missing {
                file: self.file.into(),
                name: name.to_owned(),
                found: list(&self.names()),
            });
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

    /// The weights of layer `number`, which follows one of `previous` outputs (the first follows none).
    fn weight(
        &self,
        number: u32,
        previous: Option<u32>,
        activation: Activation,
    ) -> Result<Weight, TensorError> {
        let name = format!("fc{number}.weight");
        let tensor = self.typed(&name, &[Dtype::F32])?;
        let wanted = match previous {
            None => "[out, in], each 1 at least".to_owned(),
            Some(outputs) => format!(
                "[out, {}], as fc{} has {outputs} outputs and {activation:?} makes {} of each",
                u64::from(outputs) * u64::from(activation.copies()),
                number - 1,
                activation.copies(),
            ),
        };
        let chains = |inputs: u32| {
            previous.is_none_or(|outputs| outputs.checked_mul(activation.copies()) == Some(inputs))
        };
        let dimensions: Vec<_> = tensor.shape().iter().map(|&n| u32::try_from(n)).collect();
        match dimensions[..] {
            [Ok(outputs @ 1..), Ok(inputs @ 1..)] if chains(inputs) => Ok(Weight {
                outputs,
                inputs,
                elements: self.finite(&name, &tensor)?,
            }),
            _ => Err(self.wrong_shape(&name, wanted, &tensor)),
        }
    }

    fn bias(&self, number: u32, outputs: u32) -> Result<Vec<f32>, TensorError> {
        let name = format!("fc{number}.bias");
        let tensor = self.typed(&name, &[Dtype::F32])?;
        if tensor.shape() == [outputs as usize] {
            return self.finite(&name, &tensor);
        }
        let wanted = format!("[{outputs}], as fc{number}.weight has {outputs} rows");
        Err(self.wrong_shape(&name, wanted, &tensor))
    }

    /// The elements of an F32 tensor, all finite.
    fn finite(&self, name: &str, tensor: &TensorView) -> Result<Vec<f32>, TensorError> {
        let (words, _) = tensor.data().as_chunks();
        let elements: Vec<_> = words.iter().map(|w| f32::from_le_bytes(*w)).collect();
        match elements.iter().position(|element| !element.is_finite()) {
            None => Ok(elements),
            Some(position) => Err(TensorError::NotFinite {
                file: self.file.into(),
                name: name.to_owned(),
                index: index_of(position, tensor.shape()),
                found: elements[position],
            }),
        }
    }

    /// The elements of an integer tensor, all below `classes`.
    fn labels(&self, tensor: &TensorView, classes: u32) -> Result<Vec<u32>, TensorError> {
        let label = |(index, found): (usize, i64)| match u32::try_from(found) {
            Ok(label) if label < classes => Ok(label),
            _ => Err(TensorError::LabelOutOfRange {
                file: self.file.into(),
                classes,
                index,
                found,
            }),
        };
        integers(tensor)
            .into_iter()
            .enumerate()
            .map(label)
            .collect()
    }

    fn wrong_shape(&self, name: &str, wanted: String, found: &TensorView) -> TensorError {
        TensorError::WrongShape {
            file: self.file.into(),
            name: name.to_owned(),
            wanted,
            found: found.shape().to_vec(),
        }
    }
}

/// Fails unless the file is as long as its header announces. [`SafeTensors::deserialize`] tells
/// neither too short from too long, nor how long; and it adds up offsets without a check for overflow.
fn check_length(file: &Path, bytes: &[u8]) -> Result<(), TensorError> {
    let found = bytes.len();
    match announced_length(bytes) {
        Some(wanted) if wanted > found as u128 => Err(TensorError::Truncated {
            file: file.into(),
            wanted,
            found,
        }),
        Some(wanted) if wanted < found as u128 => Err(TensorError::TrailingBytes {
            file: file.into(),
            wanted,
            found,
        }),
        _ => Ok(()),
    }
}

/// Bytes of the whole file, as far as they can be told from its beginning; `None` where that is not
/// safetensors. The format: the header's length n (u64, little-endian), n bytes of JSON, the elements.
fn announced_length(bytes: &[u8]) -> Option<u128> {
    /// The safetensors crate reads no longer header.
    const LONGEST_HEADER: u64 = 100_000_000;
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Some(8);
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER {
        return None;
    }
    let Some(header) = rest.get(..length as usize) else {
        return Some(8 + u128::from(length));
    };
    let metadata: Metadata = serde_json::from_slice(header).ok()?;
    Some(8 + u128::from(length) + metadata.data_len() as u128)
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

/// The elements of an I64, I32 or U8 tensor.
fn integers(tensor: &TensorView) -> Vec<i64> {
    let bytes = tensor.data();
    let i64s = || bytes.as_chunks().0.iter().map(|w| i64::from_le_bytes(*w));
    let i32s = || bytes.as_chunks().0.iter().map(|w| i32::from_le_bytes(*w));
    match tensor.dtype() {
        Dtype::I64 => i64s().collect(),
        Dtype::I32 => i32s().map(i64::from).collect(),
        _ => bytes.iter().copied().map(i64::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tensor of a file yet to be written.
    struct Tensor {
        name: &'static str,
        dtype: Dtype,
        shape: Vec<usize>,
        bytes: Vec<u8>,
    }

    fn floats(name: &'static str, shape: &[usize], elements: &[f32]) -> Tensor {
        Tensor {
            name,
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    fn counted(name: &'static str, shape: &[usize]) -> Tensor {
        let elements: Vec<_> = (0..shape.iter().product()).map(|i| i as f32).collect();
        floats(name, shape, &elements)
    }

    fn labels(labels: &[i64]) -> Tensor {
        Tensor {
            name: "y",
            dtype: Dtype::I64,
            shape: vec![labels.len()],
            bytes: labels.iter().flat_map(|y| y.to_le_bytes()).collect(),
        }
    }

    fn serialized(tensors: &[Tensor]) -> Vec<u8> {
        let views = tensors.iter().map(|t| {
            let view = TensorView::new(t.dtype, t.shape.clone(), &t.bytes);
            (t.name, view.unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    /// What `read` makes of a file with these bytes; in the error's message the file is called FILE.
    fn reading<T>(
        bytes: &[u8],
        read: impl FnOnce(&Path) -> Result<T, TensorError>,
    ) -> Result<T, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, bytes).unwrap();
        read(&file).map_err(|error| error.to_string().replace(file.to_str().unwrap(), "FILE"))
    }

    /// 2-3-2.
    fn network_tensors(activation: Activation) -> Vec<Tensor> {
        let hidden = 3 * activation.copies() as usize;
        vec![
            counted("fc1.weight", &[3, 2]),
            counted("fc1.bias", &[3]),
            counted("fc2.weight", &[2, hidden]),
            counted("fc2.bias", &[2]),
        ]
    }

    /// Four samples.
    fn batch_tensors() -> Vec<Tensor> {
        vec![counted("x", &[4, 2]), labels(&[0, 1, 1, 0])]
    }

    fn network_of(
        tensors: &[Tensor],
        activation: Activation,
    ) -> Result<(Network, Vec<LayerParameters>), String> {
        reading(&serialized(tensors), |file| read_network(file, activation))
    }

    fn batch_of(tensors: &[Tensor]) -> Result<Batch, String> {
        let network = Network::new(&[2, 3, 2], Activation::Relu).unwrap();
        reading(&serialized(tensors), |file| read_batch(file, &network))
    }

    /// The message about a ReLU network file after a change.
    fn network_fault(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
        let mut tensors = network_tensors(Activation::Relu);
        change(&mut tensors);
        network_of(&tensors, Activation::Relu).unwrap_err()
    }

    /// The message about a batch file after a change.
    fn batch_fault(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
        let mut tensors = batch_tensors();
        change(&mut tensors);
        batch_of(&tensors).unwrap_err()
    }

    #[test]
    fn networks_are_read_as_pytorch_lays_them_out() {
        for activation in [Activation::Relu, Activation::Crelu] {
            let (network, layers) = network_of(&network_tensors(activation), activation).unwrap();
            assert_eq!(network, Network::new(&[2, 3, 2], activation).unwrap());
            let counted = |count: u32| (0..count).map(|i| i as f32).collect::<Vec<_>>();
            let layer = |inputs, outputs| LayerParameters {
                weight: counted(inputs * outputs),
                bias: counted(outputs),
            };
            assert_eq!(layers, [layer(2, 3), layer(3 * activation.copies(), 2)]);
        }
    }

    #[test]
    fn a_network_may_have_one_layer_or_more_than_nine() {
        let one = [counted("fc1.weight", &[3, 2]), counted("fc1.bias", &[3])];
        let (network, _) = network_of(&one, Activation::Tanh).unwrap();
        assert_eq!(network.widths(), [2, 3]);

        let name = |k, what| -> &'static str { format!("fc{k}.{what}").leak() };
        let eleven: Vec<_> = (1..=11)
            .flat_map(|k| {
                let weight = counted(name(k, "weight"), &[k + 1, k]);
                [weight, counted(name(k, "bias"), &[k + 1])]
            })
            .collect();
        let (network, layers) = network_of(&eleven, Activation::Relu).unwrap();
        assert_eq!(network.widths(), (1..=12).collect::<Vec<_>>());
        assert_eq!(layers[10].bias.len(), 12);
    }

    #[test]
    fn labels_are_read_from_all_three_types() {
        let wanted = Batch {
            size: 4,
            inputs: (0..8).map(|i| i as f32).collect(),
            labels: vec![0, 1, 1, 0],
        };
        let numbers = [0_u8, 1, 1, 0];
        let as_i32 = numbers.map(|y| i32::from(y).to_le_bytes()).concat();
        let as_i64 = numbers.map(|y| i64::from(y).to_le_bytes()).concat();
        for (dtype, bytes) in [
            (Dtype::U8, numbers.to_vec()),
            (Dtype::I32, as_i32),
            (Dtype::I64, as_i64),
        ] {
            let mut tensors = batch_tensors();
            (tensors[1].dtype, tensors[1].bytes) = (dtype, bytes);
            assert_eq!(batch_of(&tensors), Ok(wanted.clone()), "{dtype}");
        }
    }

    #[test]
    fn a_file_must_be_there() {
        let error = read_network(Path::new("absent.safetensors"), Activation::Relu).unwrap_err();
        let message = "absent.safetensors: wanted to read it, found that it cannot be read";
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
    fn every_layer_needs_weight_and_bias() {
        let message = network_fault(|tensors| drop(tensors.remove(3)));
        let found = r#"found only "fc1.bias", "fc1.weight", "fc2.weight""#;
        assert_eq!(
            message,
            format!("FILE: wanted the tensor fc2.bias, {found}")
        );
        let message = network_fault(|tensors| tensors[2].name = "fc3.weight");
        let found = r#"found only "fc1.bias", "fc1.weight", "fc2.bias", "fc3.weight""#;
        assert_eq!(
            message,
            format!("FILE: wanted the tensor fc2.weight, {found}")
        );
        let message = network_fault(Vec::clear);
        assert_eq!(
            message,
            "FILE: wanted the tensor fc1.weight, found no tensor at all"
        );
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let wanted = r#"only "a", "b", "c", "d", "e", "f" and 2 more"#;
        assert_eq!(list(&names), wanted);
    }

    #[test]
    fn a_network_has_no_other_tensors() {
        for name in [
            "fc0.weight",
            "fc01.bias",
            "fc+1.bias",
            "fc1.weights",
            "fc.bias",
            "w\n",
        ] {
            let message = network_fault(|tensors| tensors.push(counted(name, &[1])));
            let wanted = "fc1.weight, fc1.bias, fc2.weight and so on";
            let wanted = format!("FILE: wanted no tensors but {wanted}, found {name:?}");
            assert_eq!(message, wanted);
        }
    }

    #[test]
    fn parameters_are_f32() {
        let message = network_fault(|tensors| tensors[3].dtype = Dtype::I32);
        let wanted = "FILE: fc2.bias: wanted elements of type F32, found I32";
        assert_eq!(message, wanted);
    }

    #[test]
    fn a_weight_is_a_matrix_and_not_empty() {
        for shape in [&[6][..], &[3, 2, 1], &[0, 2], &[3, 0]] {
            let message = network_fault(|tensors| tensors[0] = counted("fc1.weight", shape));
            let wanted = "wanted the shape [out, in], each 1 at least";
            assert_eq!(
                message,
                format!("FILE: fc1.weight: {wanted}, found {shape:?}")
            );
        }
    }

    #[test]
    fn shapes_chain() {
        let message = network_fault(|tensors| tensors[2] = counted("fc2.weight", &[2, 6]));
        let wanted = "[out, 3], as fc1 has 3 outputs and Relu makes 1 of each";
        let wanted = format!("FILE: fc2.weight: wanted the shape {wanted}, found [2, 6]");
        assert_eq!(message, wanted);

        let message = network_of(&network_tensors(Activation::Relu), Activation::Crelu);
        let wanted = "[out, 6], as fc1 has 3 outputs and Crelu makes 2 of each";
        let wanted = format!("FILE: fc2.weight: wanted the shape {wanted}, found [2, 3]");
        assert_eq!(message, Err(wanted));
    }

    #[test]
    fn a_bias_is_as_long_as_its_weight_has_rows() {
        for shape in [&[4][..], &[3, 1], &[]] {
            let message = network_fault(|tensors| tensors[1] = counted("fc1.bias", shape));
            let wanted = "wanted the shape [3], as fc1.weight has 3 rows";
            assert_eq!(
                message,
                format!("FILE: fc1.bias: {wanted}, found {shape:?}")
            );
        }
    }

    #[test]
    fn parameters_are_finite() {
        for found in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let elements = [0.0, 0.0, 0.0, 0.0, found, f32::NAN];
            let message = network_fault(|tensors| {
                tensors[2] = floats("fc2.weight", &[2, 3], &elements);
            });
            let wanted = format!("wanted finite numbers, found {found} at [1, 1]");
            assert_eq!(message, format!("FILE: fc2.weight: {wanted}"));
        }
    }

    #[test]
    fn the_engine_must_take_the_network() {
        let one_class = [counted("fc1.weight", &[1, 2]), counted("fc1.bias", &[1])];
        let message = network_of(&one_class, Activation::Relu).unwrap_err();
        let wanted = "wanted a network that can be trained, found one of widths [2, 1]";
        assert_eq!(message, format!("FILE: {wanted}"));
    }

    #[test]
    fn a_batch_needs_inputs_and_labels() {
        let message = batch_fault(|tensors| drop(tensors.remove(1)));
        assert_eq!(message, r#"FILE: wanted the tensor y, found only "x""#);
        let message = batch_fault(|tensors| drop(tensors.remove(0)));
        assert_eq!(message, r#"FILE: wanted the tensor x, found only "y""#);
    }

    #[test]
    fn a_batch_has_no_other_tensors() {
        let message = batch_fault(|tensors| tensors.push(counted("z", &[1])));
        assert_eq!(message, r#"FILE: wanted no tensors but x and y, found "z""#);
    }

    #[test]
    fn inputs_are_f32_and_labels_integers() {
        let message = batch_fault(|tensors| tensors[0].dtype = Dtype::U32);
        assert_eq!(message, "FILE: x: wanted elements of type F32, found U32");
        let message = batch_fault(|tensors| tensors[1].dtype = Dtype::F64);
        let wanted = "FILE: y: wanted elements of type I64 or I32 or U8, found F64";
        assert_eq!(message, wanted);
    }

    #[test]
    fn inputs_fit_the_network() {
        for shape in [&[8][..], &[2, 2, 2], &[4, 3], &[4, 0]] {
            let message = batch_fault(|tensors| tensors[0] = counted("x", shape));
            let wanted = "wanted the shape [B, 2], as the network has 2 inputs";
            assert_eq!(message, format!("FILE: x: {wanted}, found {shape:?}"));
        }
    }

    #[test]
    fn a_batch_is_not_empty() {
        let message = batch_fault(|tensors| {
            *tensors = vec![counted("x", &[0, 2]), labels(&[])];
        });
        let wanted = "wanted 1 sample at least, found none (its shape is [0, 2])";
        assert_eq!(message, format!("FILE: x: {wanted}"));
    }

    #[test]
    fn there_is_a_label_for_each_sample() {
        for shape in [vec![3], vec![5], vec![4, 1]] {
            let message = batch_fault(|tensors| {
                tensors[1] = labels(&vec![0; shape.iter().product()]);
                tensors[1].shape = shape.clone();
            });
            let wanted = "wanted the shape [4], one label for each row of x";
            assert_eq!(message, format!("FILE: y: {wanted}, found {shape:?}"));
        }
    }

    #[test]
    fn inputs_are_finite() {
        let elements = [0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0];
        let message = batch_fault(|tensors| tensors[0] = floats("x", &[4, 2], &elements));
        assert_eq!(
            message,
            "FILE: x: wanted finite numbers, found NaN at [2, 1]"
        );
    }

    #[test]
    fn labels_are_classes() {
        for found in [2, -1, 1 << 32, i64::MIN] {
            let message = batch_fault(|tensors| tensors[1] = labels(&[0, 1, found, -5]));
            let wanted = format!("wanted labels 0 to 1, found {found} at [2]");
            assert_eq!(message, format!("FILE: y: {wanted}"));
        }
    }
}
