//! The projection of NaP.

use trainable::Trainer;
use trainable::plan::Program;
use trainable::spec::{Intervention, ReplicaSpec};

use crate::common::{Tolerance, compare, computes};
use crate::dense::Matrix;
use crate::{STEPS_PER_TASK, are_matrices, networks, replica, spec, step_of_both};

pub(crate) fn projected(seed: u32) -> ReplicaSpec {
    ReplicaSpec {
        interventions: vec![Intervention::NormProjection],
        ..replica(seed)
    }
}

const ROUNDING: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 2e-6,
};

/// Compares several steps with `W |W_init| / |W|`, where W is the matrix of a replica that is not projected.
#[test]
fn matrices_keep_their_initial_norms_and_nothing_else_changes() {
    for (device, compute) in computes() {
        for network in networks() {
            for seed in [1, 2, 3] {
                let spec = spec(network.clone(), vec![projected(seed), replica(seed)]);
                let mut trainer = Trainer::new(&compute, spec).unwrap();
                let initial = trainer.parameters().unwrap().remove(0);
                let mut moved = 0;
                for step in 0..STEPS_PER_TASK + 2 {
                    let what = format!("{device}, seed {seed}, step {step}");
                    let [found, plain] = step_of_both(&mut trainer);
                    let is_matrix = are_matrices(&network);
                    for (number, tensor) in network.tensors().iter().enumerate() {
                        let name = &tensor.name;
                        if !is_matrix[number] {
                            assert!(found[number] == plain[number], "{what}, {name}");
                            continue;
                        }
                        let matrix = |of: &[f32]| Matrix::of(&tensor.shape, of);
                        let [initial, found, plain] =
                            [&initial, &found, &plain].map(|own| matrix(&own[number]));
                        let wanted = plain.scaled(initial.norm() / plain.norm());
                        compare(found.elements.clone(), wanted.elements, ROUNDING)
                            .unwrap_or_else(|worst| panic!("{what}, {name}: {worst}"));
                        let [ratio, without] =
                            [&found, &plain].map(|own| own.norm() / initial.norm());
                        assert!((ratio - 1.0).abs() < 1e-6, "{what}, {name}: {ratio}");
                        moved += usize::from((without - 1.0).abs() > 1e-4);
                    }
                }
                // The negative control: without the projection, norms of the three matrices are others.
                assert!(moved > 3 * STEPS_PER_TASK as usize / 2, "{device}: {moved}");
            }
        }
    }
}

#[test]
fn a_matrix_without_a_norm_is_left_alone() {
    for (device, compute) in computes() {
        let network = networks()[0].clone();
        let spec = spec(network, vec![projected(1)]);
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        let mut start = trainer.parameters().unwrap().remove(0);
        // The last layer alone moves: it has a gradient where its inputs are zero, in its biases.
        start.iter_mut().for_each(|tensor| tensor.fill(0.0));
        trainer.write_parameters(0, &start).unwrap();
        trainer.train(3).unwrap();
        let found = trainer.parameters().unwrap().remove(0);
        assert!(found.iter().flatten().all(|x| x.is_finite()), "{device}");
        assert!(found[4].iter().all(|x| *x == 0.0), "{device}");
        assert!(found[5].iter().any(|x| *x != 0.0), "{device}");
    }
}

/// The norms are those of the parameters that were stored last, and a snapshot holds them.
#[test]
fn the_norms_are_those_of_the_stored_reference_and_are_in_snapshots() {
    for (device, compute) in computes() {
        let network = networks()[0].clone();
        let spec = spec(network, vec![projected(1)]);
        let new = || Trainer::new(&compute, spec.clone()).unwrap();
        let norms = |trainer: &mut Trainer| -> Vec<f64> {
            let found = trainer.parameters().unwrap().remove(0);
            let matrices = [0, 2, 4].map(|number| {
                let shape = &spec.network.tensors()[number].shape;
                Matrix::of(shape, &found[number]).norm()
            });
            matrices.to_vec()
        };
        let mut trainer = new();
        let drawn = norms(&mut trainer);
        let mut doubled = trainer.parameters().unwrap().remove(0);
        doubled.iter_mut().flatten().for_each(|x| *x *= 2.0);
        trainer.write_parameters(0, &doubled).unwrap();
        trainer.store_reference().unwrap();
        trainer.train(5).unwrap();
        let wanted: Vec<_> = drawn.iter().map(|norm| 2.0 * norm).collect();
        compare(norms(&mut trainer), wanted, ROUNDING)
            .unwrap_or_else(|worst| panic!("{device}: {worst}"));
        let mut resumed = new();
        resumed.restore(&trainer.snapshot().unwrap()).unwrap();
        for own in [&mut trainer, &mut resumed] {
            own.train(9).unwrap();
        }
        let [whole, resumed] = [trainer, resumed].map(|mut own| own.parameters().unwrap());
        assert!(whole == resumed, "{device}");
    }
}

#[test]
fn the_projection_is_two_dispatches_after_the_step() {
    let step = |replicas| {
        let program = Program::new(&spec(networks()[0].clone(), replicas)).unwrap();
        let plan = program.steps.unwrap().step;
        let names = plan.dispatches.iter().map(|d| d.kernel.name);
        (
            names.collect::<Vec<_>>(),
            program.declared.len(),
            program.persistent.len(),
        )
    };
    let (plain, buffers, persistent) = step(vec![replica(1)]);
    let (projected, more, also) = step(vec![replica(1), projected(1)]);
    assert_eq!(
        projected,
        [&plain[..], &["matrix_norms", "norm_projection"]].concat()
    );
    assert_eq!((more, also), (buffers + 4, persistent + 1));
}
