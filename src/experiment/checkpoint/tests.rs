//! A checkpoint is read as it was written, bit for bit, and no damage goes unnoticed.

use std::path::Path;

use super::*;
use crate::network::{Activation, Network};
use crate::scheduler::{BoundControl, Control, Observation, Scheduler, Statistics};
use crate::snapshot::{Snapshot, SnapshotBuffer};
use crate::spec::{Optimiser, ReplicaSpec, TrainingSpec};

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
        format!(r#""t{index}":{{"dtype":"U8","shape":[{length}],"data_offsets":[{start},{end}]}}"#)
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
