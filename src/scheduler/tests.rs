use super::*;

/// alpha = 0.5, B g2 / S = 256 / 1024, and with [`observation`] a normalised sharpness of 20.
pub(super) fn statistics() -> Statistics {
    Statistics {
        parameters: 100,
        step_size: 0.001,
        effective_step: Some(0.5),
        sharpness: Some(40.0),
        grad_norm_sq: 1.0,
        objective_grad_norm_sq: 1.0,
        grad_variance: 1024.0,
        second_moment: 0.0015 * 0.0015,
    }
}

pub(super) fn observation(layers: &[Statistics]) -> Observation {
    Observation {
        task: 0,
        update: 40,
        progress: 0.5,
        batch: 256,
        epsilon: 0.0005,
        layers: layers.to_vec(),
        network: statistics(),
    }
}

pub(super) fn assert_close(what: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= 1e-12 * expected.abs(),
        "{what}: {found}, not {expected}"
    );
}

fn scheduler(control: Control) -> Scheduler {
    Scheduler::new(control, 1e-3, 2, 7).unwrap()
}

/// Two layers of alpha 0.1 and 0.5, of which a noise bound of 0.25 holds for both.
fn two_layers() -> Observation {
    let gentle = Statistics {
        effective_step: Some(0.1),
        ..statistics()
    };
    observation(&[gentle, statistics()])
}

#[test]
fn a_task_begins_with_the_base_step_size_where_it_is_said() {
    let after = |restart| {
        let bound = BoundControl {
            restart,
            ..BoundControl::paper()
        };
        let mut scheduler = scheduler(Control::Bound(bound));
        let mut observe = |task| {
            let decision = scheduler.observe(&Observation {
                task,
                ..two_layers()
            });
            let layer = decision.unwrap().layers[1];
            (layer.step_size, layer.action)
        };
        [0, 0, 1, 1].map(&mut observe)
    };
    let (once, twice) = (0.95e-3, 0.95 * 0.95e-3);
    let restarted = after(true);
    assert_eq!(
        restarted[..2],
        [(once, Action::Cool), (twice, Action::Cool)]
    );
    assert_eq!(restarted[2..], [(once, Action::Set), (twice, Action::Cool)]);
    let carried = after(false);
    assert_eq!(carried[..2], restarted[..2]);
    assert!(carried[2].0 < twice && carried[2].1 == Action::Cool);
}

#[test]
fn layers_are_steered_by_themselves_or_all_by_the_network() {
    let bound = |scope| {
        Control::Bound(BoundControl {
            scope,
            ..BoundControl::paper()
        })
    };
    let decide = |scope| scheduler(bound(scope)).observe(&two_layers()).unwrap();
    let summary = |decision: &Decision| {
        let layers = decision.layers.iter();
        layers
            .map(|layer| (layer.step_size, layer.action, layer.exceeded))
            .collect::<Vec<_>>()
    };
    let cooled = (0.95e-3, Action::Cool, Some(true));
    let own = decide(Scope::PerLayer);
    assert_eq!(summary(&own), [(1e-3, Action::Hold, Some(false)), cooled]);
    let global = decide(Scope::Global);
    assert_eq!(summary(&global), [cooled, cooled]);
    // The layers' own bounds are reported all the same.
    assert_eq!(global.layers[0].bounds, own.layers[0].bounds);
    assert_eq!(global.layers[0].bounds.unwrap().effective_step, 0.1);
    assert_eq!(global.network.unwrap().effective_step, 0.5);
}

#[test]
fn constant_holds_and_reports() {
    let mut constant = scheduler(Control::Constant);
    let decision = constant.observe(&two_layers()).unwrap();
    for (layer, exceeded) in decision.layers.iter().zip([false, true]) {
        assert_eq!((layer.step_size, layer.action), (1e-3, Action::Hold));
        assert_eq!(layer.exceeded, Some(exceeded));
        assert_close("a_g", layer.bounds.unwrap().noise, 0.25);
    }
}

#[test]
fn other_estimators_are_for_controls_without_bounds() {
    let corrected = scheduler(Control::Constant).with_estimator(Estimator::unbiased());
    let decision = corrected.unwrap().observe(&two_layers()).unwrap();
    // S_u = 1024 * 256/255; g2_u = max(0, 1 - 1024/255).
    assert_eq!(decision.layers[0].bounds.unwrap().noise, 0.0);
    let paper = scheduler(Control::Bound(BoundControl::paper()));
    let error = paper.with_estimator(Estimator::unbiased()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "estimator: wanted the controller's own, found another"
    );
}

#[test]
fn schedules_follow_the_task_and_start_anew() {
    let mut linear = scheduler(Control::Schedule(Schedule {
        shape: Shape::Linear,
        end_share: 0.0,
    }));
    for (progress, share, action) in [
        (0.0, 1.0, Action::Hold),
        (0.25, 0.75, Action::Set),
        (0.25, 0.75, Action::Hold),
        (0.0, 1.0, Action::Set),
    ] {
        let mut observation = two_layers();
        observation.progress = progress;
        for layer in linear.observe(&observation).unwrap().layers {
            assert_eq!((layer.step_size, layer.action), (share * 1e-3, action));
        }
    }
}

#[test]
fn always_cool_cools_every_layer_at_every_probe() {
    let mut placebo = scheduler(Control::AlwaysCool(AlwaysCool { rate: 0.5 }));
    for share in [0.5, 0.25, 0.125] {
        for layer in placebo.observe(&two_layers()).unwrap().layers {
            assert_eq!(
                (layer.step_size, layer.action),
                (share * 1e-3, Action::Cool)
            );
        }
    }
}

#[test]
fn random_cool_is_as_likely_as_asked_and_independent_between_layers() {
    const PROBES: u32 = 4_000;
    for seed in [1, 2, 3] {
        let control = Control::RandomCool(RandomCool {
            rate: 0.999,
            probability: 0.3,
        });
        let mut placebo = Scheduler::new(control, 1.0, 2, seed).unwrap();
        let [mut first, mut second, mut both] = [0.0; 3];
        for _ in 0..PROBES {
            let decision = placebo.observe(&two_layers()).unwrap();
            let cooled = |layer: usize| decision.layers[layer].action == Action::Cool;
            first += f64::from(u8::from(cooled(0)));
            second += f64::from(u8::from(cooled(1)));
            both += f64::from(u8::from(cooled(0) && cooled(1)));
        }
        // Four standard deviations of a binomial.
        for (count, p) in [(first, 0.3), (second, 0.3), (both, 0.09_f64)] {
            let n = f64::from(PROBES);
            let allowed = 4.0 * (n * p * (1.0 - p)).sqrt();
            assert!(
                (count - n * p).abs() < allowed,
                "seed {seed}: {count} of {n}, p = {p}"
            );
        }
    }
}

#[test]
fn random_cool_at_its_ends() {
    for (probability, action) in [(0.0, Action::Hold), (1.0, Action::Cool)] {
        let mut placebo = scheduler(Control::RandomCool(RandomCool {
            rate: 0.5,
            probability,
        }));
        for _ in 0..100 {
            for layer in placebo.observe(&two_layers()).unwrap().layers {
                assert_eq!(layer.action, action);
            }
        }
    }
}

#[test]
fn replay_takes_the_latest_point() {
    let point = |update, step_sizes: [f64; 2]| ReplayPoint {
        update,
        step_sizes: step_sizes.to_vec(),
    };
    let mut replay = scheduler(Control::Replay(Replay {
        points: vec![point(40, [1.0, 2.0]), point(80, [3.0, 2.0])],
    }));
    let (set, hold) = (Action::Set, Action::Hold);
    for (update, step_sizes, actions) in [
        (39, [1e-3, 1e-3], [hold, hold]),
        (40, [1.0, 2.0], [set, set]),
        (79, [1.0, 2.0], [hold, hold]),
        (80, [3.0, 2.0], [set, hold]),
        (u32::MAX, [3.0, 2.0], [hold, hold]),
    ] {
        let mut observation = two_layers();
        observation.update = update;
        let decision = replay.observe(&observation).unwrap();
        assert_eq!(decision.step_sizes(), step_sizes, "at {update}");
        let found = [0, 1].map(|layer| decision.layers[layer].action);
        assert_eq!(found, actions, "at {update}");
    }
}

#[test]
fn a_limit_that_holds_a_step_size_is_no_action() {
    let mut held = scheduler(Control::Bound(BoundControl {
        floor: Some(1e-3),
        ..BoundControl::paper()
    }));
    let layer = held.observe(&two_layers()).unwrap().layers[1];
    assert_eq!((layer.step_size, layer.action), (1e-3, Action::Hold));
    assert_eq!(layer.exceeded, Some(true));
}

#[test]
fn a_layer_without_bounds_holds() {
    let mut paper = scheduler(Control::Bound(BoundControl::paper()));
    let mut observation = two_layers();
    observation.layers[1].sharpness = None;
    let layer = paper.observe(&observation).unwrap().layers[1];
    assert_eq!((layer.step_size, layer.action), (1e-3, Action::Hold));
    assert_eq!((layer.bounds, layer.exceeded), (None, None));
}

#[test]
fn schedulers_that_cannot_be_are_refused() {
    let bound = Control::Bound(BoundControl::unbiased());
    let replay = Control::Replay(Replay {
        points: vec![ReplayPoint {
            update: 0,
            step_sizes: vec![1.0; 3],
        }],
    });
    for (control, base, layers, message) in [
        (
            Control::AlwaysCool(AlwaysCool { rate: 2.0 }),
            1.0,
            1,
            "rate: wanted 0 to 1, found 2",
        ),
        (
            Control::Constant,
            f64::NAN,
            1,
            "base step size: wanted 0 to 3.4028234663852886e38, found NaN",
        ),
        (
            Control::Constant,
            1.0,
            0,
            "number of layers: wanted 1 or more, found 0",
        ),
        (
            bound,
            1.0,
            1,
            "base step size: wanted 1e-4 to 1e-2 (floor and ceiling), found 1",
        ),
        (
            replay,
            1.0,
            2,
            "replayed step sizes: wanted 2 elements, found 3",
        ),
    ] {
        let error = Scheduler::new(control, base, layers, 0).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn observations_that_cannot_be_are_refused_and_change_nothing() {
    type Damage = fn(&mut Observation);
    let damages: [(&str, Damage); 6] = [
        ("observed layers: wanted 2 elements, found 1", |o| {
            o.layers.truncate(1);
        }),
        ("batch: wanted 1 or more, found 0", |o| o.batch = 0),
        ("progress: wanted 0 to 1, found 1.5", |o| o.progress = 1.5),
        ("progress: wanted 0 to 1, found NaN", |o| {
            o.progress = f64::NAN;
        }),
        ("epsilon: wanted 0 or more, finite, found -1", |o| {
            o.epsilon = -1.0;
        }),
        ("epsilon: wanted 0 or more, finite, found inf", |o| {
            o.epsilon = f64::INFINITY;
        }),
    ];
    let mut paper = scheduler(Control::Bound(BoundControl::paper()));
    let before = paper.clone();
    for (message, damage) in damages {
        let mut observation = two_layers();
        damage(&mut observation);
        let error = paper.observe(&observation).expect_err(message);
        assert_eq!(error.to_string(), message);
        assert_eq!(paper, before, "{message}");
    }
}

#[test]
fn device_step_sizes_are_finite_and_nearest() {
    let largest = f64::from(f32::MAX);
    let decision = Scheduler::new(Control::Constant, largest, 1, 0)
        .unwrap()
        .skip();
    assert_eq!(decision.device_step_sizes(), [f32::MAX]);
    let tenth = Scheduler::new(Control::Constant, 0.1, 1, 0).unwrap().skip();
    assert_eq!(tenth.device_step_sizes(), [0.1_f32]);
}
