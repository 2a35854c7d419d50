//! A float64 oracle for networks that are lists of operations. It shares no code with the crate under test: activations are
//! operations of their own, and the gradients of every operation add to those of the values that it reads.
//!
//! First derivatives come from backpropagation, one sample at a time, and second derivatives are central differences of first
//! ones, as in `oracle.rs`.

use std::ops::Range;

use crate::oracle::{Activation, STEP, SplitMix64, asymmetry, dot, mean, softmax};

/// One operation, which reads the value before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Linear(usize),
    Activation(Activation),
    /// Adds the value after this number of operations; 0 is the input.
    Add(usize),
    /// Layer normalisation, with a gain and a bias.
    Norm,
    /// Adds a parameter to each unit.
    Position,
}

/// A network, its parameters, and a batch.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) inputs: usize,
    pub(crate) operations: Vec<Operation>,
    /// The weight `[out, in]` and the bias `[out]` of every linear operation, the gain and the bias of every normalisation,
    /// and the elements of every position embedding, in one vector.
    pub(crate) parameters: Vec<f64>,
    /// The range in the parameters of each operation that has some.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<u32>,
}

impl Graph {
    /// Draws a graph and a batch whose pre-activations are not near a kink, from the first seed that gives one.
    pub(crate) fn random(inputs: usize, operations: &[Operation], batch: usize, seed: u64) -> Self {
        let mut graphs = (seed..).map(|seed| Self::drawn(inputs, operations, batch, seed));
        let is_clear = |graph: &Self| graph.kinked().all(|z| z.abs() > 1e-3);
        graphs.find(is_clear).expect("a seed away from kinks")
    }

    fn drawn(inputs: usize, operations: &[Operation], batch: usize, seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let (mut parameters, mut ranges, mut width) = (Vec::new(), Vec::new(), inputs);
        for operation in operations {
            match operation {
                Operation::Linear(units) => {
                    let first = parameters.len();
                    let bound = (6.0 / width as f64).sqrt();
                    parameters.extend(random.uniform(bound, units * width));
                    parameters.extend(random.uniform(0.5, *units));
                    ranges.push(first..parameters.len());
                    width = *units;
                }
                Operation::Norm | Operation::Position => {
                    let first = parameters.len();
                    if matches!(operation, Operation::Norm) {
                        parameters.extend(random.uniform(0.5, width).iter().map(|gain| 1.0 + gain));
                    }
                    parameters.extend(random.uniform(0.5, width));
                    ranges.push(first..parameters.len());
                }
                Operation::Activation(activation) if activation.doubles() => width *= 2,
                Operation::Activation(_) | Operation::Add(_) => {}
            }
        }
        let x = random.uniform(2.0, batch * inputs);
        let y = (0..batch).map(|_| (random.next() % width as u64) as u32);
        Self {
            inputs,
            operations: operations.to_vec(),
            parameters,
            ranges,
            x,
            y: y.collect(),
        }
    }

    /// The value after every number of operations, for one sample.
    fn values(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut values = vec![x.to_vec()];
        let mut ranges = self.ranges.iter();
        for operation in &self.operations {
            let input = &values[values.len() - 1];
            values.push(match operation {
                Operation::Linear(units) => {
                    let parameters = &self.parameters[ranges.next().expect("a range").clone()];
                    let (weight, bias) = parameters.split_at(units * input.len());
                    let rows = weight.chunks(input.len()).zip(bias);
                    rows.map(|(row, b)| dot(row, input) + b).collect()
                }
                Operation::Activation(activation) => activation.forward(input),
                Operation::Norm => {
                    let parameters = &self.parameters[ranges.next().expect("a range").clone()];
                    let (gain, bias) = parameters.split_at(input.len());
                    let units = normalise(input).0.into_iter().zip(gain.iter().zip(bias));
                    units.map(|(x, (gain, bias))| gain * x + bias).collect()
                }
                Operation::Position => {
                    let parameters = &self.parameters[ranges.next().expect("a range").clone()];
                    input.iter().zip(parameters).map(|(x, e)| x + e).collect()
                }
                Operation::Add(from) => {
                    let terms = input.iter().zip(&values[*from]);
                    terms.map(|(a, b)| a + b).collect()
                }
            });
        }
        values
    }

    /// The pre-activations of all samples that meet an activation with a kink at zero.
    fn kinked(&self) -> impl Iterator<Item = f64> {
        let of_sample = |x| {
            let values = self.values(x);
            let pairs = self.operations.iter().zip(values);
            pairs
                .filter(
                    |(operation, _)| matches!(operation, Operation::Activation(a) if a.is_kinked()),
                )
                .flat_map(|(_, z)| z)
                .collect::<Vec<_>>()
        };
        self.x.chunks(self.inputs).flat_map(of_sample)
    }

    /// The gradient of one sample's own loss.
    fn sample_gradient(&self, x: &[f64], y: u32) -> Vec<f64> {
        let values = self.values(x);
        let mut upstream: Vec<_> = values.iter().map(|value| vec![0.0; value.len()]).collect();
        let last = values.len() - 1;
        upstream[last] = softmax(&values[last]);
        upstream[last][y as usize] -= 1.0;
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut ranges = self.ranges.iter().rev();
        for (number, operation) in self.operations.iter().enumerate().rev() {
            let d = upstream[number + 1].clone();
            let input = &values[number];
            match operation {
                Operation::Linear(_) => {
                    let range = ranges.next().expect("a range").clone();
                    let weights = d.iter().flat_map(|d| input.iter().map(move |a| d * a));
                    let own: Vec<_> = weights.chain(d.iter().copied()).collect();
                    gradient[range.clone()].copy_from_slice(&own);
                    let rows = self.parameters[range].chunks(input.len());
                    for (row, d) in rows.zip(&d) {
                        add(&mut upstream[number], row.iter().map(|w| d * w));
                    }
                }
                Operation::Activation(activation) => {
                    let below = (0..input.len()).map(|k| activation.backward(input, &d, k));
                    add(&mut upstream[number], below);
                }
                Operation::Norm => {
                    let range = ranges.next().expect("a range").clone();
                    let (x, scale) = normalise(input);
                    let of_gain = d.iter().zip(&x).map(|(d, x)| d * x);
                    let own: Vec<_> = of_gain.chain(d.iter().copied()).collect();
                    gradient[range.clone()].copy_from_slice(&own);
                    let gain = &self.parameters[range][..x.len()];
                    let g: Vec<_> = gain.iter().zip(&d).map(|(gain, d)| gain * d).collect();
                    let count = x.len() as f64;
                    let means = [g.iter().sum::<f64>() / count, dot(&g, &x) / count];
                    let pairs = g.iter().zip(&x);
                    let below = pairs.map(|(g, x)| scale * (g - means[0] - x * means[1]));
                    add(&mut upstream[number], below);
                }
                Operation::Position => {
                    let range = ranges.next().expect("a range").clone();
                    gradient[range].copy_from_slice(&d);
                    add(&mut upstream[number], d.iter().copied());
                }
                Operation::Add(from) => {
                    add(&mut upstream[number], d.iter().copied());
                    add(&mut upstream[*from], d.iter().copied());
                }
            }
        }
        gradient
    }

    fn sample_gradients(&self) -> Vec<Vec<f64>> {
        let samples = self.x.chunks(self.inputs).zip(&self.y);
        samples.map(|(x, y)| self.sample_gradient(x, *y)).collect()
    }

    /// The gradient of the mean loss.
    pub(crate) fn gradient(&self) -> Vec<f64> {
        mean(&self.sample_gradients())
    }

    /// The mean loss.
    pub(crate) fn loss(&self) -> f64 {
        let samples = self.x.chunks(self.inputs).zip(&self.y);
        let surprise = |(x, y): (&[f64], &u32)| {
            let logits = self.values(x).pop().expect("the logits");
            -softmax(&logits)[*y as usize].ln()
        };
        samples.map(surprise).sum::<f64>() / self.y.len() as f64
    }

    /// (1/B) sum_i |g_i - mean|^2 of every operation with parameters, over the sample gradients g_i.
    pub(crate) fn variances(&self) -> Vec<f64> {
        let samples = self.sample_gradients();
        let centre = mean(&samples);
        let of = |range: &Range<usize>| {
            let squares = samples.iter().map(|sample| {
                let pairs = sample[range.clone()].iter().zip(&centre[range.clone()]);
                pairs.map(|(g, m)| (g - m) * (g - m)).sum::<f64>()
            });
            squares.sum::<f64>() / samples.len() as f64
        };
        self.ranges.iter().map(of).collect()
    }

    pub(crate) fn moved(&self, index: usize, delta: f64) -> Self {
        let mut moved = self.clone();
        moved.parameters[index] += delta;
        moved
    }

    /// The Hessian of the mean loss by central differences of the gradient, made symmetric.
    ///
    /// # Panics
    /// Panics where the two estimates of an element differ by more than 1e-10 + 1e-8 of the largest, as they do where a
    /// difference crosses a kink, and where an element is not finite.
    pub(crate) fn hessian(&self) -> Vec<Vec<f64>> {
        let row = |index| -> Vec<f64> {
            let ends = [STEP, -STEP].map(|step| self.moved(index, step).gradient());
            let pairs = ends[0].iter().zip(&ends[1]);
            pairs.map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
        };
        let count = self.parameters.len();
        let rows: Vec<_> = (0..count).map(row).collect();
        let largest = rows.iter().flatten().fold(0.0, |m: f64, h| m.max(h.abs()));
        assert!(rows.iter().flatten().all(|h| h.is_finite()));
        assert!(asymmetry(&rows) <= 1e-10 + 1e-8 * largest);
        let symmetric = |i: usize| {
            (0..count)
                .map(|j| 0.5 * (rows[i][j] + rows[j][i]))
                .collect()
        };
        (0..count).map(symmetric).collect()
    }
}

fn add(sums: &mut [f64], terms: impl Iterator<Item = f64>) {
    sums.iter_mut()
        .zip(terms)
        .for_each(|(sum, term)| *sum += term);
}

/// A sample's units with mean 0 and variance 1 or a little less, and the inverse of what they were divided by.
fn normalise(units: &[f64]) -> (Vec<f64>, f64) {
    let count = units.len() as f64;
    let mean = units.iter().sum::<f64>() / count;
    let squares = units.iter().map(|x| (x - mean) * (x - mean));
    let scale = 1.0 / (squares.sum::<f64>() / count + 1e-5).sqrt();
    (units.iter().map(|x| scale * (x - mean)).collect(), scale)
}
