//! Kernel by kernel and buffer by buffer: every shader, on every adapter, against its CPU twin.
//!
//! For each dispatch all buffers are filled with the same numbers (so that whatever a kernel does not
//! write is a sentinel), the dispatch runs alone on both sides, and every word of every buffer is
//! compared.

mod common;
#[path = "parity/recording.rs"]
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytemuck::cast_slice;
use common::{Tolerance, compare, gpus, noise, read_buffer};
use recording::Recording;
use trainable::cpu::CpuExecutor;
use trainable::data::{Dataset, Pixels, Split};
use trainable::gpu::{Gpu, Recorder, Tiling};
use trainable::kernels::KERNELS;
use trainable::network::{Activation, Network};
use trainable::plan::{BufferId, Contents, Dispatch, Elements, Plan, Program, WassersteinBuffers};
use trainable::probe::{IterateForm, ProbeMethod, ProbeSpec};
use trainable::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
};
use trainable::state::{ProbeSlot, ReplicaState, Ritz, TaskRecord};

const TOLERANCE: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};

struct Case {
    widths: &'static [u32],
    activation: Activation,
    batch: u32,
    replicas: u32,
    kind: StreamKind,
    relabel_fraction: f32,
    images: Images,
}

/// How images are stored.
#[derive(Clone, Copy)]
enum Images {
    Bytes,
    /// In three channels.
    ColouredBytes,
    /// In three channels.
    ColouredFloats,
}

/// Sizes that are no multiple of any tile: less than a vec4, a prime, just past a tile.
const CASES: [Case; 8] = [
    Case {
        widths: &[1, 1, 2],
        activation: Activation::Relu,
        batch: 1,
        replicas: 1,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[7, 17, 5, 3],
        activation: Activation::Crelu,
        batch: 7,
        replicas: 5,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 0.5,
        images: Images::Bytes,
    },
    Case {
        widths: &[17, 7, 65, 10],
        activation: Activation::LeakyRelu,
        batch: 17,
        replicas: 4,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 0.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[65, 33, 17],
        activation: Activation::Tanh,
        batch: 65,
        replicas: 1,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[9, 130, 129, 4],
        activation: Activation::Relu,
        batch: 9,
        replicas: 3,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 0.3,
        images: Images::ColouredBytes,
    },
    Case {
        widths: &[5, 3],
        activation: Activation::Identity,
        batch: 130,
        replicas: 1,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[66, 5, 10],
        activation: Activation::Relu,
        batch: 9,
        replicas: 3,
        kind: StreamKind::PermutedPixels,
        relabel_fraction: 1.0,
        images: Images::ColouredFloats,
    },
    Case {
        widths: &[1, 3],
        activation: Activation::Identity,
        batch: 2,
        replicas: 1,
        kind: StreamKind::PermutedPixels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
];

/// Every case with either form of the probe's iterates, each form with either method in turn, numbered.
fn cases() -> impl Iterator<Item = (u32, Program)> {
    let forms = [IterateForm::SampleGradients, IterateForm::Parameters];
    let methods = [ProbeMethod::Power, ProbeMethod::LocallyOptimal];
    let cases = CASES.iter().enumerate().flat_map(move |(number, case)| {
        let method = |form| methods[(number + form) % 2];
        [0, 1].map(|form| program(case, forms[form], method(form)))
    });
    (0..).zip(cases)
}

fn program(case: &Case, form: IterateForm, method: ProbeMethod) -> Program {
    let pixels = case.widths[0] as usize;
    let bytes: Vec<u8> = noise(5, 400 * pixels)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    let classes = case.widths[case.widths.len() - 1];
    let labels: Vec<u8> = (0..400).map(|i| (i * 7 % classes) as u8).collect();
    let coloured = |pixels| {
        let shape = [3, 1, case.widths[0] / 3].into();
        let labels = labels.iter().map(|label| u32::from(*label)).collect();
        ImageSet::training(&Dataset {
            name: "noise".to_owned(),
            classes,
            train: Split {
                shape,
                pixels,
                labels,
            },
            test: None,
        })
    };
    // Channels of unlike scales and means.
    let float = |(i, x): (usize, f32)| {
        let channel = i % pixels / (pixels / 3);
        (x + channel as f32) * (1.0 + 3.0 * channel as f32)
    };
    let images = match case.images {
        Images::Bytes => {
            ImageSet::new(&bytes, pixels, 0.5, 0.25).and_then(|set| set.with_labels(&labels))
        }
        Images::ColouredBytes => coloured(Pixels::Bytes(bytes)),
        Images::ColouredFloats => {
            let values = noise(5, 400 * pixels).into_iter().enumerate();
            coloured(Pixels::Floats(values.map(float).collect()))
        }
    };
    let replica = |seed| ReplicaSpec {
        seed,
        l2: 1e-2 * seed as f32,
        l2_init: if seed == 2 { 0.0 } else { 1e-2 },
        wasserstein: if seed == 2 { 0.0 } else { 1e-2 },
        optimiser: match seed {
            2 | 4 => Optimiser::Sgd { momentum: 0.75 },
            _ => Optimiser::default(),
        },
        at_task_switch: match seed {
            1 | 3 => TaskSwitch::FreshNetwork,
            4 => TaskSwitch::ResetOptimiser,
            _ => TaskSwitch::Carry,
        },
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::new(case.widths, case.activation).unwrap(),
        batch: case.batch,
        replicas: (0..case.replicas).map(replica).collect(),
        stream: Some(TaskStream {
            kind: case.kind,
            images: images.unwrap(),
            subset: 3 * case.batch,
            epochs: 2,
            relabel_fraction: case.relabel_fraction,
        }),
        probe: Some(ProbeSpec {
            form,
            method,
            tolerance: 1e-3,
            ..ProbeSpec::default()
        }),
    };
    Program::new(&spec).unwrap()
}

/// Words that a buffer could hold in the middle of a run; layer controls, configurations and images
/// keep what they hold.
fn contents(program: &Program, id: BufferId, seed: u32) -> Option<Vec<u32>> {
    let spec = program.buffer(id);
    let words = spec.words * program.replicas as usize;
    let names = &program.names;
    if spec.shared || id == names.configs || id == names.layer_controls {
        return None;
    }
    if id == names.states {
        let states: Vec<_> = (0..program.replicas).map(|r| state(program, r)).collect();
        return Some(cast_slice(&states).to_vec());
    }
    let probe = names.probe.as_ref().expect("a probe was given");
    if id == probe.slots {
        let slots: Vec<_> = (0..words as u32 / 8).map(slot).collect();
        return Some(cast_slice(&slots).to_vec());
    }
    if let Some(ritz) = &probe.ritz {
        if id == ritz.steps {
            let steps = vec![RITZ; words / 9];
            return Some(cast_slice(&steps).to_vec());
        }
        if id == ritz.partials {
            // Directions that are neither zero nor along the iterate or the direction before.
            let sums = noise(seed, words).into_iter().enumerate();
            let sums = sums.map(|(i, x)| 0.02 * x + f32::from(u8::from(i % 4 == 0)));
            return Some(sums.map(f32::to_bits).collect());
        }
    }
    if id == names.labels {
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
        Elements::F32 if id == names.second_moment => {
            numbers.iter().map(|x| (0.1 + x.abs()).to_bits()).collect()
        }
        Elements::F32 => numbers.iter().map(|x| x.to_bits()).collect(),
        _ => vec![0; words],
    })
}

fn wasserstein(program: &Program) -> &WassersteinBuffers {
    let own = &program.names.regularisers.wasserstein;
    own.as_ref().expect("replicas with the regulariser")
}

/// The same words for every replica.
fn repeated(program: &Program, words: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
    (0..program.replicas).flat_map(|_| words.clone()).collect()
}

/// What the sort orders a number by.
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
fn state(program: &Program, replica: u32) -> ReplicaState {
    let start: &[ReplicaState] = match &program.buffer(program.names.states).contents {
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

/// Coefficients of no meaning.
const RITZ: Ritz = Ritz {
    iterate_x: 0.9,
    iterate_w: 0.4,
    iterate_p: -0.2,
    previous_x: -0.3,
    previous_w: 0.8,
    previous_p: 0.5,
    eigenvalue: 0.25,
    inverse_scale: 0.75,
    curvature: -0.5,
};

/// Every dispatch of every plan.
fn dispatches(program: &Program) -> Vec<&Dispatch> {
    let step = program.step.as_ref().expect("a stream was given");
    let probe = program.probe.as_ref().expect("a probe was given");
    [&program.initialise, step, &probe.begin]
        .into_iter()
        .chain(&probe.refresh)
        .chain([&probe.iterate, &probe.end])
        .flat_map(|plan| &plan.dispatches)
        .collect()
}

/// What must run before `dispatches[number]` for it to be defined: a scatter's places must be those of
/// its own keys, or elements meet.
fn preparation<'a>(dispatches: &'a [&Dispatch], number: usize) -> &'a [&'a Dispatch] {
    match dispatches[number].kernel.name {
        "radix_scatter" => &dispatches[number - 2..number],
        _ => &[],
    }
}

/// A plan of one dispatch.
fn alone(dispatch: &Dispatch) -> Plan {
    Plan {
        name: dispatch.kernel.name,
        dispatches: vec![dispatch.clone()],
    }
}

/// What every buffer is filled with that does not keep what it holds.
fn fillings(program: &Program, seed: u32) -> impl Iterator<Item = (BufferId, Vec<u32>)> {
    let numbered = (seed..).zip(program.buffer_ids());
    numbered.filter_map(|(seed, id)| Some((id, contents(program, id, seed)?)))
}

/// Sets a buffer of all replicas.
fn write_words(cpu: &mut CpuExecutor, program: &Program, id: BufferId, words: &[u32]) {
    let parts = words.chunks(words.len() / program.replicas as usize);
    parts
        .enumerate()
        .for_each(|(r, part)| cpu.write(id, r, part));
}

/// The words of a buffer of all replicas.
fn words_of(cpu: &CpuExecutor, program: &Program, id: BufferId) -> Vec<u32> {
    let parts = if program.buffer(id).shared {
        1
    } else {
        program.replicas
    };
    (0..parts as usize)
        .flat_map(|r| cpu.read(id, r).to_vec())
        .collect()
}

/// Every variant of every kernel: all plain ones, and then the products' others.
const TILINGS: [Tiling; 3] = [
    Tiling::Only("plain"),
    Tiling::Only("wide"),
    Tiling::Only("deep"),
];

/// Whether this dispatch is to be compared: those that have no other variant are compared as plain ones only.
fn is_compared(dispatch: &Dispatch, tiling: Tiling) -> bool {
    tiling == TILINGS[0] || !dispatch.kernel.tiled.is_empty()
}

/// One program on both sides.
struct Pair<'a> {
    program: &'a Program,
    cpu: CpuExecutor,
    gpu: &'a Gpu,
    recorder: Recorder,
}

impl<'a> Pair<'a> {
    fn new(program: &'a Program, gpu: &'a Gpu, tiling: Tiling) -> Self {
        let recorder = Recorder::new(&gpu.device, program).unwrap();
        let recorder = recorder.with_tiling(tiling);
        Self {
            program,
            cpu: CpuExecutor::new(program),
            gpu,
            recorder,
        }
    }

    fn fill(&mut self, seed: u32) {
        for (id, words) in fillings(self.program, seed) {
            self.write(id, &words);
        }
    }

    /// Sets a buffer of all replicas on both sides.
    fn write(&mut self, id: BufferId, words: &[u32]) {
        write_words(&mut self.cpu, self.program, id, words);
        let buffer = self.recorder.buffer(id);
        self.gpu.queue.write_buffer(buffer, 0, cast_slice(words));
    }

    /// Returns the words of a buffer, which must be the same on both sides.
    fn assert_same_bits(&self, id: BufferId) -> Vec<u32> {
        let (found, wanted) = (self.gpu_words(id), self.cpu_words(id));
        let buffer = &self.program.buffer(id).name;
        assert!(found == wanted, "{}: {buffer}", self.gpu.adapter);
        found
    }

    fn run(&mut self, dispatch: &Dispatch) {
        let plan = alone(dispatch);
        self.cpu.run(&plan, 1);
        let prepared = self.recorder.prepare(&self.gpu.device, &plan).unwrap();
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        prepared.encode(&mut encoder, 1);
        self.gpu.queue.submit([encoder.finish()]);
    }

    fn gpu_words(&self, id: BufferId) -> Vec<u32> {
        read_buffer(&self.gpu.device, &self.gpu.queue, self.recorder.buffer(id))
    }

    fn cpu_words(&self, id: BufferId) -> Vec<u32> {
        words_of(&self.cpu, self.program, id)
    }
}

/// Compares word by word, each as what it is.
fn compare_words(elements: &Elements, found: &[u32], wanted: &[u32]) -> Result<(), String> {
    let is_float = |word: usize| match elements {
        Elements::F32 => true,
        Elements::U32 => false,
        Elements::Struct(layout) => layout.fields[word % layout.fields.len()].kind == "f32",
    };
    if let Some(i) = (0..wanted.len()).find(|&i| !is_float(i) && found[i] != wanted[i]) {
        return Err(format!(
            "integer at {i}: {} instead of {}",
            found[i], wanted[i]
        ));
    }
    let floats = |words: &[u32]| -> Vec<f64> {
        let float = |i: usize| f64::from(f32::from_bits(words[i]));
        (0..words.len())
            .filter(|&i| is_float(i))
            .map(float)
            .collect()
    };
    compare(floats(found), floats(wanted), TOLERANCE)
}

#[test]
fn every_kernel_equals_its_twin_on_every_adapter() {
    for gpu in gpus() {
        for (case_number, program) in cases() {
            for tiling in TILINGS {
                compare_dispatches(&gpu, case_number, &program, tiling);
            }
        }
    }
}

/// Runs every dispatch of a program alone on both sides.
fn compare_dispatches(gpu: &Gpu, case_number: u32, program: &Program, tiling: Tiling) {
    let mut pair = Pair::new(program, gpu, tiling);
    let dispatches = dispatches(program);
    for (number, dispatch) in dispatches.iter().enumerate() {
        if !is_compared(dispatch, tiling) {
            continue;
        }
        pair.fill(100 * case_number);
        let prepared = preparation(&dispatches, number).iter();
        prepared.chain([dispatch]).for_each(|d| pair.run(d));
        for (id, spec) in program.buffer_ids().zip(&program.buffers) {
            if spec.shared {
                continue;
            }
            compare_words(&spec.elements, &pair.gpu_words(id), &pair.cpu_words(id)).unwrap_or_else(
                |worst| {
                    let (adapter, kernel) = (&gpu.adapter, dispatch.kernel.name);
                    let buffer = &spec.name;
                    panic!("{adapter}, case {case_number}, {kernel}, {tiling:?}, {buffer}: {worst}")
                },
            );
        }
    }
}

/// Standards that store a pixel as it is: factor 1 and addend 0. An adapter may fuse the product and the sum, and
/// with these neither rounds.
fn with_exact_pixels(mut program: Program) -> Program {
    let standards = program.names.standards.expect("a stream was given");
    let number = program.buffer_ids().position(|id| id == standards);
    let spec = &mut program.buffers[number.expect("a buffer of this program")];
    let exact = [1.0_f32.to_bits(), 0].into_iter().cycle();
    spec.contents = Contents::Words(exact.take(spec.words).collect());
    program
}

/// Moves every replica to minibatch `batch` of epoch `epoch`, on both sides.
fn go_to(pair: &mut Pair<'_>, epoch: u32, batch: u32) {
    let states = (0..pair.program.replicas).map(|replica| ReplicaState {
        epoch,
        batch,
        ..state(pair.program, replica)
    });
    let states: Vec<_> = states.collect();
    pair.write(pair.program.names.states, cast_slice(&states));
}

/// Initial weights, and the images, labels and orders of two epochs: neither side may round.
#[test]
fn bits_that_must_agree_do() {
    for gpu in gpus() {
        for case in &CASES {
            let program = program(case, IterateForm::Auto, ProbeMethod::Power);
            let program = with_exact_pixels(program);
            let mut pair = Pair::new(&program, &gpu, Tiling::Auto);
            let step = program.step.as_ref().expect("a stream was given");
            let of_step = |name| {
                step.dispatches
                    .iter()
                    .filter(move |d| d.kernel.name == name)
            };
            pair.fill(7);
            let initialise = program.initialise.dispatches.iter();
            let drawing = initialise.chain(of_step("task_reset"));
            drawing.for_each(|dispatch| pair.run(dispatch));
            pair.assert_same_bits(program.names.parameters);
            let mut epochs = BTreeSet::new();
            for epoch in 0..2 {
                let mut images = Vec::new();
                for batch in 0..3 {
                    go_to(&mut pair, epoch, batch);
                    of_step("batch_gather").for_each(|dispatch| pair.run(dispatch));
                    pair.assert_same_bits(program.names.labels);
                    images.extend(pair.assert_same_bits(program.names.activations[0]));
                }
                epochs.insert(images);
            }
            // The negative control: images in another order have other words. Few images may keep their order.
            assert!(epochs.len() == 2 || case.batch <= 2, "orders are equal");
        }
    }
}

#[test]
fn the_comparison_notices_one_wrong_word() {
    let wanted: Vec<u32> = noise(1, 64).iter().map(|x| x.to_bits()).collect();
    let with = |word: u32| {
        let mut found = wanted.clone();
        found[37] = word;
        compare_words(&Elements::F32, &found, &wanted)
    };
    assert!(with(wanted[37]).is_ok());
    assert!(with((f32::from_bits(wanted[37]) + 1e-4).to_bits()).is_err());
    assert!(with(f32::NAN.to_bits()).is_err());
    assert!(with(f32::INFINITY.to_bits()).is_err());
    let layout = <TaskRecord as trainable::layout::ShaderStruct>::LAYOUT;
    let record = [1, 2, 2.5_f32.to_bits(), 4, 5, 1.5_f32.to_bits(), 7, 0];
    let mut off_by_one = record;
    off_by_one[3] += 1;
    assert!(compare_words(&Elements::Struct(layout), &record, &record).is_ok());
    assert!(compare_words(&Elements::Struct(layout), &off_by_one, &record).is_err());
}

#[test]
fn the_comparison_notices_a_kernel_that_did_not_run() {
    // The negative control of the whole chain: only the CPU side runs.
    for gpu in gpus() {
        let optimal = ProbeMethod::LocallyOptimal;
        let program = program(&CASES[1], IterateForm::SampleGradients, optimal);
        let mut left_traces = BTreeMap::new();
        let dispatches = dispatches(&program);
        for (number, dispatch) in dispatches.iter().enumerate() {
            let mut pair = Pair::new(&program, &gpu, Tiling::Auto);
            pair.fill(3);
            let prepared = preparation(&dispatches, number).iter();
            prepared.for_each(|d| pair.run(d));
            pair.cpu.run(&alone(dispatch), 1);
            let differs = program
                .buffer_ids()
                .zip(&program.buffers)
                .any(|(id, spec)| {
                    !spec.shared
                        && compare_words(&spec.elements, &pair.gpu_words(id), &pair.cpu_words(id))
                            .is_err()
                });
            *left_traces.entry(dispatch.kernel.name).or_insert(false) |= differs;
        }
        assert_eq!(left_traces.len(), KERNELS.len());
        for (kernel, left_traces) in left_traces {
            assert!(left_traces, "{}: {kernel} left no trace", gpu.adapter);
        }
    }
}

/// Not a test of this machine: `tests/portability/dawn` has a browser repeat what this records.
#[test]
#[ignore = "writes files, to the folder that TRAINABLE_RECORD names"]
fn every_dispatch_is_recorded() {
    let folder = std::env::var_os("TRAINABLE_RECORD").expect("TRAINABLE_RECORD names a folder");
    let mut recording = Recording::new(&KERNELS);
    for (case_number, program) in cases() {
        let mut cpu = CpuExecutor::new(&program);
        let dispatches = dispatches(&program);
        for (number, dispatch) in dispatches.iter().enumerate() {
            for (id, words) in fillings(&program, 100 * case_number) {
                write_words(&mut cpu, &program, id, &words);
            }
            let prepared = preparation(&dispatches, number).iter();
            prepared.for_each(|d| cpu.run(&alone(d), 1));
            recording.run(case_number, &program, &mut cpu, dispatch);
        }
    }
    for kernel in KERNELS {
        assert!(recording.has(kernel.name), "{} does not occur", kernel.name);
    }
    recording
        .write(Path::new(&folder))
        .expect("the recording is written");
}
