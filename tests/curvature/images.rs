//! Networks of images, with convolutions and pools, against hyper-dual numbers in float64.

use crate::common::{Tolerance, compare, computes};
use crate::hyper::{Hyper, sum};
use crate::oracle::SplitMix64;
use crate::planes::{Pass, Planes};
use crate::point::Point;
use crate::probes::{check, dot, numbers};
use crate::products::{hessian_vector_product, like};
use trainable::Compute;
use trainable::network::{Item, Network};
use trainable::probe::ProbeSpec;

const BATCH: usize = 3;

/// A network, parameters, a minibatch and a vector.
struct Case {
    shape: [u32; 3],
    items: Vec<Item>,
    network: Network,
    x: Vec<f64>,
    y: Vec<u32>,
    parameters: Vec<f64>,
    v: Vec<f64>,
}

impl Case {
    /// Draws a case that is not near a kink or a tie, from the first seed that gives one.
    fn new(shape: [u32; 3], items: &[&str], seed: u64) -> Self {
        let mut cases = (seed..).map(|seed| Self::drawn(shape, items, seed));
        let found = cases.find(|case| case.mean(|_| 0.0, &case.v).1 > 1e-3);
        found.expect("a seed away from kinks")
    }

    fn drawn(shape: [u32; 3], items: &[&str], seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let items: Vec<Item> = items.iter().map(|item| item.parse().unwrap()).collect();
        let network = Network::sequence(shape, &items).unwrap();
        let count = network.parameter_count();
        let mut single = |bound, count| -> Vec<f64> {
            let numbers = random.uniform(bound, count).into_iter();
            numbers.map(|x| f64::from(x as f32)).collect()
        };
        Self {
            shape,
            items,
            x: single(1.5, BATCH * network.inputs() as usize),
            y: (0..BATCH as u32).map(|i| i % network.classes()).collect(),
            parameters: single(0.8, count),
            v: single(1.0, count),
            network,
        }
    }

    /// The mean loss, where e1 and e2 have these coefficients in the parameters, and the margin.
    fn mean(&self, first: impl Fn(usize) -> f64, second: &[f64]) -> (Hyper, f64) {
        let parameters = self.parameters.iter().zip(second).enumerate();
        let parameters: Vec<_> = parameters
            .map(|(i, (x, v))| Hyper([*x, first(i), *v, 0.0]))
            .collect();
        let mut margin = f64::INFINITY;
        let samples = self.x.chunks(self.x.len() / BATCH).zip(&self.y);
        let losses = samples.map(|(x, y)| {
            let [_, height, width] = self.shape.map(|n| n as usize);
            let input = Planes {
                size: [height, width],
                elements: x.iter().map(|x| Hyper::constant(*x)).collect(),
            };
            let mut pass = Pass {
                parameters: &parameters,
                margin,
            };
            let logits = pass.logits(&self.items, input);
            margin = pass.margin;
            let total = sum(logits.iter().map(|z| z.exp())).ln();
            total + logits[*y as usize].scale(-1.0)
        });
        let losses: Vec<_> = losses.collect();
        (sum(losses.into_iter()).scale(1.0 / BATCH as f64), margin)
    }

    /// The products of the vector and the Hessian, and of its blocks.
    fn products(&self) -> [Vec<f64>; 2] {
        let element = |i: usize, v: &[f64]| {
            let direction = |j| f64::from(u8::from(i == j));
            self.mean(direction, v).0.0[3]
        };
        let whole = (0..self.v.len()).map(|i| element(i, &self.v)).collect();
        let (mut blocks, mut first) = (Vec::new(), 0);
        for block in 0..self.network.blocks().len() {
            let own = first..first + self.network.block_parameters(block);
            let v = self.v.iter().enumerate();
            let v: Vec<_> = v
                .map(|(j, v)| if own.contains(&j) { *v } else { 0.0 })
                .collect();
            first = own.end;
            blocks.extend(own.map(|i| element(i, &v)));
        }
        [whole, blocks]
    }

    fn point(&self, network: &Network) -> Point {
        Point {
            batch: BATCH as u32,
            l2: 0.0,
            x: self.x.iter().map(|x| *x as f32).collect(),
            y: self.y.clone(),
            parameters: like(network, &self.parameters),
            network: network.clone(),
        }
    }
}

/// Convolutions with a stride, a border and windows that leave elements out; each kind of activation before patches and before
/// pools; pools that overlap and that do not divide the grid; sums of images.
fn cases() -> Vec<Case> {
    let lists: [([u32; 3], &[&str]); 3] = [
        (
            [2, 4, 3],
            &[
                "conv 2 kernel 2 stride 2 padding 1",
                "fourier",
                "conv 2 kernel 2",
                "tanh",
                "flatten",
                "linear 2",
            ],
        ),
        (
            [1, 5, 4],
            &[
                "conv 2 kernel 2",
                "crelu",
                "max-pool 3 stride 2 padding 1",
                "silu",
                "conv 2 kernel 1",
                "relu",
                "flatten",
                "linear 3",
            ],
        ),
        (
            [1, 3, 4],
            &[
                "conv 2 kernel 3 padding 1",
                "silu",
                "conv 2 kernel 3 padding 1",
                "add 2",
                "tanh",
                "average-pool 2 stride 1 padding 1",
                "max-pool 2",
                "fourier",
                "global-average-pool",
                "linear 3",
            ],
        ),
    ];
    let all = lists
        .into_iter()
        .flat_map(|list| [1, 50].map(|seed| (list, seed)));
    all.map(|((shape, items), seed)| Case::new(shape, items, seed))
        .collect()
}

fn near(wanted: &[f64]) -> Tolerance {
    Tolerance {
        atol: 2e-6 * dot(wanted, wanted).sqrt(),
        rtol: 0.0,
    }
}

#[test]
fn products_of_images_equal_hyper_dual_numbers() {
    let devices = computes();
    for case in cases() {
        let wanted = case.products();
        let v = like(&case.network, &case.v);
        for (device, compute) in &devices {
            let found = hessian_vector_product(compute, &case.point(&case.network), &v);
            for (found, wanted) in found.iter().zip(&wanted) {
                let what = format!("{:?}, {device}", case.items);
                check(&what, numbers(found), wanted.clone(), near(wanted));
            }
        }
    }
}

/// Other windows, and a mean in place of a maximum, with tensors of the same shapes.
#[test]
fn the_comparison_notices_other_windows() {
    let cases = cases();
    for (number, item, other) in [
        (0, 0, "conv 2 kernel 2 stride 2 padding 1"),
        (0, 0, "conv 2 kernel 2"),
        (2, 2, "average-pool 3 stride 2 padding 1"),
        (4, 5, "max-pool 2 stride 1 padding 1"),
        (4, 6, "average-pool 2"),
    ] {
        let case = &cases[number];
        let mut items = case.items.clone();
        items[item] = other.parse().unwrap();
        let is_same = items == case.items;
        let network = Network::sequence(case.shape, &items).unwrap();
        let wanted = case.products();
        let v = like(&network, &case.v);
        let found = hessian_vector_product(&Compute::Cpu, &case.point(&network), &v);
        for (found, wanted) in found.iter().zip(&wanted) {
            let result = compare(numbers(found), wanted.clone(), near(wanted));
            assert_eq!(result.is_ok(), is_same, "{other}");
        }
    }
}

#[test]
fn hyper_dual_numbers_equal_central_differences() {
    for case in cases() {
        let along = |step: f64| {
            let pairs = case.parameters.iter().zip(&case.v);
            let moved = Case {
                parameters: pairs.map(|(x, v)| x + step * v).collect(),
                items: case.items.clone(),
                network: case.network.clone(),
                x: case.x.clone(),
                y: case.y.clone(),
                v: case.v.clone(),
                ..case
            };
            moved.mean(|i| case.v[i], &case.v).0.0
        };
        let ([_, first, _, second], step) = (along(0.0), 1e-5);
        let (ahead, behind) = (along(step), along(-step));
        let difference = |i: usize| (ahead[i] - behind[i]) / (2.0 * step);
        assert!((difference(0) - first).abs() < 1e-8);
        assert!((difference(1) - second).abs() < 1e-6);
        assert!(second.abs() > 1e-3);
    }
}

/// All elements before the pool equal the bias, which is less than the border's zero: the gradient of the weight is the first
/// patch of the window.
#[test]
fn a_maximum_is_the_first_of_equal_elements_and_no_border() {
    let items = [
        "conv 1 kernel 2",
        "max-pool 3 padding 1",
        "flatten",
        "linear 2",
    ];
    let items: Vec<Item> = items.iter().map(|item| item.parse().unwrap()).collect();
    let point = Point {
        network: Network::sequence([1, 2, 3], &items).unwrap(),
        batch: 1,
        l2: 0.0,
        x: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        y: vec![0],
        parameters: vec![vec![0.0; 4], vec![-0.5], vec![1.0, -1.0], vec![0.0; 2]],
    };
    // The logits are -0.5 and 0.5, so that the loss has the derivative 2 (p - 1) with respect to the maximum.
    let p = 1.0 / (1.0 + 1.0_f64.exp());
    let d = 2.0 * (p - 1.0);
    let wanted = [1.0, 2.0, 4.0, 5.0].map(|x| d * x).into_iter().chain([d]);
    let wanted: Vec<_> = wanted.collect();
    let tolerance = Tolerance {
        atol: 1e-6,
        rtol: 1e-6,
    };
    for (device, compute) in computes() {
        let mut trainer = point.trainer(&compute, ProbeSpec::default(), 1);
        trainer.update(1).unwrap();
        let found = numbers(&trainer.gradients().unwrap()[0][..2]);
        check(&device, found, wanted.clone(), tolerance);
    }
}
