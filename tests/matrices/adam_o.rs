//! AdamO: Adam with a decoupled step towards isometry.

use trainable::plan::Program;
use trainable::spec::{Optimiser, ReplicaSpec, UpdateClipping};
use trainable::{HaltCause, Trainer};

use crate::common::{Tolerance, compare, computes};
use crate::dense::Matrix;
use crate::{STEPS_PER_TASK, are_matrices, networks, replica, spec, step_of_both};

const ISOMETRY: f32 = 2.0;
const STEP_SIZE: f32 = 1e-3;

fn with_optimiser(seed: u32, isometry: Option<f32>) -> ReplicaSpec {
    let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
    let optimiser = match isometry {
        Some(isometry) => Optimiser::AdamO {
            beta1,
            beta2,
            epsilon,
            isometry,
        },
        None => Optimiser::default(),
    };
    ReplicaSpec {
        optimiser,
        step_size: STEP_SIZE,
        ..replica(seed)
    }
}

pub(crate) fn adam_o(seed: u32) -> ReplicaSpec {
    with_optimiser(seed, Some(ISOMETRY))
}

const ROUNDING: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 1e-6,
};

/// Compares every step with Adam's, less `step_size isometry R`, with R by the side that the paper names.
#[test]
fn every_step_is_adams_and_one_towards_isometry() {
    for (device, compute) in computes() {
        for network in networks() {
            for seed in [1, 2, 3] {
                let replicas = vec![adam_o(seed), with_optimiser(seed, None)];
                let mut trainer = Trainer::new(&compute, spec(network.clone(), replicas)).unwrap();
                for step in 0..STEPS_PER_TASK + 2 {
                    let what = format!("{device}, seed {seed}, step {step}");
                    let before = trainer.parameters().unwrap().remove(0);
                    let [found, plain] = step_of_both(&mut trainer);
                    let is_matrix = are_matrices(&network);
                    for (number, tensor) in network.tensors().iter().enumerate() {
                        let name = &tensor.name;
                        if !is_matrix[number] {
                            assert!(found[number] == plain[number], "{what}, {name}");
                            continue;
                        }
                        let [w, found, plain] = [&before, &found, &plain]
                            .map(|own| Matrix::of(&tensor.shape, &own[number]));
                        let r = gradient(&w);
                        let compared = |isometry: f32| {
                            let rate = f64::from(STEP_SIZE) * f64::from(isometry);
                            let wanted = plain.minus(&r.scaled(rate));
                            compare(found.elements.clone(), wanted.elements, ROUNDING)
                        };
                        compared(ISOMETRY)
                            .unwrap_or_else(|worst| panic!("{what}, {name}: {worst}"));
                        // The negative control: another strength.
                        assert!(compared(1.05 * ISOMETRY).is_err(), "{what}, {name}");
                    }
                }
            }
        }
    }
}

/// The gradient of |W^T W - I|^2, or of |W W^T - I|^2 where there are more inputs than outputs.
fn gradient(w: &Matrix) -> Matrix {
    let minus_w = |product: Matrix| product.minus(w).scaled(4.0);
    if w.rows >= w.columns {
        minus_w(w.product(&w.transposed().product(w)))
    } else {
        minus_w(w.product(&w.transposed()).product(w))
    }
}

/// The gradient of the test is the derivative of the penalty.
#[test]
fn the_gradient_is_the_derivative_of_the_deviation_from_isometry() {
    for (seed, shape) in [(1, [3, 7]), (2, [7, 3]), (3, [5, 5])] {
        let random = |seed| {
            Matrix::of(
                &shape,
                &crate::common::noise(seed, (shape[0] * shape[1]) as usize),
            )
        };
        let (w, direction) = (random(seed), random(seed + 10));
        let side = f64::from(shape[0].min(shape[1]));
        let penalty = |by: f64| side * w.minus(&direction.scaled(-by)).deviation_from_isometry();
        let wanted = (penalty(1e-5) - penalty(-1e-5)) / 2e-5;
        let r = gradient(&w);
        let found: f64 = r
            .elements
            .iter()
            .zip(&direction.elements)
            .map(|(r, d)| r * d)
            .sum();
        assert!(
            (found - wanted).abs() < 1e-6 * wanted.abs().max(1.0),
            "{found}, {wanted}"
        );
    }
}

#[test]
fn matrices_come_closer_to_isometry_and_clipped_steps_are_shorter() {
    for (device, compute) in computes() {
        let network = networks()[0].clone();
        let clipped = ReplicaSpec {
            update_clipping: Some(UpdateClipping {
                threshold: 0.5,
                hold: 0.0,
                decay: None,
            }),
            ..adam_o(1)
        };
        let replicas = vec![adam_o(1), with_optimiser(1, None), clipped];
        let mut trainer = Trainer::new(&compute, spec(network.clone(), replicas)).unwrap();
        let start = trainer.parameters().unwrap().remove(0);
        let matrix = |of: &[Vec<f32>]| Matrix::of(&network.tensors()[2].shape, &of[2]);
        // The ratio of the first update is 1, so that the threshold halves the step size.
        trainer.train(1).unwrap();
        let after = trainer.parameters().unwrap();
        let moved = |r: usize| matrix(&after[r]).minus(&matrix(&start));
        compare(
            moved(2).scaled(2.0).elements,
            moved(0).elements,
            Tolerance {
                atol: 1e-6,
                rtol: 1e-5,
            },
        )
        .unwrap_or_else(|worst| panic!("{device}: {worst}"));
        trainer.train(10 * STEPS_PER_TASK).unwrap();
        let end = trainer.parameters().unwrap();
        let [own, adam] = [0, 1].map(|r| matrix(&end[r]).deviation_from_isometry());
        assert!(own < 0.2 * adam, "{device}: {own}, {adam}");
    }
}

#[test]
fn a_step_that_overflows_halts_the_replica() {
    for (device, compute) in computes() {
        let replicas = vec![adam_o(1), with_optimiser(1, None)];
        let mut trainer = Trainer::new(&compute, spec(networks()[0].clone(), replicas)).unwrap();
        let mut large = trainer.parameters().unwrap().remove(0);
        // The cube of the first matrix overflows; the matrices after it keep the loss finite.
        large[0].iter_mut().for_each(|x| *x *= 1e16);
        large[2].fill(0.0);
        (0..2).for_each(|r| trainer.write_parameters(r, &large).unwrap());
        trainer.train(1).unwrap();
        let halted: Vec<_> = trainer
            .progress()
            .unwrap()
            .iter()
            .map(|own| own.halted)
            .collect();
        assert_eq!(
            halted[0].map(|halt| halt.cause),
            Some(HaltCause::Update),
            "{device}"
        );
        assert_eq!(halted[1], None, "{device}");
    }
}

#[test]
fn the_step_is_three_dispatches_where_a_replica_has_it() {
    let step = |replicas| {
        let program = Program::new(&spec(networks()[0].clone(), replicas)).unwrap();
        let plan = program.steps.unwrap().step;
        let names = plan.dispatches.iter().map(|d| d.kernel.name);
        names.collect::<Vec<_>>()
    };
    let plain = step(vec![with_optimiser(1, None)]);
    let (before, end) = plain.split_at(plain.len() - 1);
    let wanted = [
        before,
        &[
            "matrix_gram",
            "matrix_product",
            "optimiser_step",
            "isometry_step",
            "step_finish",
        ],
    ];
    assert_eq!(
        step(vec![adam_o(1), with_optimiser(1, None)]),
        wanted.concat()
    );
    assert_eq!(end, ["optimiser_step"]);
    // Without a strength it is Adam.
    assert_eq!(step(vec![with_optimiser(1, Some(0.0))]), plain);
}

#[test]
fn impossible_strengths_are_refused() {
    for strength in [-0.5, f32::NAN, f32::INFINITY] {
        let replica = with_optimiser(1, Some(strength));
        let error = spec(networks()[0].clone(), vec![replica])
            .check()
            .unwrap_err();
        let wanted = format!("isometry: wanted 0 or more, finite, found {strength}");
        assert_eq!(error.to_string(), wanted);
    }
}
