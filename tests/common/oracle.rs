//! A float64 oracle for tests of curvature. It is slow, serves small networks, and shares no code with the crate under test.
//!
//! First derivatives come from backpropagation, one sample at a time. Second derivatives are central differences of first
//! derivatives, so that no formula of a Hessian-vector product is trusted. Eigenvalues come from Jacobi's method. The loss
//! is the mean softmax cross-entropy, without L2. Layouts are PyTorch's, row by row: `x[batch, in]`, `weight[out, in]`,
//! `bias[out]`, and the labels `y[batch]`. A vector of all parameters is weight, bias, weight, bias and so on.

#![allow(dead_code, unreachable_pub)]

use std::ops::Range;

/// The nonlinearity after every hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Identity,
    Relu,
    /// The function concat(relu(z), relu(-z)); the next layer has twice the inputs.
    Crelu,
    /// A leaky ReLU with slope 0.01 below zero.
    LeakyRelu,
    Tanh,
    /// z times the distribution function of the standard normal distribution.
    Gelu,
    Silu,
    /// The function concat(sin z, cos z); the next layer has twice the inputs.
    Fourier,
}

impl Activation {
    /// Returns `f(z)`, which has twice the length for a CReLU.
    pub fn forward(self, z: &[f64]) -> Vec<f64> {
        let each = |f: fn(f64) -> f64| z.iter().map(|z| f(*z)).collect();
        match self {
            Self::Identity => z.to_vec(),
            Self::Relu => each(|z| z.max(0.0)),
            Self::Crelu => {
                let negated: Vec<f64> = z.iter().map(|z| -z).collect();
                [Self::Relu.forward(z), Self::Relu.forward(&negated)].concat()
            }
            Self::LeakyRelu => each(|z| if z > 0.0 { z } else { 0.01 * z }),
            Self::Tanh => each(f64::tanh),
            Self::Gelu => each(|z| 0.5 * z * (1.0 + erf(z / 2.0_f64.sqrt()))),
            Self::Silu => each(|z| z / (1.0 + (-z).exp())),
            Self::Fourier => [each(f64::sin), each(f64::cos)].concat(),
        }
    }

    /// Whether the next layer has twice the inputs.
    pub fn doubles(self) -> bool {
        matches!(self, Self::Crelu | Self::Fourier)
    }

    /// Whether the function has a kink at zero.
    pub fn is_kinked(self) -> bool {
        matches!(self, Self::Relu | Self::Crelu | Self::LeakyRelu)
    }

    /// Returns the derivative with respect to unit `k`'s pre-activation, from the derivative with respect to `f(z)`.
    pub fn backward(self, z: &[f64], upstream: &[f64], k: usize) -> f64 {
        let above = z[k] > 0.0;
        match self {
            Self::Identity => upstream[k],
            Self::Relu => f64::from(above) * upstream[k],
            Self::Crelu if above => upstream[k],
            Self::Crelu => -upstream[z.len() + k],
            Self::LeakyRelu => (if above { 1.0 } else { 0.01 }) * upstream[k],
            Self::Tanh => (1.0 - z[k].tanh().powi(2)) * upstream[k],
            Self::Gelu => {
                let density = (-0.5 * z[k] * z[k]).exp() / std::f64::consts::TAU.sqrt();
                (0.5 * (1.0 + erf(z[k] / 2.0_f64.sqrt())) + z[k] * density) * upstream[k]
            }
            Self::Silu => {
                let logistic = 1.0 / (1.0 + (-z[k]).exp());
                (logistic + z[k] * logistic * (1.0 - logistic)) * upstream[k]
            }
            Self::Fourier => z[k].cos() * upstream[k] - z[k].sin() * upstream[z.len() + k],
        }
    }
}

/// A multilayer perceptron.
#[derive(Clone, Debug)]
pub struct Mlp {
    /// Number of inputs, hidden widths, number of classes.
    pub widths: Vec<usize>,
    /// The activation of the hidden layers.
    pub activation: Activation,
    /// The layers, each `(weight[out, in], bias[out])`.
    pub layers: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Mlp {
    /// Draws weights uniform within `gain * sqrt(6 / in)` (Kaiming's uniform bound times `gain`) and biases uniform within
    /// 0.5. All of them are float32-representable.
    pub fn random(widths: &[usize], activation: Activation, gain: f64, seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let mut layers = Vec::new();
        for (index, pair) in widths.windows(2).enumerate() {
            let doubled = index > 0 && activation.doubles();
            let inputs = pair[0] * if doubled { 2 } else { 1 };
            let bound = gain * (6.0 / inputs as f64).sqrt();
            layers.push((
                random.uniform(bound, inputs * pair[1]),
                random.uniform(0.5, pair[1]),
            ));
        }
        Self {
            widths: widths.to_vec(),
            activation,
            layers,
        }
    }

    /// Returns all parameters: weight, bias, weight, bias and so on.
    pub fn parameters(&self) -> Vec<f64> {
        let layers = self.layers.iter();
        layers.flat_map(|(w, b)| [&w[..], b].concat()).collect()
    }

    /// Returns the range of each layer's weight and bias in [`Self::parameters`].
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        let range = |(weight, bias): &(Vec<f64>, Vec<f64>)| {
            let end = start + weight.len() + bias.len();
            std::mem::replace(&mut start, end)..end
        };
        self.layers.iter().map(range).collect()
    }

    /// Returns the same network with parameter `index` changed by `delta`.
    pub fn moved(&self, index: usize, delta: f64) -> Self {
        let mut moved = self.clone();
        let layers = moved.layers.iter_mut();
        let mut parameters = layers.flat_map(|(w, b)| w.iter_mut().chain(b));
        *parameters.nth(index).expect("a parameter's index") += delta;
        moved
    }

    /// Returns every layer's input and pre-activation for one sample; the last pre-activation is the logits.
    pub fn forward(&self, x: &[f64]) -> Vec<(Vec<f64>, Vec<f64>)> {
        let mut input = x.to_vec();
        let mut passed = Vec::new();
        for (weight, bias) in &self.layers {
            let rows = weight.chunks_exact(input.len()).zip(bias);
            let z: Vec<f64> = rows.map(|(row, b)| dot(row, &input) + b).collect();
            let output = self.activation.forward(&z);
            passed.push((std::mem::replace(&mut input, output), z));
        }
        passed
    }

    /// Returns every sample's logits.
    fn logits(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let samples = x.chunks_exact(self.widths[0]);
        let last = |x| self.forward(x).pop().expect("a layer").1;
        samples.map(last).collect()
    }

    /// Returns the gradient of one sample's own loss.
    fn sample_gradient(&self, x: &[f64], y: u32) -> Vec<f64> {
        let passed = self.forward(x);
        let mut delta = softmax(&passed[passed.len() - 1].1);
        delta[y as usize] -= 1.0;
        let mut gradients = Vec::new();
        for (index, (input, _)) in passed.iter().enumerate().rev() {
            let weight = delta.iter().flat_map(|d| input.iter().map(move |a| d * a));
            gradients.push(weight.chain(delta.iter().copied()).collect::<Vec<f64>>());
            if index > 0 {
                let rows = self.layers[index].0.chunks_exact(input.len());
                let mut upstream = vec![0.0; input.len()];
                for (row, d) in rows.zip(&delta) {
                    upstream.iter_mut().zip(row).for_each(|(u, w)| *u += d * w);
                }
                let z = &passed[index - 1].1;
                let backward = |k| self.activation.backward(z, &upstream, k);
                delta = (0..z.len()).map(backward).collect();
            }
        }
        gradients.reverse();
        gradients.concat()
    }

    /// Returns the hidden pre-activations of all samples if the activation has a kink at zero, else nothing.
    fn kinked(&self, x: &[f64]) -> Vec<f64> {
        if !self.activation.is_kinked() {
            return Vec::new();
        }
        let hidden = self.layers.len() - 1;
        let samples = x.chunks_exact(self.widths[0]);
        samples
            .flat_map(|x| self.forward(x).into_iter().take(hidden))
            .flat_map(|(_, z)| z)
            .collect()
    }
}

/// Returns the mean softmax cross-entropy in nats.
pub fn loss(mlp: &Mlp, x: &[f64], y: &[u32]) -> f64 {
    let surprise = |(z, y): (Vec<f64>, &u32)| -softmax(&z)[*y as usize].ln();
    let total: f64 = mlp.logits(x).into_iter().zip(y).map(surprise).sum();
    total / y.len() as f64
}

/// Counts the samples whose largest logit (the first of equals) is the label's.
pub fn correct(mlp: &Mlp, x: &[f64], y: &[u32]) -> u32 {
    let is_first = |z: &[f64], y: usize| {
        z[..y].iter().all(|other| *other < z[y]) && z[y..].iter().all(|other| *other <= z[y])
    };
    let logits = mlp.logits(x);
    let right = logits
        .iter()
        .zip(y)
        .filter(|(z, y)| is_first(z, **y as usize));
    right.count() as u32
}

/// Returns the gradient of each sample's own loss, `[batch, parameters]`.
pub fn sample_gradients(mlp: &Mlp, x: &[f64], y: &[u32]) -> Vec<Vec<f64>> {
    let samples = x.chunks_exact(mlp.widths[0]).zip(y);
    samples.map(|(x, y)| mlp.sample_gradient(x, *y)).collect()
}

/// Returns the gradient of the mean loss with respect to all parameters.
pub fn gradient(mlp: &Mlp, x: &[f64], y: &[u32]) -> Vec<f64> {
    mean(&sample_gradients(mlp, x, y))
}

/// Returns (1/B) sum_i |g_i - mean|^2 for each layer, over the sample gradients g_i. The network's value is the sum over
/// layers.
pub fn gradient_variance(mlp: &Mlp, x: &[f64], y: &[u32]) -> Vec<f64> {
    let samples = sample_gradients(mlp, x, y);
    let centre = mean(&samples);
    let squared = |sample: &Vec<f64>| -> Vec<f64> {
        let pairs = sample.iter().zip(&centre);
        pairs.map(|(g, m)| (g - m) * (g - m)).collect()
    };
    let variance = mean(&samples.iter().map(squared).collect::<Vec<_>>());
    let ranges = mlp.ranges().into_iter();
    ranges.map(|range| variance[range].iter().sum()).collect()
}

/// Returns the distance of a ReLU, CReLU or leaky ReLU from its kink: the smallest |z| of the batch's hidden
/// pre-activations, infinite for smooth activations. A test needs at least 1e-4, or another seed.
pub fn kink_margin(mlp: &Mlp, x: &[f64]) -> f64 {
    let sizes = mlp.kinked(x).into_iter().map(f64::abs);
    sizes.fold(f64::INFINITY, f64::min)
}

/// The step of the central differences, about the cube root of float64's epsilon. There the errors of truncation (step^2 / 6
/// times a fourth derivative of the loss) and of rounding (epsilon / step times the gradient) are about equal, both near
/// 1e-11.
pub const STEP: f64 = 6e-6;

/// Returns the Hessian of the mean loss, `[parameters, parameters]`, by central differences of the gradient, made symmetric.
/// It is meant for networks of a few hundred parameters.
///
/// # Panics
/// Panics where a difference crosses an activation's kink (see [`kink_margin`]). Pre-activations are affine in one parameter
/// while no kink is crossed, so a check of both ends suffices. Also panics where the two estimates of an element differ by
/// more than 1e-10 + 1e-8 of the largest element, or where one is not finite.
pub fn hessian(mlp: &Mlp, x: &[f64], y: &[u32]) -> Vec<Vec<f64>> {
    let signs = |mlp: &Mlp| mlp.kinked(x).iter().map(|z| *z > 0.0).collect::<Vec<_>>();
    let here = signs(mlp);
    let row = |index: usize| -> Vec<f64> {
        let ends = [mlp.moved(index, STEP), mlp.moved(index, -STEP)];
        let [above, below] = ends.map(|moved| {
            assert!(signs(&moved) == here, "parameter {index} is near a kink");
            gradient(&moved, x, y)
        });
        let pairs = above.iter().zip(below);
        pairs.map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
    };
    let rows: Vec<_> = (0..mlp.parameters().len()).map(row).collect();
    let is_finite = rows.iter().flatten().all(|h| h.is_finite());
    assert!(is_finite, "the Hessian is not finite");
    let largest = rows.iter().flatten().fold(0.0, |m: f64, h| m.max(h.abs()));
    let asymmetry = asymmetry(&rows);
    assert!(
        asymmetry <= 1e-10 + 1e-8 * largest,
        "asymmetry {asymmetry:e} beside elements of {largest:e}"
    );
    let n = rows.len();
    let symmetric = |i: usize| (0..n).map(|j| 0.5 * (rows[i][j] + rows[j][i])).collect();
    (0..n).map(symmetric).collect()
}

/// Returns the largest difference between an element and its mirror image.
pub fn asymmetry(matrix: &[Vec<f64>]) -> f64 {
    let n = matrix.len();
    let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    pairs
        .map(|(i, j)| (matrix[i][j] - matrix[j][i]).abs())
        .fold(0.0, f64::max)
}

/// Returns the diagonal block of a layer (counted from 0), its weight and bias together.
pub fn block(mlp: &Mlp, hessian: &[Vec<f64>], layer: usize) -> Vec<Vec<f64>> {
    let range = mlp.ranges()[layer].clone();
    let rows = hessian[range.clone()].iter();
    rows.map(|row| row[range.clone()].to_vec()).collect()
}

/// Multiplies a matrix by a vector.
pub fn multiply(matrix: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, v)).collect()
}

/// An eigenvalue and its eigenvector of norm 1.
#[derive(Clone, Debug)]
pub struct Eigenpair {
    pub value: f64,
    pub vector: Vec<f64>,
}

/// Computes all eigenpairs of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 4th
/// ed., section 8.5). They are sorted by |eigenvalue|, largest first.
///
/// # Panics
/// Panics where 50 sweeps do not suffice (about 15 do), and so for elements that are not finite.
pub fn eigen(matrix: &[Vec<f64>]) -> Vec<Eigenpair> {
    let n = matrix.len();
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| f64::from(i == j)).collect())
        .collect();
    let norm_sq: f64 = a.iter().map(|row| dot(row, row)).sum();
    let is_diagonal = |a: &[Vec<f64>]| {
        let below = |i: usize| dot(&a[i][..i], &a[i][..i]);
        (0..n).map(below).sum::<f64>() <= 1e-30 * norm_sq
    };
    let mut sweeps = 0;
    while !is_diagonal(&a) {
        assert!(sweeps < 50, "Jacobi's rotations do not converge");
        sweeps += 1;
        for q in 1..n {
            for p in 0..q {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    let pair = |(i, vector): (usize, Vec<f64>)| Eigenpair {
        value: a[i][i],
        vector,
    };
    let mut pairs: Vec<_> = vectors.into_iter().enumerate().map(pair).collect();
    pairs.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    pairs
}

/// Makes `a[p][q]` zero by a rotation in the plane of `p` and `q`. Each row of `vectors` holds one eigenvector.
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let tau = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tan = tau.signum() / (tau.abs() + tau.hypot(1.0));
    let cos = 1.0 / tan.hypot(1.0);
    let sin = tan * cos;
    let turn = |p: &mut f64, q: &mut f64| (*p, *q) = (cos * *p - sin * *q, sin * *p + cos * *q);
    for row in a.iter_mut() {
        let (left, right) = row.split_at_mut(q);
        turn(&mut left[p], &mut right[0]);
    }
    for rows in [a, vectors] {
        let (above, below) = rows.split_at_mut(q);
        let pairs = above[p].iter_mut().zip(&mut below[0]);
        pairs.for_each(|(p, q)| turn(p, q));
    }
}

/// Draws `x[size, inputs]`, uniform within 2 and float32-representable, and uniform labels `y[size]`.
pub fn batch(inputs: usize, classes: usize, size: usize, seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut random = SplitMix64(seed);
    let x = random.uniform(2.0, size * inputs);
    let y = (0..size).map(|_| (random.next() % classes as u64) as u32);
    (x, y.collect())
}

/// Returns a tanh network, its batch, and a layer whose block has a negative dominant eigenvalue (-5.90, the next a quarter
/// of it). The dominant eigenvalues of layer 1 (-2.03) and of the whole network (-6.93) are also negative. Layer 2's is
/// positive, as a last layer's always is. No |second| is above 0.42 |first|. The case was found by trying seeds.
pub fn negative_block() -> (Mlp, Vec<f64>, Vec<u32>, usize) {
    let mlp = Mlp::random(&[3, 4, 3, 2], Activation::Tanh, 3.0, 13);
    let (x, y) = batch(3, 2, 6, 1013);
    (mlp, x, y, 0)
}

/// Returns a tanh network, its batch, and a layer whose block has two dominant eigenvalues of opposite signs and almost
/// equal size, so that power iteration cannot converge.
///
/// The two hidden units are equal and their outgoing weights opposite. The logits are therefore the last bias, and p =
/// 1.7e-5 is every sample's probability of its label. With u = [x; 1], h = tanh(z) and outgoing weights +-1, the first
/// layer's block is the batch's mean of
///
/// `-4 (1 - p) h (1 - h^2) diag(1, -1) (x) u u^T + 4 p (1 - p) (1 - h^2)^2 [1 -1; -1 1] (x) u u^T`.
///
/// The first term's spectrum is symmetric about zero. The second term separates the two eigenvalues: 2.80708 and -2.80699,
/// and 3.05240 and -3.05233 for the whole network. From a random start, the chance of a relative residual below r by luck is
/// about 2 r / pi.
pub fn near_tie() -> (Mlp, Vec<f64>, Vec<u32>, usize) {
    let incoming = [0.75, -0.5, 0.25];
    let mlp = Mlp {
        widths: vec![3, 2, 2],
        activation: Activation::Tanh,
        layers: vec![
            ([incoming, incoming].concat(), vec![0.5; 2]),
            (vec![1.0, -1.0, -1.0, 1.0], vec![5.5, -5.5]),
        ],
    };
    let (x, _) = batch(3, 2, 4, 1);
    (mlp, x, vec![1; 4], 0)
}

/// The generator of Steele, Lea and Flood, OOPSLA 2014 (constants of Vigna's splitmix64.c).
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Draws `count` numbers uniform on [-bound, bound], rounded to float32.
    pub fn uniform(&mut self, bound: f64, count: usize) -> Vec<f64> {
        let unit = |word: u64| (word >> 11) as f64 / (1_u64 << 53) as f64;
        let mut number = || f64::from((bound * (2.0 * unit(self.next()) - 1.0)) as f32);
        (0..count).map(|_| number()).collect()
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    let sum = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>();
    let columns = 0..rows[0].len();
    columns.map(|c| sum(c) / rows.len() as f64).collect()
}

/// Returns the error function by its series erf(x) = 2 / sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!!, all of whose
/// terms are positive (Abramowitz and Stegun, 7.1.6).
pub fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    let mut odd = 1.0;
    while term.abs() > 1e-18 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    sum * (-x * x).exp() * 2.0 / std::f64::consts::PI.sqrt()
}

pub fn softmax(z: &[f64]) -> Vec<f64> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = z.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|e| e / sum).collect()
}
