//! Invariants of the scheduler that hold for any measurement.

use crate::{BASE, LAYERS, Replica};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use trainable::scheduler::{
    Action, AlwaysCool, BoundControl, Bounds, ClipControl, Control, Estimator, Noise,
    Normalisation, Observation, RandomCool, Schedule, Scheduler, Scope, Shape, Signal, Statistics,
    Volatility,
};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Zero, numbers of the magnitudes of training, any finite number, infinities and NaN.
fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => Just(0.0),
        4 => (-20.0..20.0_f64).prop_map(f64::exp2),
        1 => (-20.0..20.0_f64).prop_map(|x| -x.exp2()),
        1 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL,
        1 => proptest::num::f64::ANY,
    ]
}

prop_compose! {
    fn statistics()(
        step_size in anything(),
        effective_step in proptest::option::weighted(0.9, anything()),
        sharpness in proptest::option::weighted(0.9, anything()),
        grad_norm_sq in anything(),
        objective_grad_norm_sq in anything(),
        grad_variance in anything(),
        second_moment in anything(),
    ) -> Statistics {
        Statistics {
            parameters: 1_000, step_size, effective_step, sharpness, grad_norm_sq, objective_grad_norm_sq, grad_variance, second_moment,
        }
    }
}

prop_compose! {
    fn observation()(
        update in any::<u32>(),
        progress in 0.0..=1.0_f64,
        batch in 1..2000_u32,
        epsilon in prop_oneof![Just(0.0), Just(1e-8)],
        layers in proptest::array::uniform2(statistics()),
        network in statistics(),
    ) -> Observation {
        Observation { task: 0, update, progress, batch, epsilon, layers: layers.to_vec(), network }
    }
}

prop_compose! {
    fn estimator()(
        volatility in prop_oneof![Just(Volatility::Newest), Just(Volatility::Window)],
        normalisation in prop_oneof![Just(Normalisation::FirstLayerRaw), Just(Normalisation::Own)],
        noise in prop_oneof![Just(Noise::Raw), Just(Noise::Unbiased)],
        window in 2..6_u32,
        kappa in prop_oneof![Just(20.0), Just(f64::MIN_POSITIVE), Just(f64::MAX)],
    ) -> Estimator {
        Estimator { volatility, normalisation, noise, window, kappa }
    }
}

prop_compose! {
    /// Draws a control and a base step size within its limits.
    fn bound_control()(
        signal in prop_oneof![
            Just(Signal::Noise), Just(Signal::Curvature), Just(Signal::Combined), Just(Signal::Tau),
        ],
        scope in prop_oneof![Just(Scope::PerLayer), Just(Scope::Global)],
        gate in proptest::option::of(0.0..1.0_f64),
        safety in 0.01..2.0_f64,
        cool in 0.0..=1.0_f64,
        warm in prop_oneof![1.0..2.0_f64, Just(f64::MAX)],
        warm_share in 0.0..=1.0_f64,
        warm_margin in 0.0..=1.0_f64,
        floor in proptest::option::of(1e-4..1e-3_f64),
        ceiling in proptest::option::of(1e-3..1e-2_f64),
        restart in proptest::bool::ANY,
        estimator in estimator(),
    ) -> BoundControl {
        BoundControl {
            signal, scope, gate, safety, cool, warm, warm_share, warm_margin, floor, ceiling, restart, estimator,
        }
    }
}

fn control() -> impl Strategy<Value = Control> {
    let share = || 0.0..=1.0_f64;
    prop_oneof![
        8 => bound_control().prop_map(Control::Bound),
        1 => Just(Control::Constant),
        1 => (share(), share())
            .prop_map(|(rate, probability)| Control::RandomCool(RandomCool { rate, probability })),
        1 => share().prop_map(|rate| Control::AlwaysCool(AlwaysCool { rate })),
        2 => (0.01..4.0_f64, prop_oneof![Just(Scope::PerLayer), Just(Scope::Global)])
            .prop_map(|(threshold, scope)| Control::Clip(ClipControl { threshold, scope })),
        1 => (0.1..=1.0_f64, prop_oneof![
            Just(Shape::Cosine), Just(Shape::Linear), Just(Shape::Exponential),
            Just(Shape::WarmupStableDecay { warmup: 0.1, decay: 0.3 }),
        ]).prop_map(|(end_share, shape)| Control::Schedule(Schedule { shape, end_share })),
    ]
}

fn check_bounds(bounds: Bounds) -> Result<(), TestCaseError> {
    let Bounds {
        effective_step,
        normalised_sharpness,
        mean,
        variance,
        volatility,
        noise,
        curvature,
        combined,
        tau,
    } = bounds;
    for finite in [effective_step, normalised_sharpness, mean] {
        prop_assert!(finite.is_finite(), "{bounds:?}");
    }
    prop_assert!(!volatility.is_nan(), "{bounds:?}");
    for amount in [variance, noise, curvature, combined, tau] {
        prop_assert!(amount >= 0.0, "{bounds:?}");
    }
    let smaller = noise.min(curvature);
    prop_assert!(combined <= smaller * (1.0 + 1e-12), "{bounds:?}");
    prop_assert!(
        combined >= smaller * 0.499 || smaller < 1e-300,
        "{bounds:?}"
    );
    Ok(())
}

/// Fails unless a bound control may take `action`, given the measurements in the decision.
fn check_action(
    control: &BoundControl,
    bounds: Option<Bounds>,
    progress: f64,
    action: Action,
) -> Result<(), TestCaseError> {
    if control.restart && action == Action::Set {
        return Ok(());
    }
    let Some(bounds) = bounds else {
        prop_assert_eq!(action, Action::Hold);
        return Ok(());
    };
    let (alpha, bound) = (bounds.effective_step, bounds.get(control.signal));
    let above = alpha > control.safety * bound;
    match action {
        Action::Cool => {
            prop_assert!(above && alpha > control.gate.unwrap_or(-1.0), "{bounds:?}");
        }
        Action::Warm => {
            prop_assert!(!above && progress < control.warm_share, "{bounds:?}");
            prop_assert!(
                alpha < control.warm_margin * control.safety * bound,
                "{bounds:?}"
            );
        }
        Action::Hold => {}
        other => prop_assert!(false, "a bound control decided on {other:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn step_sizes_are_numbers_within_their_limits(
        control in control(),
        observations in proptest::collection::vec(observation(), 1..40),
    ) {
        let (floor, ceiling) = match &control {
            Control::Bound(bound) => {
                (bound.floor.unwrap_or(0.0), bound.ceiling.unwrap_or(f32::MAX.into()))
            }
            Control::Clip(_) => (0.0, BASE),
            _ => (0.0, BASE),
        };
        let mut scheduler = Scheduler::new(control, BASE, 2, 1).unwrap();
        for observation in observations {
            let decision = scheduler.observe(&observation).unwrap();
            for layer in &decision.layers {
                prop_assert!((floor..=ceiling).contains(&layer.step_size), "{layer:?}");
                layer.bounds.map_or(Ok(()), check_bounds)?;
            }
            for step_size in decision.device_step_sizes() {
                prop_assert!(step_size >= 0.0 && step_size.is_finite());
            }
            decision.network.map_or(Ok(()), check_bounds)?;
            prop_assert_eq!(scheduler.step_sizes(), decision.step_sizes());
        }
    }

    #[test]
    fn cooling_and_warming_have_their_reasons(
        control in bound_control(),
        observations in proptest::collection::vec(observation(), 1..40),
    ) {
        let mut scheduler = Scheduler::new(Control::Bound(control), BASE, 2, 1).unwrap();
        for observation in observations {
            let decision = scheduler.observe(&observation).unwrap();
            for layer in &decision.layers {
                let steering = match control.scope {
                    Scope::PerLayer => layer.bounds,
                    Scope::Global => decision.network,
                };
                check_action(&control, steering, observation.progress, layer.action)?;
            }
        }
    }

    /// Powers of two scale without rounding, so invariants hold to the last bit.
    #[test]
    fn bounds_scale_as_their_formulas(
        seed in any::<u32>(),
        octaves in -12..12_i32,
        volatility in prop_oneof![Just(Volatility::Newest), Just(Volatility::Window)],
        noise in prop_oneof![Just(Noise::Raw), Just(Noise::Unbiased)],
    ) {
        let estimator = Estimator { volatility, noise, ..Estimator::unbiased() };
        let factor = f64::from(octaves).exp2();
        let [mut plain, mut losses, mut sharpnesses] = [(); 3].map(|()| {
            Scheduler::new(Control::Constant, BASE, LAYERS, 0)
                .and_then(|scheduler| scheduler.with_estimator(estimator))
                .unwrap()
        });
        let mut replica = Replica::new(seed);
        for _ in 0..40 {
            let observation = replica.observe(&[BASE; LAYERS]);
            let bounds = plain.observe(&observation).unwrap();
            // A gradient in other units, as of a loss with another normalisation, changes nothing.
            let rescaled = losses.observe(&scaled(&observation, |s| {
                s.grad_norm_sq *= factor;
                s.objective_grad_norm_sq *= factor;
                s.grad_variance *= factor;
            })).unwrap();
            prop_assert_eq!(&rescaled, &bounds);
            // A sharper loss multiplies x and m by the factor, and V by its square.
            let sharper = sharpnesses.observe(&scaled(&observation, |s| {
                s.sharpness = s.sharpness.map(|sharpness| sharpness * factor);
            })).unwrap();
            for (sharper, plain) in sharper.layers.iter().zip(&bounds.layers) {
                prop_assert_eq!(sharper.bounds.is_some(), plain.bounds.is_some());
                if let (Some(sharper), Some(plain)) = (sharper.bounds, plain.bounds) {
                    prop_assert_eq!(sharper.noise, plain.noise);
                    prop_assert_eq!(sharper.mean, factor * plain.mean);
                    prop_assert_eq!(sharper.variance, factor * factor * plain.variance);
                    prop_assert_eq!(sharper.curvature, plain.curvature / (factor * factor));
                    prop_assert_eq!(sharper.tau, plain.tau / factor);
                }
            }
        }
    }
}

fn scaled(observation: &Observation, change: impl Fn(&mut Statistics)) -> Observation {
    let mut scaled = observation.clone();
    scaled.layers.iter_mut().for_each(&change);
    change(&mut scaled.network);
    scaled
}
