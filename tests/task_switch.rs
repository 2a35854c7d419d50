//! A replica at the beginning of its next task: it is carried over, its optimiser is reset, or it gets a fresh network; on
//! the CPU executor and on every adapter.

mod common;
#[path = "common/run.rs"]
mod run;

use bytemuck::cast_slice;
use common::{Tolerance, compare, computes};
use run::{Run, steps};
use trainable::Trainer;
use trainable::cpu::CpuExecutor;
use trainable::network::{Activation, Network, Tensor};
use trainable::plan::{Plan, Program, StepPlans};
use trainable::probe::{LayerStats, ProbeSpec};
use trainable::rng::{pcg4d, unit_uniform};
use trainable::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
};
use trainable::state::ReplicaState;

const PIXELS: u32 = 30;
/// Steps of a task: 23 images make 3 minibatches of 7 in an epoch, and a task has 2 epochs.
const STEPS_PER_TASK: u32 = 6;
const STEP_SIZE: f32 = 1e-2;

fn spec(replicas: &[ReplicaSpec]) -> TrainingSpec {
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS as usize)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    TrainingSpec {
        network: Network::mlp(&[PIXELS, 19, 11, 5], Activation::Crelu).unwrap(),
        batch: 7,
        replicas: replicas.to_vec(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, PIXELS as usize, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec {
            iterations: 1,
            ..ProbeSpec::default()
        }),
    }
}

const SGD: Optimiser = Optimiser::Sgd { momentum: 0.5 };

fn replica(seed: u32, at_task_switch: TaskSwitch) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: STEP_SIZE,
        at_task_switch,
        ..ReplicaSpec::default()
    }
}

/// Returns replicas of one seed: each optimiser with each task switch.
fn all_kinds(seed: u32) -> [ReplicaSpec; 6] {
    use TaskSwitch::{Carry, FreshNetwork, ResetOptimiser};
    [
        (Carry, Optimiser::default()),
        (ResetOptimiser, Optimiser::default()),
        (FreshNetwork, Optimiser::default()),
        (Carry, SGD),
        (ResetOptimiser, SGD),
        (FreshNetwork, SGD),
    ]
    .map(|(switch, optimiser)| ReplicaSpec {
        optimiser,
        ..replica(seed, switch)
    })
}

fn state(run: &Run<'_>, replica: usize) -> ReplicaState {
    cast_slice(&run.words(run.program.buffers.states, replica))[0]
}

/// Returns all words of both moments.
fn moments(run: &Run<'_>, replica: usize) -> Vec<u32> {
    let buffers = &run.program.buffers;
    [buffers.first_moment, buffers.second_moment]
        .map(|id| run.words(id, replica))
        .concat()
}

const RESETTING: [usize; 4] = [1, 2, 4, 5];

#[test]
fn a_reset_clears_the_moments_and_what_is_not_reset_carries_over() {
    for (device, compute) in computes() {
        let program = Program::new(&spec(&all_kinds(1))).unwrap();
        let buffers = &program.buffers;
        let mut run = Run::new(&compute, &program);
        run.steps(STEPS_PER_TASK - 1);
        for r in 0..6 {
            assert!(moments(&run, r).iter().any(|m| *m != 0), "{device}, {r}");
        }
        run.steps(1);
        for r in 0..6 {
            let what = format!("{device}, replica {r}");
            let state = state(&run, r);
            assert_eq!((state.task, state.updates), (1, STEPS_PER_TASK), "{what}");
            let resets = RESETTING.contains(&r);
            assert_eq!(moments(&run, r).iter().all(|m| *m == 0), resets, "{what}");
            let updates = if resets { 0 } else { STEPS_PER_TASK };
            assert_eq!(state.optimiser_updates, updates, "{what}");
        }
        for [carried, reset, fresh] in [[0, 1, 2], [3, 4, 5]] {
            let [carried, reset, fresh] =
                [carried, reset, fresh].map(|r| run.words(buffers.parameters, r));
            assert!(carried == reset, "{device}: weights carry over");
            assert!(carried != fresh, "{device}: a fresh network");
        }
    }
}

#[test]
fn the_first_update_after_a_reset_is_an_optimisers_first() {
    // Adam's first update is step_size g / (|g| + epsilon), and SGD's is step_size g.
    let adam = |g: f64| f64::from(STEP_SIZE) * g / (g.abs() + 1e-8);
    let sgd = |g: f64| f64::from(STEP_SIZE) * g;
    let tolerance = Tolerance {
        atol: 1e-6,
        rtol: 1e-4,
    };
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let program = Program::new(&spec(&all_kinds(seed))).unwrap();
            let buffers = &program.buffers;
            let mut run = Run::new(&compute, &program);
            run.steps(2 * STEPS_PER_TASK);
            let before: Vec<_> = (0..6).map(|r| run.floats(buffers.parameters, r)).collect();
            run.steps(1);
            for (r, before) in before.iter().enumerate() {
                let after = run.floats(buffers.parameters, r);
                let update = before
                    .iter()
                    .zip(&after)
                    .map(|(before, after)| before - after);
                // Where a gradient is so small that Adam's epsilon matters, its rounding matters too.
                let gradients = run.floats(buffers.gradients, r);
                let large: Vec<bool> = gradients.iter().map(|g| g.abs() > 1e-5).collect();
                let pick = |values: Vec<f64>| -> Vec<f64> {
                    let picked = values.into_iter().zip(&large).filter(|(_, large)| **large);
                    picked.map(|(value, _)| value).collect()
                };
                let rule = if r < 3 { adam } else { sgd };
                let wanted = pick(gradients.iter().map(|g| rule(*g)).collect());
                assert!(wanted.len() > 100, "{device}, seed {seed}, replica {r}");
                let equal = compare(pick(update.collect()), wanted, tolerance);
                // The replicas that carry over are the negative control.
                assert_eq!(
                    equal.is_ok(),
                    RESETTING.contains(&r),
                    "{device}, seed {seed}, replica {r}: {equal:?}"
                );
            }
        }
    }
}

/// Adam-Rel: the moments stay, and the corrections are those of a first update.
#[test]
fn with_relative_time_the_first_update_has_old_moments_and_new_corrections() {
    let tolerance = Tolerance {
        atol: 1e-7,
        rtol: 1e-4,
    };
    let [beta1, beta2] = [0.9_f32, 0.999].map(f64::from);
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let switches = [TaskSwitch::RelativeTime, TaskSwitch::Carry];
            let replicas = switches.map(|switch| replica(seed, switch));
            let program = Program::new(&spec(&replicas)).unwrap();
            let buffers = &program.buffers;
            let mut run = Run::new(&compute, &program);
            run.steps(STEPS_PER_TASK);
            assert!(
                moments(&run, 0) == moments(&run, 1),
                "{device}: moments stay"
            );
            let updates = [0, 1].map(|r| state(&run, r).optimiser_updates);
            assert_eq!(updates, [0, STEPS_PER_TASK], "{device}");
            let floats = |run: &Run<'_>, r| {
                [
                    buffers.parameters,
                    buffers.first_moment,
                    buffers.second_moment,
                ]
                .map(|id| run.floats(id, r))
            };
            let before = [0, 1].map(|r| floats(&run, r));
            run.steps(1);
            for (r, [theta, m, v]) in before.into_iter().enumerate() {
                let gradients = run.floats(buffers.gradients, r);
                let moments = m.iter().zip(&v).zip(&gradients);
                let update = moments.map(|((m, v), g)| {
                    let m = beta1 * m + (1.0 - beta1) * g;
                    let v = beta2 * v + (1.0 - beta2) * g * g;
                    f64::from(STEP_SIZE) * m / (1.0 - beta1) / ((v / (1.0 - beta2)).sqrt() + 1e-8)
                });
                let wanted = theta
                    .iter()
                    .zip(update)
                    .map(|(theta, update)| theta - update);
                let found = run.floats(buffers.parameters, r);
                let equal = compare(found, wanted, tolerance);
                // The replica that carries over is the negative control.
                let what = format!("{device}, seed {seed}, replica {r}: {equal:?}");
                assert_eq!(equal.is_ok(), r == 0, "{what}");
            }
        }
    }
}

/// Returns weights `[outputs, inputs]` by their definition, implemented a second time.
fn drawn(seed: u32, task: u32, number: u32, weight: &Tensor) -> Vec<f32> {
    let bound = (6.0 / f64::from(weight.shape[1])).sqrt() as f32;
    (0..weight.shape[0] * weight.shape[1])
        .map(|place| pcg4d([seed, 1 + 256 * task, number, place])[3])
        .map(|bits| (2.0 * unit_uniform(bits) - 1.0) * bound)
        .collect()
}

#[test]
fn a_fresh_network_is_drawn_for_its_task_the_same_everywhere() {
    let replicas = [1, 2, 3].map(|seed| replica(seed, TaskSwitch::FreshNetwork));
    let spec = TrainingSpec {
        probe: None,
        ..spec(&replicas)
    };
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
        for task in 0..4 {
            let parameters = trainer.parameters().unwrap();
            for (seed, found) in (1..).zip(&parameters) {
                let layers = spec.network.tensors().chunks(2).zip(found.chunks(2));
                for (number, (layer, found)) in (0..).zip(layers) {
                    let weight = &layer[0];
                    let what = format!("{device}, seed {seed}, task {task}, layer {number}");
                    assert!(found[0] == drawn(seed, task, number, weight), "{what}");
                    assert!(found[1].iter().all(|b| *b == 0.0), "{what}");
                    assert!(found[0] != drawn(seed, task + 1, number, weight));
                }
            }
            trainer.train(STEPS_PER_TASK).unwrap();
        }
    }
}

#[test]
fn replicas_that_reset_leave_the_others_and_each_other_alone() {
    for (device, compute) in computes() {
        let all = all_kinds(3);
        let train = |replicas: &[ReplicaSpec], pieces: &[u32]| {
            let mut trainer = Trainer::new(&compute, spec(replicas)).unwrap();
            pieces.iter().for_each(|n| trainer.train(*n).unwrap());
            (trainer.progress().unwrap(), trainer.parameters().unwrap())
        };
        let together = train(&all, &[15]);
        assert!(
            together == train(&all, &[6, 1, 5, 3]),
            "{device}: in pieces"
        );
        for (r, one) in all.iter().enumerate() {
            let alone = train(std::slice::from_ref(one), &[15]);
            assert!(
                alone.0[0] == together.0[r] && alone.1[0] == together.1[r],
                "{device}: replica {r}"
            );
            let different = together.1.iter().filter(|p| **p != together.1[r]).count();
            assert_eq!(different, 5, "{device}: replica {r} is like another");
        }
    }
}

#[test]
fn after_a_reset_statistics_start_anew() {
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec(&all_kinds(2))).unwrap();
        let mut probe = |steps| -> Vec<_> {
            trainer.train(steps).unwrap();
            let stats = trainer.probe().unwrap().into_iter();
            stats.map(|stats| stats.unwrap().layers[1]).collect()
        };
        let is_new =
            |layer: &LayerStats| layer.effective_step.is_none() && layer.update_norm == 0.0;
        assert!(!probe(STEPS_PER_TASK - 1).iter().any(is_new), "{device}");
        for (r, layer) in probe(1).iter().enumerate() {
            assert_eq!(is_new(layer), RESETTING.contains(&r), "{device}, {r}");
        }
        let later = probe(2);
        // SGD with momentum 0.5 has made two updates since the reset; without a reset the factor is near its limit 2.
        for (r, wanted) in [(3, 1.9921875), (4, 1.5), (5, 1.5)] {
            let found = later[r].effective_step.expect("updated") / f64::from(STEP_SIZE);
            assert!((found - wanted).abs() < 1e-5, "{device}, {r}: {found}");
        }
    }
}

#[test]
fn a_halted_replica_is_not_reset() {
    let program = Program::new(&spec(&all_kinds(1))).unwrap();
    let buffers = &program.buffers;
    let plans = steps(&program);
    let resets = plans.task_switch.as_ref().expect("replicas that reset");
    for halted in [0, 1] {
        let mut executor = CpuExecutor::new(&program);
        executor.run(&program.initialise, 1);
        executor.run(&plans.step, STEPS_PER_TASK - 1);
        let state: &[ReplicaState] = cast_slice(executor.read(buffers.states, 2));
        let state = ReplicaState {
            task: 1,
            epoch: 0,
            batch: 0,
            halted,
            ..state[0]
        };
        executor.write(buffers.states, 2, &[state]);
        let before = executor.read(buffers.parameters, 2).to_vec();
        executor.run(resets, 1);
        let unchanged = executor.read(buffers.parameters, 2) == before;
        assert_eq!(unchanged, halted == 1, "halted: {halted}");
    }
}

#[test]
fn a_reset_costs_nothing_between_task_switches() {
    let kernels =
        |plan: &Plan| -> Vec<_> { plan.dispatches.iter().map(|d| d.kernel.name).collect() };
    let carrying = Program::new(&spec(&[replica(1, TaskSwitch::Carry)])).unwrap();
    assert!(steps(&carrying).task_switch.is_none());
    let resetting = Program::new(&spec(&[replica(1, TaskSwitch::FreshNetwork)])).unwrap();
    let [carrying, resetting] = [&carrying, &resetting].map(steps);
    assert_eq!(kernels(&resetting.step), kernels(&carrying.step));
    let probed = |plans: &StepPlans| plans.probed_step.as_ref().map(kernels);
    assert_eq!(probed(resetting), probed(carrying));
    let switch = resetting
        .task_switch
        .as_ref()
        .expect("a replica that resets");
    assert_eq!(kernels(switch), ["task_reset"]);
}
