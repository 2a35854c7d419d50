//! Kernel by kernel and buffer by buffer: every shader, on every adapter, against its CPU twin.
//!
//! For each dispatch all buffers are filled with the same numbers (so that whatever a kernel does not
//! write is a sentinel), the dispatch runs alone on both sides, and every word of every buffer is
//! compared.

#[path = "parity/cases.rs"]
mod cases;
mod common;
#[path = "parity/fillings.rs"]
mod fillings;
#[path = "parity/pair.rs"]
mod pair;
#[path = "parity/recording.rs"]
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytemuck::cast_slice;
use cases::{CASES, cases, program, program_of_graph, program_of_images};
use common::{gpus, noise};
use fillings::{fillings, state};
use pair::{
    Pair, TILINGS, alone, compare_words, dispatches, is_compared, preparation, write_words,
};
use recording::Recording;
use trainable::cpu::CpuExecutor;
use trainable::gpu::{Gpu, Tiling};
use trainable::kernels;
use trainable::plan::{Contents, Elements, Program};
use trainable::probe::{IterateForm, ProbeMethod};
use trainable::state::{ReplicaState, TaskRecord};

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

/// Runs every dispatch of a program alone on both sides and compares all buffers.
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
        for (id, spec) in program.buffer_ids().zip(&program.declared) {
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
    let standards = program.buffers.standards.expect("a stream was given");
    let number = program.buffer_ids().position(|id| id == standards);
    let spec = &mut program.declared[number.expect("a buffer of this program")];
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
    pair.write(pair.program.buffers.states, cast_slice(&states));
}

/// Initial weights, and the images, labels and orders of two epochs: neither side may round.
#[test]
fn bits_that_must_agree_do() {
    for gpu in gpus() {
        for case in &CASES {
            let program = program(case, IterateForm::Auto, ProbeMethod::Power);
            let program = with_exact_pixels(program);
            let mut pair = Pair::new(&program, &gpu, Tiling::Auto);
            let dispatches = dispatches(&program);
            let named = |name| {
                let all = dispatches.iter();
                all.copied().filter(move |d| d.kernel.name == name)
            };
            pair.fill(7);
            let initialise = program.initialise.dispatches.iter();
            let drawing = initialise.chain(named("task_reset"));
            drawing.for_each(|dispatch| pair.run(dispatch));
            pair.assert_same_bits(program.buffers.parameters);
            let mut epochs = BTreeSet::new();
            for epoch in 0..2 {
                let mut images = Vec::new();
                for batch in 0..3 {
                    go_to(&mut pair, epoch, batch);
                    named("batch_gather").for_each(|dispatch| pair.run(dispatch));
                    pair.assert_same_bits(program.buffers.labels);
                    images.extend(pair.assert_same_bits(program.buffers.activations[0]));
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
        let optimal = ProbeMethod::Lobpcg;
        let gradients = IterateForm::SampleGradients;
        let programs = [
            program(&CASES[1], gradients, optimal),
            program_of_graph(0, gradients, optimal),
            program_of_graph(1, gradients, optimal),
            program_of_graph(2, gradients, optimal),
            program_of_images(0, gradients, optimal),
            program_of_images(2, gradients, optimal),
        ];
        let mut left_traces = BTreeMap::new();
        for program in &programs {
            let dispatches = dispatches(program);
            for (number, dispatch) in dispatches.iter().enumerate() {
                let mut pair = Pair::new(program, &gpu, Tiling::Auto);
                pair.fill(3);
                let prepared = preparation(&dispatches, number).iter();
                prepared.for_each(|d| pair.run(d));
                pair.cpu.run(&alone(dispatch), 1);
                let differs = program
                    .buffer_ids()
                    .zip(&program.declared)
                    .any(|(id, spec)| {
                        !spec.shared
                            && compare_words(
                                &spec.elements,
                                &pair.gpu_words(id),
                                &pair.cpu_words(id),
                            )
                            .is_err()
                    });
                *left_traces.entry(dispatch.kernel.name).or_insert(false) |= differs;
            }
        }
        let names = kernels::all().map(|kernel| kernel.name);
        let ran: BTreeSet<_> = left_traces.keys().copied().collect();
        assert_eq!(ran, names.collect(), "left: kernels that a case reaches");
        for (kernel, left_traces) in left_traces {
            assert!(left_traces, "{}: {kernel} left no trace", gpu.adapter);
        }
    }
}

/// Records all dispatches for `tests/portability/dawn`, which repeats them in a browser.
#[test]
#[ignore = "writes files, to the folder that TRAINABLE_RECORD names"]
fn every_dispatch_is_recorded() {
    let folder = std::env::var_os("TRAINABLE_RECORD").expect("TRAINABLE_RECORD names a folder");
    let mut recording = Recording::new(&kernels::all().collect::<Vec<_>>());
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
    for kernel in kernels::all() {
        assert!(recording.has(kernel.name), "{} does not occur", kernel.name);
    }
    recording
        .write(Path::new(&folder))
        .expect("the recording is written");
}
