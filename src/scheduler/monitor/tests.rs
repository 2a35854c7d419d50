use super::*;
use crate::scheduler::bounds::{lyapunov_bound, volatility};
use crate::scheduler::tests::{assert_close, observation, statistics};
use crate::scheduler::{Noise, Normalisation, Signal, Statistics, Volatility};

const OWN: Estimator = Estimator {
    normalisation: Normalisation::Own,
    ..Estimator::paper()
};

/// The bounds of a single layer after the last of these sharpnesses, B = 256, S = 1024, g2 = 1, alpha = 0.5.
fn after(estimator: Estimator, sharpnesses: &[f64]) -> Bounds {
    let mut monitor = Monitor::new(estimator, 1).unwrap();
    let mut last = None;
    for sharpness in sharpnesses {
        let layer = Statistics {
            sharpness: Some(*sharpness),
            ..statistics()
        };
        last = monitor.observe(&observation(&[layer])).unwrap().layers[0];
    }
    last.unwrap()
}

#[test]
fn papers_bounds_by_hand() {
    // eta_1 / (sqrt(v) + eps) = 0.001 / (0.0015 + 0.0005) = 0.5: x = 20, then 5.
    let first = after(Estimator::paper(), &[40.0]);
    assert_close("x", first.normalised_sharpness, 20.0);
    assert_close("m", first.mean, 20.0);
    assert_eq!(first.variance, 0.0);
    assert_eq!(first.volatility, 0.0);
    assert_eq!(first.curvature, f64::INFINITY);
    // a_g = 256 * 1 / 1024, and nothing else bounds; tau = 2 * 20 / 20^2.
    assert_close("a_g", first.noise, 0.25);
    assert_close("a_star", first.combined, 0.25);
    assert_close("tau", first.tau, 0.1);

    let second = after(Estimator::paper(), &[40.0, 10.0]);
    assert_close("x", second.normalised_sharpness, 5.0);
    // m = (20 + 5) / 2; V = (5 - 12.5)^2 = 56.25; V / m = 4.5.
    assert_close("m", second.mean, 12.5);
    assert_close("V", second.variance, 56.25);
    assert_close("V / m", second.volatility, 4.5);
    // a_vol = 256 / (20 * 56.25); a_star = 256 * 1 / (1024 + 20 * 1 * 56.25) = 256 / 2149.
    assert_close("a_vol", second.curvature, 256.0 / 1125.0);
    assert_close("a_star", second.combined, 256.0 / 2149.0);
    // tau = 2 * 12.5 / (156.25 + 56.25) = 25 / 212.5.
    assert_close("tau", second.tau, 25.0 / 212.5);
    assert!(second.exceeded(Signal::Combined));
    assert_eq!(second.effective_step, 0.5);
}

#[test]
fn window_variance_by_hand() {
    let estimator = Estimator {
        volatility: Volatility::Window,
        ..Estimator::paper()
    };
    // x = 20, 5, 5: m = 10, V = (100 + 25 + 25) / 2 = 75; the newest alone has (5 - 10)^2 = 25.
    let bounds = after(estimator, &[40.0, 10.0, 10.0]);
    assert_close("V", bounds.variance, 75.0);
    assert_close("a_vol", bounds.curvature, 256.0 / 1500.0);
    assert_close("tau", bounds.tau, 20.0 / 175.0);
    assert_close("newest", after(OWN, &[40.0, 10.0, 10.0]).variance, 25.0);
    assert_eq!(after(estimator, &[40.0]).variance, 0.0);
}

#[test]
fn the_window_forgets_what_is_older() {
    let estimator = Estimator {
        window: 2,
        ..Estimator::paper()
    };
    // x = 500, 20, 5: of the last two, m = 12.5.
    let bounds = after(estimator, &[1000.0, 40.0, 10.0]);
    assert_close("m", bounds.mean, 12.5);
    assert_close("V", bounds.variance, 56.25);
    // One more would be (500 + 20 + 5) / 3.
    let longer = after(Estimator { window: 3, ..OWN }, &[1000.0, 40.0, 10.0]);
    assert_close("m", longer.mean, 175.0);
}

#[test]
fn paper_normalises_every_layer_by_the_first_step_size() {
    let layers = [0.001, 0.002, 0.004].map(|step_size| Statistics {
        step_size,
        effective_step: Some(step_size),
        second_moment: f64::NAN,
        ..statistics()
    });
    let xs = |estimator| {
        let mut monitor = Monitor::new(estimator, 3).unwrap();
        let measured = monitor.observe(&observation(&layers)).unwrap();
        let all = measured.layers.into_iter().chain([measured.network]);
        all.map(|bounds| bounds.unwrap().normalised_sharpness)
            .collect::<Vec<_>>()
    };
    // 0.5 * 40 for all of them, the network too; by their own alpha: 0.001 * 40 and so on, the network's 0.5 * 40.
    for x in xs(Estimator::paper()) {
        assert_close("x", x, 20.0);
    }
    for (x, expected) in xs(OWN).into_iter().zip([0.04, 0.08, 0.16, 20.0]) {
        assert_close("own x", x, expected);
    }
}

#[test]
fn noise_by_hand() {
    let noisy = |batch, g2, s, objective| Statistics {
        grad_norm_sq: g2,
        objective_grad_norm_sq: objective,
        grad_variance: s,
        sharpness: Some(f64::from(batch)),
        ..statistics()
    };
    let a_g = |noise, batch, layer| {
        let mut monitor = Monitor::new(Estimator { noise, ..OWN }, 1).unwrap();
        let mut observation = observation(&[layer]);
        observation.batch = batch;
        let measured = monitor.observe(&observation).unwrap();
        measured.layers[0].map(|bounds| bounds.noise)
    };
    for (batch, g2, s, objective, raw, unbiased) in [
        // Raw: 5 * 4 / 8. Unbiased: S_u = 8 * 5/4 = 10, g2_u = 3 - 10/5 = 1; 5 * 1 / 10.
        (5, 3.0, 8.0, 4.0, 2.5, Some(0.5)),
        // g2_u = max(0, 1 - 2): all of the gradient may be noise.
        (5, 1.0, 8.0, 1.0, 0.625, Some(0.0)),
        // No variance: infinite, even without a gradient.
        (5, 3.0, 0.0, 3.0, f64::INFINITY, Some(f64::INFINITY)),
        (5, 0.0, 0.0, 0.0, f64::INFINITY, Some(f64::INFINITY)),
        // No gradient.
        (5, 0.0, 8.0, 0.0, 0.0, Some(0.0)),
        // One sample has no unbiased variance.
        (1, 3.0, 0.0, 3.0, f64::INFINITY, None),
    ] {
        let layer = noisy(batch, g2, s, objective);
        assert_eq!(a_g(Noise::Raw, batch, layer), Some(raw));
        assert_eq!(a_g(Noise::Unbiased, batch, layer), unbiased);
    }
}

#[test]
fn limits_of_the_bounds() {
    let infinite = f64::INFINITY;
    for (mean, variance, expected) in [
        (2.0, 0.0, 1.0),
        (0.0, 0.0, infinite),
        (0.0, 3.0, 0.0),
        (-2.0, 0.0, 0.0),
        (-2.0, 3.0, 0.0),
        (1e-200, 0.0, infinite),
        (1.0, infinite, 0.0),
    ] {
        let tau = lyapunov_bound(mean, variance);
        assert_eq!(tau, expected, "tau of m = {mean}, V = {variance}");
    }
    for (mean, variance, expected) in [
        (2.0, 3.0, 1.5),
        (-2.0, 3.0, -1.5),
        (0.0, 3.0, infinite),
        (-0.0, 3.0, infinite),
        (0.0, 0.0, 0.0),
        (-2.0, 0.0, 0.0),
    ] {
        let found = volatility(mean, variance);
        assert_eq!(found, expected, "V / m of m = {mean}, V = {variance}");
    }
}

#[test]
fn combined_bound_at_the_limits() {
    let combined = |g2, s, sharpnesses: [f64; 2]| {
        let mut monitor = Monitor::new(OWN, 1).unwrap();
        let observed = sharpnesses.map(|sharpness| {
            let layer = Statistics {
                objective_grad_norm_sq: g2,
                grad_variance: s,
                sharpness: Some(sharpness),
                ..statistics()
            };
            monitor.observe(&observation(&[layer])).unwrap().layers[0]
        });
        observed[1].unwrap().combined
    };
    // x = 20, 5: V = 56.25, a_vol = 256 / 1125; x = 20, 20: V = 0.
    assert_close("S = 0", combined(1.0, 0.0, [40.0, 10.0]), 256.0 / 1125.0);
    assert_close("V = 0", combined(1.0, 1024.0, [40.0, 40.0]), 0.25);
    assert_eq!(combined(1.0, 0.0, [40.0, 40.0]), f64::INFINITY);
    assert_eq!(combined(0.0, 1024.0, [40.0, 10.0]), 0.0);
    assert_eq!(combined(-0.0, 1024.0, [40.0, 40.0]), 0.0);
    assert_eq!(combined(0.0, 1024.0, [40.0, 40.0]), 0.0);
    assert_eq!(combined(0.0, 0.0, [40.0, 40.0]), f64::INFINITY);
    assert_close("0 / 0", combined(0.0, 0.0, [40.0, 10.0]), 256.0 / 1125.0);
}

#[test]
fn a_layer_that_misses_a_statistic_has_no_bounds_and_keeps_its_window() {
    type Damage = fn(&mut Statistics);
    let damages: [(&str, Damage); 9] = [
        ("no sharpness", |s| s.sharpness = None),
        ("sharpness", |s| s.sharpness = Some(f64::INFINITY)),
        ("too sharp", |s| s.sharpness = Some(1e200)),
        ("no alpha", |s| s.effective_step = None),
        ("alpha", |s| s.effective_step = Some(f64::NAN)),
        ("negative alpha", |s| s.effective_step = Some(-0.1)),
        ("g2", |s| s.objective_grad_norm_sq = f64::NAN),
        ("S", |s| s.grad_variance = f64::INFINITY),
        ("negative S", |s| s.grad_variance = -1.0),
    ];
    let sharp = |sharpness| Statistics {
        sharpness: Some(sharpness),
        ..statistics()
    };
    for (what, damage) in damages {
        let mut monitor = Monitor::new(Estimator::paper(), 2).unwrap();
        let mut other = monitor.clone();
        let mut damaged = sharp(99.0);
        damage(&mut damaged);
        for (layer, whole) in [(sharp(40.0), true), (damaged, false), (sharp(10.0), true)] {
            let observed = observation(&[layer, statistics()]);
            let found = monitor.observe(&observed).unwrap().layers;
            let have_bounds = [found[0].is_some(), found[1].is_some()];
            assert_eq!(have_bounds, [whole, true], "{what}");
        }
        for layer in [sharp(40.0), sharp(10.0)] {
            other.observe(&observation(&[layer, statistics()])).unwrap();
        }
        assert_eq!(monitor.layers[0], other.layers[0], "{what}");
    }
}

#[test]
fn unbiased_noise_sees_a_gradient_that_is_no_number() {
    let mut monitor = Monitor::new(Estimator::unbiased(), 1).unwrap();
    let layer = Statistics {
        grad_norm_sq: f64::NAN,
        ..statistics()
    };
    assert_eq!(
        monitor.observe(&observation(&[layer])).unwrap().layers,
        [None]
    );
}

#[test]
fn estimators_that_cannot_be_are_refused() {
    type Change = fn(&mut Estimator);
    let changes: [(&str, Change); 6] = [
        ("window: wanted 2 to 1,000,000, found 0", |e| e.window = 0),
        ("window: wanted 2 to 1,000,000, found 1", |e| e.window = 1),
        ("window: wanted 2 to 1,000,000, found 1000001", |e| {
            e.window = 1_000_001;
        }),
        ("kappa: wanted more than 0, finite, found 0", |e| {
            e.kappa = 0.0;
        }),
        ("kappa: wanted more than 0, finite, found NaN", |e| {
            e.kappa = f64::NAN;
        }),
        ("kappa: wanted more than 0, finite, found inf", |e| {
            e.kappa = f64::INFINITY;
        }),
    ];
    Estimator::paper().check().unwrap();
    Estimator::unbiased().check().unwrap();
    for (message, change) in changes {
        let mut estimator = Estimator::paper();
        change(&mut estimator);
        let error = Monitor::new(estimator, 1).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert!(Monitor::new(Estimator::paper(), 0).is_err());
}
