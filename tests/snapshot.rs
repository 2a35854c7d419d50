//! A snapshot holds everything that training depends on. After it is restored into another trainer, training and probing
//! continue with the bits of an uninterrupted run.

mod common;

use common::computes;
use trainable::network::{Activation, Network};
use trainable::probe::{IterateForm, ProbeSpec, ProbeStart};
use trainable::rng::pcg4d;
use trainable::spec::{
    ImageSet, Intervention, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch,
    TrainingSpec, UpdateClipping,
};
use trainable::state::ReplicaState;
use trainable::{Compute, Engine, Snapshot, Trainer};

const PIXELS: usize = 30;

fn probe(start: ProbeStart, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        iterations: 3,
        tolerance: 0.0,
        start,
        form,
        ..ProbeSpec::default()
    }
}

/// Returns a specification with both optimisers, every regulariser, both kinds of clipping, methods that renew units, every
/// task switch, and one replica that diverges. A task has 6 steps, and half of the labels are kept.
fn spec(seed: u32, probe: ProbeSpec) -> TrainingSpec {
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    let plain = ReplicaSpec {
        seed,
        step_size: 1e-2,
        l2: 1e-3,
        ..ReplicaSpec::default()
    };
    let replicas = vec![
        ReplicaSpec {
            l2_init: 0.1,
            wasserstein: 0.01,
            interventions: vec![Intervention::ContinualBackprop {
                rate: 0.05,
                maturity: 2,
                eta: 0.5,
            }],
            update_clipping: Some(UpdateClipping {
                threshold: 0.5,
                ..UpdateClipping::default()
            }),
            ..plain.clone()
        },
        ReplicaSpec {
            optimiser: Optimiser::Sgd { momentum: 0.9 },
            at_task_switch: TaskSwitch::ResetOptimiser,
            wasserstein: 0.02,
            interventions: vec![Intervention::SelfNormalisedResets {
                eta: 0.3,
                window: 4,
            }],
            update_clipping: Some(UpdateClipping::default()),
            gradient_clipping: Some(0.1),
            ..plain.clone()
        },
        ReplicaSpec {
            at_task_switch: TaskSwitch::FreshNetwork,
            l2_init: 0.2,
            ..plain.clone()
        },
        ReplicaSpec {
            step_size: 1e30,
            ..plain
        },
    ];
    TrainingSpec {
        network: Network::mlp(&[PIXELS as u32, 19, 11, 5], Activation::Crelu).unwrap(),
        batch: 7,
        replicas,
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, PIXELS, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 0.5,
            switch_seed: None,
        }),
        probe: Some(probe),
    }
}

/// Probes and progress as printed text, and the snapshot after them. Numbers print exactly, and a diverged replica's NaN
/// equals itself in text.
type Seen = (String, Snapshot);

/// Continues over two probes, a new step size and a task switch.
fn go_on(trainer: &mut Trainer) -> Seen {
    let mut probes = vec![trainer.probe().unwrap()];
    trainer.train(5).unwrap();
    probes.push(trainer.probe().unwrap());
    trainer.set_step_sizes(2, &[1e-3, 2e-3, 3e-3]).unwrap();
    trainer.train(4).unwrap();
    let progress = trainer.progress().unwrap();
    (
        format!("{probes:?} {progress:?}"),
        trainer.snapshot().unwrap(),
    )
}

/// Trains to the middle of the second task, with step sizes that differ from the initial ones.
fn begin(compute: &Compute, spec: TrainingSpec) -> Trainer {
    let mut trainer = Trainer::new(compute, spec).unwrap();
    trainer.train(4).unwrap();
    trainer.probe().unwrap();
    trainer.set_step_sizes(0, &[1e-3, 5e-3, 1e-2]).unwrap();
    trainer.train(5).unwrap();
    trainer
}

#[test]
fn a_restored_trainer_goes_on_with_the_same_bits() {
    for (device, compute) in computes() {
        for (start, form) in [
            (ProbeStart::Warm, IterateForm::SampleGradients),
            (ProbeStart::Warm, IterateForm::Parameters),
            (ProbeStart::Cold, IterateForm::Auto),
        ] {
            let probe = probe(start, form);
            let mut first = begin(&compute, spec(1, probe));
            let snapshot = first.snapshot().unwrap();
            let wanted = go_on(&mut first);
            let progress = first.progress().unwrap();
            let halted: Vec<_> = progress.iter().map(|p| p.halted.is_some()).collect();
            assert_eq!(halted, [false, false, false, true], "{device}");

            // The other words in the buffers do not matter, whether zeros or left by another run.
            let mut fresh = Trainer::new(&compute, spec(1, probe)).unwrap();
            fresh.restore(&snapshot).unwrap();
            assert!(fresh.snapshot().unwrap() == snapshot, "{device}");
            assert!(go_on(&mut fresh) == wanted, "{device}, {probe:?}: fresh");
            fresh.train(3).unwrap();
            fresh.restore(&snapshot).unwrap();
            assert!(go_on(&mut fresh) == wanted, "{device}, {probe:?}: used");
        }
    }
}

/// The negative control for each buffer: training without it goes differently.
#[test]
fn every_buffer_of_a_snapshot_matters() {
    let spec = spec(1, probe(ProbeStart::Warm, IterateForm::Auto));
    let mut first = begin(&Compute::Cpu, spec.clone());
    let snapshot = first.snapshot().unwrap();
    // Only the parameters of the snapshot are compared, because the damaged buffer itself would differ.
    let seen = |trainer: &mut Trainer| {
        let (printed, mut snapshot) = go_on(trainer);
        (printed, snapshot.buffers.swap_remove(0))
    };
    let wanted = seen(&mut first);
    let mut fresh = Trainer::new(&Compute::Cpu, spec).unwrap();
    let initial = fresh.snapshot().unwrap();
    for (index, buffer) in snapshot.buffers.iter().enumerate() {
        let mut incomplete = snapshot.clone();
        incomplete.buffers[index] = initial.buffers[index].clone();
        match &buffer.name[..] {
            // At a fresh start these buffers have the right words. The damage is one that a used trainer could cause.
            name if name.starts_with("initial") => incomplete.buffers[index].words.fill(2),
            // Inconsistent counts are refused, so that only the floats can differ unnoticed.
            "states" => {
                incomplete.buffers[index] = buffer.clone();
                let words = &mut incomplete.buffers[index].words;
                let states: &mut [ReplicaState] = bytemuck::cast_slice_mut(words);
                states.iter_mut().for_each(|state| state.correction1 *= 0.5);
            }
            _ => {}
        }
        fresh.restore(&incomplete).unwrap();
        let found = seen(&mut fresh);
        assert!(found != wanted, "{} does not matter", buffer.name);
    }
    fresh.restore(&snapshot).unwrap();
    assert!(seen(&mut fresh) == wanted);
}

#[test]
fn a_snapshot_of_another_specification_is_refused_and_changes_nothing() {
    for (device, compute) in computes() {
        let with_probe = spec(1, probe(ProbeStart::Warm, IterateForm::Auto));
        let mut trainer = begin(&compute, with_probe.clone());
        let before = trainer.snapshot().unwrap();

        let mut other = with_probe.clone();
        other.replicas.pop();
        let fewer = Trainer::new(&compute, other).unwrap().snapshot().unwrap();
        let error = trainer.restore(&fewer).unwrap_err().to_string();
        let wanted = "parameters of the snapshot: wanted ";
        assert!(error.starts_with(wanted), "{device}: {error}");

        let mut renamed = before.clone();
        renamed.buffers[3].name = "stats".to_owned();
        let error = trainer.restore(&renamed).unwrap_err().to_string();
        let wanted = "buffer of the snapshot: wanted states, found stats";
        assert_eq!(error, wanted, "{device}");

        let without = TrainingSpec {
            probe: None,
            ..with_probe
        };
        let without = Trainer::new(&compute, without).unwrap().snapshot().unwrap();
        let error = trainer.restore(&without).unwrap_err().to_string();
        let wanted = "buffers of the snapshot: wanted 12 elements, found 10";
        assert_eq!(error, wanted, "{device}");
        assert!(trainer.snapshot().unwrap() == before, "{device}");
    }
}

/// Returns a word of a forged snapshot: any word, or one that is likely to do harm.
fn wild_word(seed: u32, number: u32) -> u32 {
    let [choice, any, small, _] = pcg4d([seed, number, 0, 0]);
    match choice % 8 {
        0 => u32::MAX,
        1 => u32::MAX - small % 8,
        2 => f32::NAN.to_bits(),
        3 => f32::INFINITY.to_bits(),
        4 => f32::MAX.to_bits() | any & 1 << 31,
        5 => small % 70,
        6 => f32::MIN_POSITIVE.to_bits() >> (small % 24),
        _ => any,
    }
}

#[test]
fn no_words_of_a_snapshot_make_a_panic() {
    let with_stream = spec(1, probe(ProbeStart::Warm, IterateForm::Auto));
    let without_stream = TrainingSpec {
        stream: None,
        ..with_stream.clone()
    };
    let mut random_switches = with_stream.clone();
    let stream = random_switches.stream.as_mut();
    stream.expect("a stream").switch_seed = Some(3);
    let (mut accepted, mut refused) = (0, 0);
    for spec in [with_stream, random_switches, without_stream] {
        let has_stream = spec.stream.is_some();
        let mut trainer = Trainer::new(&Compute::Cpu, spec).unwrap();
        let advance = |trainer: &mut Trainer| {
            if has_stream {
                trainer.train(5).unwrap();
            } else {
                trainer.update(5).unwrap();
            }
        };
        advance(&mut trainer);
        let good = trainer.snapshot().unwrap();
        for index in 0..good.buffers.len() {
            for seed in 0..60 {
                let mut forged = good.clone();
                let words = &mut forged.buffers[index].words;
                let length = words.len() as u32;
                // Forges one word, a few words, or all of them.
                let count = [1, 1 + seed % 7, length][seed as usize % 3].min(length);
                for number in 0..count {
                    let [place, ..] = pcg4d([seed, number, index as u32, 1]);
                    let place = if count == length {
                        number
                    } else {
                        place % length
                    };
                    words[place as usize] = wild_word(seed ^ (index as u32) << 8, number);
                }
                trainer.restore(&good).unwrap();
                if trainer.restore(&forged).is_err() {
                    assert!(trainer.snapshot().unwrap() == good);
                    refused += 1;
                    continue;
                }
                accepted += 1;
                for _ in 0..2 {
                    advance(&mut trainer);
                    let _ = trainer.probe().unwrap();
                    let _ = trainer.indicators().unwrap();
                    let _ = trainer.progress().unwrap();
                }
                // The state that training leaves can be restored.
                let later = trainer.snapshot().unwrap();
                trainer.restore(&later).unwrap();
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted}, {refused}");
}

/// Without a stream the loaded minibatch belongs to the snapshot. An embedder's engine can continue from another engine's
/// snapshot.
#[test]
fn an_engine_takes_the_snapshot_of_another_with_the_minibatch_in_it() {
    for gpu in common::gpus() {
        let spec = TrainingSpec {
            stream: None,
            ..spec(1, probe(ProbeStart::Warm, IterateForm::Auto))
        };
        let compute = Compute::Gpu(gpu.clone());
        let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
        for replica in 0..4 {
            let inputs = common::noise(replica as u32, 7 * PIXELS);
            trainer
                .write_batch(replica, &inputs, &[0, 1, 2, 3, 4, 0, 1])
                .unwrap();
        }
        trainer.update(2).unwrap();
        let snapshot = trainer.snapshot().unwrap();
        trainer.update(2).unwrap();

        let mut engine = Engine::new(&gpu.device, spec).unwrap();
        engine.restore(&gpu.queue, &snapshot).unwrap();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        engine.encode_updates(&mut encoder, 2).unwrap();
        let later = engine.encode_snapshot(&gpu.device, &mut encoder);
        gpu.queue.submit([encoder.finish()]);
        let later = later.wait().unwrap();
        assert!(later == trainer.snapshot().unwrap(), "{}", gpu.adapter);
        assert!(later != snapshot, "{}: nothing was trained", gpu.adapter);
    }
}
