//! Clipping of updates and of gradients: against its formulas in float64, with each optimiser, on the CPU executor and on
//! every adapter. (`optimisers.rs` compares gradient clipping with PyTorch.)

mod common;

use std::ops::Range;

use common::{Tolerance, compare, computes, noise};
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::{LayerStats, ProbeSpec};
use trainable::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
    UpdateClipping,
};
use trainable::{Compute, Halt, HaltCause, Trainer};

/// The distance allowed after eight updates in float32.
const EIGHT_STEPS: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};
/// The distance allowed between ratios, which are roots of sums in float32.
const RATIOS: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 2e-4,
};
const STEP_SIZE: f64 = 1e-2;
const L2: f64 = 1e-2;

fn every_optimiser() -> [Optimiser; 6] {
    [
        Optimiser::Adam {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
        },
        Optimiser::Sgd { momentum: 0.9 },
        Optimiser::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.5,
        },
        Optimiser::Lion {
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.5,
        },
        Optimiser::AmsGrad {
            beta1: 0.9,
            beta2: 0.9,
            epsilon: 1e-8,
        },
        Optimiser::AdamMax {
            beta1: 0.9,
            beta2: 0.99,
            fast_beta2: 0.5,
            epsilon: 1e-8,
        },
    ]
}

const CLIPPING: UpdateClipping = UpdateClipping {
    threshold: 1.1,
    hold: 0.9,
    decay: None,
};

/// The state of update clipping of one layer.
#[derive(Clone, Copy, Default)]
struct Clip {
    ratio: f64,
    mean: f64,
    weight: f64,
    factor: f64,
}

/// One replica in float64, from the formulas.
struct InDouble {
    optimiser: Optimiser,
    clipping: Option<UpdateClipping>,
    limit: Option<f64>,
    /// The factor of each gradient, where gradients are clipped.
    scales: Vec<f64>,
    theta: Vec<f64>,
    m: Vec<f64>,
    v: Vec<f64>,
    /// AMSGrad's largest v so far, or the fast second moment.
    other: Vec<f64>,
    updates: i32,
    layers: Vec<Range<usize>>,
    clips: Vec<Clip>,
}

impl InDouble {
    fn decay(&self, clipping: &UpdateClipping) -> f64 {
        let usual = match self.optimiser {
            Optimiser::Adam { beta2, .. }
            | Optimiser::AdamW { beta2, .. }
            | Optimiser::AmsGrad { beta2, .. }
            | Optimiser::AdamMax { beta2, .. }
            | Optimiser::AdamO { beta2, .. } => beta2,
            Optimiser::Sgd { .. }
            | Optimiser::Lion { .. }
            | Optimiser::Muon { .. }
            | Optimiser::Upgd { .. } => 0.999,
        };
        clipping.decay.unwrap_or(usual).into()
    }

    /// Updates the parameters, from the gradients of the loss.
    fn step(&mut self, gradients: &[f64]) {
        let with_l2 = gradients.iter().zip(&self.theta).map(|(g, t)| g + L2 * t);
        let mut g: Vec<f64> = with_l2.collect();
        if let Some(limit) = self.limit {
            let norm = g.iter().map(|x| x * x).sum::<f64>().sqrt();
            let scale = (limit / (norm + 1e-6)).min(1.0);
            self.scales.push(scale);
            g.iter_mut().for_each(|x| *x *= scale);
        }
        self.updates += 1;
        for (layer, range) in self.layers.clone().into_iter().enumerate() {
            let mut step_size = STEP_SIZE;
            if let Some(clipping) = self.clipping {
                let decay = self.decay(&clipping);
                let own = &g[range.clone()];
                let q = own.iter().map(|x| x * x).sum::<f64>() / own.len() as f64;
                let clip = &mut self.clips[layer];
                let r = if clip.mean > 0.0 {
                    (q / (clip.mean / clip.weight)).sqrt()
                } else {
                    1.0
                };
                clip.ratio = r.max(f64::from(clipping.hold) * clip.ratio);
                clip.factor = (f64::from(clipping.threshold) / clip.ratio).min(1.0);
                clip.mean = decay * clip.mean + (1.0 - decay) * q;
                clip.weight = decay * clip.weight + 1.0 - decay;
                step_size *= clip.factor;
            }
            range.for_each(|i| self.update(i, g[i], step_size));
        }
    }

    fn update(&mut self, i: usize, g: f64, step_size: f64) {
        let (theta, m, v) = (&mut self.theta[i], &mut self.m[i], &mut self.v[i]);
        let (beta1, beta2, epsilon, decay) = match self.optimiser {
            Optimiser::Sgd { momentum } => {
                *m = f64::from(momentum) * *m + g;
                *theta -= step_size * *m;
                return;
            }
            Optimiser::Lion {
                beta1,
                beta2,
                weight_decay,
            } => {
                let (beta1, beta2) = (f64::from(beta1), f64::from(beta2));
                let c = beta1 * *m + (1.0 - beta1) * g;
                *m = beta2 * *m + (1.0 - beta2) * g;
                *theta -= step_size * (c.signum() + f64::from(weight_decay) * *theta);
                return;
            }
            Optimiser::Adam {
                beta1,
                beta2,
                epsilon,
            }
            | Optimiser::AmsGrad {
                beta1,
                beta2,
                epsilon,
            }
            | Optimiser::AdamMax {
                beta1,
                beta2,
                epsilon,
                ..
            }
            | Optimiser::AdamO {
                beta1,
                beta2,
                epsilon,
                ..
            } => (beta1, beta2, epsilon, 0.0),
            Optimiser::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => (beta1, beta2, epsilon, weight_decay),
            Optimiser::Muon { .. } | Optimiser::Upgd { .. } => {
                unreachable!("no replica has it here")
            }
        };
        let [beta1, beta2, epsilon, decay] = [beta1, beta2, epsilon, decay].map(f64::from);
        *m = beta1 * *m + (1.0 - beta1) * g;
        *v = beta2 * *v + (1.0 - beta2) * g * g;
        let correct = |beta: f64| 1.0 - beta.powi(self.updates);
        let other = &mut self.other[i];
        let v = match self.optimiser {
            Optimiser::AmsGrad { .. } => {
                *other = other.max(*v);
                *other / correct(beta2)
            }
            Optimiser::AdamMax { fast_beta2, .. } => {
                let fast = f64::from(fast_beta2);
                *other = fast * *other + (1.0 - fast) * g * g;
                (*v / correct(beta2)).max(*other / correct(fast))
            }
            _ => *v / correct(beta2),
        };
        *theta -= step_size * decay * *theta;
        *theta -= step_size * (*m / correct(beta1)) / (v.sqrt() + epsilon);
    }
}

fn numbers(tensors: &[Vec<f32>]) -> Vec<f64> {
    tensors.iter().flatten().copied().map(f64::from).collect()
}

/// The parameters of each layer, weights and biases together, in the order of [`numbers`].
fn layers(network: &Network) -> Vec<Range<usize>> {
    let mut start = 0;
    let each = network.tensors().chunks(2).map(|layer| {
        let end = start + layer[0].count() + layer[1].count();
        std::mem::replace(&mut start, end)..end
    });
    each.collect()
}

/// A replica whose network, minibatches and parameters depend on `seed`, without a stream.
fn trainer(compute: &Compute, replica: &ReplicaSpec) -> Trainer {
    let spec = TrainingSpec {
        network: Network::mlp(&[6, 8, 5, 3], Activation::Tanh).unwrap(),
        batch: 9,
        replicas: vec![ReplicaSpec::default(), replica.clone()],
        stream: None,
        probe: Some(ProbeSpec {
            iterations: 1,
            ..ProbeSpec::default()
        }),
    };
    Trainer::new(compute, spec).unwrap()
}

/// Loads a minibatch whose labels are those of the task: gradients jump when the task changes.
fn load(trainer: &mut Trainer, seed: u32, task: u32) {
    for replica in 0..2 {
        let inputs = noise(seed + 100, 9 * 6).into_iter();
        let inputs: Vec<_> = inputs.map(|x| x * (1 + 3 * task) as f32).collect();
        let labels: Vec<u32> = (0..9).map(|i| (i * 7 + seed + task) % 3).collect();
        trainer.write_batch(replica, &inputs, &labels).unwrap();
    }
}

/// Makes eight updates, with another task in two of them, from the gradients that the device computed. `found` is trained on the
/// device and `wanted` in float64.
fn eight_updates(
    compute: &Compute,
    found: &ReplicaSpec,
    wanted: &ReplicaSpec,
) -> Result<(), String> {
    let mut trainer = trainer(compute, found);
    let theta = numbers(&trainer.parameters().unwrap()[1]);
    let layers = layers(&trainer.spec().network);
    let mut double = InDouble {
        optimiser: wanted.optimiser,
        clipping: wanted.update_clipping,
        limit: wanted.gradient_clipping.map(f64::from),
        scales: Vec::new(),
        m: vec![0.0; theta.len()],
        v: vec![0.0; theta.len()],
        other: vec![0.0; theta.len()],
        theta,
        updates: 0,
        clips: vec![Clip::default(); layers.len()],
        layers,
    };
    let mut was_clipped = false;
    for update in 0..8 {
        load(
            &mut trainer,
            found.seed,
            u32::from((4..6).contains(&update)),
        );
        trainer.update(1).unwrap();
        double.step(&numbers(&trainer.gradients().unwrap()[1]));
        let parameters = numbers(&trainer.parameters().unwrap()[1]);
        compare(parameters, double.theta.iter().copied(), EIGHT_STEPS)?;
        if wanted.update_clipping.is_some() {
            let stats = trainer.probe().unwrap().remove(1).unwrap();
            let all = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect::<Vec<_>>();
            let clips = |f: fn(&Clip) -> f64| double.clips.iter().map(f);
            let ratios = all(|layer| layer.clip_ratio.unwrap());
            compare(ratios, clips(|clip| clip.ratio), RATIOS)?;
            let factors = all(|layer| layer.clip_factor.unwrap());
            compare(factors, clips(|clip| clip.factor), RATIOS)?;
            assert_eq!(
                (stats.network.clip_ratio, stats.network.clip_factor),
                (None, None)
            );
            was_clipped |= double.clips.iter().any(|clip| clip.factor < 0.98);
        }
    }
    let is_mixed = double.scales.contains(&1.0) && double.scales.iter().any(|s| *s < 0.99);
    assert!(
        is_mixed || wanted.gradient_clipping.is_none(),
        "{:?}",
        double.scales
    );
    assert!(
        was_clipped || wanted.update_clipping.is_none(),
        "nothing was clipped"
    );
    Ok(())
}

fn replica(seed: u32, optimiser: Optimiser) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: STEP_SIZE as f32,
        l2: L2 as f32,
        optimiser,
        ..ReplicaSpec::default()
    }
}

#[test]
fn clipped_updates_equal_the_formula_in_float64() {
    for (device, compute) in computes() {
        for seed in 1..4 {
            for optimiser in every_optimiser() {
                let what = format!("{device}, seed {seed}, {}", optimiser.name());
                let clipped = ReplicaSpec {
                    update_clipping: Some(CLIPPING),
                    ..replica(seed, optimiser)
                };
                eight_updates(&compute, &clipped, &clipped)
                    .unwrap_or_else(|worst| panic!("{what}: {worst}"));
                let both = ReplicaSpec {
                    gradient_clipping: Some(1.05),
                    ..clipped.clone()
                };
                eight_updates(&compute, &both, &both)
                    .unwrap_or_else(|worst| panic!("{what}, both: {worst}"));

                let with = |clipping| ReplicaSpec {
                    update_clipping: Some(clipping),
                    ..clipped.clone()
                };
                let other_hold = with(UpdateClipping {
                    hold: 0.0,
                    ..CLIPPING
                });
                let other_decay = with(UpdateClipping {
                    decay: Some(0.5),
                    ..CLIPPING
                });
                for other in [other_hold, other_decay] {
                    let differs = eight_updates(&compute, &other, &clipped);
                    assert!(differs.is_err(), "{what}: {other:?}");
                }
            }
        }
    }
}

#[test]
fn clipped_gradients_equal_the_formula_in_float64() {
    for (device, compute) in computes() {
        for seed in 1..4 {
            for optimiser in every_optimiser() {
                let what = format!("{device}, seed {seed}, {}", optimiser.name());
                let with = |limit| ReplicaSpec {
                    gradient_clipping: Some(limit),
                    ..replica(seed, optimiser)
                };
                eight_updates(&compute, &with(1.05), &with(1.05))
                    .unwrap_or_else(|worst| panic!("{what}: {worst}"));
                // The norm is below 1.05 in the first task only: Adam and Lion do not notice a factor
                // that is the same in all updates.
                let differs = eight_updates(&compute, &with(1.05), &with(0.3));
                assert!(differs.is_err(), "{what}: another limit");
            }
        }
    }
}

/// Replicas on a stream with six steps a task.
fn stream(replicas: Vec<ReplicaSpec>, probe: Option<ProbeSpec>) -> TrainingSpec {
    let pixels = 30;
    let byte = |x: &f32| (x * 127.0 + 128.0) as u8;
    let bytes: Vec<u8> = noise(4, 100 * pixels).iter().map(byte).collect();
    TrainingSpec {
        network: Network::mlp(&[pixels as u32, 19, 11, 5], Activation::Relu).unwrap(),
        batch: 7,
        replicas,
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe,
    }
}

fn probed() -> Option<ProbeSpec> {
    Some(ProbeSpec {
        iterations: 1,
        ..ProbeSpec::default()
    })
}

fn with_clipping(threshold: f32, limit: Option<f32>) -> Vec<ReplicaSpec> {
    let each = (1..)
        .zip(every_optimiser())
        .map(|(seed, optimiser)| ReplicaSpec {
            update_clipping: Some(UpdateClipping {
                threshold,
                ..CLIPPING
            }),
            gradient_clipping: limit,
            ..replica(seed, optimiser)
        });
    each.collect()
}

fn without_clipping() -> Vec<ReplicaSpec> {
    let each = (1..).zip(every_optimiser());
    each.map(|(seed, optimiser)| replica(seed, optimiser))
        .collect()
}

fn trained(compute: &Compute, spec: TrainingSpec, steps: u32) -> Trainer {
    let mut trainer = Trainer::new(compute, spec).unwrap();
    trainer.train(steps).unwrap();
    trainer
}

#[test]
fn limits_that_nothing_reaches_leave_every_bit() {
    for (device, compute) in computes() {
        let parameters = |replicas| {
            let mut trainer = trained(&compute, stream(replicas, None), 15);
            trainer.parameters().unwrap()
        };
        let plain = parameters(without_clipping());
        assert!(
            parameters(with_clipping(1e30, Some(1e30))) == plain,
            "{device}"
        );
        for (own, plain) in parameters(with_clipping(0.5, None)).iter().zip(&plain) {
            assert!(own != plain, "{device}: the threshold matters");
        }
    }
}

#[test]
fn clipping_needs_no_probes() {
    for (device, compute) in computes() {
        let parameters = |probe| {
            let spec = stream(with_clipping(1.25, Some(0.5)), probe);
            trained(&compute, spec, 15).parameters().unwrap()
        };
        let without_probes = parameters(None);
        assert!(parameters(probed()) == without_probes, "{device}");
        let mut plain = trained(&compute, stream(without_clipping(), None), 15);
        assert!(plain.parameters().unwrap() != without_probes, "{device}");
    }
}

#[test]
fn clipping_costs_one_dispatch_where_a_replica_clips() {
    let names = |replicas| {
        let program = Program::new(&stream(replicas, probed())).unwrap();
        let steps = program.steps.unwrap();
        let probed = steps.probed_step.unwrap();
        [steps.step, probed].map(|plan| {
            let names = plan.dispatches.iter().map(|dispatch| dispatch.kernel.name);
            names.collect::<Vec<_>>()
        })
    };
    let plain = names(without_clipping());
    let mut one = without_clipping();
    one[2].gradient_clipping = Some(1.0);
    for clipped in [names(with_clipping(2.0, None)), names(one)] {
        for (clipped, plain) in clipped.into_iter().zip(&plain) {
            let mut wanted = plain.clone();
            wanted.insert(plain.len() - 1, "gradient_squares");
            assert_eq!(clipped, wanted);
        }
    }
}

/// The ratios of every layer of every replica.
fn ratios(trainer: &mut Trainer) -> Vec<Option<f64>> {
    let stats = trainer.probe().unwrap().into_iter().map(Result::unwrap);
    let layers = stats.flat_map(|stats| stats.layers);
    layers.map(|layer| layer.clip_ratio).collect()
}

#[test]
fn a_reset_of_the_moments_resets_the_state() {
    for (device, compute) in computes() {
        for (at_task_switch, is_reset) in [
            (TaskSwitch::ResetOptimiser, true),
            (TaskSwitch::FreshNetwork, true),
            (TaskSwitch::Carry, false),
        ] {
            let with = |replica| ReplicaSpec {
                at_task_switch,
                ..replica
            };
            let replicas = with_clipping(1.25, None).into_iter().map(with).collect();
            let mut trainer = trained(&compute, stream(replicas, probed()), 6);
            let at_switch = ratios(&mut trainer);
            trainer.train(1).unwrap();
            let first = ratios(&mut trainer);
            let is_one = |ratio: &Option<f64>| *ratio == Some(1.0);
            if is_reset {
                assert!(at_switch.iter().all(Option::is_none), "{device}");
                assert!(first.iter().all(is_one), "{device}: {first:?}");
            } else {
                assert!(at_switch.iter().all(Option::is_some), "{device}");
                assert!(!first.iter().all(is_one), "{device}: {first:?}");
            }
        }
    }
}

#[test]
fn new_step_sizes_leave_the_state() {
    for (device, compute) in computes() {
        let spec = stream(with_clipping(1.25, None), probed());
        let mut trainer = trained(&compute, spec, 5);
        let before = ratios(&mut trainer);
        trainer.set_step_sizes(1, &[1e-3, 2e-3, 3e-3]).unwrap();
        let stats = trainer.probe().unwrap().remove(1).unwrap();
        let step_sizes: Vec<_> = stats
            .layers
            .iter()
            .map(|layer| layer.step_size as f32)
            .collect();
        assert_eq!(step_sizes, [1e-3, 2e-3, 3e-3], "{device}");
        assert_eq!(ratios(&mut trainer), before, "{device}");
    }
}

/// With inputs of zero the loss stays finite, while the square of the L2 term overflows. Momentum SGD's update would be
/// finite.
#[test]
fn a_replica_whose_squared_gradient_overflows_is_halted() {
    let halt = Halt {
        task: 0,
        update: 0,
        cause: HaltCause::Update,
    };
    for (device, compute) in computes() {
        let plain = ReplicaSpec {
            step_size: 1e-30,
            l2: 1.0,
            optimiser: Optimiser::Sgd { momentum: 0.9 },
            ..ReplicaSpec::default()
        };
        let replicas = vec![
            plain.clone(),
            ReplicaSpec {
                update_clipping: Some(CLIPPING),
                ..plain.clone()
            },
            ReplicaSpec {
                gradient_clipping: Some(1.0),
                ..plain
            },
        ];
        let spec = TrainingSpec {
            network: Network::mlp(&[4, 2], Activation::Identity).unwrap(),
            batch: 2,
            replicas,
            stream: None,
            probe: None,
        };
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        for replica in 0..3 {
            let weight = vec![0.0, 0.0, 0.0, 1e20, 0.0, 0.0, 0.0, 0.0];
            let parameters = [weight, vec![0.0; 2]];
            trainer.write_parameters(replica, &parameters).unwrap();
            trainer.write_batch(replica, &[0.0; 8], &[0, 0]).unwrap();
        }
        trainer.update(2).unwrap();
        let halted = trainer.progress().unwrap();
        let halted: Vec<_> = halted.iter().map(|progress| progress.halted).collect();
        assert_eq!(halted, [None, Some(halt), Some(halt)], "{device}");
    }
}

#[test]
fn numbers_outside_their_range_are_refused() {
    let refusal = |replica: ReplicaSpec| stream(vec![replica], None).check().unwrap_err();
    let update = |clipping| ReplicaSpec {
        update_clipping: Some(clipping),
        ..ReplicaSpec::default()
    };
    let gradient = |limit| ReplicaSpec {
        gradient_clipping: Some(limit),
        ..ReplicaSpec::default()
    };
    let threshold = |threshold| {
        update(UpdateClipping {
            threshold,
            ..CLIPPING
        })
    };
    let hold = |hold| update(UpdateClipping { hold, ..CLIPPING });
    let decay = |decay| {
        update(UpdateClipping {
            decay: Some(decay),
            ..CLIPPING
        })
    };
    for (replica, wanted) in [
        (
            threshold(0.0),
            "threshold: wanted more than 0, finite, found 0",
        ),
        (
            threshold(f32::NAN),
            "threshold: wanted more than 0, finite, found NaN",
        ),
        (
            threshold(f32::INFINITY),
            "threshold: wanted more than 0, finite, found inf",
        ),
        (hold(1.0), "hold: wanted 0 or more, below 1, found 1"),
        (hold(f32::NAN), "hold: wanted 0 or more, below 1, found NaN"),
        (decay(1.0), "decay: wanted 0 or more, below 1, found 1"),
        (decay(-0.5), "decay: wanted 0 or more, below 1, found -0.5"),
        (
            gradient(0.0),
            "gradient_clipping: wanted more than 0, finite, found 0",
        ),
        (
            gradient(f32::NAN),
            "gradient_clipping: wanted more than 0, finite, found NaN",
        ),
    ] {
        let error = refusal(replica).to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
