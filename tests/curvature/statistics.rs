//! Gradient statistics, effective step sizes, update norms and second moments.

use crate::common::{Tolerance, compare, computes};
use crate::oracle;
use crate::point::{Point, StepPoint, curvature};
use crate::probes::{ONE_PASS, all, check, cold, dot, numbers, probe};
use crate::reference::{CASES, Layer, SGD_CASES, read};
use crate::run::Run;
use crate::small_networks::{describe, small_networks};
use serde::Deserialize;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::{IterateForm, LayerStats};
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Trainer};

#[test]
fn gradient_statistics_equal_per_sample_gradients() {
    for (mlp, x, y) in small_networks() {
        let gradient = oracle::gradient(&mlp, &x, &y);
        let norms = mlp.ranges().into_iter().map(|range| {
            let part = &gradient[range];
            dot(part, part)
        });
        let mut trainer =
            Point::of_oracle(&mlp, &x, &y).trainer(&Compute::Cpu, cold(1, IterateForm::Auto), 1);
        let stats = probe(&mut trainer).remove(0);
        let found = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect();
        let what = describe(&mlp);
        check(&what, found(|l| l.grad_norm_sq), norms.collect(), ONE_PASS);
        let variances = oracle::gradient_variance(&mlp, &x, &y);
        check(&what, found(|l| l.grad_variance), variances, ONE_PASS);
        let loss = oracle::loss(&mlp, &x, &y);
        check(&what, vec![stats.loss], vec![loss], ONE_PASS);
        let accuracy = f64::from(oracle::correct(&mlp, &x, &y)) / y.len() as f64;
        assert_eq!(stats.accuracy, accuracy, "{what}");
    }
}

/// The state after five updates, from the file of training steps.
#[derive(Deserialize)]
struct AfterFive {
    step_size: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    after_5: Vec<Layer>,
    effective_step: Vec<f64>,
}

#[test]
fn effective_steps_and_norms_equal_pytorch_after_five_updates() {
    for (device, compute) in computes() {
        for name in CASES {
            let case = curvature(name);
            let adam: AfterFive = read(&format!("step_{name}"));
            // The two files have the same point but for their batch's random draw: only the first's
            // parameters and batch are used, so the point is read from there.
            let point = Point::from(&read::<StepPoint>(&format!("step_{name}")));
            let replica = ReplicaSpec {
                step_size: adam.step_size as f32,
                optimiser: Optimiser::Adam {
                    beta1: adam.beta1 as f32,
                    beta2: adam.beta2 as f32,
                    epsilon: adam.epsilon as f32,
                },
                l2: case.l2 as f32,
                ..ReplicaSpec::default()
            };
            let mut trainer =
                point.trainer_of(&compute, cold(1, IterateForm::Auto), vec![replica; 2]);
            assert_eq!(probe(&mut trainer)[0].layers[0].effective_step, None);
            trainer.update(4).unwrap();
            let before = trainer.parameters().unwrap().remove(1);
            trainer.update(1).unwrap();
            let after = trainer.parameters().unwrap().remove(1);
            let stats = probe(&mut trainer).remove(1);
            let found = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect::<Vec<_>>();
            let norm = |layer: &[f64]| dot(layer, layer).sqrt();
            let what = format!("{name}, {device}");
            let tolerance = Tolerance {
                atol: 0.0,
                rtol: 1e-4,
            };
            check(
                &format!("effective step, {what}"),
                found(|layer| layer.effective_step.expect("updated")),
                adam.effective_step,
                tolerance,
            );
            let weight_norms = adam
                .after_5
                .iter()
                .map(|layer| norm(&[layer.weight.clone(), layer.bias.clone()].concat()));
            check(
                &format!("weight norm, {what}"),
                found(|layer| layer.weight_norm),
                weight_norms.collect(),
                tolerance,
            );
            let update_norms = before
                .chunks(2)
                .zip(after.chunks(2))
                .map(|(before, after)| {
                    let (before, after) = (numbers(before), numbers(after));
                    let update: Vec<_> = before.iter().zip(after).map(|(b, a)| a - b).collect();
                    norm(&update)
                });
            check(
                &format!("update norm, {what}"),
                found(|layer| layer.update_norm),
                update_norms.collect(),
                tolerance,
            );
            assert_eq!(stats.update, 5);
        }
    }
}

/// The state after five updates by SGD, from their file.
#[derive(Deserialize)]
struct AfterFiveSgd {
    step_size: f64,
    momentum: f64,
    l2: f64,
    effective_step: f64,
    update_norm: Vec<f64>,
}

#[test]
fn effective_steps_and_update_norms_of_sgd_equal_pytorch_and_the_geometric_series() {
    let tolerance = Tolerance {
        atol: 0.0,
        rtol: 1e-5,
    };
    for (device, compute) in computes() {
        for name in SGD_CASES {
            let what = format!("{name}, {device}");
            let sgd: AfterFiveSgd = read(&format!("sgd_{name}"));
            let point = Point::from(&read::<StepPoint>(&format!("sgd_{name}")));
            let replica = ReplicaSpec {
                step_size: sgd.step_size as f32,
                optimiser: Optimiser::Sgd {
                    momentum: sgd.momentum as f32,
                },
                l2: sgd.l2 as f32,
                ..ReplicaSpec::default()
            };
            // An Adam replica in front: each is measured by its own rule.
            let replicas = vec![ReplicaSpec::default(), replica];
            let mut trainer = point.trainer_of(&compute, cold(1, IterateForm::Auto), replicas);
            let before = probe(&mut trainer).remove(1);
            assert_eq!(before.layers[0].effective_step, None, "{what}");
            assert_eq!(before.network.update_norm, 0.0, "{what}");
            for update in 1..=5 {
                trainer.update(1).unwrap();
                let stats = probe(&mut trainer).remove(1);
                let series: f64 = (0..update).map(|k| sgd.momentum.powi(k)).sum();
                let found = all(&stats).into_iter();
                check(
                    &format!("effective step after {update}, {what}"),
                    found.map(|s| s.effective_step.expect("updated")).collect(),
                    vec![sgd.step_size * series; stats.layers.len() + 1],
                    tolerance,
                );
            }
            let stats = probe(&mut trainer).remove(1);
            let effective_step = stats.network.effective_step.expect("updated");
            check(
                &what,
                vec![effective_step],
                vec![sgd.effective_step],
                tolerance,
            );
            let network = dot(&sgd.update_norm, &sgd.update_norm).sqrt();
            check(
                &format!("update norm, {what}"),
                all(&stats).iter().map(|layer| layer.update_norm).collect(),
                [&sgd.update_norm[..], &[network]].concat(),
                Tolerance {
                    atol: 1e-6,
                    rtol: 1e-4,
                },
            );
        }
    }
}

#[test]
fn effective_steps_hold_for_every_momentum() {
    let point = Point::random(&[3, 4, 2], Activation::Tanh, 3, 5);
    let momenta = [0.0, 1e-30, 1e-9, 1e-7, 1e-4, 1e-2, 0.5, 0.99, 0.999];
    let replica = |momentum| ReplicaSpec {
        step_size: 0.0,
        optimiser: Optimiser::Sgd { momentum },
        ..ReplicaSpec::default()
    };
    // A step size of zero lets nothing diverge. The probe measures the step size that the next update would use.
    for (device, compute) in computes() {
        let replicas = momenta.map(replica).to_vec();
        let mut trainer = point.trainer_of(&compute, cold(1, IterateForm::Auto), replicas);
        trainer.update(3).unwrap();
        for replica in 0..momenta.len() {
            trainer.set_step_sizes(replica, &[1.0; 2]).unwrap();
        }
        let found = probe(&mut trainer).into_iter();
        let found = found.map(|stats| stats.network.effective_step.expect("updated"));
        let wanted = momenta.map(|m| 1.0 + f64::from(m) + f64::from(m).powi(2));
        check(
            &device,
            found.collect(),
            wanted.to_vec(),
            Tolerance {
                atol: 0.0,
                rtol: 3e-4,
            },
        );
    }
}

#[test]
fn second_moments_are_means_over_all_parameters() {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let pixels = 10;
    let bytes: Vec<u8> = (0..40 * pixels).map(|i| (i * 37 % 251) as u8).collect();
    let replica = |seed, optimiser| ReplicaSpec {
        seed,
        optimiser,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::mlp(&[pixels, 9, 7, 3], Activation::Crelu).unwrap(),
        batch: 5,
        replicas: vec![
            replica(1, Optimiser::default()),
            replica(2, Optimiser::Sgd { momentum: 0.9 }),
            replica(3, Optimiser::default()),
        ],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels as usize, 0.5, 0.3).unwrap(),
            subset: 20,
            epochs: 3,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(cold(1, IterateForm::Auto)),
    };
    let program = Program::new(&spec).unwrap();
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
        let mut run = Run::new(&compute, &program);
        assert!(
            probe(&mut trainer)
                .iter()
                .flat_map(all)
                .all(|layer| layer.second_moment == 0.0),
            "{device}: before the first update"
        );
        trainer.train(7).unwrap();
        run.steps(7);
        for (r, stats) in probe(&mut trainer).iter().enumerate() {
            let found: Vec<_> = all(stats).iter().map(|layer| layer.second_moment).collect();
            if r == 1 {
                assert_eq!(found, [0.0; 4], "{device}");
                continue;
            }
            let stored = run.words(program.buffers.second_moment, r);
            let moments = spec.network.unpack(bytemuck::cast_slice(&stored)).unwrap();
            let layers: Vec<_> = moments.chunks(2).map(numbers).collect();
            let means = layers.iter().map(|layer| mean(layer));
            let wanted: Vec<_> = means.chain([mean(&layers.concat())]).collect();
            let tolerance = Tolerance {
                atol: 0.0,
                rtol: 1e-5,
            };
            check(
                &format!("{device}, replica {r}"),
                found.clone(),
                wanted,
                tolerance,
            );
            // The negative control: weights alone have another mean.
            let weights = numbers(&moments[..1]);
            assert!(compare([found[0]], [mean(&weights)], tolerance).is_err());
        }
    }
}
