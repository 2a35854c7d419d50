//! The words that fill buffers before a dispatch.

use crate::common::noise;
use bytemuck::cast_slice;
use trainable::plan::{BufferId, Contents, Elements, Program, WassersteinBuffers};
use trainable::state::{
    LayerControl, LobpcgStep, ProbeSlot, ReplicaState, UnitRecord, UnitStatistic,
};

/// The words of every buffer that is refilled before a dispatch. Shared buffers, configurations and other settings keep
/// their contents.
pub(crate) fn fillings(program: &Program, seed: u32) -> impl Iterator<Item = (BufferId, Vec<u32>)> {
    let numbered = (seed..).zip(program.buffer_ids());
    numbered.filter_map(|(seed, id)| Some((id, contents(program, id, seed)?)))
}

/// Words that a buffer could hold in the middle of a run; none for a buffer that keeps its contents.
fn contents(program: &Program, id: BufferId, seed: u32) -> Option<Vec<u32>> {
    let spec = program.buffer(id);
    let words = spec.words * program.replicas as usize;
    let buffers = &program.buffers;
    let is_setting = match (spec.elements, &spec.contents) {
        (Elements::F32, Contents::Words(_)) => true,
        (Elements::Struct(layout), _) if layout.name == "RenewalSettings" => true,
        _ => id == buffers.configs,
    };
    if spec.shared || is_setting {
        return None;
    }
    if id == buffers.states {
        let states: Vec<_> = (0..program.replicas).map(|r| state(program, r)).collect();
        return Some(cast_slice(&states).to_vec());
    }
    if id == buffers.layer_controls {
        return Some(cast_slice(&controls(program, seed)).to_vec());
    }
    if id == buffers.step_sums {
        let squares = noise(seed, words / 2).into_iter();
        let sum = |square: f32| [square.abs().to_bits(), 0];
        return Some(squares.flat_map(sum).collect());
    }
    if let Elements::Struct(layout) = spec.elements {
        match layout.name {
            "UnitStatistic" => return Some(cast_slice(&unit_statistics(words / 4, seed)).to_vec()),
            "UnitRecord" => return Some(cast_slice(&unit_records(words / 3, seed)).to_vec()),
            _ => {}
        }
    }
    let probe = buffers.probe.as_ref().expect("a probe was given");
    if id == probe.slots {
        let slots: Vec<_> = (0..words as u32 / 8).map(slot).collect();
        return Some(cast_slice(&slots).to_vec());
    }
    if let Some(lobpcg) = &probe.lobpcg {
        if id == lobpcg.steps {
            let count = words * 4 / size_of::<LobpcgStep>();
            let steps: Vec<_> = (0..count as u32).map(step).collect();
            return Some(cast_slice(&steps).to_vec());
        }
        if id == lobpcg.partials {
            // Directions that are neither zero nor along the iterate or the direction before.
            let sums = noise(seed, words).into_iter().enumerate();
            let sums = sums.map(|(i, x)| 0.02 * x + f32::from(u8::from(i % 4 == 0)));
            return Some(sums.map(f32::to_bits).collect());
        }
    }
    if id == buffers.labels {
        return Some((0..words as u32).map(|i| i % 2).collect());
    }
    let wasserstein = wasserstein(program);
    if wasserstein.sort.payloads.contains(&id) {
        // Any permutation: a place that occurs twice would be written twice at once.
        return Some(repeated(program, (0..spec.words as u32).rev()));
    }
    if id == wasserstein.sort.counts {
        return Some((0..words as u32).map(|i| i * 7 % 13).collect());
    }
    let numbers = noise(seed, words);
    if wasserstein.sort.keys.contains(&id) || id == wasserstein.initial_keys {
        return Some(numbers.iter().map(|x| key_of(*x)).collect());
    }
    Some(match spec.elements {
        Elements::F32 if id == buffers.second_moment => {
            numbers.iter().map(|x| (0.1 + x.abs()).to_bits()).collect()
        }
        Elements::F32 => numbers.iter().map(|x| x.to_bits()).collect(),
        _ => vec![0; words],
    })
}

pub(crate) fn wasserstein(program: &Program) -> &WassersteinBuffers {
    let own = &program.buffers.regularisers.wasserstein;
    own.as_ref().expect("replicas with the regulariser")
}

/// The same words for every replica.
fn repeated(program: &Program, words: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
    (0..program.replicas).flat_map(|_| words.clone()).collect()
}

/// The sort key of a number.
fn key_of(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 31
    }
}

/// Replica 0 at the end of its second task, 1 halted, 2 in the middle of an epoch, the others at the
/// beginning of a task.
pub(crate) fn state(program: &Program, replica: u32) -> ReplicaState {
    let start: &[ReplicaState] = match &program.buffer(program.buffers.states).contents {
        Contents::Words(words) => cast_slice(words),
        Contents::Zero => unreachable!("states start with contents"),
    };
    let state = ReplicaState {
        task: 1,
        updates: 10,
        optimiser_updates: 4,
        correction1: 0.686,
        correction2: 0.0109,
        batch_loss: 2.5,
        batch_correct: 1,
        ..start[0]
    };
    match replica {
        0 => ReplicaState {
            epoch: 1,
            batch: 2,
            task_batches: 5,
            task_loss: 4.0,
            task_correct: 9,
            ..state
        },
        1 => ReplicaState {
            halted: 1,
            halted_task: 1,
            halted_update: 9,
            ..state
        },
        2 => ReplicaState {
            task: 5,
            batch: 1,
            task_batches: 1,
            epoch_loss: 1.0,
            ..state
        },
        _ => state,
    }
}

/// The controls at the start, with a state of update clipping in all layers but one: a ratio below the threshold or above
/// it, and a mean.
fn controls(program: &Program, seed: u32) -> Vec<LayerControl> {
    let Contents::Words(words) = &program.buffer(program.buffers.layer_controls).contents else {
        unreachable!("layer controls start with contents");
    };
    let start: &[LayerControl] = cast_slice(words);
    let numbers = noise(seed, start.len());
    let with_state = |(number, (control, x)): (usize, (&LayerControl, &f32))| LayerControl {
        clip_ratio: 4.0 * x.abs(),
        clip_mean: if number == 1 { 0.0 } else { 0.01 + x.abs() },
        clip_weight: 0.25,
        ..*control
    };
    let numbered = start.iter().zip(&numbers).enumerate();
    numbered.map(with_state).collect()
}

/// Units of which a third has not fired, and some are renewed.
fn unit_statistics(count: usize, seed: u32) -> Vec<UnitStatistic> {
    let numbers = noise(seed, 2 * count);
    let statistic = |unit: usize| UnitStatistic {
        activity: numbers[2 * unit].abs(),
        contribution: numbers[2 * unit + 1].abs(),
        fired: u32::from(!unit.is_multiple_of(3)),
        renewed: u32::from(unit % 4 < 2),
    };
    (0..count).map(statistic).collect()
}

/// Units of different ages, some without an interval.
fn unit_records(count: usize, seed: u32) -> Vec<UnitRecord> {
    let numbers = noise(seed, count);
    let record = |unit: usize| UnitRecord {
        mean: numbers[unit].abs(),
        age: unit as u32 % 5,
        intervals: unit as u32 % 4,
    };
    (0..count).map(record).collect()
}

/// Mostly running, at different stages; every fifth converged, every seventh diverged.
fn slot(number: u32) -> ProbeSlot {
    ProbeSlot {
        eigenvalue: 0.25 * number as f32,
        residual: 0.5,
        scale: 0.75,
        iterations: number,
        status: u32::from(number % 5 == 4) + 2 * u32::from(number % 7 == 6),
        has_vector: number % 2,
        advanced: number % 3,
        momentum: 0.1 * (number % 2) as f32,
    }
}

/// Arbitrary coefficients; every fifth step is not taken.
fn step(number: u32) -> LobpcgStep {
    LobpcgStep {
        iterate_x: 0.9,
        iterate_w: 0.4,
        iterate_p: -0.2,
        previous_x: -0.3,
        previous_w: 0.8,
        previous_p: 0.5,
        eigenvalue: 0.25,
        inverse_scale: 0.75,
        curvature: -0.5,
        next_eigenvalue: 0.25 * number as f32,
        next_scale: 0.75,
        is_taken: u32::from(number % 5 != 4),
    }
}
