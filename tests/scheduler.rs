//! The scheduler through its public interface: invariants that hold for any measurement, and the `paper` profile against a
//! second implementation of its formulas.

#[path = "scheduler/properties.rs"]
mod properties;
#[path = "scheduler/recorded.rs"]
mod recorded;

use trainable::rng::{Stream, draw, unit_uniform};
use trainable::scheduler::{
    Action, AlwaysCool, BoundControl, Bounds, ClipControl, Control, Decision, Estimator, Noise,
    Normalisation, Observation, Profile, RandomCool, Replay, ReplayPoint, Scheduler, Scope,
    Statistics, Volatility,
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
