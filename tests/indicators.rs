//! Indicators of lost trainability after a probe, on the CPU executor and on every adapter, against their definitions in
//! float64. The hidden activations come from the oracle's forward pass, the eigenvalues from Jacobi rotations, and the
//! per-sample gradients are formed one by one.

mod common;
#[path = "common/oracle.rs"]
mod oracle;

use common::{Tolerance, compare, computes};
use oracle::{Mlp, batch, eigen, kink_margin, sample_gradients};
use trainable::indicators::{FISHER_SAMPLES, FISHER_TRACE_SHARE, Indicators};
use trainable::network::{Activation, Network};
use trainable::probe::{NotFinite, ProbeSpec};
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::{Compute, Error, Trainer};

const ACTIVATIONS: [(oracle::Activation, Activation); 8] = [
    (oracle::Activation::Identity, Activation::Identity),
    (oracle::Activation::Relu, Activation::Relu),
    (oracle::Activation::Crelu, Activation::Crelu),
    (oracle::Activation::LeakyRelu, Activation::LeakyRelu),
    (oracle::Activation::Tanh, Activation::Tanh),
    (oracle::Activation::Gelu, Activation::Gelu),
    (oracle::Activation::Silu, Activation::Silu),
    (oracle::Activation::Fourier, Activation::Fourier),
];

/// A network at a point, and a minibatch.
struct Point {
    mlp: Mlp,
    activation: Activation,
    x: Vec<f64>,
    y: Vec<u32>,
}

impl Point {
    /// Draws a point. The first hidden layer gets a dead unit and a dormant one, where the activation allows it.
    fn random(number: usize, widths: &[usize], samples: usize, first_seed: u64) -> Self {
        let (kind, activation) = ACTIVATIONS[number];
        let point = |seed| {
            let mut mlp = Mlp::random(widths, kind, 1.0, seed);
            let (weight, bias) = &mut mlp.layers[0];
            weight[..widths[0]].fill(0.0);
            bias[0] = -1.0;
            let dormant = &mut weight[widths[0]..2 * widths[0]];
            dormant.iter_mut().for_each(|w| *w /= 1024.0);
            bias[1] /= 1024.0;
            let (x, y) = batch(widths[0], widths[widths.len() - 1], samples, seed + 100);
            Self {
                mlp,
                activation,
                x,
                y,
            }
        };
        let mut points = (first_seed..first_seed + 100).map(point);
        let clear = |point: &Self| kink_margin(&point.mlp, &point.x) > 1e-6;
        points.find(clear).expect("a seed away from kinks")
    }

    fn trainer(&self, compute: &Compute) -> Trainer {
        let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<_>>();
        let widths: Vec<u32> = self.mlp.widths.iter().map(|w| *w as u32).collect();
        let spec = TrainingSpec {
            network: Network::mlp(&widths, self.activation).unwrap(),
            batch: self.y.len() as u32,
            replicas: vec![ReplicaSpec::default(); 3],
            stream: None,
            probe: Some(ProbeSpec {
                iterations: 2,
                ..ProbeSpec::default()
            }),
        };
        let layers = self.mlp.layers.iter();
        let parameters: Vec<_> = layers
            .flat_map(|(weight, bias)| [single(weight), single(bias)])
            .collect();
        let mut trainer = Trainer::new(compute, spec).unwrap();
        for replica in [0, 2] {
            let x = single(&self.x);
            trainer.write_batch(replica, &x, &self.y).unwrap();
        }
        trainer.write_parameters(2, &parameters).unwrap();
        trainer
    }

    fn indicators(&self, compute: &Compute) -> Indicators {
        let mut trainer = self.trainer(compute);
        trainer.probe().unwrap();
        trainer.indicators().unwrap().remove(2).unwrap()
    }
}

/// Returns every indicator but the integer one: first those of each hidden layer, then those of features and gradients.
fn numbers(indicators: &Indicators) -> Vec<f64> {
    let layers = indicators.hidden.iter();
    layers
        .flat_map(|units| [units.dead, units.dormant, units.sign_entropy])
        .chain([
            indicators.effective_rank,
            indicators.stable_rank,
            indicators.fisher_effective_rank,
        ])
        .collect()
}

fn entropy(shares: impl IntoIterator<Item = f64>) -> f64 {
    let positive = shares.into_iter().filter(|p| *p > 0.0);
    positive.map(|p| -p * p.ln()).sum()
}

/// Returns the shares of dead and dormant units and the sign entropy of a layer, from its pre-activations `z[sample][unit]`.
fn units(activation: Activation, z: &[Vec<f64>]) -> [f64; 3] {
    let activate = |z: f64| match activation {
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu => z.max(0.01 * z),
        Activation::Tanh => z.tanh(),
        Activation::Gelu => 0.5 * z * (1.0 + oracle::erf(z / 2.0_f64.sqrt())),
        Activation::Silu => z / (1.0 + (-z).exp()),
        Activation::Identity | Activation::Crelu | Activation::Fourier => z,
    };
    let (samples, width) = (z.len() as f64, z[0].len());
    let units: Vec<Vec<f64>> = (0..width)
        .map(|unit| z.iter().map(|row| activate(row[unit])).collect())
        .collect();
    let size = |unit: &Vec<f64>| unit.iter().map(|h| h.abs()).sum::<f64>() / samples;
    let mean_size = units.iter().map(size).sum::<f64>() / width as f64;
    let constant = |unit: &&Vec<f64>| unit.iter().all(|h| (h - unit[0]).abs() < 1e-12);
    let zero = |unit: &&Vec<f64>| unit.iter().all(|h| *h == 0.0);
    let dead = match activation {
        Activation::Relu | Activation::Crelu => units.iter().filter(zero).count(),
        _ => units.iter().filter(constant).count(),
    };
    let is_dormant = |unit: &Vec<f64>| size(unit) / mean_size <= 0.025;
    let dormant = units.iter().filter(|unit| is_dormant(unit));
    let dormant = dormant.filter(|_| activation != Activation::Fourier);
    let entropies = (0..width).map(|unit| {
        let p = z.iter().filter(|row| row[unit] > 0.0).count() as f64 / samples;
        entropy([p, 1.0 - p])
    });
    [
        dead as f64 / width as f64,
        dormant.count() as f64 / width as f64,
        entropies.sum::<f64>() / width as f64,
    ]
}

/// Returns the inner products of all pairs of rows, `[rows, rows]`.
fn gram(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
    let row = |a: &Vec<f64>| rows.iter().map(|b| dot(a, b)).collect();
    rows.iter().map(row).collect()
}

fn eigenvalues(rows: &[Vec<f64>]) -> Vec<f64> {
    let pairs = eigen(&gram(rows)).into_iter();
    pairs.map(|pair| pair.value.max(0.0)).collect()
}

/// Returns the values that [`numbers`] should give, and the Fisher rank.
fn wanted(point: &Point) -> (Vec<f64>, usize) {
    let mlp = &point.mlp;
    let samples: Vec<_> = point
        .x
        .chunks(mlp.widths[0])
        .map(|x| mlp.forward(x))
        .collect();
    let hidden = mlp.layers.len() - 1;
    let of_layer = |l: usize| {
        let z: Vec<_> = samples.iter().map(|layers| layers[l].1.clone()).collect();
        units(point.activation, &z)
    };
    let units: Vec<_> = (0..hidden).map(of_layer).collect();
    let features: Vec<_> = samples.iter().map(|s| s[hidden].0.clone()).collect();
    wanted_of(
        &units,
        &features,
        &sample_gradients(mlp, &point.x, &point.y),
    )
}

const TOLERANCE: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 1e-4,
};

#[test]
fn indicators_equal_their_definitions_in_float64() {
    for (device, compute) in computes() {
        for (number, (_, activation)) in ACTIVATIONS.iter().enumerate() {
            for (seed, widths, samples) in [
                (1, &[6, 7, 5, 3][..], 11),
                (40, &[5, 9, 4], 8),
                (70, &[3, 6, 2], 104),
            ] {
                let point = Point::random(number, widths, samples, seed);
                let found = point.indicators(&compute);
                let (wanted, rank) = wanted(&point);
                let what = format!("{device}, {activation:?}, {widths:?}");
                compare(numbers(&found), wanted, TOLERANCE)
                    .unwrap_or_else(|worst| panic!("{what}: {worst}\n{found:?}"));
                assert_eq!(found.fisher_rank, rank, "{what}");
            }
        }
    }
}

/// Returns the values that [`numbers`] should give, and the Fisher rank, from the hidden units, the features and the
/// gradients of single samples.
fn wanted_of(
    hidden: &[[f64; 3]],
    features: &[Vec<f64>],
    gradients: &[Vec<f64>],
) -> (Vec<f64>, usize) {
    let mut numbers: Vec<f64> = hidden.iter().flatten().copied().collect();
    let squares = eigenvalues(features);
    // Where the rank is not full, rounding leaves singular values of about 1e-16 of the largest.
    let singular = squares.iter().map(|s| {
        if *s > 1e-13 * squares[0] {
            s.sqrt()
        } else {
            0.0
        }
    });
    let singular: Vec<f64> = singular.collect();
    let sum: f64 = singular.iter().sum();
    numbers.push(entropy(singular.iter().map(|s| s / sum)).exp());
    numbers.push(squares.iter().sum::<f64>() / squares[0]);
    let fisher = eigenvalues(&gradients[..gradients.len().min(FISHER_SAMPLES)]);
    let trace: f64 = fisher.iter().sum();
    numbers.push(entropy(fisher.iter().map(|value| value / trace)).exp());
    let mut cumulated = 0.0;
    let below = fisher.iter().take_while(|value| {
        cumulated += **value / trace;
        assert!(
            (cumulated - FISHER_TRACE_SHARE).abs() > 1e-5,
            "too near to call"
        );
        cumulated < FISHER_TRACE_SHARE
    });
    let rank = below.count() + 1;
    (numbers, rank)
}

/// A convolution of 3 channels, ReLU, a pool, and a linear layer: the channels are read by the pool alone, and each of the
/// 3 x 3 positions of each sample counts.
#[test]
fn indicators_of_an_image_equal_their_definitions_in_float64() {
    const BATCH: usize = 6;
    let items = [
        "conv 3 kernel 2",
        "relu",
        "average-pool 2 stride 1",
        "flatten",
        "linear 2",
    ];
    let items = items.map(|item| item.parse().unwrap());
    let network = Network::sequence([1, 4, 4], &items).unwrap();
    let mut random = oracle::SplitMix64(9);
    let single = |numbers: Vec<f64>| -> Vec<f64> {
        numbers.into_iter().map(|x| f64::from(x as f32)).collect()
    };
    let x = single(random.uniform(1.0, BATCH * 16));
    let y: Vec<u32> = (0..BATCH as u32).map(|i| i % 2).collect();
    let (kernel, weight) = (
        single(random.uniform(1.0, 12)),
        single(random.uniform(1.0, 24)),
    );
    // The first channel is dead.
    let bias = [-8.0, 0.125, -0.25];
    let z = |sample: usize, position: usize, channel: usize| {
        let corner = 16 * sample + position / 3 * 4 + position % 3;
        let terms = [0, 1, 4, 5].into_iter().zip(&kernel[4 * channel..]);
        bias[channel] + terms.map(|(pixel, w)| w * x[corner + pixel]).sum::<f64>()
    };
    let rows = (0..BATCH).flat_map(|sample| (0..9).map(move |position| (sample, position)));
    let rows: Vec<Vec<f64>> = rows
        .map(|(sample, position)| (0..3).map(|channel| z(sample, position, channel)).collect())
        .collect();
    // Window q of the pool holds positions q / 2 * 3 + q % 2 + 0, 1, 3, 4.
    let window = |q: usize| [0, 1, 3, 4].map(|step| q / 2 * 3 + q % 2 + step);
    let feature = |sample: usize, i: usize| {
        let elements = window(i % 4).map(|position| z(sample, position, i / 4).max(0.0));
        elements.iter().sum::<f64>() / 4.0
    };
    let features: Vec<Vec<f64>> = (0..BATCH)
        .map(|sample| (0..12).map(|i| feature(sample, i)).collect())
        .collect();
    let gradient = |sample: usize| -> Vec<f64> {
        let logits: Vec<f64> = weight
            .chunks(12)
            .map(|row| row.iter().zip(&features[sample]).map(|(w, a)| w * a).sum())
            .collect();
        let mut d = oracle::softmax(&logits);
        d[y[sample] as usize] -= 1.0;
        let of_last = d
            .iter()
            .flat_map(|d| features[sample].iter().map(move |a| d * a));
        let mut all: Vec<f64> = of_last.chain(d.iter().copied()).collect();
        let mut of_conv = vec![0.0; 15];
        for i in 0..12 {
            let below = (d[0] * weight[i] + d[1] * weight[12 + i]) / 4.0;
            for position in window(i % 4) {
                let channel = i / 4;
                if z(sample, position, channel) > 0.0 {
                    let corner = 16 * sample + position / 3 * 4 + position % 3;
                    for (k, pixel) in [0, 1, 4, 5].into_iter().enumerate() {
                        of_conv[4 * channel + k] += below * x[corner + pixel];
                    }
                    of_conv[12 + channel] += below;
                }
            }
        }
        all.extend(of_conv);
        all
    };
    let gradients: Vec<_> = (0..BATCH).map(gradient).collect();
    let hidden = units(Activation::Relu, &rows);
    assert!(hidden[0] >= 1.0 / 3.0, "the first channel is dead");
    let (wanted, rank) = wanted_of(&[hidden], &features, &gradients);
    let f32s = |numbers: &[f64]| numbers.iter().map(|x| *x as f32).collect::<Vec<_>>();
    let parameters = [&kernel[..], &bias, &weight, &[0.0; 2]].map(f32s);
    for (device, compute) in computes() {
        let spec = TrainingSpec {
            network: network.clone(),
            batch: BATCH as u32,
            replicas: vec![ReplicaSpec::default(); 2],
            stream: None,
            probe: Some(ProbeSpec {
                iterations: 2,
                ..ProbeSpec::default()
            }),
        };
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        for replica in [0, 1] {
            trainer.write_batch(replica, &f32s(&x), &y).unwrap();
            trainer.write_parameters(replica, &parameters).unwrap();
        }
        trainer.probe().unwrap();
        let found = trainer.indicators().unwrap().remove(1).unwrap();
        assert_eq!(found.hidden.len(), 1, "{device}");
        compare(numbers(&found), wanted.clone(), TOLERANCE)
            .unwrap_or_else(|worst| panic!("{device}: {worst}\n{found:?}"));
        assert_eq!(found.fisher_rank, rank, "{device}");
    }
    // The negative control: the last layer's gradients alone.
    let first = |gradient: &Vec<f64>| gradient[..26].to_vec();
    let others: Vec<_> = gradients.iter().map(first).collect();
    let (other, _) = wanted_of(&[hidden], &features, &others);
    assert!(compare(other, wanted, TOLERANCE).is_err());
}

#[test]
fn the_comparison_notices_another_point() {
    let point = Point::random(1, &[6, 7, 5, 3], 11, 1);
    let mut other = Point::random(1, &[6, 7, 5, 3], 11, 1);
    other.mlp.layers[1].0[3] += 0.05;
    let found = numbers(&other.indicators(&Compute::Cpu));
    assert!(compare(found, wanted(&point).0, TOLERANCE).is_err());
    // The indicators count the dead and the dormant unit.
    let units = point.indicators(&Compute::Cpu).hidden[0];
    assert!(
        units.dead >= 1.0 / 7.0 && units.dormant >= 2.0 / 7.0,
        "{units:?}"
    );
}

#[test]
fn a_network_without_hidden_layers_has_its_inputs_as_features() {
    for (device, compute) in computes() {
        let mlp = Mlp::random(&[3, 2], oracle::Activation::Identity, 1.0, 5);
        let point = Point {
            mlp,
            activation: Activation::Identity,
            x: vec![2.0, 0.0, 0.0, 0.0, 2.0, 0.0],
            y: vec![0, 1],
        };
        let found = point.indicators(&compute);
        assert!(found.hidden.is_empty(), "{device}");
        assert!((found.effective_rank - 2.0).abs() < 1e-9, "{device}");
        assert!((found.stable_rank - 2.0).abs() < 1e-9, "{device}");
    }
}

#[test]
fn a_replica_that_is_not_finite_has_an_error_of_its_own() {
    let point = Point::random(1, &[6, 7, 5, 3], 11, 1);
    for (device, compute) in computes() {
        let mut trainer = point.trainer(&compute);
        let mut parameters = trainer.parameters().unwrap().remove(2);
        parameters[0][8] = f32::NAN;
        trainer.write_parameters(0, &parameters).unwrap();
        trainer.probe().unwrap();
        let all = trainer.indicators().unwrap();
        let error = all[0].as_ref().expect_err("a NaN");
        let place = NotFinite { task: 0, update: 0 };
        assert!(
            matches!(error, Error::NotFinite(found) if *found == place),
            "{device}: {error}"
        );
        assert!(all[1].is_ok() && all[2].is_ok(), "{device}");
    }
}

#[test]
fn without_a_probe_there_are_no_indicators() {
    let point = Point::random(1, &[6, 7, 5, 3], 11, 1);
    for (_, compute) in computes() {
        let spec = TrainingSpec {
            probe: None,
            ..point.trainer(&compute).spec().clone()
        };
        let result = Trainer::new(&compute, spec).unwrap().indicators();
        assert!(matches!(result, Err(Error::NoProbe)));
    }
}

/// After an update the device holds another pass than the probe's.
#[test]
fn indicators_follow_a_probe_directly() {
    let point = Point::random(1, &[6, 7, 5, 3], 11, 1);
    for (device, compute) in computes() {
        let mut trainer = point.trainer(&compute);
        trainer.probe().unwrap();
        assert!(trainer.indicators().is_ok(), "{device}");
        trainer.update(1).unwrap();
        let error = trainer.indicators().unwrap_err().to_string();
        assert!(error.contains("wanted a probe"), "{device}: {error}");
        trainer.probe().unwrap();
        assert!(trainer.indicators().is_ok(), "{device}");
    }
}
