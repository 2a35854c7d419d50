//! Tasks of random lengths: the device switches at the updates that the host expects, and a task's final scores are those
//! of its last whole epoch; on the CPU executor and on every adapter.

mod common;
#[path = "common/run.rs"]
mod run;

use std::collections::BTreeSet;

use bytemuck::cast_slice;
use common::computes;
use run::Run;
use trainable::gpu::Gpu;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec};
use trainable::state::ReplicaState;
use trainable::tasks::{TaskLengths, task_length};
use trainable::{Compute, Trainer, wgpu};

const PIXELS: u32 = 12;
/// Minibatches in an epoch: 23 images, 7 in a minibatch.
const BATCHES: u32 = 3;

fn spec(epochs: u32, switch_seed: Option<u32>) -> TrainingSpec {
    use TaskSwitch::{Carry, FreshNetwork, ResetOptimiser};
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS as usize)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    let replica = |at_task_switch| ReplicaSpec {
        seed: 1,
        step_size: 1e-2,
        at_task_switch,
        ..ReplicaSpec::default()
    };
    TrainingSpec {
        network: Network::mlp(&[PIXELS, 9, 5], Activation::Relu).unwrap(),
        batch: 7,
        replicas: [Carry, ResetOptimiser, FreshNetwork].map(replica).into(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, PIXELS as usize, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs,
            relabel_fraction: 1.0,
            switch_seed,
        }),
        probe: Some(ProbeSpec {
            iterations: 1,
            ..ProbeSpec::default()
        }),
    }
}

/// Lengths of the first `tasks` tasks, from the draws themselves.
fn drawn(epochs: u32, seed: u32, tasks: u32) -> Vec<u32> {
    let mean = u64::from(epochs * BATCHES);
    let length = |task| task_length(seed, task, mean, mean / 2) as u32;
    (0..tasks).map(length).collect()
}

/// Replaces each [switch seed, task, mean, spread] by [length, 0, 0, 0].
const LENGTHS: &str = "
@group(0) @binding(0) var<storage, read_write> cases: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = cases[id.x];
    cases[id.x] = vec4<u32>(task_length(c.x, c.y, c.z, c.w), 0u, 0u, 0u);
}
";

/// Lengths that the device computes for `cases`, a multiple of 64 of them.
fn lengths_on(gpu: &Gpu, cases: &[[u32; 4]]) -> Vec<u32> {
    let device = &gpu.device;
    let shader = [
        include_str!("../shaders/common/rng.wgsl"),
        include_str!("../shaders/common/tasks.wgsl"),
        LENGTHS,
    ];
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(shader.concat().into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let bytes: &[u8] = cast_slice(cases);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_SRC
            | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&buffer, 0, bytes);
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry {
            binding: 0,
            resource: buffer.as_entire_binding(),
        }],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    let mut pass = encoder.begin_compute_pass(&Default::default());
    pass.set_pipeline(&pipeline);
    pass.set_bind_group(0, &bind_group, &[]);
    pass.dispatch_workgroups(cases.len() as u32 / 64, 1, 1);
    drop(pass);
    gpu.queue.submit([encoder.finish()]);
    let words = common::read_buffer(device, &gpu.queue, &buffer);
    words.chunks(4).map(|case| case[0]).collect()
}

#[test]
fn device_and_host_draw_the_same_lengths() {
    let means = [1, 2, 3, 6, 1_000, 10_000, 2_863_311_530, u32::MAX];
    let seeds = [0, 1, 7, u32::MAX];
    let tasks = (0..60).chain([1 << 16, 1 << 31, u32::MAX - 1, u32::MAX]);
    let cases: Vec<_> = tasks
        .flat_map(|task| seeds.map(|seed| (seed, task)))
        .flat_map(|(seed, task)| means.map(|mean| (seed, task, mean)))
        .map(|(seed, task, mean)| {
            // The largest lengths must be below 2^32.
            let spread = if mean == u32::MAX { 0 } else { mean / 2 };
            [seed, task, mean, spread]
        })
        .collect();
    let host = |[seed, task, mean, spread]: [u32; 4]| {
        let length = task_length(seed, task, mean.into(), spread.into());
        assert!((mean - spread..=mean + spread).contains(&(length as u32)));
        length as u32
    };
    let wanted: Vec<_> = cases.iter().map(|case| host(*case)).collect();
    for gpu in common::gpus() {
        let found = lengths_on(&gpu, &cases);
        assert!(found == wanted, "{}", gpu.adapter);
        // The negative control: another seed draws other lengths.
        let mut other = cases.clone();
        other.iter_mut().for_each(|case| case[0] ^= 1);
        assert!(lengths_on(&gpu, &other) != wanted, "{}", gpu.adapter);
    }
}

fn state(run: &Run<'_>, replica: usize) -> ReplicaState {
    cast_slice(&run.words(run.program.buffers.states, replica))[0]
}

fn has_no_moments(run: &Run<'_>, replica: usize) -> bool {
    let buffers = &run.program.buffers;
    let moments = [buffers.first_moment, buffers.second_moment].map(|id| run.words(id, replica));
    moments.concat().iter().all(|word| *word == 0)
}

#[test]
fn resets_happen_at_the_drawn_switches_and_only_there() {
    let equal = Program::new(&spec(2, None)).unwrap();
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let program = Program::new(&spec(2, Some(seed))).unwrap();
            let mut run = Run::new(&compute, &program);
            let mut equal = Run::new(&compute, &equal);
            let (mut updates, mut misses) = (0, 0);
            for (task, length) in (0..).zip(drawn(2, seed, 4)) {
                let what = format!("{device}, seed {seed}, task {task} of {length} updates");
                run.steps(length - 1);
                for replica in 0..3 {
                    assert_eq!(state(&run, replica).task, task, "{what}");
                    assert!(!has_no_moments(&run, replica), "{what}, too early");
                }
                run.steps(1);
                updates += length;
                for (replica, resets) in [(0, false), (1, true), (2, true)] {
                    let state = state(&run, replica);
                    assert_eq!((state.task, state.updates), (task + 1, updates), "{what}");
                    assert_eq!(has_no_moments(&run, replica), resets, "{what}, {replica}");
                    let since = if resets { 0 } else { updates };
                    assert_eq!(state.optimiser_updates, since, "{what}, {replica}");
                }
                // The negative control: equal lengths reset at multiples of 6 alone.
                equal.steps(length);
                let is_end = updates.is_multiple_of(6);
                assert_eq!(has_no_moments(&equal, 1), is_end, "{what}");
                misses += u32::from(!is_end);
            }
            assert!(misses > 0, "seed {seed} has lengths as equal ones");
        }
    }
}

#[test]
fn a_switch_is_the_same_in_one_call_in_pieces_and_after_a_probe() {
    for (device, compute) in computes() {
        let all = drawn(2, 2, 3).iter().sum::<u32>() + 2;
        let new = || Trainer::new(&compute, spec(2, Some(2))).unwrap();
        let mut whole = new();
        whole.train(all).unwrap();
        let mut pieces = new();
        for _ in 0..all {
            pieces.train(1).unwrap();
        }
        let mut probed = new();
        for length in drawn(2, 2, 3) {
            probed.train(length - 1).unwrap();
            probed.probe().unwrap();
            probed.train(1).unwrap();
        }
        probed.train(2).unwrap();
        let end =
            |trainer: &mut Trainer| (trainer.parameters().unwrap(), trainer.progress().unwrap());
        let wanted = end(&mut whole);
        assert!(end(&mut pieces) == wanted, "{device}: in pieces");
        assert!(end(&mut probed) == wanted, "{device}: probed");
    }
}

/// The scores of a task, from the minibatches of each of its updates: `correct` and `losses`.
fn scores(correct: &[u32], losses: &[f32]) -> [f64; 4] {
    let whole = correct.len() / BATCHES as usize * BATCHES as usize;
    let last = match whole {
        0 => 0..correct.len(),
        whole => whole - BATCHES as usize..whole,
    };
    let accuracy = |correct: &[u32]| {
        let sum = f64::from(correct.iter().sum::<u32>());
        sum / 7.0 / correct.len() as f64
    };
    let loss = |losses: &[f32]| {
        let sum = losses.iter().fold(0.0, |sum, loss| sum + loss);
        f64::from(sum) / losses.len() as f64
    };
    [
        accuracy(correct),
        loss(losses),
        accuracy(&correct[last.clone()]),
        loss(&losses[last]),
    ]
}

#[test]
fn final_scores_are_those_of_the_last_whole_epoch() {
    for (device, compute) in computes() {
        let mut remainders = BTreeSet::new();
        for (epochs, seed) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)] {
            let mut trainer = Trainer::new(&compute, spec(epochs, Some(seed))).unwrap();
            for (task, length) in (0..).zip(drawn(epochs, seed, 3)) {
                let (mut correct, mut losses) = (Vec::new(), Vec::new());
                for _ in 0..length {
                    trainer.train(1).unwrap();
                    let progress = &trainer.progress().unwrap()[0];
                    correct.push(progress.batch_correct);
                    losses.push(progress.batch_loss);
                }
                let progress = &trainer.progress().unwrap()[0];
                let found = progress.score(task).expect("a finished task");
                let found = [
                    found.online_accuracy,
                    found.online_loss,
                    found.final_accuracy,
                    found.final_loss,
                ];
                let wanted = scores(&correct, &losses);
                let what = format!("{device}, seed {seed}, task {task} of {length} updates");
                assert!(wanted.iter().all(|score| score.is_finite()), "{what}");
                for (found, wanted) in found.iter().zip(wanted) {
                    assert!((found - wanted).abs() < 1e-12, "{what}: {found}, {wanted}");
                }
                remainders.insert((length < BATCHES, length % BATCHES));
            }
        }
        // A task shorter than an epoch, whole epochs, and both parts of a last epoch.
        let wanted = [(false, 0), (false, 1), (false, 2), (true, 2)];
        assert_eq!(remainders, wanted.into(), "{device}");
    }
}

#[test]
fn a_snapshot_goes_on_within_a_task_of_random_length() {
    let other = spec(2, Some(6));
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let spec = spec(2, Some(seed));
            let lengths = spec.task_lengths();
            let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
            trainer.train(lengths.end_of(1) as u32 + 2).unwrap();
            let snapshot = trainer.snapshot().unwrap();
            let mut restored = Trainer::new(&compute, spec).unwrap();
            restored.restore(&snapshot).unwrap();
            trainer.train(20).unwrap();
            restored.train(20).unwrap();
            let same = trainer.snapshot().unwrap() == restored.snapshot().unwrap();
            assert!(same, "{device}, seed {seed}");

            // Lengths of another seed cannot have left these counters.
            let mut other = Trainer::new(&Compute::Cpu, other.clone()).unwrap();
            let error = other.restore(&snapshot).unwrap_err().to_string();
            assert!(
                error.contains(": wanted "),
                "{device}, seed {seed}: {error}"
            );
        }
    }
}

#[test]
fn counters_that_no_task_of_its_length_leaves_are_refused() {
    let lengths = TaskLengths {
        mean: 6,
        switch_seed: Some(1),
    };
    let mut trainer = Trainer::new(&Compute::Cpu, spec(2, Some(1))).unwrap();
    let [begin, length] = [lengths.end_of(1), lengths.length_of(2)].map(|n| n as u32);
    trainer.train(begin + 1).unwrap();
    let good = trainer.snapshot().unwrap();
    let mut refusal = |change: &dyn Fn(&mut ReplicaState)| {
        let mut forged = good.clone();
        let states = forged.buffers.iter_mut().find(|b| b.name == "states");
        let words = &mut states.expect("a buffer of states").words;
        change(&mut bytemuck::cast_slice_mut(words)[1]);
        let restored = trainer.restore(&forged);
        restored.map_or_else(|error| error.to_string(), |()| "accepted".to_owned())
    };
    assert_eq!(refusal(&|_| ()), "accepted");
    let wanted = format!("updates: wanted {} in replica 1, found {begin}", begin + 1);
    assert_eq!(refusal(&|state| state.updates -= 1), wanted);
    let at_end = |state: &mut ReplicaState| {
        (state.epoch, state.batch) = (length / BATCHES, length % BATCHES);
        state.task_batches = length;
        state.updates = begin + length;
    };
    let refused = refusal(&at_end);
    assert!(refused.contains("wanted below"), "{refused}");
    let most = (begin + 1) / 3;
    let wanted = format!(
        "task: wanted {most} at most in replica 1, found {}",
        u32::MAX
    );
    assert_eq!(refusal(&|state| state.task = u32::MAX), wanted);
    let wanted =
        "correct predictions of the latest whole epoch: wanted 21 at most in replica 1, found 22";
    assert_eq!(refusal(&|state| state.whole_epoch_correct = 22), wanted);
    let wanted = "loss of the latest whole epoch: wanted a number in replica 1, found NaN";
    assert_eq!(refusal(&|state| state.whole_epoch_loss = f32::NAN), wanted);
}
