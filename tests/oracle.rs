//! The float64 oracle against PyTorch float64 (`assets/reference`) and against its own definitions.

mod common;
#[path = "common/oracle.rs"]
mod oracle;
#[path = "common/reference.rs"]
mod reference;

use common::{Tolerance, compare};
use oracle::{
    Activation, Mlp, asymmetry, batch, block, correct, eigen, gradient, gradient_variance, hessian,
    kink_margin, loss, multiply, near_tie, negative_block,
};
use reference::{CASES, Layer, flat, read};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
struct Stats {
    lambda: f64,
    second_abs: f64,
    g2: f64,
    s: f64,
}

/// The file `curvature_<case>.json`.
#[derive(Clone, Deserialize)]
struct Curvature {
    activation: String,
    widths: Vec<usize>,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
    blocks: Vec<Stats>,
    network: Stats,
    v: Vec<Layer>,
    hv: Vec<Layer>,
}

/// The file `step_<case>.json`.
#[derive(Deserialize)]
struct Step {
    loss: f64,
    correct: u32,
    gradients: Vec<Layer>,
}

/// The tolerance for first derivatives, float64 against float64.
const FIRST: Tolerance = Tolerance {
    atol: 1e-14,
    rtol: 1e-12,
};
/// The tolerance for second derivatives, which covers the error of central differences.
const SECOND: Tolerance = Tolerance {
    atol: 1e-9,
    rtol: 1e-8,
};

fn curvature(name: &str) -> Curvature {
    read(&format!("curvature_{name}"))
}

fn mlp(case: &Curvature) -> Mlp {
    let activation = match &case.activation[..] {
        "relu" => Activation::Relu,
        "crelu" => Activation::Crelu,
        "tanh" => Activation::Tanh,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "fourier" => Activation::Fourier,
        "leaky_relu" => Activation::LeakyRelu,
        "identity" => Activation::Identity,
        other => panic!("unknown activation {other}"),
    };
    let layers = case.layers.iter();
    Mlp {
        widths: case.widths.clone(),
        activation,
        layers: layers.map(|l| (l.weight.clone(), l.bias.clone())).collect(),
    }
}

fn check_first(case: &Curvature, step: &Step) -> Result<(), String> {
    let (mlp, x, y) = (mlp(case), &case.x, &case.y);
    let say = |what: &'static str| move |worst: String| format!("{what}: {worst}");
    let g = gradient(&mlp, x, y);
    let variance = gradient_variance(&mlp, x, y);
    compare([loss(&mlp, x, y)], [step.loss], FIRST).map_err(say("loss"))?;
    if correct(&mlp, x, y) != step.correct {
        return Err("correct".to_owned());
    }
    compare(g.iter().copied(), flat(&step.gradients), FIRST).map_err(say("gradient"))?;
    let mut g2: Vec<f64> = mlp.ranges().into_iter().map(|r| norm_sq(&g[r])).collect();
    g2.push(norm_sq(&g));
    let network: f64 = variance.iter().sum();
    let s = variance.into_iter().chain([network]);
    let stats = || case.blocks.iter().chain([&case.network]);
    compare(g2, stats().map(|stats| stats.g2), FIRST).map_err(say("g2"))?;
    compare(s, stats().map(|stats| stats.s), FIRST).map_err(say("s"))
}

fn check_second(case: &Curvature) -> Result<(), String> {
    let mlp = mlp(case);
    let hessian = hessian(&mlp, &case.x, &case.y);
    let hv = multiply(&hessian, &flat(&case.v));
    compare(hv, flat(&case.hv), SECOND).map_err(|worst| format!("hv: {worst}"))?;
    let mut spectra = spectra(&mlp, &hessian).into_iter();
    for (number, wanted) in case.blocks.iter().chain([&case.network]).enumerate() {
        let [first, second] = spectra.next().ok_or("too few blocks")?;
        let found = [first, second.abs()];
        compare(found, [wanted.lambda, wanted.second_abs], SECOND)
            .map_err(|worst| format!("eigenvalues of block {number}: {worst}"))?;
    }
    Ok(())
}

/// Returns the two eigenvalues of largest size: first of every layer's block, then of the whole network.
fn spectra(mlp: &Mlp, hessian: &[Vec<f64>]) -> Vec<[f64; 2]> {
    let first_two = |matrix: &[Vec<f64>]| {
        let pairs = eigen(matrix);
        [pairs[0].value, pairs[1].value]
    };
    let blocks = (0..mlp.layers.len()).map(|layer| first_two(&block(mlp, hessian, layer)));
    blocks.chain([first_two(hessian)]).collect()
}

fn norm_sq(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum()
}

#[test]
fn the_oracle_equals_pytorch() {
    for name in CASES {
        let case = curvature(name);
        assert!(kink_margin(&mlp(&case), &case.x) >= 1e-4, "{name}");
        let step = read(&format!("step_{name}"));
        check_first(&case, &step).unwrap_or_else(|worst| panic!("{name}: {worst}"));
        check_second(&case).unwrap_or_else(|worst| panic!("{name}: {worst}"));
    }
}

#[test]
fn every_reference_file_is_a_case() {
    let folder = format!("{}/assets/reference", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(folder).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let case = name.strip_prefix("curvature_")?.strip_suffix(".json")?;
        Some(case.to_owned())
    });
    let mut found: Vec<String> = names.collect();
    found.sort();
    let mut cases = CASES;
    cases.sort_unstable();
    assert_eq!(found, cases);
}

#[test]
fn the_checks_notice_whatever_is_wrong() {
    let step: Step = read("step_tanh");
    type Corruption = fn(&mut Curvature);
    let both: [(&str, Corruption); 3] = [
        ("a weight", |c| c.layers[0].weight[3] += 1e-6),
        ("a label", |c| c.y[2] = (c.y[2] + 1) % 3),
        ("the activation", |c| c.activation = "relu".to_owned()),
    ];
    let first: [(&str, Corruption); 4] = [
        ("an input", |c| c.x[0] = f64::NAN),
        ("s", |c| c.blocks[0].s *= 1.0 + 1e-9),
        ("g2", |c| c.network.g2 *= 1.0 + 1e-9),
        ("swapped blocks", |c| c.blocks.swap(0, 1)),
    ];
    let second: [(&str, Corruption); 4] = [
        ("lambda's sign", |c| c.network.lambda *= -1.0),
        ("lambda", |c| c.blocks[1].lambda *= 1.0 + 1e-6),
        ("hv", |c| c.hv[1].bias[0] += 1e-6),
        ("swapped blocks", |c| c.blocks.swap(0, 1)),
    ];
    let corrupted = |corruption: Corruption| {
        let mut case = curvature("tanh");
        corruption(&mut case);
        case
    };
    for (what, corruption) in both.into_iter().chain(first) {
        assert!(
            check_first(&corrupted(corruption), &step).is_err(),
            "{what}"
        );
    }
    for (what, corruption) in both.into_iter().chain(second) {
        assert!(check_second(&corrupted(corruption)).is_err(), "{what}");
    }
}

/// The tests above compare the gradient with PyTorch; this test compares it with the oracle's own loss.
#[test]
fn the_gradient_is_the_losses_central_difference() {
    use Activation::{Crelu, Fourier, Gelu, LeakyRelu, Silu, Tanh};
    for activation in [Crelu, LeakyRelu, Tanh, Gelu, Silu, Fourier] {
        let mlp = Mlp::random(&[3, 4, 3, 2], activation, 1.0, 5);
        let (x, y) = batch(3, 2, 7, 6);
        assert!(kink_margin(&mlp, &x) > 1e-4);
        let at = |index, step| loss(&mlp.moved(index, step), &x, &y);
        let difference = |index| (at(index, 1e-5) - at(index, -1e-5)) / 2e-5;
        let differences = (0..mlp.parameters().len()).map(difference);
        let tolerance = Tolerance {
            atol: 1e-9,
            rtol: 1e-8,
        };
        compare(gradient(&mlp, &x, &y), differences, tolerance).unwrap();
    }
}

#[test]
fn of_equal_logits_the_first_counts() {
    let mut mlp = Mlp::random(&[1, 3], Activation::Identity, 1.0, 1);
    mlp.layers[0] = (vec![0.0; 3], vec![0.25, 0.5, 0.5]);
    assert_eq!(correct(&mlp, &[1.0, 1.0, 1.0], &[0, 1, 2]), 1);
    assert_eq!(correct(&mlp, &[1.0, 1.0], &[2, 2]), 0);
}

#[test]
fn eigenpairs_are_orthonormal_and_in_order() {
    let (mlp, x, y, _) = negative_block();
    let matrix = hessian(&mlp, &x, &y);
    let pairs = eigen(&matrix);
    let tolerance = Tolerance {
        atol: 1e-13,
        rtol: 1e-13,
    };
    assert_eq!(pairs.len(), matrix.len());
    assert!(pairs.is_sorted_by(|a, b| a.value.abs() >= b.value.abs()));
    let vectors: Vec<_> = pairs.iter().map(|pair| pair.vector.clone()).collect();
    for (i, pair) in pairs.iter().enumerate() {
        let scaled = pair.vector.iter().map(|v| pair.value * v);
        compare(multiply(&matrix, &pair.vector), scaled, tolerance).unwrap();
        let wanted = (0..pairs.len()).map(|j| f64::from(i == j));
        compare(multiply(&vectors, &pair.vector), wanted, tolerance).unwrap();
    }
    let small = eigen(&[vec![1.0, 2.0], vec![2.0, -2.0]]);
    let values = small.iter().map(|pair| pair.value);
    compare(values, [-3.0, 2.0], tolerance).unwrap();
}

#[test]
#[should_panic(expected = "do not converge")]
fn eigenvalues_of_nan_are_refused() {
    eigen(&[vec![1.0, f64::NAN], vec![f64::NAN, 2.0]]);
}

#[test]
#[should_panic(expected = "not finite")]
fn a_hessian_of_nan_is_refused() {
    let mlp = Mlp::random(&[2, 3, 2], Activation::Tanh, 1.0, 1);
    hessian(&mlp, &[0.0, f64::NAN], &[1]);
}

#[test]
#[should_panic(expected = "near a kink")]
fn a_hessian_at_a_kink_is_refused() {
    let mut mlp = Mlp::random(&[2, 3, 2], Activation::Relu, 1.0, 1);
    mlp.layers[0].1[1] = 1e-7;
    assert!(kink_margin(&mlp, &[0.0, 0.0]) <= 1e-7);
    hessian(&mlp, &[0.0, 0.0], &[1]);
}

#[test]
fn a_smooth_network_is_far_from_any_kink_and_symmetry_is_measured() {
    let (mlp, x, ..) = negative_block();
    assert_eq!(kink_margin(&mlp, &x), f64::INFINITY);
    assert_eq!(asymmetry(&[vec![1.0, 2.0], vec![2.5, 1.0]]), 0.5);
}

#[test]
fn random_numbers_are_float32s_and_follow_the_seed() {
    let values = |seed| {
        let mlp = Mlp::random(&[3, 4, 2], Activation::Crelu, 1.5, seed);
        [mlp.parameters(), batch(3, 2, 5, seed).0].concat()
    };
    assert!(values(1).iter().all(|v| f64::from(*v as f32) == *v));
    assert_eq!(values(1), values(1));
    assert_ne!(values(1), values(2));
    assert_eq!(values(1).len(), (3 * 4 + 4) + (8 * 2 + 2) + 15);
}

/// Returns |Hv - lambda v| / |lambda| after 30 power iterations: the smallest and the largest of 100 starts.
fn power_iteration_residuals(matrix: &[Vec<f64>]) -> (f64, f64) {
    let residual = |seed| {
        let unit = |v: Vec<f64>| {
            let norm = norm_sq(&v).sqrt();
            v.into_iter().map(|v| v / norm).collect::<Vec<_>>()
        };
        let mut v = unit(batch(1, 2, matrix.len(), seed).0);
        for _ in 0..29 {
            v = unit(multiply(matrix, &v));
        }
        let hv = multiply(matrix, &v);
        let lambda: f64 = v.iter().zip(&hv).map(|(v, hv)| v * hv).sum();
        let difference: Vec<f64> = hv.iter().zip(&v).map(|(hv, v)| hv - lambda * v).collect();
        norm_sq(&difference).sqrt() / lambda.abs()
    };
    let residuals = || (0..100).map(residual);
    (
        residuals().fold(f64::INFINITY, f64::min),
        residuals().fold(0.0, f64::max),
    )
}

#[test]
fn negative_block_is_negative_and_separated() {
    let (mlp, x, y, layer) = negative_block();
    let hessian = hessian(&mlp, &x, &y);
    let spectra = spectra(&mlp, &hessian);
    let signs: Vec<f64> = spectra.iter().map(|s| s[0].signum()).collect();
    assert_eq!(signs, [-1.0, -1.0, 1.0, -1.0]);
    assert!(signs[layer] < 0.0);
    for [first, second] in spectra {
        assert!(second.abs() <= 0.42 * first.abs(), "{first}, {second}");
    }
    let (_, worst) = power_iteration_residuals(&block(&mlp, &hessian, layer));
    assert!(worst <= 1e-3, "{worst}");
}

#[test]
fn near_tie_is_one_and_power_iteration_cannot_settle() {
    let (mlp, x, y, layer) = near_tie();
    let whole = hessian(&mlp, &x, &y);
    for matrix in [block(&mlp, &whole, layer), whole] {
        let pairs = eigen(&matrix);
        let (first, second, third) = (pairs[0].value, pairs[1].value, pairs[2].value);
        assert!(first * second < 0.0, "{first}, {second}");
        let ratio = second.abs() / first.abs();
        assert!((0.9999..0.999_99).contains(&ratio), "{ratio}");
        assert!(third.abs() <= 0.5 * first.abs(), "{third} beside {first}");
        let (best, _) = power_iteration_residuals(&matrix);
        assert!(best > 1e-3, "{best}");
    }
}

/// The block of [`near_tie`] is the matrix of its documentation.
#[test]
fn near_tie_is_the_documented_matrix() {
    let (mlp, x, y, layer) = near_tie();
    let found = block(&mlp, &hessian(&mlp, &x, &y), layer);
    let p = 1.0 / (1.0 + 11.0_f64.exp());
    let unit = |row: usize| if row < 6 { row / 3 } else { row - 6 };
    let element = |i: usize, j: usize| {
        let of = |sample: &[f64]| {
            let (weight, bias) = &mlp.layers[0];
            let z: f64 = weight[..3].iter().zip(sample).map(|(w, x)| w * x).sum();
            let h = (z + bias[0]).tanh();
            let slope = 1.0 - h * h;
            let u = |row: usize| if row < 6 { sample[row % 3] } else { 1.0 };
            let sign = if unit(i) == 0 { 1.0 } else { -1.0 };
            let same = f64::from(unit(i) == unit(j));
            let second_order = -4.0 * (1.0 - p) * h * slope * sign * same;
            let gauss_newton = 4.0 * p * (1.0 - p) * slope * slope * (2.0 * same - 1.0);
            (second_order + gauss_newton) * u(i) * u(j) / 4.0
        };
        x.chunks(3).map(of).sum::<f64>()
    };
    let wanted = (0..8).flat_map(|i| (0..8).map(move |j| element(i, j)));
    compare(found.concat(), wanted, SECOND).unwrap();
}
