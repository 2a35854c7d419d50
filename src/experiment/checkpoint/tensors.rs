//! A snapshot of the training buffers as named tensors, and back.

use std::collections::BTreeMap;

use crc32fast::Hasher;
use safetensors::tensor::Dtype;

use super::Replica;
use crate::error::Error;
use crate::network::{self, Parameters};
use crate::snapshot::Snapshot;
use crate::spec::{Optimiser, TrainingSpec};

/// The tensors of a checkpoint by name, without the checksum.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::experiment) struct Tensors(pub(super) BTreeMap<String, Tensor>);

/// One tensor of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// The elements, little-endian.
    pub(super) bytes: Vec<u8>,
}

/// Returns the suffixes of parameter names for a buffer that the file holds in the parameters' layout, one for each stride
/// that the optimiser uses.
fn suffixes(buffer: &str, optimiser: Optimiser) -> Vec<String> {
    let moments = match buffer {
        "parameters" => return vec![String::new()],
        "first moment" => vec![optimiser.first_moment_name()],
        "second moment" => optimiser.second_moment_names().to_vec(),
        _ => Vec::new(),
    };
    moments.iter().map(|name| format!(".{name}")).collect()
}

/// Returns whether the file holds this buffer in the parameters' layout.
fn is_layered(buffer: &str) -> bool {
    ["parameters", "first moment", "second moment"].contains(&buffer)
}

impl Tensors {
    /// Converts a snapshot of `spec`, whose replicas are `replicas`, to tensors.
    pub(in crate::experiment) fn of(
        snapshot: &Snapshot,
        spec: &TrainingSpec,
        replicas: &[Replica],
    ) -> Result<Self, Error> {
        let mut tensors = Self::default();
        for buffer in &snapshot.buffers {
            let each = buffer.words.len() / replicas.len();
            if !is_layered(&buffer.name) {
                let words = buffer.words.iter().copied();
                let shape = vec![replicas.len(), each];
                tensors.insert(raw_name(&buffer.name), Dtype::U32, shape, words);
                continue;
            }
            let stride = spec.network.parameter_stride();
            for (index, words) in buffer.words.chunks(each).enumerate() {
                let suffixes = suffixes(&buffer.name, spec.replicas[index].optimiser);
                for (suffix, words) in suffixes.iter().zip(words.chunks(stride)) {
                    let parameters = spec.network.unpack(bytemuck::cast_slice(words))?;
                    tensors.insert_parameters(&replicas[index], suffix, spec, &parameters);
                }
            }
        }
        Ok(tensors)
    }

    fn insert_parameters(
        &mut self,
        replica: &Replica,
        suffix: &str,
        spec: &TrainingSpec,
        parameters: &Parameters,
    ) {
        for (tensor, elements) in spec.network.tensors().iter().zip(parameters) {
            let name = tensor_name(replica, tensor, suffix);
            let bits = elements.iter().map(|x| x.to_bits());
            self.insert(name, Dtype::F32, shape(tensor), bits);
        }
    }

    fn insert(
        &mut self,
        name: String,
        dtype: Dtype,
        shape: Vec<usize>,
        words: impl IntoIterator<Item = u32>,
    ) {
        let bytes = words.into_iter().flat_map(u32::to_le_bytes).collect();
        let tensor = Tensor {
            dtype,
            shape,
            bytes,
        };
        self.0.insert(name, tensor);
    }

    /// Writes the tensors into a snapshot of a trainer of the same `spec`.
    ///
    /// # Errors
    /// Returns a text that names the tensor that is missing or has another shape.
    pub(in crate::experiment) fn fill(
        &self,
        snapshot: &mut Snapshot,
        spec: &TrainingSpec,
        replicas: &[Replica],
    ) -> Result<(), String> {
        for buffer in &mut snapshot.buffers {
            let each = buffer.words.len() / replicas.len();
            if !is_layered(&buffer.name) {
                let shape = [replicas.len(), each];
                let name = raw_name(&buffer.name);
                buffer.words = self.words(&name, Dtype::U32, &shape)?.collect();
                continue;
            }
            let stride = spec.network.parameter_stride();
            for (index, words) in buffer.words.chunks_mut(each).enumerate() {
                let suffixes = suffixes(&buffer.name, spec.replicas[index].optimiser);
                for (suffix, words) in suffixes.iter().zip(words.chunks_mut(stride)) {
                    let parameters = self.parameters(&replicas[index], suffix, spec)?;
                    let stored = spec.network.pack(&parameters).map_err(|e| e.to_string())?;
                    words.copy_from_slice(bytemuck::cast_slice(&stored));
                }
            }
        }
        Ok(())
    }

    fn parameters(
        &self,
        replica: &Replica,
        suffix: &str,
        spec: &TrainingSpec,
    ) -> Result<Parameters, String> {
        let elements = |tensor: &network::Tensor| {
            let (name, shape) = (tensor_name(replica, tensor, suffix), shape(tensor));
            let words = self.words(&name, Dtype::F32, &shape)?;
            Ok(words.map(f32::from_bits).collect())
        };
        spec.network.tensors().iter().map(elements).collect()
    }

    fn words(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
    ) -> Result<impl Iterator<Item = u32>, String> {
        let found = self.0.get(name);
        let tensor = found.ok_or_else(|| format!("wanted the tensor {name:?}, found none"))?;
        if tensor.dtype != dtype || tensor.shape != shape {
            let (found, found_shape) = (tensor.dtype, &tensor.shape);
            return Err(format!(
                "{name:?}: wanted {dtype} {shape:?}, found {found} {found_shape:?}"
            ));
        }
        let words = tensor.bytes.chunks_exact(4);
        Ok(words.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])))
    }

    /// Computes the CRC-32 of the metadata, and of the tensors with their names.
    pub(super) fn checksum(&self, metadata: &str) -> u32 {
        let mut hasher = Hasher::new();
        hasher.update(metadata.as_bytes());
        for (name, tensor) in &self.0 {
            hasher.update(name.as_bytes());
            hasher.update(&tensor.bytes);
        }
        hasher.finalize()
    }
}

fn raw_name(buffer: &str) -> String {
    format!("training/{buffer}")
}

/// Returns the name of a replica's tensor in the file.
fn tensor_name(replica: &Replica, tensor: &network::Tensor, suffix: &str) -> String {
    format!("{}/{}/{}{suffix}", replica.arm, replica.seed, tensor.name)
}

/// Returns the shape of a tensor in the file, which is PyTorch's.
fn shape(tensor: &network::Tensor) -> Vec<usize> {
    tensor.shape.iter().map(|n| *n as usize).collect()
}
