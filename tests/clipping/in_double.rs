//! Clipped updates and clipped gradients against their formulas in float64.

use crate::common::{compare, computes, noise};
use crate::{CLIPPING, EIGHT_STEPS, L2, RATIOS, STEP_SIZE, every_optimiser, replica};
use std::ops::Range;
use trainable::network::{Activation, Network};
use trainable::probe::{LayerStats, ProbeSpec};
use trainable::spec::{Optimiser, ReplicaSpec, TrainingSpec, UpdateClipping};
use trainable::{Compute, Trainer};

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
