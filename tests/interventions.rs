//! Shrink and perturb and weight clipping, on the CPU executor and on every adapter, against their formulas in float64.

mod common;
#[path = "common/run.rs"]
mod run;

use common::{Tolerance, compare, computes};
use trainable::Trainer;
use trainable::network::{Activation, Item, Network, PositionEmbedding};
use trainable::plan::Program;
use trainable::rng::{pcg4d, unit_uniform};
use trainable::spec::{
    ImageSet, Intervention, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
};

const PIXELS: u32 = 30;
/// Steps of a task: 23 images make 3 minibatches of 7 in an epoch, and a task has 2 epochs.
const STEPS_PER_TASK: u32 = 6;
const SHRINK: f32 = 0.4;
const PERTURB: f32 = 0.3;
const KAPPA: f32 = 0.8;

const SHRINK_PERTURB: Intervention = Intervention::ShrinkPerturb {
    shrink: SHRINK,
    perturb: PERTURB,
};
const WEIGHT_CLIPPING: Intervention = Intervention::WeightClipping { kappa: KAPPA };

fn spec(replicas: Vec<ReplicaSpec>) -> TrainingSpec {
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS as usize)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    TrainingSpec {
        network: Network::mlp(&[PIXELS, 19, 11, 5], Activation::Crelu).unwrap(),
        batch: 7,
        replicas,
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, PIXELS as usize, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    }
}

fn replica(seed: u32, interventions: &[Intervention]) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: 1e-2,
        interventions: interventions.to_vec(),
        ..ReplicaSpec::default()
    }
}

/// Returns a fresh draw `[tensor][place]` by its definition, implemented a second time.
fn fresh(network: &Network, seed: u32, task: u32) -> Vec<Vec<f64>> {
    let draw = |block: usize, place: u32| pcg4d([seed, 10 + 256 * task, block as u32, place])[3];
    let tensors = network.tensors().iter();
    let elements = tensors.map(|tensor| {
        let count = tensor.count() as u32;
        let [_, inputs] = tensor.shape[..] else {
            return vec![0.0; count as usize];
        };
        let bound = (6.0 / f64::from(inputs)).sqrt();
        let uniform = |place| f64::from(unit_uniform(draw(tensor.block, place)));
        (0..count)
            .map(|place| (2.0 * uniform(place) - 1.0) * bound)
            .collect()
    });
    elements.collect()
}

const ROUNDING: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 1e-6,
};

#[test]
fn shrink_and_perturb_follows_its_formula_when_a_task_begins() {
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let replicas = [&[SHRINK_PERTURB][..], &[]].map(|own| replica(seed, own));
            let spec = spec(replicas.to_vec());
            let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
            for task in 1..3 {
                trainer.train(STEPS_PER_TASK - 1).unwrap();
                let before = trainer.parameters().unwrap();
                // A replica without an intervention makes the last step of the task, for comparison.
                let mut twin = Trainer::new(&compute, spec.clone()).unwrap();
                let mut snapshot = trainer.snapshot().unwrap();
                for buffer in &mut snapshot.buffers {
                    let each = buffer.words.len() / 2;
                    buffer.words.copy_within(..each, each);
                }
                twin.restore(&snapshot).unwrap();
                twin.train(1).unwrap();
                trainer.train(1).unwrap();
                let plain = &twin.parameters().unwrap()[1];
                let found = &trainer.parameters().unwrap()[0];
                let fresh = fresh(&spec.network, seed, task);
                let mut moved = 0;
                for (tensor, (found, plain)) in found.iter().zip(plain).enumerate() {
                    let wanted: Vec<_> = plain
                        .iter()
                        .zip(&fresh[tensor])
                        .map(|(theta, fresh)| {
                            f64::from(SHRINK) * f64::from(*theta) + f64::from(PERTURB) * fresh
                        })
                        .collect();
                    let double = |values: &[f32]| values.iter().map(|x| f64::from(*x)).collect();
                    let found: Vec<f64> = double(found);
                    compare(found.clone(), wanted, ROUNDING)
                        .unwrap_or_else(|worst| panic!("{device}, seed {seed}, {task}: {worst}"));
                    // The negative controls: another task's draw, and no intervention.
                    let plain: Vec<f64> = double(plain);
                    moved += usize::from(compare(found, plain, ROUNDING).is_err());
                }
                assert!(moved >= 3, "{device}, seed {seed}: {moved} tensors moved");
                assert_ne!(fresh, self::fresh(&spec.network, seed, task + 1));
                assert_ne!(before[0], *found);
            }
        }
    }
}

#[test]
fn weight_clipping_clips_after_every_update_and_nothing_else() {
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let spec = spec(vec![replica(seed, &[WEIGHT_CLIPPING]), replica(seed, &[])]);
            let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
            let [start, _] = &trainer.parameters().unwrap()[..] else {
                panic!("two replicas");
            };
            let limits: Vec<_> = (0..3)
                .map(|layer| {
                    let inputs = spec.network.tensors()[2 * layer].shape[1];
                    KAPPA * (6.0 / f64::from(inputs)).sqrt() as f32
                })
                .collect();
            let largest = |tensor: &[f32]| tensor.iter().fold(0.0_f32, |a, x| a.max(x.abs()));
            // Initial weights exceed kappa times their bound, so the first update clips them.
            assert!(largest(&start[0]) > limits[0], "{device}");
            trainer.train(1).unwrap();
            let found = trainer.parameters().unwrap();
            for (number, (clipped, plain)) in found[0].iter().zip(&found[1]).enumerate() {
                let limit = limits[number / 2];
                let wanted: Vec<_> = plain.iter().map(|x| x.clamp(-limit, limit)).collect();
                assert!(*clipped == wanted, "{device}, seed {seed}, tensor {number}");
            }
            assert!(found[0] != found[1], "{device}: nothing was clipped");
            trainer.train(2 * STEPS_PER_TASK).unwrap();
            for (number, tensor) in trainer.parameters().unwrap()[0].iter().enumerate() {
                assert!(largest(tensor) <= limits[number / 2], "{device}, {number}");
            }
        }
    }
}

/// A network with a normalisation, blocks fc1, norm1, position1 and fc2.
fn normalised() -> Network {
    let items = [
        Item::Linear(11),
        Item::LayerNorm,
        Item::Activation(Activation::Relu),
        Item::PositionEmbedding,
        Item::Linear(5),
    ];
    Network::sequence(PIXELS, &items).unwrap()
}

#[test]
fn gains_begin_at_one_are_drawn_as_ones_and_are_not_clipped() {
    let [gain, bias, embedding] = [2, 3, 4];
    for (device, compute) in computes() {
        for seed in [1, 2, 3] {
            let what = format!("{device}, seed {seed}");
            let fresh = ReplicaSpec {
                at_task_switch: TaskSwitch::FreshNetwork,
                ..replica(seed, &[])
            };
            let plain = replica(seed, &[]);
            let others = [WEIGHT_CLIPPING, SHRINK_PERTURB].map(|own| replica(seed, &[own]));
            let spec = TrainingSpec {
                network: normalised(),
                ..spec([&[plain, fresh][..], &others].concat())
            };
            let names = spec.network.tensors().iter().map(|tensor| &tensor.name[..]);
            let names: Vec<_> = names.skip(2).take(3).collect();
            assert_eq!(names, ["norm1.weight", "norm1.bias", "position1.weight"]);
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            let bound = 3_f32.sqrt() * PositionEmbedding::DEVIATION;
            for parameters in trainer.parameters().unwrap() {
                assert_eq!(parameters[gain], [1.0; 11], "{what}");
                assert_eq!(parameters[bias], [0.0; 11], "{what}");
                let embedding = &parameters[embedding];
                assert!(embedding.iter().all(|e| e.abs() <= bound), "{what}");
                let squares = embedding.iter().map(|e| e * e).sum::<f32>();
                assert!(squares > 0.1 * 11.0 * bound * bound, "{what}: {squares}");
            }
            trainer.train(1).unwrap();
            let [plain, _, clipped, _] = &trainer.parameters().unwrap()[..] else {
                panic!("four replicas");
            };
            assert_ne!(plain[gain], [1.0; 11], "{what}");
            assert_eq!(plain[gain..=bias], clipped[gain..=bias], "{what}");
            assert_ne!(plain[0], clipped[0], "{what}");
            trainer.train(STEPS_PER_TASK - 1).unwrap();
            let [plain, fresh, _, perturbed] = &trainer.parameters().unwrap()[..] else {
                panic!("four replicas");
            };
            assert_eq!(fresh[gain], [1.0; 11], "{what}");
            for (tensor, drawn) in [(gain, 1.0), (bias, 0.0)] {
                let wanted = plain[tensor].iter().map(|theta| {
                    f64::from(SHRINK) * f64::from(*theta) + f64::from(PERTURB) * drawn
                });
                let found = perturbed[tensor].iter().map(|theta| f64::from(*theta));
                compare(found, wanted, ROUNDING).unwrap_or_else(|worst| panic!("{what}: {worst}"));
            }
        }
    }
}

#[test]
fn a_stage_runs_only_when_it_is_due() {
    let kernels = |interventions: &[Intervention]| {
        let program = Program::new(&spec(vec![replica(1, interventions)])).unwrap();
        let plans = run::steps(&program).clone();
        let names = |plan: &trainable::plan::Plan| -> Vec<_> {
            plan.dispatches.iter().map(|d| d.kernel.name).collect()
        };
        (names(&plans.step), plans.task_switch.as_ref().map(names))
    };
    let (plain, nothing) = kernels(&[]);
    assert_eq!(nothing, None);
    let (step, switch) = kernels(&[SHRINK_PERTURB]);
    assert_eq!(
        (step, switch),
        (plain.clone(), Some(vec!["shrink_perturb"]))
    );
    let (step, switch) = kernels(&[WEIGHT_CLIPPING]);
    assert_eq!(step, [&plain[..], &["weight_clipping"]].concat());
    assert_eq!(switch, None);
}

#[test]
fn interventions_leave_other_replicas_alone_and_do_not_care_where_a_run_is_cut() {
    for (device, compute) in computes() {
        let both = replica(1, &[SHRINK_PERTURB, WEIGHT_CLIPPING]);
        let resetting = ReplicaSpec {
            at_task_switch: TaskSwitch::ResetOptimiser,
            ..both.clone()
        };
        let all = vec![both, replica(1, &[]), resetting];
        let train = |replicas: &[ReplicaSpec], pieces: &[u32]| {
            let mut trainer = Trainer::new(&compute, spec(replicas.to_vec())).unwrap();
            pieces.iter().for_each(|n| trainer.train(*n).unwrap());
            trainer.parameters().unwrap()
        };
        let together = train(&all, &[15]);
        assert!(
            together == train(&all, &[6, 1, 5, 3]),
            "{device}: in pieces"
        );
        for (r, one) in all.iter().enumerate() {
            let alone = train(std::slice::from_ref(one), &[15]);
            assert!(alone[0] == together[r], "{device}: replica {r}");
        }
        assert!(together[0] != together[1] && together[0] != together[2]);
    }
}

#[test]
fn a_halted_replica_is_left_alone() {
    for (device, compute) in computes() {
        let spec = spec(vec![replica(1, &[SHRINK_PERTURB, WEIGHT_CLIPPING]); 2]);
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        let mut broken = trainer.parameters().unwrap().remove(0);
        broken[0][3] = f32::NAN;
        trainer.write_parameters(0, &broken).unwrap();
        let bits = |trainer: &mut Trainer, replica: usize| -> Vec<u32> {
            let tensors = trainer.parameters().unwrap().remove(replica);
            tensors.iter().flatten().map(|x| x.to_bits()).collect()
        };
        let [halted, training] = [0, 1].map(|replica| bits(&mut trainer, replica));
        trainer.train(2 * STEPS_PER_TASK).unwrap();
        let progress = trainer.progress().unwrap();
        assert!(
            progress[0].halted.is_some() && progress[1].halted.is_none(),
            "{device}"
        );
        assert!(bits(&mut trainer, 0) == halted, "{device}");
        // The negative control.
        assert!(bits(&mut trainer, 1) != training, "{device}");
    }
}

#[test]
fn impossible_interventions_are_refused() {
    let refused = |interventions: &[Intervention]| {
        let error = Program::new(&spec(vec![replica(1, interventions)])).err();
        error.expect("an error").to_string()
    };
    let clipping = |kappa| Intervention::WeightClipping { kappa };
    let wanted = "kappa: wanted more than 0, finite, found ";
    assert_eq!(refused(&[clipping(0.0)]), format!("{wanted}0"));
    assert_eq!(refused(&[clipping(f32::NAN)]), format!("{wanted}NaN"));
    let shrink = |shrink, perturb| Intervention::ShrinkPerturb { shrink, perturb };
    assert_eq!(
        refused(&[shrink(1.5, 0.0)]),
        "shrink: wanted 0 to 1, found 1.5"
    );
    assert!(refused(&[shrink(0.5, f32::INFINITY)]).starts_with("perturb: wanted 0 or more"));
    assert!(refused(&[clipping(1.0), clipping(2.0)]).starts_with("interventions: wanted each"));
}
