//! UPGD against its formula in float64, and in company.

use trainable::network::{Activation, Network, Parameters};
use trainable::plan::Program;
use trainable::rng::{pcg4d, unit_uniform};
use trainable::spec::{Optimiser, ReplicaSpec};
use trainable::{Compute, Trainer};

use crate::common::{compare, computes, noise};
use crate::{FIVE_STEPS, NORMS, norm, numbers, probe, stream, with_replicas};

const STEP_SIZE: f32 = 0.05;
const L2: f32 = 1e-2;

/// The settings of UPGD, and the largest utility that the float64 implementation divides by.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    beta: f32,
    noise: f32,
    weight_decay: f32,
    corrects_largest: bool,
}

pub(crate) const SETTING: Setting = Setting {
    beta: 0.9,
    noise: 0.02,
    weight_decay: 0.5,
    corrects_largest: false,
};

pub(crate) fn upgd(setting: Setting) -> Optimiser {
    Optimiser::Upgd {
        beta: setting.beta,
        noise: setting.noise,
        weight_decay: setting.weight_decay,
    }
}

/// A standard normal number by its definition, implemented a second time.
fn normal(seed: u32, block: usize, updates: u32, place: usize) -> f64 {
    let uniform = |number: u32| {
        let stream = 17 + 256 * (2 * block as u32 + number);
        f64::from(unit_uniform(
            pcg4d([seed, stream, updates, place as u32])[3],
        ))
    };
    let radius = (-2.0 * (1.0 - uniform(0)).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * uniform(1)).cos()
}

/// UPGD in float64. Tensors are pairs of weights and biases, in PyTorch's order.
struct InDouble {
    setting: Setting,
    seed: u32,
    updates: i32,
    theta: Vec<Vec<f64>>,
    utility: Vec<Vec<f64>>,
}

impl InDouble {
    fn new(setting: Setting, seed: u32, parameters: &Parameters) -> Self {
        let theta: Vec<Vec<f64>> = { parameters.iter() }
            .map(|tensor| tensor.iter().copied().map(f64::from).collect())
            .collect();
        let utility = theta.iter().map(|tensor| vec![0.0; tensor.len()]);
        Self {
            setting,
            seed,
            updates: 0,
            utility: utility.collect(),
            theta,
        }
    }

    fn step(&mut self, gradients: &Parameters) {
        let setting = self.setting;
        let [beta, noise, decay] =
            [setting.beta, setting.noise, setting.weight_decay].map(f64::from);
        let step_size = f64::from(STEP_SIZE);
        let with_l2 = |theta: f64, g: f32| f64::from(g) + f64::from(L2) * theta;
        for ((u, theta), g) in self.utility.iter_mut().zip(&self.theta).zip(gradients) {
            for ((u, theta), g) in u.iter_mut().zip(theta).zip(g) {
                *u = beta * *u - (1.0 - beta) * with_l2(*theta, *g) * theta;
            }
        }
        let updates = self.updates as u32;
        self.updates += 1;
        let correction = 1.0 - beta.powi(self.updates);
        let mut largest = self
            .utility
            .iter()
            .flatten()
            .fold(0.0_f64, |a, b| a.max(*b));
        if setting.corrects_largest {
            largest /= correction;
        }
        let tensors = self.theta.iter_mut().zip(&self.utility).zip(gradients);
        let mut first_place = 0;
        for (number, ((theta, u), g)) in tensors.enumerate() {
            for (place, ((theta, u), g)) in theta.iter_mut().zip(u).zip(g).enumerate() {
                let n = noise * normal(self.seed, number / 2, updates, first_place + place);
                let s = match largest > 0.0 {
                    true => 1.0 / (1.0 + (-u / correction / largest).exp()),
                    false => 0.5,
                };
                let taken = (1.0 - s) * (with_l2(*theta, *g) + n);
                *theta -= step_size * (taken + decay * *theta);
            }
            first_place = if number % 2 == 0 { g.len() } else { 0 };
        }
    }
}

/// Makes eight updates with `found`, and compares parameters and norms of updates with `wanted`.
fn eight_updates(
    compute: &Compute,
    activation: Activation,
    seed: u32,
    [found, wanted]: [Setting; 2],
) -> Result<(), String> {
    let network = Network::mlp(&[6, 9, 5, 3], activation).unwrap();
    let replica = |optimiser| ReplicaSpec {
        seed,
        step_size: STEP_SIZE,
        l2: L2,
        optimiser,
        ..ReplicaSpec::default()
    };
    let replicas = vec![replica(Optimiser::default()), replica(upgd(found))];
    let mut trainer = Trainer::new(compute, with_replicas(network, 9, replicas)).unwrap();
    let mut double = InDouble::new(wanted, seed, &trainer.parameters().unwrap()[1]);
    for t in 0..8 {
        let labels: Vec<u32> = (0..9).map(|i| (i * 7 + seed + t / 4) % 3).collect();
        for replica in 0..2 {
            let inputs = noise(seed + 100, 9 * 6);
            trainer.write_batch(replica, &inputs, &labels).unwrap();
        }
        trainer.update(1).unwrap();
        let before = double.theta.concat();
        double.step(&trainer.gradients().unwrap()[1]);
        let parameters = numbers(&trainer.parameters().unwrap()[1]);
        compare(parameters, double.theta.concat(), FIVE_STEPS)?;
        let stats = probe(&mut trainer, 1);
        let moved = before.iter().zip(double.theta.iter().flatten());
        let moved: Vec<_> = moved.map(|(before, after)| before - after).collect();
        compare([stats.network.update_norm], [norm(&moved)], NORMS)?;
        for layer in &stats.layers {
            assert_eq!(layer.effective_step, Some(f64::from(STEP_SIZE)));
            assert_eq!(layer.second_moment, 0.0);
        }
    }
    Ok(())
}

#[test]
fn updates_equal_the_formula_in_float64() {
    for (device, compute) in computes() {
        for activation in [Activation::Tanh, Activation::Crelu] {
            for seed in 1..4 {
                let quiet = Setting {
                    noise: 0.0,
                    weight_decay: 0.0,
                    ..SETTING
                };
                for setting in [SETTING, quiet] {
                    eight_updates(&compute, activation, seed, [setting; 2])
                        .unwrap_or_else(|worst| panic!("{device}, seed {seed}: {worst}"));
                }
            }
            let others = [
                Setting {
                    beta: 0.8,
                    ..SETTING
                },
                Setting {
                    noise: 0.025,
                    ..SETTING
                },
                Setting {
                    weight_decay: 0.6,
                    ..SETTING
                },
                Setting {
                    corrects_largest: true,
                    ..SETTING
                },
            ];
            for (number, other) in others.into_iter().enumerate() {
                let differs = eight_updates(&compute, activation, 1, [SETTING, other]);
                assert!(differs.is_err(), "{device}: control {number}");
            }
        }
    }
}

/// Without any parameter of use, every parameter takes half of its gradient.
#[test]
fn where_all_utilities_are_zero_half_of_the_gradient_is_taken() {
    let quiet = Setting {
        noise: 0.0,
        weight_decay: 0.0,
        ..SETTING
    };
    for (device, compute) in computes() {
        let replica = ReplicaSpec {
            step_size: STEP_SIZE,
            optimiser: upgd(quiet),
            ..ReplicaSpec::default()
        };
        let network = Network::mlp(&[4, 3], Activation::Identity).unwrap();
        let mut trainer = Trainer::new(&compute, with_replicas(network, 2, vec![replica])).unwrap();
        let zeros = [vec![0.0; 12], vec![0.0; 3]];
        trainer.write_parameters(0, &zeros).unwrap();
        trainer.write_batch(0, &noise(3, 8), &[0, 2]).unwrap();
        trainer.update(1).unwrap();
        let gradient = numbers(&trainer.gradients().unwrap()[0]);
        assert!(norm(&gradient) > 0.1, "{device}");
        let wanted = gradient.iter().map(|g| -0.5 * f64::from(STEP_SIZE) * g);
        let found = numbers(&trainer.parameters().unwrap()[0]);
        compare(found, wanted, NORMS).unwrap_or_else(|worst| panic!("{device}: {worst}"));
    }
}

#[test]
fn noise_is_normal() {
    let numbers: Vec<_> = (0..40_000)
        .map(|place| normal(1 + place as u32 / 20_000, 1, 7, place % 20_000))
        .collect();
    let moment = |power: i32| numbers.iter().map(|n| n.powi(power)).sum::<f64>() / 40_000.0;
    // The standard deviations of these means are 0.005, 0.0071, 0.019 and 0.049.
    let wanted = [
        (1, 0.0, 0.005),
        (2, 1.0, 0.0071),
        (3, 0.0, 0.019),
        (4, 3.0, 0.049),
    ];
    for (power, wanted, deviation) in wanted {
        let found = moment(power);
        assert!((found - wanted).abs() < 4.0 * deviation, "{power}: {found}");
    }
}

#[test]
fn in_company_and_resumed_it_has_the_bits_that_it_has_alone() {
    let optimisers = [
        Optimiser::default(),
        upgd(SETTING),
        Optimiser::Sgd { momentum: 0.9 },
    ];
    for (device, compute) in computes() {
        let new = |optimisers: &[Optimiser]| Trainer::new(&compute, stream(optimisers)).unwrap();
        let mut together = new(&optimisers);
        together.train(4).unwrap();
        let snapshot = together.snapshot().unwrap();
        together.train(5).unwrap();
        let wanted = together.parameters().unwrap();
        assert!(wanted.iter().flatten().flatten().all(|x| x.is_finite()));

        let mut resumed = new(&optimisers);
        resumed.train(7).unwrap();
        resumed.restore(&snapshot).unwrap();
        resumed.train(5).unwrap();
        assert!(resumed.parameters().unwrap() == wanted, "{device}: resumed");

        let mut spec = stream(&optimisers);
        spec.replicas = vec![spec.replicas.swap_remove(1)];
        let mut alone = Trainer::new(&compute, spec).unwrap();
        alone.train(9).unwrap();
        assert!(
            alone.parameters().unwrap()[0] == wanted[1],
            "{device}: alone"
        );
    }
}

#[test]
fn it_is_two_dispatches_where_a_replica_has_it() {
    let step = |optimisers: &[Optimiser]| {
        let plan = Program::new(&stream(optimisers))
            .unwrap()
            .steps
            .unwrap()
            .step;
        let names = plan.dispatches.iter().map(|dispatch| dispatch.kernel.name);
        names.collect::<Vec<_>>()
    };
    let mut wanted = step(&[Optimiser::default()]);
    wanted.splice(8..8, ["upgd_utility", "upgd_step"]);
    assert_eq!(step(&[Optimiser::default(), upgd(SETTING)]), wanted);
}

#[test]
fn settings_outside_their_range_are_refused() {
    for (setting, wanted) in [
        (
            Setting {
                beta: 1.0,
                ..SETTING
            },
            "beta: wanted 0 or more, below 1, found 1",
        ),
        (
            Setting {
                noise: -0.1,
                ..SETTING
            },
            "noise: wanted 0 or more, finite, found -0.1",
        ),
        (
            Setting {
                weight_decay: f32::NAN,
                ..SETTING
            },
            "weight_decay: wanted 0 or more, finite, found NaN",
        ),
    ] {
        let error = stream(&[upgd(setting)]).check().unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
