//! Spectral regularisation.

use trainable::Trainer;
use trainable::network::{Network, Parameters};
use trainable::plan::Program;
use trainable::probe::ProbeSpec;
use trainable::rng::{pcg4d, unit_uniform};
use trainable::spec::{ReplicaSpec, TrainingSpec};

use crate::common::{Tolerance, compare, computes, noise};
use crate::dense::Matrix;
use crate::{STEPS_PER_TASK, are_matrices, networks, replica, spec, step_of_both};

const STRENGTH: f32 = 0.25;

pub(crate) fn regularised(seed: u32) -> ReplicaSpec {
    ReplicaSpec {
        spectral: STRENGTH,
        ..replica(seed)
    }
}

/// The tolerance for a difference of two gradients in float32.
const GRADIENT: Tolerance = Tolerance {
    atol: 1e-5,
    rtol: 1e-4,
};

/// The weight matrices of some tensors.
fn matrices(network: &Network, tensors: &Parameters) -> Vec<Matrix> {
    let all = network
        .tensors()
        .iter()
        .zip(tensors)
        .zip(are_matrices(network));
    let own = all.filter(|(_, is_matrix)| *is_matrix);
    own.map(|((tensor, elements), _)| Matrix::of(&tensor.shape, elements))
        .collect()
}

/// The start vector of a matrix by its definition, implemented a second time.
fn start(seed: u32, matrix: u32, outputs: usize) -> Vec<f64> {
    let draw = |output| unit_uniform(pcg4d([seed, 16, matrix, output])[3]);
    (0..outputs as u32)
        .map(|output| f64::from(2.0 * draw(output) - 1.0))
        .collect()
}

fn unit(vector: Vec<f64>) -> (Vec<f64>, f64) {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    (vector.iter().map(|x| x / length).collect(), length)
}

/// One power iteration from `u`, which it replaces: the largest singular value and the right singular vector.
fn iterate(matrix: &Matrix, u: &mut Vec<f64>) -> (f64, Vec<f64>) {
    let (v, _) = unit(matrix.transposed().times(u));
    let (next, sigma) = unit(matrix.times(&v));
    *u = next;
    (sigma, v)
}

/// The gradient of `strength (sigma^2 - 1)^2` along a singular value and its vectors.
fn gradient(strength: f64, sigma: f64, u: &[f64], v: &[f64]) -> Vec<f64> {
    let slope = 4.0 * strength * (sigma * sigma - 1.0) * sigma;
    u.iter()
        .flat_map(|u| v.iter().map(move |v| slope * u * v))
        .collect()
}

/// The gradients of the regulariser alone, from those with it and those without.
fn differences(network: &Network, trainer: &mut Trainer) -> Vec<Vec<f64>> {
    let gradients = trainer.gradients().unwrap();
    let [with, without] = [0, 1].map(|r| matrices(network, &gradients[r]));
    let pairs = with.iter().zip(&without);
    pairs.map(|(a, b)| a.minus(b).elements).collect()
}

#[test]
fn every_step_makes_one_power_iteration_and_adds_its_gradient() {
    for (device, compute) in computes() {
        for network in networks() {
            for seed in [1, 2, 3] {
                let spec = spec(network.clone(), vec![regularised(seed), replica(seed)]);
                let mut trainer = Trainer::new(&compute, spec).unwrap();
                let mut parameters = trainer.parameters().unwrap().remove(0);
                let mut vectors: Vec<_> = matrices(&network, &parameters)
                    .iter()
                    .zip(0..)
                    .map(|(matrix, number)| start(seed, number, matrix.rows))
                    .collect();
                for step in 0..STEPS_PER_TASK + 1 {
                    let what = format!("{device}, seed {seed}, step {step}");
                    let [next, _] = step_of_both(&mut trainer);
                    let found = differences(&network, &mut trainer);
                    let now = matrices(&network, &parameters);
                    for ((matrix, u), found) in now.iter().zip(&mut vectors).zip(found) {
                        let (sigma, v) = iterate(matrix, u);
                        let wanted = gradient(STRENGTH.into(), sigma, u, &v);
                        compare(found.clone(), wanted, GRADIENT)
                            .unwrap_or_else(|worst| panic!("{what}: {worst}"));
                        // The negative controls: another strength, and one iteration more.
                        let other = gradient(1.1 * f64::from(STRENGTH), sigma, u, &v);
                        assert!(compare(found.clone(), other, GRADIENT).is_err(), "{what}");
                        let mut later = u.clone();
                        let (sigma, v) = iterate(matrix, &mut later);
                        let other = gradient(STRENGTH.into(), sigma, &later, &v);
                        assert!(
                            step > 0 || compare(found, other, GRADIENT).is_err(),
                            "{what}"
                        );
                    }
                    for (tensor, is_matrix) in are_matrices(&network).into_iter().enumerate() {
                        let gradients = trainer.gradients().unwrap();
                        let is_same = gradients[0][tensor] == gradients[1][tensor];
                        assert!(is_matrix != is_same, "{what}, tensor {tensor}");
                    }
                    parameters = next;
                }
            }
        }
    }
}

/// At resting parameters the iterations converge, so that the gradient is the derivative of the penalty.
#[test]
fn at_rest_the_gradient_is_the_derivative_of_the_penalty() {
    for (device, compute) in computes() {
        for (network, seed) in networks().into_iter().zip([4, 5]) {
            let resting = |own| ReplicaSpec {
                step_size: 0.0,
                ..own
            };
            let replicas = [regularised(seed), replica(seed)].map(resting);
            let spec = spec(network.clone(), replicas.to_vec());
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            trainer.train(150).unwrap();
            let parameters = trainer.parameters().unwrap().remove(0);
            let found = differences(&network, &mut trainer);
            let sigma = |matrix: &Matrix| {
                let mut u = vec![1.0; matrix.rows];
                (0..3_000)
                    .map(|_| iterate(matrix, &mut u).0)
                    .last()
                    .unwrap()
            };
            let penalty =
                |matrix: &Matrix| f64::from(STRENGTH) * (sigma(matrix).powi(2) - 1.0).powi(2);
            for (matrix, found) in matrices(&network, &parameters).iter().zip(found) {
                let direction = Matrix::of(&[matrix.rows as u32], &noise(seed, found.len()));
                let moved = |by: f64| penalty(&matrix.minus(&direction.scaled(-by)));
                let wanted = (moved(1e-4) - moved(-1e-4)) / 2e-4;
                let found: f64 = found
                    .iter()
                    .zip(&direction.elements)
                    .map(|(g, d)| g * d)
                    .sum();
                let tolerance = Tolerance {
                    atol: 1e-3,
                    rtol: 2e-3,
                };
                compare([found], [wanted], tolerance)
                    .unwrap_or_else(|worst| panic!("{device}, seed {seed}: {worst}"));
                assert!(
                    compare([found], [-wanted], tolerance).is_err(),
                    "{device}, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn probes_do_not_advance_the_power_iterations() {
    for (device, compute) in computes() {
        let spec = TrainingSpec {
            probe: Some(ProbeSpec {
                iterations: 1,
                ..ProbeSpec::default()
            }),
            ..spec(networks()[0].clone(), vec![regularised(1), replica(1)])
        };
        let train = |probes: bool| {
            let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
            let mut objectives = Vec::new();
            for piece in [1, 3, 4] {
                trainer.train(piece).unwrap();
                if probes {
                    let stats = trainer.probe().unwrap();
                    let own = stats.into_iter().map(|stats| stats.unwrap().network);
                    objectives.extend(own.map(|own| own.objective_grad_norm_sq - own.grad_norm_sq));
                }
            }
            trainer.train(1).unwrap();
            (trainer.snapshot().unwrap().buffers[0].clone(), objectives)
        };
        let (probed, objectives) = train(true);
        assert!(probed == train(false).0, "{device}");
        // A probe's objective has the regulariser, where a replica uses it.
        for pair in objectives.chunks(2) {
            assert!(pair[0] != 0.0 && pair[1] == 0.0, "{device}: {pair:?}");
        }
    }
}

#[test]
fn matrices_of_zeros_have_no_gradient_and_come_back() {
    for (device, compute) in computes() {
        let network = networks()[0].clone();
        let spec = spec(network, vec![regularised(1), replica(1)]);
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        let drawn = trainer.parameters().unwrap().remove(0);
        let mut zeros = drawn.clone();
        zeros.iter_mut().for_each(|tensor| tensor.fill(0.0));
        (0..2).for_each(|r| trainer.write_parameters(r, &zeros).unwrap());
        trainer.train(2).unwrap();
        let gradients = trainer.gradients().unwrap();
        assert!(gradients[0] == gradients[1], "{device}");
        (0..2).for_each(|r| trainer.write_parameters(r, &drawn).unwrap());
        trainer.train(1).unwrap();
        let gradients = trainer.gradients().unwrap();
        assert!(gradients[0] != gradients[1], "{device}");
        assert!(
            gradients.iter().flatten().flatten().all(|g| g.is_finite()),
            "{device}"
        );
    }
}

#[test]
fn the_regulariser_is_five_dispatches_where_a_replica_uses_it() {
    let step = |replicas| {
        let program = Program::new(&spec(networks()[0].clone(), replicas)).unwrap();
        let plan = program.steps.unwrap().step;
        let names = plan.dispatches.iter().map(|d| d.kernel.name);
        (names.collect::<Vec<_>>(), program.declared.len())
    };
    let (plain, buffers) = step(vec![replica(1)]);
    let (found, more) = step(vec![replica(1), regularised(1)]);
    let (before, after) = plain.split_at(plain.len() - 1);
    let added = [
        "spectral_inputs",
        "spectral_outputs",
        "spectral_finish",
        "spectral_gradient",
    ];
    assert_eq!(found, [before, &added, after, &["reference_copy"]].concat());
    assert_eq!(more, buffers + 5);
}

#[test]
fn impossible_strengths_are_refused() {
    for strength in [-0.5, f32::NAN, f32::INFINITY] {
        let replica = ReplicaSpec {
            spectral: strength,
            ..replica(1)
        };
        let error = spec(networks()[0].clone(), vec![replica])
            .check()
            .unwrap_err();
        let wanted = format!("spectral: wanted 0 or more, finite, found {strength}");
        assert_eq!(error.to_string(), wanted);
    }
}
