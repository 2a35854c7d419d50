//! Muon: orthogonal updates of matrices, and Adam for everything else.

use trainable::Trainer;
use trainable::network::Network;
use trainable::plan::Program;
use trainable::probe::{ProbeSpec, ProbeStats};
use trainable::spec::{Optimiser, ReplicaSpec, TrainingSpec};

use crate::common::{Tolerance, compare, computes};
use crate::dense::Matrix;
use crate::{are_matrices, networks, replica, spec};

/// Steps that are compared.
const STEPS: u32 = 4;
const STEP_SIZE: f32 = 0.02;
const MOMENTUM: f32 = 0.95;
const ADAM_SHARE: f32 = 0.015;
const L2: f32 = 1e-2;

fn optimiser(momentum: f32, adam_share: f32) -> Optimiser {
    Optimiser::Muon {
        momentum,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-10,
        adam_share,
    }
}

fn with_optimiser(seed: u32, momentum: f32, adam_share: f32) -> ReplicaSpec {
    ReplicaSpec {
        optimiser: optimiser(momentum, adam_share),
        step_size: STEP_SIZE,
        l2: L2,
        ..replica(seed)
    }
}

pub(crate) fn muon(seed: u32) -> ReplicaSpec {
    with_optimiser(seed, MOMENTUM, ADAM_SHARE)
}

/// The tolerance for parameters. The iterations enlarge rounding errors of small singular values by up to 3.4445^5 = 485.
const PARAMETERS: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};

/// Jordan's five quintic iterations, by the whole matrix.
fn orthogonalised(direction: &Matrix) -> Matrix {
    let start = direction.scaled(1.0 / (direction.norm() + 1e-7));
    (0..5).fold(start, |x, _| {
        let gram = x.product(&x.transposed());
        let cubed = gram.product(&x);
        let fifth = gram.product(&cubed);
        let odd = x.scaled(3.4445).minus(&cubed.scaled(4.775));
        odd.minus(&fifth.scaled(-2.0315))
    })
}

/// Muon in float64: the parameters, m, v and the latest update, tensor by tensor.
struct InDouble {
    theta: Vec<Vec<f64>>,
    m: Vec<Vec<f64>>,
    v: Vec<Vec<f64>>,
    update: Vec<Vec<f64>>,
    t: i32,
}

impl InDouble {
    fn step(&mut self, network: &Network, gradients: &[Vec<f32>], momentum: f32, share: f32) {
        self.t += 1;
        let [beta1, beta2] = [0.9_f32, 0.95].map(f64::from);
        let (momentum, step_size) = (f64::from(momentum), f64::from(STEP_SIZE));
        let is_matrix = are_matrices(network);
        for (number, tensor) in network.tensors().iter().enumerate() {
            let theta = &mut self.theta[number];
            let (m, v) = (&mut self.m[number], &mut self.v[number]);
            let g: Vec<_> = gradients[number]
                .iter()
                .zip(&*theta)
                .map(|(g, theta)| f64::from(*g) + f64::from(L2) * theta)
                .collect();
            let update = if is_matrix[number] {
                for (m, g) in m.iter_mut().zip(&g) {
                    *m = momentum * *m + (1.0 - momentum) * g;
                }
                let rows = tensor.shape[0] as usize;
                let nesterov = m
                    .iter()
                    .zip(&g)
                    .map(|(m, g)| momentum * m + (1.0 - momentum) * g);
                let direction = Matrix {
                    rows,
                    columns: m.len() / rows,
                    elements: nesterov.collect(),
                };
                let ratio = direction.rows as f64 / direction.columns as f64;
                let scale = step_size * ratio.max(1.0).sqrt();
                orthogonalised(&direction).scaled(scale).elements
            } else {
                let adam = |((g, m), v): ((&f64, &mut f64), &mut f64)| {
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    let [m, v] =
                        [(*m, beta1), (*v, beta2)].map(|(x, beta)| x / (1.0 - beta.powi(self.t)));
                    f64::from(share) * step_size * m / (v.sqrt() + f64::from(1e-10_f32))
                };
                g.iter()
                    .zip(m.iter_mut())
                    .zip(v.iter_mut())
                    .map(adam)
                    .collect()
            };
            theta
                .iter_mut()
                .zip(&update)
                .for_each(|(theta, update)| *theta -= update);
            self.update[number] = update;
        }
    }

    /// The effective step of a block, by its main tensor.
    fn effective_step(&self, main: usize, inputs: Option<usize>, momentum: f32, share: f32) -> f64 {
        let mean_square = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>() / of.len() as f64;
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(self.t);
        let step_size = f64::from(STEP_SIZE);
        match inputs {
            Some(inputs) => {
                let rms = (inputs as f64 * mean_square(&self.m[main])).sqrt();
                step_size * correction(momentum) / rms
            }
            None => {
                let mean = self.v[main].iter().sum::<f64>() / self.v[main].len() as f64;
                let root = (mean / correction(0.95)).sqrt();
                f64::from(share) * step_size / (correction(0.9) * root)
            }
        }
    }
}

fn double(tensors: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let tensor = |own: &Vec<f32>| own.iter().map(|x| f64::from(*x)).collect();
    tensors.iter().map(tensor).collect()
}

fn stats(trainer: &mut Trainer) -> ProbeStats {
    trainer.probe().unwrap().remove(0).unwrap()
}

/// Makes several steps with `found` on the device, and compares them with `wanted` in float64: (momentum, Adam's share).
fn several_steps(
    trainer: &mut Trainer,
    network: &Network,
    (momentum, share): (f32, f32),
) -> Result<(), String> {
    let theta = double(&trainer.parameters().unwrap()[0]);
    let zeros: Vec<Vec<f64>> = theta.iter().map(|own| vec![0.0; own.len()]).collect();
    let mut own = InDouble {
        theta,
        m: zeros.clone(),
        v: zeros.clone(),
        update: zeros,
        t: 0,
    };
    for _ in 0..STEPS {
        trainer.train(1).unwrap();
        let gradients = trainer.gradients().unwrap().remove(0);
        own.step(network, &gradients, momentum, share);
        let found = double(&trainer.parameters().unwrap()[0]).concat();
        compare(found, own.theta.concat(), PARAMETERS)?;
        let stats = stats(trainer);
        let is_matrix = are_matrices(network);
        for (block, found) in network.blocks().iter().zip(&stats.layers) {
            let main = block.tensors.start;
            let tensor = &network.tensors()[main];
            let inputs = is_matrix[main].then(|| tensor.count() / tensor.shape[0] as usize);
            let wanted = own.effective_step(main, inputs, momentum, share);
            let norms = Tolerance {
                atol: 1e-6,
                rtol: 1e-3,
            };
            compare([found.effective_step.unwrap()], [wanted], norms)?;
            let update = own.update[block.tensors.clone()].concat();
            let norm = update.iter().map(|x| x * x).sum::<f64>().sqrt();
            compare([found.update_norm], [norm], norms)?;
        }
    }
    Ok(())
}

#[test]
fn steps_probes_and_other_tensors_follow_the_formulas() {
    for (device, compute) in computes() {
        for network in networks() {
            for seed in [1, 2, 3] {
                let spec = TrainingSpec {
                    probe: Some(ProbeSpec {
                        iterations: 1,
                        ..ProbeSpec::default()
                    }),
                    ..spec(network.clone(), vec![muon(seed), replica(seed)])
                };
                let new = || Trainer::new(&compute, spec.clone()).unwrap();
                let what = format!("{device}, seed {seed}");
                several_steps(&mut new(), &network, (MOMENTUM, ADAM_SHARE))
                    .unwrap_or_else(|worst| panic!("{what}: {worst}"));
                // The negative controls: another momentum, and another share for Adam.
                let others = [(0.9, ADAM_SHARE), (MOMENTUM, 1.1 * ADAM_SHARE)];
                for other in others.into_iter().filter(|_| seed == 1) {
                    let differs = several_steps(&mut new(), &network, other);
                    assert!(differs.is_err(), "{what}: {other:?}");
                }
            }
        }
    }
}

#[test]
fn a_step_has_nineteen_dispatches_more_where_a_replica_has_it() {
    let step = |replicas| {
        let program = Program::new(&spec(networks()[0].clone(), replicas)).unwrap();
        let plan = program.steps.unwrap().step;
        let names = plan.dispatches.iter().map(|d| d.kernel.name);
        names.collect::<Vec<_>>()
    };
    let plain = step(vec![replica(1)]);
    let (before, end) = plain.split_at(plain.len() - 1);
    let iterations = [["matrix_gram", "matrix_polynomial", "matrix_product"]; 5].concat();
    let start = ["muon_momentum", "matrix_norms", "matrix_normalise"];
    let wanted = [
        before,
        &start,
        &iterations,
        &["muon_step", "optimiser_step"],
    ];
    assert_eq!(end, ["optimiser_step"]);
    assert_eq!(step(vec![muon(1), replica(1)]), wanted.concat());
}

#[test]
fn impossible_settings_are_refused() {
    let refused = |momentum, share| {
        let replica = with_optimiser(1, momentum, share);
        let error = spec(networks()[0].clone(), vec![replica]).check();
        error.unwrap_err().to_string()
    };
    assert_eq!(
        refused(1.0, 1.0),
        "momentum: wanted 0 or more, below 1, found 1"
    );
    for (share, found) in [(0.0, "0"), (f32::NAN, "NaN")] {
        let wanted = format!("adam_share: wanted more than 0, finite, found {found}");
        assert_eq!(refused(0.9, share), wanted);
    }
}
