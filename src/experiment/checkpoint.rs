//! The file `checkpoint.safetensors`: the state of the replicas that train together, and the progress of their experiment.
//!
//! [`super::RunDirectory`] documents the tensors. All of them have elements of four bytes. `checksum` is the CRC-32 of
//! everything else. The metadata has a single entry, `trainable`, which is a [`Standing`] as JSON, because several entries
//! would be written in any order.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crc32fast::Hasher;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::directory::DirectoryError;
use super::rows::Extent;
use crate::error::Error;
use crate::network::{self, Parameters};
use crate::snapshot::Snapshot;
use crate::spec::{Optimiser, TrainingSpec};

/// The version of the file's format. A file with another version is refused.
pub(super) const FORMAT: u32 = 2;

const METADATA: &str = "trainable";
const CHECKSUM: &str = "checksum";

/// The progress of an experiment: it is at `step` of batch number `batch`, before the probe at that step, if there is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standing {
    /// The format's version, [`FORMAT`].
    pub(super) format: u32,
    /// The description of the run, which is equal in every checkpoint of the run.
    pub(super) run: Value,
    /// The number of finished batches of replicas; the next batch is in the file.
    pub(super) batch: usize,
    /// The number of steps that this batch has done.
    pub(super) step: u32,
    /// The replicas of this batch.
    pub(super) replicas: Vec<Replica>,
    /// The valid rows of tasks.part.csv.
    pub(super) tasks: Extent,
    /// The valid rows of probes.part.csv.
    pub(super) probes: Extent,
    /// The valid rows of indicators.part.csv.
    pub(super) indicators: Extent,
}

/// The host's state of one replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replica {
    pub(super) arm: String,
    pub(super) seed: u32,
    /// The state of the scheduler, including its controller's.
    pub(super) scheduler: Value,
    pub(super) has_diverged: bool,
}

/// The tensors of a checkpoint by name, without the checksum.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tensors(BTreeMap<String, Tensor>);

#[derive(Clone, Debug, PartialEq)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    /// The elements, little-endian.
    bytes: Vec<u8>,
}

/// Returns the suffix of parameter names for a buffer that the file holds in the parameters' layout.
fn suffix(buffer: &str, optimiser: Optimiser) -> Option<String> {
    let [first, second] = optimiser.moment_names();
    let moment = match buffer {
        "parameters" => return Some(String::new()),
        "first moment" => first,
        "second moment" => second,
        _ => None,
    };
    moment.map(|name| format!(".{name}"))
}

/// Returns whether the file holds this buffer in the parameters' layout.
fn is_layered(buffer: &str) -> bool {
    ["parameters", "first moment", "second moment"].contains(&buffer)
}

impl Tensors {
    /// Converts a snapshot of `spec`, whose replicas are `replicas`, to tensors.
    pub(super) fn of(
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
            for (index, words) in buffer.words.chunks(each).enumerate() {
                if let Some(suffix) = suffix(&buffer.name, spec.replicas[index].optimiser) {
                    let parameters = spec.network.unpack(bytemuck::cast_slice(words))?;
                    tensors.insert_parameters(&replicas[index], &suffix, spec, &parameters);
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
    pub(super) fn fill(
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
            for (index, words) in buffer.words.chunks_mut(each).enumerate() {
                if let Some(suffix) = suffix(&buffer.name, spec.replicas[index].optimiser) {
                    let parameters = self.parameters(&replicas[index], &suffix, spec)?;
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
    fn checksum(&self, metadata: &str) -> u32 {
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

/// Encodes a checkpoint as the bytes of the file.
pub(super) fn encode(standing: &Standing, tensors: &Tensors) -> Result<Vec<u8>, SafeTensorError> {
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
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<(Standing, Tensors), DirectoryError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Network};
    use crate::scheduler::{BoundControl, Control, Observation, Scheduler, Statistics};
    use crate::snapshot::SnapshotBuffer;
    use crate::spec::ReplicaSpec;

    /// Returns a specification with Adam, SGD, and padding in every dimension.
    fn spec() -> TrainingSpec {
        let sgd = ReplicaSpec {
            optimiser: Optimiser::Sgd { momentum: 0.9 },
            ..ReplicaSpec::default()
        };
        TrainingSpec {
            network: Network::mlp(&[3, 2, 2], Activation::Crelu).unwrap(),
            batch: 1,
            replicas: vec![ReplicaSpec::default(), sgd],
            stream: None,
            probe: None,
        }
    }

    fn statistics(seed: u32) -> Statistics {
        Statistics {
            parameters: 1_000,
            step_size: 1e-3,
            effective_step: Some(0.1 / f64::from(seed + 1)),
            sharpness: Some(f64::from(seed).exp() / 3.0),
            grad_norm_sq: 1.0 / 7.0,
            objective_grad_norm_sq: 1.0 / 3.0,
            grad_variance: 100.0 / 3.0,
            second_moment: 1e-6 / 3.0,
        }
    }

    fn observation(seed: u32) -> Observation {
        Observation {
            task: 0,
            update: seed,
            progress: 0.05,
            batch: 16,
            epsilon: 1e-8,
            layers: vec![statistics(seed), statistics(seed + 1)],
            network: statistics(seed + 2),
        }
    }

    /// Returns a scheduler whose state is not the initial one.
    fn scheduler(seed: u32) -> Scheduler {
        let control = Control::Bound(BoundControl::paper());
        let mut scheduler = Scheduler::new(control, 1e-3, 2, seed).unwrap();
        (0..5).for_each(|k| drop(scheduler.observe(&observation(seed + k)).unwrap()));
        scheduler
    }

    fn replicas() -> Vec<Replica> {
        let replica = |seed| Replica {
            arm: "an \"arm\"/ä".to_owned(),
            seed,
            scheduler: serde_json::to_value(scheduler(seed)).unwrap(),
            has_diverged: seed == 1,
        };
        vec![replica(1), replica(2)]
    }

    fn standing() -> Standing {
        Standing {
            format: FORMAT,
            run: serde_json::json!({ "experiment": { "l2": 0.1 } }),
            batch: 1,
            step: 17,
            replicas: replicas(),
            tasks: Extent::default(),
            probes: Extent::default(),
            indicators: Extent::default(),
        }
    }

    /// Returns a snapshot with different bits in every word that is not padding, including NaN and -0.
    fn snapshot() -> Snapshot {
        let spec = spec();
        let counted = |first: u32| -> Vec<u32> {
            let count = |count: u32| (0..count).map(move |i| f32::from_bits(first + i));
            let tensors = spec.network.tensors().iter();
            let parameters: Vec<_> = tensors
                .map(|tensor| count(tensor.count() as u32).collect::<Vec<_>>())
                .collect();
            let stored = spec.network.pack(&parameters).unwrap();
            stored.into_iter().map(f32::to_bits).collect()
        };
        let zeros = vec![0; spec.network.parameter_stride()];
        let buffer = |name: &str, words: [Vec<u32>; 2]| SnapshotBuffer {
            name: name.to_owned(),
            words: words.concat(),
        };
        let (negative_zero, nan) = ((-0.0_f32).to_bits(), f32::NAN.to_bits());
        Snapshot {
            buffers: vec![
                buffer("parameters", [counted(1), counted(negative_zero)]),
                buffer("first moment", [counted(100), counted(200)]),
                buffer("second moment", [counted(nan), zeros]),
                buffer("states", [vec![u32::MAX, 0], vec![1, 2]]),
            ],
        }
    }

    fn file() -> Vec<u8> {
        let tensors = Tensors::of(&snapshot(), &spec(), &replicas()).unwrap();
        encode(&standing(), &tensors).unwrap()
    }

    #[test]
    fn what_is_written_is_read_bit_for_bit() {
        let (found, tensors) = decode(Path::new("file"), &file()).unwrap();
        assert_eq!((found.batch, found.step), (1, 17));
        assert_eq!(found.run, standing().run);
        assert_eq!(found.replicas, replicas());
        for kept in found.replicas {
            let mut own = scheduler(kept.seed);
            let mut kept: Scheduler = serde_json::from_value(kept.scheduler).unwrap();
            assert_eq!(kept, own);
            let next = observation(9);
            let wanted = own.observe(&next).unwrap();
            assert_eq!(kept.observe(&next).unwrap(), wanted);
        }

        let mut restored = snapshot();
        for buffer in &mut restored.buffers {
            buffer.words.fill(0);
        }
        tensors.fill(&mut restored, &spec(), &replicas()).unwrap();
        assert_eq!(restored, snapshot());

        let mut other = spec();
        other.network = Network::mlp(&[3, 2, 2], Activation::Relu).unwrap();
        let error = tensors.fill(&mut restored, &other, &replicas());
        let wanted = "fc2.weight\": wanted F32 [2, 2], found F32 [2, 4]";
        assert!(error.unwrap_err().ends_with(wanted));
    }

    #[test]
    fn both_moments_of_adamw_and_lion_are_kept() {
        let mut spec = spec();
        for (replica, text) in spec.replicas.iter_mut().zip(["\"adamw\"", "\"lion\""]) {
            replica.optimiser = serde_json::from_str(text).unwrap();
        }
        let mut snapshot = snapshot();
        let second = &mut snapshot.buffers[2];
        assert_eq!(second.name, "second moment");
        let stride = spec.network.parameter_stride();
        second.words.copy_within(..stride, stride);

        let tensors = Tensors::of(&snapshot, &spec, &replicas()).unwrap();
        let has = |suffix: &str| tensors.0.keys().any(|name| name.ends_with(suffix));
        assert!(has("/1/fc2.bias.exp_avg_sq") && has("/2/fc2.bias.interpolation"));
        let mut restored = snapshot.clone();
        for buffer in &mut restored.buffers {
            buffer.words.fill(0);
        }
        tensors.fill(&mut restored, &spec, &replicas()).unwrap();
        assert_eq!(restored, snapshot);
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let file = file();
        let path = Path::new("file");
        let (_, wanted) = decode(path, &file).unwrap();
        let mut accepted = 0;
        for position in 0..file.len() {
            assert!(
                decode(path, &file[..position]).is_err(),
                "cut at {position}"
            );
            for bit in 0..8 {
                let mut flipped = file.clone();
                flipped[position] ^= 1 << bit;
                if let Ok((standing, tensors)) = decode(path, &flipped) {
                    accepted += 1;
                    assert_eq!((standing.step, &tensors), (17, &wanted), "at {position}");
                }
            }
        }
        assert_eq!(accepted, 0);
    }

    #[test]
    fn lengths_that_overflow_are_refused() {
        let length = usize::MAX / 8;
        let entry = |index: usize| {
            let (start, end) = (index * length, (index + 1) * length);
            format!(
                r#""t{index}":{{"dtype":"U8","shape":[{length}],"data_offsets":[{start},{end}]}}"#
            )
        };
        let entries: Vec<_> = (0..8).map(entry).collect();
        let header = format!("{{{}}}", entries.join(","));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        let error = decode(Path::new("file"), &bytes).unwrap_err().to_string();
        assert!(
            error.starts_with("file is damaged: wanted 18446744073709"),
            "{error}"
        );
    }
}
