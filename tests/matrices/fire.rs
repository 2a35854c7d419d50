//! FIRE: orthogonal matrices when a task begins.

use trainable::Trainer;
use trainable::plan::Program;
use trainable::spec::{Intervention, ReplicaSpec, TaskSwitch};

use crate::common::{Tolerance, compare, computes};
use crate::dense::Matrix;
use crate::{STEPS_PER_TASK, are_matrices, networks, replica, spec, step_of_both};

pub(crate) fn fired(seed: u32, iterations: u32) -> ReplicaSpec {
    ReplicaSpec {
        interventions: vec![Intervention::Fire { iterations }],
        ..replica(seed)
    }
}

const ROUNDING: Tolerance = Tolerance {
    atol: 1e-5,
    rtol: 1e-5,
};

/// The formula, with the dense products of the whole matrix.
fn newton_schulz(w: &Matrix, iterations: u32) -> Matrix {
    let start = w.scaled(1.0 / w.norm());
    let end = (0..iterations).fold(start, |x, _| x.scaled(1.5).minus(&x.cubed().scaled(0.5)));
    end.scaled((w.rows as f64 / w.columns as f64).sqrt())
}

#[test]
fn matrices_become_orthogonal_when_a_task_begins_and_only_then() {
    for (device, compute) in computes() {
        for network in networks() {
            for (seed, iterations) in [(1, 10), (2, 10), (3, 1), (4, 4)] {
                let what = format!("{device}, seed {seed}, {iterations} iterations");
                let spec = spec(
                    network.clone(),
                    vec![fired(seed, iterations), replica(seed)],
                );
                let mut trainer = Trainer::new(&compute, spec).unwrap();
                for _ in 0..2 {
                    trainer.train(STEPS_PER_TASK - 2).unwrap();
                    let [found, plain] = step_of_both(&mut trainer);
                    assert!(found == plain, "{what}: within a task");
                    let [found, plain] = step_of_both(&mut trainer);
                    let is_matrix = are_matrices(&network);
                    for (number, tensor) in network.tensors().iter().enumerate() {
                        let name = &tensor.name;
                        if !is_matrix[number] {
                            assert!(found[number] == plain[number], "{what}, {name}");
                            continue;
                        }
                        let [found, plain] =
                            [&found, &plain].map(|own| Matrix::of(&tensor.shape, &own[number]));
                        let compared = |iterations| {
                            let wanted = newton_schulz(&plain, iterations);
                            compare(found.elements.clone(), wanted.elements, ROUNDING)
                        };
                        compared(iterations)
                            .unwrap_or_else(|worst| panic!("{what}, {name}: {worst}"));
                        // The negative control: another number of iterations, before they converge.
                        assert!(
                            iterations == 10 || compared(iterations + 1).is_err(),
                            "{what}, {name}"
                        );
                        let scale = (found.columns as f64 / found.rows as f64).sqrt();
                        let [after, before] =
                            [found.scaled(scale), plain.scaled(1.0 / plain.norm())]
                                .map(|own| own.deviation_from_isometry());
                        assert!(after < before, "{what}, {name}: {after}, {before}");
                        assert!(iterations < 10 || after < 0.05, "{what}, {name}: {after}");
                    }
                }
            }
        }
    }
}

/// Replicas with fewer iterations than others have their own number.
#[test]
fn every_replica_has_its_own_number_of_iterations() {
    for (device, compute) in computes() {
        let network = networks()[0].clone();
        let train = |replicas: Vec<ReplicaSpec>| {
            let mut trainer = Trainer::new(&compute, spec(network.clone(), replicas)).unwrap();
            trainer.train(STEPS_PER_TASK).unwrap();
            trainer.parameters().unwrap()
        };
        let all = [2, 5, 3].map(|iterations| fired(1, iterations));
        let together = train([&all[..], &[replica(1)]].concat());
        for (one, found) in all.iter().zip(&together) {
            assert!(train(vec![one.clone()])[0] == *found, "{device}: {one:?}");
        }
        assert!(
            together[0] != together[1] && together[0] != together[2],
            "{device}"
        );
    }
}

#[test]
fn matrices_of_zeros_stay_zero() {
    for (device, compute) in computes() {
        let spec = spec(networks()[0].clone(), vec![fired(1, 10)]);
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        let mut zeros = trainer.parameters().unwrap().remove(0);
        zeros.iter_mut().for_each(|tensor| tensor.fill(0.0));
        trainer.write_parameters(0, &zeros).unwrap();
        trainer.train(STEPS_PER_TASK).unwrap();
        let found = trainer.parameters().unwrap().remove(0);
        assert!(found[4].iter().all(|x| *x == 0.0), "{device}");
        assert!(found[5].iter().any(|x| *x != 0.0), "{device}");
    }
}

#[test]
fn fire_adds_dispatches_to_task_switches_alone() {
    let plans = |replicas| {
        let program = Program::new(&spec(networks()[0].clone(), replicas)).unwrap();
        let steps = program.steps.unwrap();
        let names = |plan: &trainable::plan::Plan| -> Vec<_> {
            plan.dispatches.iter().map(|d| d.kernel.name).collect()
        };
        (names(&steps.step), steps.task_switch.as_ref().map(names))
    };
    let (plain, nothing) = plans(vec![replica(1)]);
    assert_eq!(nothing, None);
    let (step, switch) = plans(vec![fired(1, 2), replica(1)]);
    let iteration = ["matrix_gram", "matrix_product"];
    let wanted = [
        &["matrix_norms", "matrix_normalise"][..],
        &iteration,
        &iteration,
        &["fire"],
    ];
    assert_eq!((step, switch), (plain, Some(wanted.concat())));
}

#[test]
fn impossible_settings_are_refused() {
    let refused = |replica| {
        let error = spec(networks()[0].clone(), vec![replica]).check();
        error.unwrap_err().to_string()
    };
    assert_eq!(refused(fired(1, 0)), "iterations: wanted 1 to 100, found 0");
    assert_eq!(
        refused(fired(1, 101)),
        "iterations: wanted 1 to 100, found 101"
    );
    let fresh = refused(ReplicaSpec {
        at_task_switch: TaskSwitch::FreshNetwork,
        ..fired(1, 10)
    });
    assert!(
        fresh.starts_with("interventions: wanted no fire, which keeps what"),
        "{fresh}"
    );
}
