//! Hessian-vector products of a network with self-attention against hyper-dual numbers in float64: a forward pass alone
//! gives exact second derivatives, so that no derivative of attention is written down here.

use std::array::from_fn;

use crate::common::{Tolerance, compare, computes};
use crate::hyper::{Hyper, sum};
use crate::oracle::SplitMix64;
use crate::point::Point;
use crate::probes::{check, dot, numbers};
use crate::products::{hessian_vector_product, like};
use trainable::Compute;
use trainable::network::{Item, Network};

const HEADS: usize = 3;
const CLASSES: usize = 3;
/// An image of 4 x 6 pixels has 6 patches of 2 x 2, each with 18 numbers: q, k and v of width 6.
const PATCHES: usize = 6;
const WIDTH: usize = 6;
const BATCH: usize = 5;

/// The network with its activation of q, k and v and its number of heads.
fn network(activation: Option<&str>, heads: usize) -> Network {
    let attention = format!("attention {heads}");
    let items = [
        Some("conv 18 kernel 2 stride 2"),
        activation,
        Some(&attention),
    ];
    let items = items.into_iter().chain([Some("flatten"), Some("linear 3")]);
    let items: Vec<Item> = items.flatten().map(|item| item.parse().unwrap()).collect();
    Network::sequence([1, 4, 6], &items).unwrap()
}

/// The loss of one sample. The parameters are the convolution's weight and bias, and the last layer's.
fn loss(parameters: &[Hyper], is_curved: bool, x: &[f64], label: u32) -> Hyper {
    let (kernels, rest) = parameters.split_at(3 * WIDTH * 4);
    let (bias, rest) = rest.split_at(3 * WIDTH);
    let (weight, last_bias) = rest.split_at(CLASSES * WIDTH * PATCHES);
    let qkv = |patch: usize, unit: usize| {
        let corner = patch / 3 * 12 + patch % 3 * 2;
        let pixels = [0, 1, 6, 7].map(|pixel| Hyper::constant(x[corner + pixel]));
        let kernel = kernels[4 * unit..].iter();
        let z = bias[unit] + sum(kernel.zip(pixels).map(|(w, x)| *w * x));
        if is_curved { z.tanh() } else { z }
    };
    let rows: [[Hyper; 3 * WIDTH]; PATCHES] = from_fn(|p| from_fn(|unit| qkv(p, unit)));
    let size = WIDTH / HEADS;
    let attended = |p: usize, unit: usize| {
        let first = unit / size * size;
        let units = || first..first + size;
        let scale = Hyper::constant(1.0 / (size as f64).sqrt());
        let power = |k: usize| {
            let product = sum(units().map(|c| rows[p][c] * rows[k][WIDTH + c]));
            (product * scale).exp()
        };
        let total = sum((0..PATCHES).map(power)).inverse();
        sum((0..PATCHES).map(|k| power(k) * rows[k][2 * WIDTH + unit])) * total
    };
    // The order of the flat vector is [units, patches].
    let flat: Vec<_> = (0..WIDTH * PATCHES)
        .map(|i| attended(i % PATCHES, i / PATCHES))
        .collect();
    let weights = weight.chunks(flat.len()).zip(last_bias);
    let logits: Vec<_> = weights
        .map(|(row, bias)| *bias + sum(row.iter().zip(&flat).map(|(w, a)| *w * *a)))
        .collect();
    let total = sum(logits.iter().map(|z| z.exp())).ln();
    total + logits[label as usize] * Hyper::constant(-1.0)
}

/// A minibatch, parameters, and a vector.
struct Case {
    x: Vec<f64>,
    y: Vec<u32>,
    parameters: Vec<f64>,
    v: Vec<f64>,
}

impl Case {
    fn new(seed: u64, count: usize) -> Self {
        let mut random = SplitMix64(seed);
        Self {
            x: random.uniform(1.5, BATCH * 24),
            y: (0..BATCH as u32).map(|i| i % CLASSES as u32).collect(),
            parameters: random.uniform(0.8, count),
            v: random.uniform(1.0, count),
        }
    }

    /// The mean loss, where e1 and e2 have these coefficients in the parameters.
    fn mean(&self, is_curved: bool, first: impl Fn(usize) -> f64, second: &[f64]) -> Hyper {
        let parameters = self.parameters.iter().zip(second).enumerate();
        let parameters: Vec<_> = parameters
            .map(|(i, (x, v))| Hyper([*x, first(i), *v, 0.0]))
            .collect();
        let samples = self.x.chunks(24).zip(&self.y);
        let losses = samples.map(|(x, y)| loss(&parameters, is_curved, x, *y));
        sum(losses) * Hyper::constant(1.0 / BATCH as f64)
    }

    /// The products of the vector and the Hessian, and of its blocks; the first block has `cut` parameters.
    fn products(&self, is_curved: bool, cut: usize) -> [Vec<f64>; 2] {
        let count = self.v.len();
        let within = |i: usize, j: usize| (i < cut) == (j < cut);
        let element = |i: usize, v: &[f64]| {
            let direction = |j| f64::from(u8::from(i == j));
            self.mean(is_curved, direction, v).0[3]
        };
        let block = |i: usize| {
            let v = (0..count).map(|j| if within(i, j) { self.v[j] } else { 0.0 });
            element(i, &v.collect::<Vec<_>>())
        };
        [
            (0..count).map(|i| element(i, &self.v)).collect(),
            (0..count).map(block).collect(),
        ]
    }

    fn point(&self, network: Network) -> Point {
        Point {
            batch: BATCH as u32,
            l2: 0.0,
            x: self.x.iter().map(|x| *x as f32).collect(),
            y: self.y.clone(),
            parameters: like(&network, &self.parameters),
            network,
        }
    }
}

fn near(wanted: &[f64]) -> Tolerance {
    Tolerance {
        atol: 2e-6 * dot(wanted, wanted).sqrt(),
        rtol: 0.0,
    }
}

#[test]
fn products_of_attention_equal_hyper_dual_numbers() {
    let devices = computes();
    for (seed, activation) in [(1, None), (50, Some("tanh"))] {
        let network = network(activation, HEADS);
        let case = Case::new(seed, network.parameter_count());
        let wanted = case.products(activation.is_some(), network.block_parameters(0));
        let v = like(&network, &case.v);
        let point = case.point(network);
        for (device, compute) in &devices {
            let found = hessian_vector_product(compute, &point, &v);
            for (found, wanted) in found.iter().zip(&wanted) {
                let what = format!("{activation:?}, {device}");
                check(&what, numbers(found), wanted.clone(), near(wanted));
            }
        }
        // The negative controls.
        for (heads, activation) in [(1, activation), (2, activation), (HEADS, Some("silu"))] {
            let point = case.point(self::network(activation, heads));
            let found = hessian_vector_product(&Compute::Cpu, &point, &v);
            for (found, wanted) in found.iter().zip(&wanted) {
                let error = compare(numbers(found), wanted.clone(), near(wanted));
                assert!(error.is_err(), "{heads} heads, {activation:?}");
            }
        }
    }
}

#[test]
fn hyper_dual_numbers_equal_central_differences() {
    let count = network(None, HEADS).parameter_count();
    let case = Case::new(7, count);
    for is_curved in [false, true] {
        let along = |step: f64| {
            let pairs = case.parameters.iter().zip(&case.v);
            let moved = Case {
                parameters: pairs.map(|(x, v)| x + step * v).collect(),
                x: case.x.clone(),
                y: case.y.clone(),
                v: case.v.clone(),
            };
            moved.mean(is_curved, |i| case.v[i], &case.v).0
        };
        let ([_, first, _, second], step) = (along(0.0), 1e-5);
        let (ahead, behind) = (along(step), along(-step));
        let difference = |i: usize| (ahead[i] - behind[i]) / (2.0 * step);
        assert!((difference(0) - first).abs() < 1e-8);
        assert!((difference(1) - second).abs() < 1e-7);
        assert!(first.abs() > 1e-3 && second.abs() > 1e-3);
    }
}
