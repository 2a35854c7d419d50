//! Eigenvalues and residuals against PyTorch float64, dense float64 solvers and closed forms.

use crate::common::{Tolerance, compare, computes};
use crate::oracle;
use crate::point::{Block, Point, curvature};
use crate::probes::{
    EIGENVALUE, FORMS, ONE_PASS, all, check, cold, dot, eigenvalues, numbers, optimal, probe, swift,
};
use crate::reference::CASES;
use crate::small_networks::{dense_eigenvalues, describe, small_networks};
use trainable::Compute;
use trainable::cpu::CpuExecutor;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::{IterateForm, LayerStats, ProbeMethod, ProbeSpec, ProbeStart, ProbeStats};
use trainable::spec::{ReplicaSpec, TrainingSpec};

#[test]
fn a_probe_equals_pytorch() {
    for (device, compute) in computes() {
        let specs = swift(70).map(|spec| match spec.method {
            ProbeMethod::Power => spec,
            ProbeMethod::Lobpcg => optimal(40, spec.form),
        });
        for (name, spec) in CASES.iter().flat_map(|name| specs.map(|spec| (name, spec))) {
            let case = curvature(name);
            let mut trainer = Point::from(&case).trainer(&compute, spec, 2);
            let stats = probe(&mut trainer).remove(1);
            let what = format!("{name}, {:?}, {:?}, {device}", spec.method, spec.form);
            let blocks: Vec<_> = case.blocks.iter().chain([&case.network]).collect();
            let found = |f: fn(&LayerStats) -> f64| all(&stats).iter().map(f).collect();
            let wanted = |f: fn(&Block) -> f64| blocks.iter().map(|block| f(block)).collect();
            check(
                &format!("eigenvalues, {what}"),
                eigenvalues(&stats),
                wanted(|block| block.lambda),
                EIGENVALUE,
            );
            check(
                &format!("gradients, {what}"),
                found(|layer| layer.grad_norm_sq),
                wanted(|block| block.g2),
                ONE_PASS,
            );
            check(
                &format!("gradients with L2, {what}"),
                found(|layer| layer.objective_grad_norm_sq),
                wanted(|block| block.g2_l2),
                ONE_PASS,
            );
            check(
                &format!("variance, {what}"),
                found(|layer| layer.grad_variance),
                wanted(|block| block.s),
                ONE_PASS,
            );
            for layer in all(&stats) {
                let sharpness = layer.sharpness.expect("finite");
                assert!(sharpness.converged, "{what}: {sharpness:?}");
                match spec.method {
                    ProbeMethod::Power => assert_eq!(sharpness.iterations, 70, "{what}"),
                    ProbeMethod::Lobpcg => {
                        assert!(sharpness.residual <= 1e-5, "{what}: {sharpness:?}");
                        assert!(sharpness.iterations > 5, "{what}: {sharpness:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_comparison_notices_another_point_and_too_few_iterations() {
    let case = curvature("tanh");
    let wanted = || {
        let blocks = case.blocks.iter().chain([&case.network]);
        blocks.map(|block| block.lambda).collect::<Vec<_>>()
    };
    let mut point = Point::from(&case);
    let found =
        |point: &Point, spec| eigenvalues(&probe(&mut point.trainer(&Compute::Cpu, spec, 1))[0]);
    let [long, short, optimal_long, optimal_short] = [
        cold(300, IterateForm::Auto),
        cold(2, IterateForm::Auto),
        optimal(40, IterateForm::Auto),
        optimal(3, IterateForm::Auto),
    ];
    for (enough, too_few) in [(long, short), (optimal_long, optimal_short)] {
        assert!(compare(found(&point, enough), wanted(), EIGENVALUE).is_ok());
        assert!(compare(found(&point, too_few), wanted(), EIGENVALUE).is_err());
    }
    point.parameters[0][0] += 0.01;
    for enough in [long, optimal_long] {
        assert!(compare(found(&point, enough), wanted(), EIGENVALUE).is_err());
    }
}

#[test]
fn eigenvalues_equal_a_dense_solver_also_where_they_are_negative() {
    let (negative, x, y, block) = oracle::negative_block();
    let mut cases = small_networks();
    cases.push((negative, x, y));
    let last = cases.len() - 1;
    for (number, (mlp, x, y)) in cases.iter().enumerate() {
        let dense = dense_eigenvalues(mlp, x, y);
        for spec in swift(2_000) {
            let point = Point::of_oracle(mlp, x, y);
            let stats = probe(&mut point.trainer(&Compute::Cpu, spec, 1)).remove(0);
            let what = format!("{}, {:?}, {:?}", describe(mlp), spec.method, spec.form);
            for (found, dense) in all(&stats).iter().zip(&dense) {
                let sharpness = found.sharpness.expect("finite");
                // Some dense eigenvalue lies within the residual; where the first stands out, it is it.
                assert!(sharpness.converged, "{what}: {sharpness:?}, {dense:?}");
                check(
                    &what,
                    vec![sharpness.eigenvalue],
                    vec![dense[0]],
                    EIGENVALUE,
                );
            }
            if number == last {
                assert!(dense[block][0] < -1.0 && eigenvalues(&stats)[block] < -1.0);
            }
        }
    }
}

/// The bound holds whether a probe has converged or not: at every product of the first two refreshes, for small
/// networks and for a near tie.
#[test]
fn some_eigenvalue_lies_within_the_residual() {
    let mut cases: Vec<_> = small_networks().into_iter().step_by(3).collect();
    let (mlp, x, y, _) = oracle::near_tie();
    cases.push((mlp, x, y));
    let (mlp, x, y, _) = oracle::negative_block();
    cases.push((mlp, x, y));
    for (mlp, x, y) in &cases {
        let dense = dense_eigenvalues(mlp, x, y);
        let point = Point::of_oracle(mlp, x, y);
        for (form, iterations) in FORMS
            .into_iter()
            .flat_map(|form| (1..=35).map(move |iterations| (form, iterations)))
        {
            let spec = optimal(iterations, form);
            let stats = probe(&mut point.trainer(&Compute::Cpu, spec, 1)).remove(0);
            for (found, dense) in all(&stats).iter().zip(&dense) {
                let sharpness = found.sharpness.expect("finite");
                let distance = |value: &f64| (value - sharpness.eigenvalue).abs();
                let nearest = dense.iter().map(distance).fold(f64::INFINITY, f64::min);
                let allowed = (sharpness.residual + 3e-6) * sharpness.eigenvalue.abs();
                assert!(
                    nearest <= allowed
                        && sharpness.eigenvalue.abs() <= (1.0 + 3e-6) * dense[0].abs(),
                    "{}, {form:?}, {iterations}: {sharpness:?}, {dense:?}",
                    describe(mlp)
                );
            }
        }
    }
}

/// One sample of one input x and two classes: the Hessian has one eigenvalue that is not zero,
/// 2 p (1 - p) (x^2 + 1). The first product is therefore an eigenvector, and the residual leaves no direction to
/// search in. A warm start begins at the eigenvector.
#[test]
fn one_dimension_is_enough() {
    let point = Point {
        network: Network::mlp(&[1, 2], Activation::Identity).unwrap(),
        batch: 1,
        l2: 0.0,
        x: vec![0.75],
        y: vec![1],
        parameters: vec![vec![0.5, -0.25], vec![0.125, 0.5]],
    };
    let p = 1.0 / (1.0 + f64::exp(0.125 + 0.5 * 0.75 - 0.5 + 0.25 * 0.75));
    let wanted = vec![2.0 * p * (1.0 - p) * (0.75 * 0.75 + 1.0); 2];
    let tolerance = Tolerance {
        atol: 0.0,
        rtol: 2e-6,
    };
    for (device, compute) in computes() {
        for form in FORMS {
            let spec = ProbeSpec {
                start: ProbeStart::Warm,
                ..optimal(40, form)
            };
            let mut trainer = point.trainer(&compute, spec, 1);
            for what in ["cold", "warm"] {
                let stats = probe(&mut trainer).remove(0);
                let what = format!("{device}, {form:?}, {what}");
                check(&what, eigenvalues(&stats), wanted.clone(), tolerance);
                for layer in all(&stats) {
                    let sharpness = layer.sharpness.expect("finite");
                    assert!(sharpness.residual <= 1e-6, "{what}: {sharpness:?}");
                    assert_eq!(sharpness.iterations, 3, "{what}");
                }
            }
        }
    }
}

/// The formula of the eigenvalue assumes a start vector of norm 1.
#[test]
fn random_start_vectors_have_norm_1_and_differ() {
    for widths in [&[3_u32, 2][..], &[4, 5, 3], &[6, 7, 5, 4]] {
        let vectors = |seed, start_seed| {
            let spec = TrainingSpec {
                network: Network::mlp(widths, Activation::Crelu).unwrap(),
                batch: 2,
                replicas: vec![ReplicaSpec {
                    seed,
                    ..ReplicaSpec::default()
                }],
                stream: None,
                probe: Some(ProbeSpec {
                    seed: start_seed,
                    ..ProbeSpec::default()
                }),
            };
            let program = Program::new(&spec).unwrap();
            let mut plan = program.probe.clone().unwrap().begin;
            plan.dispatches
                .retain(|dispatch| dispatch.kernel.name == "probe_start");
            let mut executor = CpuExecutor::new(&program);
            executor.run(&plan, 1);
            let stored: &[f32] =
                bytemuck::cast_slice(executor.read(program.buffers.probe.unwrap().vectors, 0));
            let (blocks, network) = stored.split_at(stored.len() / 2);
            [blocks, network].map(|stored| spec.network.unpack(stored).unwrap())
        };
        for (seed, start_seed) in [(0, 0), (1, 0), (0, 1), (7, 9)] {
            let [blocks, network] = vectors(seed, start_seed);
            let norm_sq = |tensors: &[Vec<f32>]| dot(&numbers(tensors), &numbers(tensors));
            let norms = blocks.chunks(2).map(norm_sq);
            let found = norms.chain([norm_sq(&network)]).collect::<Vec<_>>();
            let wanted = vec![1.0; found.len()];
            let tolerance = Tolerance {
                atol: 1e-6,
                rtol: 0.0,
            };
            check(&format!("{widths:?}"), found, wanted, tolerance);
        }
        assert!(vectors(0, 0) == vectors(0, 0));
        assert!(vectors(0, 0) != vectors(1, 0) && vectors(0, 0) != vectors(0, 1));
        assert!(vectors(1, 0) != vectors(0, 1));
    }
}

#[test]
fn both_forms_iterate_alike() {
    // Early iterates are far from any eigenvector: agreement there is not that of a common limit.
    for activation in [
        Activation::Relu,
        Activation::Crelu,
        Activation::Tanh,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Fourier,
    ] {
        let point = Point::random(&[37, 30, 21, 5], activation, 19, 40);
        let methods = [ProbeMethod::Power, ProbeMethod::Lobpcg];
        let numbers = [1, 2, 3, 7].into_iter();
        for (iterations, method) in numbers.flat_map(|number| methods.map(|m| (number, m))) {
            let [gradients, vectors] = FORMS.map(|form| {
                let spec = ProbeSpec {
                    method,
                    ..cold(iterations, form)
                };
                probe(&mut point.trainer(&Compute::Cpu, spec, 1)).remove(0)
            });
            let what = format!("{activation:?}, {method:?}, {iterations} iterations");
            let tolerance = Tolerance {
                atol: 0.0,
                rtol: 2e-4,
            };
            check(
                &what,
                eigenvalues(&gradients),
                eigenvalues(&vectors),
                tolerance,
            );
            let residuals = |stats: &ProbeStats| {
                let residual = |layer: LayerStats| layer.sharpness.expect("finite").residual;
                all(stats).into_iter().map(residual).collect()
            };
            let tolerance = Tolerance {
                atol: 1e-6,
                ..tolerance
            };
            check(&what, residuals(&gradients), residuals(&vectors), tolerance);
        }
    }
}

#[test]
fn a_dead_layer_has_no_curvature() {
    for (device, compute) in computes() {
        for spec in swift(5) {
            let mut point = Point::random(&[6, 5, 4, 3], Activation::Relu, 4, 3);
            point.parameters[1].fill(-100.0);
            let stats = probe(&mut point.trainer(&compute, spec, 1)).remove(0);
            let dead = stats.layers[0].sharpness.expect("finite");
            assert_eq!((dead.eigenvalue, dead.residual), (0.0, 0.0), "{device}");
            assert!(dead.converged && dead.iterations == 1, "{device}: {dead:?}");
            let alive = stats.layers[2].sharpness.expect("finite");
            assert!(alive.eigenvalue > 1e-3, "{device}: {alive:?}");
        }
    }
}
