//! The scheduler through its public interface: invariants that hold for any measurement, and the `paper` profile against a
//! second implementation of its formulas.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde::Deserialize;
use trainable::rng::{Stream, draw, unit_uniform};
use trainable::scheduler::{
    Action, AlwaysCool, BoundControl, Bounds, ClipControl, Control, Decision, Estimator, Noise,
    Normalisation, Observation, Profile, RandomCool, Replay, ReplayPoint, Schedule, Scheduler,
    Scope, Shape, Signal, Statistics, Volatility,
};

// ---- a replica that answers its scheduler ----

const LAYERS: usize = 3;
const TASKS: u32 = 20;
const PROBES_PER_TASK: u32 = 25;
const BATCH: u32 = 256;
const EPSILON: f64 = 1e-8;
const BASE: f64 = 1e-3;

/// A model of a network's statistics: after a task switch the curvature is high and the gradient has little noise, and then
/// both fade. Its numbers have the magnitudes of random-label training but do not come from it.
struct Replica {
    seed: u32,
    probe: u32,
    draws: u32,
}

impl Replica {
    fn new(seed: u32) -> Self {
        Self {
            seed,
            probe: 0,
            draws: 0,
        }
    }

    /// Returns 2^z with z uniform within `octaves` on either side of 0.
    fn jitter(&mut self, octaves: f64) -> f64 {
        self.draws += 1;
        let unit = unit_uniform(draw(self.seed, Stream::Labels, self.probe, self.draws));
        (octaves * (2.0 * f64::from(unit) - 1.0)).exp2()
    }

    /// Returns the statistics of a layer (or the network) at `step_size`, `age` probes into the task. Second moments shrink
    /// over the run.
    fn statistics(&mut self, step_size: f64, layer: usize, age: u32) -> Statistics {
        let fade = (-f64::from(age) / 6.0).exp();
        let depth = 1.0 + layer as f64;
        let second_moment = 1e-6 * (-f64::from(self.probe) / 80.0).exp2() * self.jitter(0.5);
        let rms = (second_moment * 4.0 * depth).sqrt();
        let grad_variance = 4.0 * depth * self.jitter(1.0);
        let grad_norm_sq = grad_variance / f64::from(BATCH) * (0.1 + 2.0 * fade) * self.jitter(1.0);
        let measured = self.jitter(0.5);
        Statistics {
            parameters: 1_000,
            step_size,
            effective_step: (self.probe > 0).then_some(step_size / (rms + EPSILON)),
            sharpness: (self.probe % 41 != 40).then_some((5.0 + 40.0 * fade) * measured - 4.0),
            grad_norm_sq,
            objective_grad_norm_sq: grad_norm_sq * 1.3,
            grad_variance,
            second_moment,
        }
    }

    fn observe(&mut self, step_sizes: &[f64]) -> Observation {
        let (task, age) = (self.probe / PROBES_PER_TASK, self.probe % PROBES_PER_TASK);
        let mean = step_sizes.iter().sum::<f64>() / step_sizes.len() as f64;
        let layers = step_sizes.iter().enumerate();
        let observation = Observation {
            task,
            update: 40 * self.probe,
            progress: f64::from(age) / f64::from(PROBES_PER_TASK),
            batch: BATCH,
            epsilon: EPSILON,
            layers: layers
                .map(|(layer, step_size)| self.statistics(*step_size, layer, age))
                .collect(),
            network: self.statistics(mean, 1, age),
        };
        self.probe += 1;
        observation
    }
}

/// Returns the observations and the decisions of a run under `control`.
fn run(control: Control, seed: u32) -> Vec<(Observation, Decision)> {
    let mut scheduler = Scheduler::new(control, BASE, LAYERS, seed).unwrap();
    let mut replica = Replica::new(seed);
    (0..TASKS * PROBES_PER_TASK)
        .map(|_| {
            let observation = replica.observe(scheduler.step_sizes());
            let decision = scheduler.observe(&observation).unwrap();
            (observation, decision)
        })
        .collect()
}

fn paper_run(seed: u32) -> Vec<(Observation, Decision)> {
    run(Control::Bound(BoundControl::paper()), seed)
}

fn step_sizes(run: &[(Observation, Decision)]) -> Vec<Vec<f64>> {
    run.iter()
        .map(|(_, decision)| decision.step_sizes())
        .collect()
}

fn count(run: &[(Observation, Decision)], action: Action) -> usize {
    let layers = run.iter().flat_map(|(_, decision)| &decision.layers);
    layers.filter(|layer| layer.action == action).count()
}

// ---- `paper` against its formulas ----

/// The constants of the published code.
#[derive(Clone, Copy)]
struct Constants {
    gate: f64,
    safety: f64,
    cool: f64,
    warm: f64,
    share: f64,
    margin: f64,
    window: usize,
    kappa: f64,
}

const PUBLISHED: Constants = Constants {
    gate: 0.12,
    safety: 0.8,
    cool: 0.95,
    warm: 1.005,
    share: 0.1,
    margin: 0.3,
    window: 30,
    kappa: 20.0,
};

/// The expected values of one layer at a probe under `paper`: x, m, V, a_star and the new step size; `None` without bounds.
type Expected = Option<[f64; 5]>;

/// Computes the step sizes of one layer under `paper` directly from the formulas.
fn reference(observations: &[&Observation], layer: usize, c: Constants) -> Vec<Expected> {
    let (mut xs, mut eta) = (Vec::new(), BASE);
    let probe = |o: &&Observation| {
        let s = o.layers[layer];
        let (alpha, lambda) = (s.effective_step?, s.sharpness?);
        let x = lambda * o.layers[0].step_size / (o.network.second_moment.sqrt() + o.epsilon);
        xs.push(x);
        let recent = &xs[xs.len().saturating_sub(c.window)..];
        let m = recent.iter().sum::<f64>() / recent.len() as f64;
        let v = (x - m) * (x - m);
        let (b, g2) = (f64::from(o.batch), s.objective_grad_norm_sq);
        let a_star = b * g2 / (s.grad_variance + c.kappa * g2 * v);
        if alpha > c.safety * a_star && alpha > c.gate {
            eta *= c.cool;
        } else if o.progress < c.share && alpha < c.margin * c.safety * a_star {
            eta *= c.warm;
        }
        Some([x, m, v, a_star, eta])
    };
    observations.iter().map(probe).collect()
}

fn decided(decision: &Decision, layer: usize) -> Expected {
    let layer = decision.layers[layer];
    let of = |b: Bounds| {
        [
            b.normalised_sharpness,
            b.mean,
            b.variance,
            b.combined,
            layer.step_size,
        ]
    };
    layer.bounds.map(of)
}

/// Returns the first probe at which the two differ by more than rounding.
fn first_difference(
    expected: &[Expected],
    run: &[(Observation, Decision)],
    layer: usize,
) -> Option<usize> {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs() + 1e-18;
    let same = |expected: &Expected, decision| match (expected, decided(decision, layer)) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| close(*a, b)),
        (None, None) => true,
        _ => false,
    };
    assert_eq!(expected.len(), run.len());
    (0..run.len()).find(|probe| !same(&expected[*probe], &run[*probe].1))
}

#[test]
fn paper_is_what_the_formulas_say() {
    for seed in [1, 2, 3] {
        let run = paper_run(seed);
        let observations: Vec<_> = run.iter().map(|(observation, _)| observation).collect();
        for layer in 0..LAYERS {
            let expected = reference(&observations, layer, PUBLISHED);
            if let Some(probe) = first_difference(&expected, &run, layer) {
                panic!(
                    "seed {seed}, layer {layer}, probe {probe}: {:?}, not {:?}",
                    decided(&run[probe].1, layer),
                    expected[probe]
                );
            }
        }
        for action in [Action::Hold, Action::Cool, Action::Warm] {
            let count = count(&run, action);
            assert!(
                count >= 20,
                "seed {seed}: {action:?} {count} times: shows little"
            );
        }
    }
}

#[test]
fn a_wrong_constant_shows_in_the_step_sizes() {
    type Change = fn(&mut Constants);
    let changes: [(&str, Change); 8] = [
        ("gate", |c| c.gate = 0.13),
        ("safety", |c| c.safety = 0.81),
        ("cool", |c| c.cool = 0.951),
        ("warm", |c| c.warm = 1.0051),
        ("share", |c| c.share = 0.15),
        ("margin", |c| c.margin = 0.35),
        ("window", |c| c.window = 29),
        ("kappa", |c| c.kappa = 20.5),
    ];
    let runs: Vec<_> = (1..=5).map(paper_run).collect();
    for (what, change) in changes {
        let mut constants = PUBLISHED;
        change(&mut constants);
        let noticed = runs.iter().any(|run| step_sizes_differ(run, constants));
        assert!(noticed, "another {what} went unnoticed");
    }
    assert!(!runs.iter().any(|run| step_sizes_differ(run, PUBLISHED)));
}

fn step_sizes_differ(run: &[(Observation, Decision)], constants: Constants) -> bool {
    let observations: Vec<_> = run.iter().map(|(observation, _)| observation).collect();
    (0..LAYERS).any(|layer| {
        let expected = reference(&observations, layer, constants);
        let etas = expected.iter().flatten().map(|[.., eta]| *eta);
        let found = run
            .iter()
            .filter_map(|(_, decision)| decided(decision, layer));
        etas.zip(found)
            .any(|(eta, [.., found])| (eta - found).abs() > 1e-9 * eta)
    })
}

#[test]
fn another_estimator_shows_in_the_step_sizes() {
    let paper = Estimator::paper();
    let others = [
        Estimator {
            volatility: Volatility::Window,
            ..paper
        },
        Estimator {
            normalisation: Normalisation::Own,
            ..paper
        },
        Estimator {
            noise: Noise::Unbiased,
            ..paper
        },
    ];
    let published = step_sizes(&paper_run(1));
    for estimator in others {
        let control = Control::Bound(BoundControl {
            estimator,
            ..BoundControl::paper()
        });
        assert_ne!(step_sizes(&run(control, 1)), published, "{estimator:?}");
    }
}

// ---- profiles against a second implementation ----

/// A row of assets/reference/scheduler.csv; its README describes the columns.
#[derive(Deserialize)]
struct Row {
    arm: String,
    task: u32,
    update: u32,
    progress: f64,
    layer: String,
    step_size: f64,
    effective_step: Option<f64>,
    sharpness: Option<f64>,
    grad_norm_sq: f64,
    objective_grad_norm_sq: f64,
    grad_variance: f64,
    second_moment: f64,
    mean: Option<f64>,
    variance: Option<f64>,
    combined: Option<f64>,
    tau: Option<f64>,
    next_step_size: Option<f64>,
}

impl Row {
    fn statistics(&self) -> Statistics {
        Statistics {
            parameters: 1_000,
            step_size: self.step_size,
            effective_step: self.effective_step,
            sharpness: self.sharpness,
            grad_norm_sq: self.grad_norm_sq,
            objective_grad_norm_sq: self.objective_grad_norm_sq,
            grad_variance: self.grad_variance,
            second_moment: self.second_moment,
        }
    }

    fn bounds(&self) -> [Option<f64>; 4] {
        [self.mean, self.variance, self.combined, self.tau]
    }
}

/// Returns the rows of one arm, probe by probe: the layers, then the network.
fn recorded(arm: &str) -> Vec<Vec<Row>> {
    let table = include_bytes!("../assets/reference/scheduler.csv");
    let mut probes: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
    for row in csv::Reader::from_reader(&table[..]).deserialize() {
        let row: Row = row.expect("a row of scheduler.csv");
        if row.arm == arm {
            probes.entry(row.update).or_default().push(row);
        }
    }
    probes.into_values().collect()
}

fn recorded_observation(probe: &[Row]) -> Observation {
    let (network, layers) = probe.split_last().expect("a probe has rows");
    assert_eq!(network.layer, "network");
    Observation {
        task: network.task,
        update: network.update,
        progress: network.progress,
        batch: BATCH,
        epsilon: EPSILON,
        layers: layers.iter().map(Row::statistics).collect(),
        network: network.statistics(),
    }
}

/// Compares all bounds and step sizes of a recorded arm with those under `control`.
fn compare_with_record(arm: &str, control: BoundControl) -> Result<(), String> {
    let mut scheduler = Scheduler::new(Control::Bound(control), BASE, 2, 0).unwrap();
    let probes = recorded(arm);
    assert_eq!(probes.len(), 60, "probes of {arm}");
    for probe in probes {
        let decision = scheduler.observe(&recorded_observation(&probe)).unwrap();
        let layers = decision.layers.iter();
        let decided = layers
            .map(|layer| (layer.bounds, Some(layer.step_size)))
            .chain([(decision.network, None)]);
        for (row, (bounds, step_size)) in probe.iter().zip(decided) {
            let of = |get: fn(Bounds) -> f64| bounds.map(get);
            let found = [
                of(|b| b.mean),
                of(|b| b.variance),
                of(|b| b.combined),
                of(|b| b.tau),
                step_size,
            ];
            let [mean, variance, combined, tau] = row.bounds();
            let expected = [mean, variance, combined, tau, row.next_step_size];
            let place = format!("{arm}, update {}, layer {}", row.update, row.layer);
            for (found, expected) in found.into_iter().zip(expected) {
                let close = match (found, expected) {
                    (Some(found), Some(expected)) => {
                        (found - expected).abs() <= 1e-9 * expected.abs() + 1e-15
                    }
                    (None, None) => true,
                    _ => false,
                };
                if !close {
                    return Err(format!("{place}: {found:?}, not {expected:?}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn profiles_agree_with_a_second_implementation() {
    let global = BoundControl {
        scope: Scope::Global,
        ..BoundControl::paper()
    };
    let arms = [
        ("paper", BoundControl::paper()),
        ("paper-global", global),
        ("summary", BoundControl::summary()),
        ("unbiased", BoundControl::unbiased()),
    ];
    for (arm, control) in arms {
        compare_with_record(arm, control).unwrap();
        for (other, control) in arms.into_iter().filter(|(other, _)| *other != arm) {
            let same = compare_with_record(arm, control).is_ok();
            assert!(!same, "{other} passes for {arm}");
        }
    }
}

// ---- replay ----

#[test]
fn observing_the_record_again_decides_the_same() {
    for profile in [
        Profile::Paper,
        Profile::Summary,
        Profile::Unbiased,
        Profile::UpdateClipping,
    ] {
        for scope in [Scope::PerLayer, Scope::Global] {
            let control = match profile.control() {
                Control::Bound(bound) => Control::Bound(BoundControl { scope, ..bound }),
                Control::Clip(clip) => Control::Clip(ClipControl { scope, ..clip }),
                other => other,
            };
            let recorded = run(control.clone(), 1);
            let mut again = Scheduler::new(control, BASE, LAYERS, 99).unwrap();
            for (observation, decision) in &recorded {
                assert_eq!(again.observe(observation).unwrap(), *decision);
            }
        }
    }
}

#[test]
fn a_replay_has_the_recorded_step_sizes() {
    let recorded = paper_run(2);
    let points = |late: u32| {
        let points = recorded.iter().map(|(observation, decision)| ReplayPoint {
            update: observation.update + late,
            step_sizes: decision.step_sizes(),
        });
        Control::Replay(Replay {
            points: points.collect(),
        })
    };
    // The recorded step sizes are replayed on another network, because they depend only on the updates.
    assert_eq!(step_sizes(&run(points(0), 3)), step_sizes(&recorded));
    assert_ne!(step_sizes(&run(points(1), 3)), step_sizes(&recorded));
}

#[test]
fn random_cooling_depends_on_its_seed_alone() {
    let control = Control::RandomCool(RandomCool {
        rate: 0.99,
        probability: 0.2,
    });
    let recorded = run(control.clone(), 1);
    let decide = |seed| {
        let mut scheduler = Scheduler::new(control.clone(), BASE, LAYERS, seed).unwrap();
        let observations = paper_run(2).into_iter();
        let decided = observations
            .map(|(observation, _)| scheduler.observe(&observation).unwrap().step_sizes());
        decided.collect::<Vec<_>>()
    };
    assert_eq!(decide(1), step_sizes(&recorded));
    assert_ne!(decide(2), step_sizes(&recorded));
}

#[test]
fn a_skipped_probe_changes_nothing() {
    let controls = [
        Control::Bound(BoundControl::paper()),
        Control::AlwaysCool(AlwaysCool { rate: 0.9 }),
        Control::RandomCool(RandomCool {
            rate: 0.9,
            probability: 0.5,
        }),
    ];
    for control in controls {
        let recorded = run(control.clone(), 1);
        let mut skipping = Scheduler::new(control, BASE, LAYERS, 1).unwrap();
        for (observation, decision) in &recorded {
            let skipped = skipping.skip();
            assert_eq!(skipped.step_sizes(), skipping.step_sizes());
            assert!(skipped.network.is_none());
            for layer in skipped.layers {
                assert_eq!(layer.action, Action::Skipped);
                assert!(layer.bounds.is_none() && layer.exceeded.is_none());
            }
            assert_eq!(skipping.observe(observation).unwrap(), *decision);
        }
    }
}

// ---- whatever a probe measures ----

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
