//! Convergence: when a probe calls an eigenvalue converged, and how many iterations that takes.

use crate::common::computes;
use crate::oracle;
use crate::point::{Block, Point, curvature};
use crate::probes::{
    EIGENVALUE, FORMS, all, check, cold, eigenvalues, optimal, probe, with_momentum,
};
use crate::reference::CASES;
use crate::small_networks::dense_eigenvalues;
use trainable::Compute;
use trainable::network::Activation;
use trainable::probe::{IterateForm, ProbeMethod, ProbeSpec};

#[test]
fn a_near_tie_of_opposite_signs_is_not_called_converged() {
    let (mlp, x, y, block) = oracle::near_tie();
    let tied = Point::of_oracle(&mlp, &x, &y);
    let dense = &dense_eigenvalues(&mlp, &x, &y)[block];
    assert!(dense[0] * dense[1] < 0.0 && (dense[1] / dense[0]).abs() > 0.9999);
    let (mlp, x, y, _) = oracle::negative_block();
    let untied = Point::of_oracle(&mlp, &x, &y);
    for (device, compute) in computes() {
        for form in FORMS {
            for spec in [cold(100, form), with_momentum(100, form)] {
                let sharpness = |point: &Point| {
                    let stats = probe(&mut point.trainer(&compute, spec, 1)).remove(0);
                    stats.layers[block].sharpness.expect("finite")
                };
                let (tied, untied) = (sharpness(&tied), sharpness(&untied));
                assert!(
                    !tied.converged && tied.residual > 1e-2,
                    "{device}: {tied:?}"
                );
                assert!(untied.converged, "{device}: {untied:?}");
            }
        }
    }
}

/// Where power iteration mixes the two, LOBPCG finds one of them.
#[test]
fn the_locally_optimal_method_settles_a_near_tie_of_opposite_signs() {
    let (mlp, x, y, block) = oracle::near_tie();
    let point = Point::of_oracle(&mlp, &x, &y);
    let dense = &dense_eigenvalues(&mlp, &x, &y)[block];
    for (device, compute) in computes() {
        for form in FORMS {
            for iterations in [3, 4, 5, 6, 8, 40] {
                let spec = optimal(iterations, form);
                let stats = probe(&mut point.trainer(&compute, spec, 1)).remove(0);
                let found = stats.layers[block].sharpness.expect("finite");
                let what = format!("{device}, {form:?}, {iterations}: {found:?}, {dense:?}");
                let of_sign = if found.eigenvalue * dense[0] > 0.0 {
                    0
                } else {
                    1
                };
                let error = (found.eigenvalue / dense[of_sign] - 1.0).abs();
                assert!(!found.converged || error < 1e-5, "{what}");
                assert!(iterations < 40 || found.converged, "{what}");
            }
        }
    }
}

#[test]
fn a_tolerance_stops_early_and_a_warm_start_earlier() {
    for (device, compute) in computes() {
        let point = Point::random(&[20, 16, 12, 5], Activation::Relu, 24, 7);
        let exact = probe(&mut point.trainer(&compute, cold(1000, IterateForm::Auto), 1)).remove(0);
        for method in [ProbeMethod::Power, ProbeMethod::Lobpcg] {
            let spec = ProbeSpec {
                method,
                iterations: 300,
                tolerance: 0.02,
                ..ProbeSpec::default()
            };
            let mut trainer = point.trainer(&compute, spec, 1);
            let first = probe(&mut trainer).remove(0);
            trainer.update(1).unwrap();
            let second = probe(&mut trainer).remove(0);
            let pairs = all(&first).into_iter().zip(all(&second)).zip(all(&exact));
            for ((cold, warm), exact) in pairs {
                let [cold, warm, exact] = [cold, warm, exact].map(|s| s.sharpness.expect("finite"));
                let what = format!("{device}, {method:?}: {cold:?}, {warm:?}, {exact:?}");
                assert!(cold.converged && warm.converged, "{what}");
                assert!((3..300).contains(&cold.iterations), "{what}");
                assert!(2 * warm.iterations < cold.iterations, "{what}");
                let error = (cold.eigenvalue / exact.eigenvalue - 1.0).abs();
                assert!(error < 0.02, "{what}");
            }
        }
    }
}

#[test]
fn momentum_and_the_locally_optimal_method_find_the_same_eigenvalues_sooner() {
    // Only close runners-up count: where there is none, plain power iteration is the faster one.
    let is_close = |block: &Block| block.second_abs > 0.8 * block.lambda.abs();
    let mut iterations = [0, 0, 0];
    let [plain, with_momentum, optimal] = [
        cold(400, IterateForm::Auto),
        with_momentum(400, IterateForm::Auto),
        optimal(400, IterateForm::Auto),
    ];
    for name in CASES {
        let case = curvature(name);
        let blocks: Vec<_> = case.blocks.iter().chain([&case.network]).collect();
        let wanted: Vec<_> = blocks.iter().map(|block| block.lambda).collect();
        let specs = [plain, with_momentum, optimal].into_iter();
        for (spec, iterations) in specs.zip(&mut iterations) {
            let spec = ProbeSpec {
                tolerance: 1e-3,
                ..spec
            };
            let stats = probe(&mut Point::from(&case).trainer(&Compute::Cpu, spec, 1)).remove(0);
            let what = format!("{name}, {spec:?}");
            check(&what, eigenvalues(&stats), wanted.clone(), EIGENVALUE);
            for (layer, block) in all(&stats).into_iter().zip(&blocks) {
                let sharpness = layer.sharpness.expect("finite");
                assert!(sharpness.converged, "{what}: {sharpness:?}");
                *iterations += u32::from(is_close(block)) * sharpness.iterations;
            }
        }
    }
    let [plain, with_momentum, optimal] = iterations;
    let what = format!("{plain} iterations, {with_momentum} with momentum, {optimal} optimal");
    assert!(with_momentum > 0 && 3 * with_momentum < 2 * plain, "{what}");
    assert!(optimal > 0 && 3 * optimal < 2 * with_momentum, "{what}");
}
