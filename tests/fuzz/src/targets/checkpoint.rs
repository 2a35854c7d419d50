//! Forged checkpoints, most of them with correct checksums, and the rows that they count. The target resumes a run from
//! them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crc32fast::Hasher;
use mutatis::Session;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use trainable::Compute;
use trainable::experiment::{Event, Experiment, RunDirectory, run_in};

use super::Target;
use super::small::{as_toml, experiments, images, is_small};
use crate::mutate::below;
use crate::{Input, bytes, text};

const EXPERIMENT: &str = "experiment.toml";
const CHECKPOINT: &str = "checkpoint.safetensors";
const METADATA: &str = "trainable";
const CHECKSUM: &str = "checksum";

pub(super) const TARGET: Target = Target {
    name: "checkpoints",
    corpus,
    mutate,
    run: read,
};

/// Returns runs that were stopped after 5, 17 and 60 events.
fn corpus() -> Vec<Input> {
    let stops = [5, 17, 60];
    let all = experiments().into_iter();
    all.flat_map(|experiment| stops.map(|events| stopped(&experiment, events)))
        .collect()
}

fn stopped(experiment: &Experiment, events: u32) -> Input {
    let (images, place) = (
        images(),
        tempfile::tempdir().expect("a temporary directory"),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let directory = RunDirectory::create(place.path(), experiment, &Compute::Cpu, &images);
    let directory = directory.expect("a new run").stopped_by(stop.clone());
    let mut seen = 0;
    let count = |_: Event<'_>| {
        seen += 1;
        stop.store(seen >= events, Ordering::Relaxed);
    };
    run_in(directory, experiment, &Compute::Cpu, &images, count).expect("a small run");
    let input = Input::read(place.path()).expect("its files");
    input.with(EXPERIMENT, as_toml(experiment))
}

fn mutate(input: &mut Input, session: &mut Session) {
    match below(session, 8) {
        0 => {
            let name = any(
                input.files.keys().filter(|name| *name != EXPERIMENT),
                session,
            );
            bytes(session, input.files.get_mut(&name).expect("one of them"));
        }
        1 => rows(input, session),
        _ => {
            let file = input.files.get_mut(CHECKPOINT).expect("a checkpoint");
            if let Some(mut forged) = Forged::read(file) {
                forged.mutate(session);
                *file = forged.bytes();
            }
        }
    }
}

fn any<'a>(names: impl Iterator<Item = &'a String>, session: &mut Session) -> String {
    let names: Vec<_> = names.collect();
    names[below(session, names.len())].clone()
}

/// Changes the rows of a table, and what the checkpoint says about them.
fn rows(input: &mut Input, session: &mut Session) {
    let table = ["tasks", "probes", "indicators"][below(session, 3)];
    let Some(rows) = input.files.get_mut(&format!("{table}.part.csv")) else {
        return;
    };
    text(session, rows);
    let lines = rows.iter().filter(|byte| **byte == b'\n').count();
    let extent = json!({
        "rows": lines.saturating_sub(1),
        "bytes": rows.len(),
        "checksum": crc32fast::hash(rows),
    });
    let file = input.files.get_mut(CHECKPOINT).expect("a checkpoint");
    if let Some(mut forged) = Forged::read(file)
        && let Ok(mut standing) = serde_json::from_str::<Value>(&forged.standing)
        && standing.is_object()
    {
        standing[table] = extent;
        forged.standing = standing.to_string();
        *file = forged.bytes();
    }
}

/// The parts of a checkpoint.
struct Forged {
    standing: String,
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl Forged {
    /// Reads a checkpoint; `None` where the bytes no longer are one.
    fn read(file: &[u8]) -> Option<Self> {
        let length = u64::from_le_bytes(*file.first_chunk()?);
        // The safetensors crate adds lengths without a check for overflow.
        if length > file.len() as u64 {
            return None;
        }
        let (_, header) = SafeTensors::read_metadata(file).ok()?;
        let standing = header.metadata().as_ref()?.get(METADATA)?.clone();
        let tensors = SafeTensors::deserialize(file).ok()?;
        let tensor = |(name, view): (&str, TensorView<'_>)| {
            let contents = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), contents)
        };
        let mut tensors: BTreeMap<_, _> = tensors.iter().map(tensor).collect();
        tensors.remove(CHECKSUM);
        Some(Self { standing, tensors })
    }

    fn mutate(&mut self, session: &mut Session) {
        let is_raw = |name: &&String| name.starts_with("training/");
        match below(session, 8) {
            0..3 => {
                let mut standing = std::mem::take(&mut self.standing).into_bytes();
                text(session, &mut standing);
                self.standing = String::from_utf8_lossy(&standing).into_owned();
            }
            3 if !self.tensors.is_empty() => {
                let name = any(self.tensors.keys(), session);
                self.tensors.remove(&name);
            }
            4..7 if self.tensors.keys().any(|name| is_raw(&name)) => {
                let name = any(self.tensors.keys().filter(is_raw), session);
                self.words(&name, session);
            }
            _ if !self.tensors.is_empty() => {
                let name = any(self.tensors.keys(), session);
                self.words(&name, session);
            }
            _ => {}
        }
    }

    /// Changes words of a tensor and keeps its shape.
    fn words(&mut self, name: &str, session: &mut Session) {
        let (_, _, elements) = self.tensors.get_mut(name).expect("one of them");
        let words = elements.len() / 4;
        for _ in 0..1 << below(session, 6) {
            let place = below(session, words) * 4;
            let Some(word) = elements.get_mut(place..place + 4) else {
                return;
            };
            let mut number = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            match below(session, 4) {
                0 => number = u32::MAX,
                1 => {
                    number = number
                        .wrapping_add(below(session, 5) as u32)
                        .wrapping_sub(2)
                }
                2 => number = f32::NAN.to_bits(),
                _ => drop(session.mutate(&mut number)),
            }
            word.copy_from_slice(&number.to_le_bytes());
        }
    }

    /// Encodes the checkpoint with a correct checksum.
    fn bytes(&self) -> Vec<u8> {
        let mut hasher = Hasher::new();
        hasher.update(self.standing.as_bytes());
        for (name, (_, _, bytes)) in &self.tensors {
            hasher.update(name.as_bytes());
            hasher.update(bytes);
        }
        let checksum = hasher.finalize().to_le_bytes();
        let view = |dtype: Dtype, shape: &[usize], bytes| {
            TensorView::new(dtype, shape.to_vec(), bytes).expect("as many bytes as before")
        };
        let tensors = self.tensors.iter();
        let views =
            tensors.map(|(name, (dtype, shape, bytes))| (&name[..], view(*dtype, shape, bytes)));
        let views = views.chain([(CHECKSUM, view(Dtype::U32, &[1], &checksum))]);
        let metadata = [(METADATA.to_owned(), self.standing.clone())].into();
        safetensors::serialize(views, Some(metadata)).expect("tensors of different names")
    }
}

fn read(directory: &Path) -> bool {
    let text = fs::read_to_string(directory.join(EXPERIMENT)).unwrap_or_default();
    let Ok(experiment) = toml::from_str::<Experiment>(&text) else {
        return false;
    };
    let images = images();
    if !is_small(&experiment) {
        return false;
    }
    match RunDirectory::resume(directory, &experiment, &Compute::Cpu, &images) {
        Ok(Some(opened)) => run_in(opened, &experiment, &Compute::Cpu, &images, |_| {}).is_ok(),
        Ok(None) => true,
        Err(_) => false,
    }
}
