//! Files for the tests of this module.

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use super::{Batch, NamedNetwork, TensorError, read_batch, read_network};
use crate::network::{Activation, Network};

/// A tensor of a file yet to be written.
pub(super) struct Tensor {
    pub(super) name: &'static str,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn floats(name: &'static str, shape: &[usize], elements: &[f32]) -> Tensor {
    Tensor {
        name,
        dtype: Dtype::F32,
        shape: shape.to_vec(),
        bytes: elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

pub(super) fn counted(name: &'static str, shape: &[usize]) -> Tensor {
    let elements: Vec<_> = (0..shape.iter().product()).map(|i| i as f32).collect();
    floats(name, shape, &elements)
}

pub(super) fn labels(labels: &[i64]) -> Tensor {
    Tensor {
        name: "y",
        dtype: Dtype::I64,
        shape: vec![labels.len()],
        bytes: labels.iter().flat_map(|y| y.to_le_bytes()).collect(),
    }
}

pub(super) fn serialized(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|t| {
        let view = TensorView::new(t.dtype, t.shape.clone(), &t.bytes);
        (t.name, view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// What `read` makes of a file with these bytes; in the error's message the file is called FILE.
pub(super) fn reading<T>(
    bytes: &[u8],
    read: impl FnOnce(&Path) -> Result<T, TensorError>,
) -> Result<T, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, bytes).unwrap();
    read(&file).map_err(|error| error.to_string().replace(file.to_str().unwrap(), "FILE"))
}

/// 2-3-2.
pub(super) fn network_tensors(activation: Activation) -> Vec<Tensor> {
    let hidden = 3 * activation.copies() as usize;
    vec![
        counted("fc1.weight", &[3, 2]),
        counted("fc1.bias", &[3]),
        counted("fc2.weight", &[2, hidden]),
        counted("fc2.bias", &[2]),
    ]
}

/// Four samples.
pub(super) fn batch_tensors() -> Vec<Tensor> {
    vec![counted("x", &[4, 2]), labels(&[0, 1, 1, 0])]
}

pub(super) fn network_of(
    tensors: &[Tensor],
    activation: Activation,
) -> Result<NamedNetwork, String> {
    reading(&serialized(tensors), |file| read_network(file, activation))
}

pub(super) fn batch_of(tensors: &[Tensor]) -> Result<Batch, String> {
    let network = Network::mlp(&[2, 3, 2], Activation::Relu).unwrap();
    reading(&serialized(tensors), |file| read_batch(file, &network))
}

/// The message about a ReLU network file after a change.
pub(super) fn network_fault(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
    let mut tensors = network_tensors(Activation::Relu);
    change(&mut tensors);
    network_of(&tensors, Activation::Relu).unwrap_err()
}

/// The message about a batch file after a change.
pub(super) fn batch_fault(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
    let mut tensors = batch_tensors();
    change(&mut tensors);
    batch_of(&tensors).unwrap_err()
}
