//! Indicators of lost trainability, from one minibatch: dead and dormant units, entropy of unit signs, ranks of the
//! features, and the rank of the empirical Fisher matrix in place of the Hessian's.
//!
//! They are computed on the host in float64, from the results of one forward and backward pass. Another training loop can
//! fill a [`Pass`] and call [`Pass::indicators`].

use bytemuck::cast_slice;
use faer::{Mat, Side};

use crate::error::Error;
use crate::network::{Activation, Network, Node, Value};
use crate::probe::check_finite;
use crate::spec::TrainingSpec;
use crate::state::ReplicaState;

/// Threshold of dormant units: a unit is dormant if its mean |activation| is at most this share of its layer's mean (Sokar
/// et al., ICML 2023).
pub const DORMANT_SHARE: f64 = 0.025;

/// Largest number of samples in the Fisher matrix.
pub const FISHER_SAMPLES: usize = 100;

/// Share of the trace of the Fisher matrix that the counted eigenvalues reach.
pub const FISHER_TRACE_SHARE: f64 = 0.99;

/// Indicators of the units of one hidden layer. A unit is one pre-activation z with its activation h. The two copies of
/// CReLU are one unit, with h = relu(z) - relu(-z) = z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitIndicators {
    /// Share of dead units: h = 0 for every sample (ReLU, CReLU), or the same h for every sample (other activations,
    /// which have no zero at which to be stuck).
    pub dead: f64,
    /// Share of dormant units: mean |h| at most [`DORMANT_SHARE`] of the mean over all units.
    pub dormant: f64,
    /// Mean over units of the entropy of the sign of z, in nats: -p ln p - (1 - p) ln(1 - p), where p is the share of
    /// samples with z > 0 (Lewandowski et al., ICLR 2025, arXiv 2410.20634). It is at most ln 2, and 0 if no z changes
    /// its sign on the minibatch.
    pub sign_entropy: f64,
}

/// Indicators of one replica on one minibatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Indicators {
    /// One entry per hidden layer.
    pub hidden: Vec<UnitIndicators>,
    /// Effective rank of the last layer's inputs F `[batch, inputs]`: exp of the entropy of the singular values divided by
    /// their sum (Roy and Vetterli, EUSIPCO 2007); 0 if F is zero.
    pub effective_rank: f64,
    /// Stable rank of F: the sum of squared singular values, divided by the largest one squared; 0 if F is zero.
    pub stable_rank: f64,
    /// Number of the largest eigenvalues of the empirical Fisher matrix that reach [`FISHER_TRACE_SHARE`] of its trace. The
    /// matrix is the mean of g g^T over the per-sample gradients g of the first [`FISHER_SAMPLES`] samples; 0 if it is
    /// zero.
    pub fisher_rank: usize,
    /// Effective rank of the Fisher matrix: exp of the entropy of its eigenvalues divided by their sum; 0 if all are 0.
    pub fisher_effective_rank: f64,
}

/// Stored matrix with a row per sample.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Elements, at least `[batch, stride]`; rows after the batch are ignored.
    pub values: &'a [f32],
    /// Elements from one row to the next.
    pub stride: usize,
    /// Number of parts of a row, each `stride / copies` long: 2 after CReLU (first relu(z), then relu(-z)), otherwise 1.
    pub copies: usize,
    /// Number of elements at the start of each part that are not padding.
    pub width: usize,
}

/// One linear layer in a pass.
#[derive(Clone, Copy, Debug)]
pub struct LayerPass<'a> {
    /// Inputs of the layer: the minibatch, or the activations of the layer below.
    pub inputs: Samples<'a>,
    /// Gradients of every sample's loss with respect to the layer's pre-activations. A common factor for all samples and
    /// layers, such as 1 / batch, changes nothing.
    pub gradients: Samples<'a>,
}

/// Forward and backward pass of one minibatch.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    /// Number of samples.
    pub batch: usize,
    /// Activation between the layers.
    pub activation: Activation,
    /// Layers, from first to last.
    pub layers: Vec<LayerPass<'a>>,
}

impl<'a> Samples<'a> {
    fn part(&self, sample: usize, copy: usize) -> &'a [f32] {
        let start = sample * self.stride + copy * (self.stride / self.copies);
        &self.values[start..start + self.width]
    }

    /// Elements of one sample, without padding.
    fn row(&self, sample: usize) -> impl Iterator<Item = f64> {
        let parts = (0..self.copies).flat_map(move |copy| self.part(sample, copy));
        parts.map(|value| f64::from(*value))
    }

    /// Copies the matrix without padding, `[batch, copies * width]`.
    fn matrix(&self, batch: usize) -> Mat<f64> {
        let part = |sample, column| self.part(sample, column / self.width)[column % self.width];
        Mat::from_fn(batch, self.copies * self.width, |sample, column| {
            part(sample, column).into()
        })
    }

    /// Activations of a unit, one for each sample.
    fn unit(&self, batch: usize, unit: usize) -> Vec<f64> {
        let value = |sample, copy| f64::from(self.part(sample, copy)[unit]);
        let crelu = self.copies == 2;
        (0..batch)
            .map(|sample| value(sample, 0) - if crelu { value(sample, 1) } else { 0.0 })
            .collect()
    }

    fn check(&self, what: &'static str, batch: usize) -> Result<(), Error> {
        let (copies, width) = (self.copies, self.width);
        if !(1..=2).contains(&copies) {
            return Err(Error::invalid(what, "1 or 2 copies", copies));
        }
        if width == 0 || width > self.stride / copies {
            let wanted = format!("a width of 1 to {}", self.stride / copies);
            return Err(Error::invalid(what, wanted, width));
        }
        if self.values.len() / self.stride < batch {
            let wanted = format!("{batch} rows of {}", self.stride);
            return Err(Error::invalid(what, wanted, self.values.len()));
        }
        let mut values = (0..batch).flat_map(|sample| self.row(sample));
        match values.find(|value| !value.is_finite()) {
            Some(value) => Err(Error::invalid(what, "finite numbers", value)),
            None => Ok(()),
        }
    }
}

impl Pass<'_> {
    /// # Errors
    /// There is no sample or no layer, a matrix is too small for its shape, or a number is not finite.
    pub fn indicators(&self) -> Result<Indicators, Error> {
        self.check()?;
        let [.., last] = &self.layers[..] else {
            return Err(Error::invalid("layers of a pass", "1 at least", 0));
        };
        let units = |layer: &LayerPass<'_>| units(self.activation, &layer.inputs, self.batch);
        let features = eigenvalues(&smaller_gram(&last.inputs.matrix(self.batch)))?;
        let fisher = eigenvalues(&self.fisher_gram())?;
        let singular_values: Vec<f64> = features.iter().map(|value| value.sqrt()).collect();
        let largest = features.iter().copied().fold(0.0, f64::max);
        Ok(Indicators {
            hidden: self.layers[1..].iter().map(units).collect(),
            effective_rank: effective_rank(&singular_values),
            stable_rank: if largest > 0.0 {
                features.iter().sum::<f64>() / largest
            } else {
                0.0
            },
            fisher_rank: rank_of_share(&fisher, FISHER_TRACE_SHARE),
            fisher_effective_rank: effective_rank(&fisher),
        })
    }

    fn check(&self) -> Result<(), Error> {
        if self.batch == 0 {
            return Err(Error::invalid("samples of a pass", "1 at least", 0));
        }
        self.layers.iter().try_for_each(|layer| {
            layer.inputs.check("activations", self.batch)?;
            layer
                .gradients
                .check("pre-activation gradients", self.batch)
        })
    }

    /// Gram matrix `G[i, j] = g_i . g_j`. It has the eigenvalues of the Fisher matrix, except for a factor and zeros. The
    /// gradients g are not formed: the share of a linear layer is `(d_i . d_j) (a_i . a_j + 1)`.
    fn fisher_gram(&self) -> Mat<f64> {
        let samples = self.batch.min(FISHER_SAMPLES);
        let mut gram = Mat::<f64>::zeros(samples, samples);
        for layer in &self.layers {
            let [inputs, gradients] = [&layer.inputs, &layer.gradients].map(|part| {
                let matrix = part.matrix(samples);
                &matrix * matrix.transpose()
            });
            gram += Mat::from_fn(samples, samples, |i, j| {
                gradients[(i, j)] * (inputs[(i, j)] + 1.0)
            });
        }
        gram
    }
}

fn units(activation: Activation, activations: &Samples<'_>, batch: usize) -> UnitIndicators {
    let units: Vec<Vec<f64>> = (0..activations.width)
        .map(|unit| activations.unit(batch, unit))
        .collect();
    let magnitude = |unit: &Vec<f64>| mean(unit.iter().map(|h| h.abs()));
    let magnitudes: Vec<f64> = units.iter().map(magnitude).collect();
    let threshold = DORMANT_SHARE * mean(magnitudes.iter().copied());
    let is_dead = |unit: &Vec<f64>| {
        let stuck_at = match activation {
            Activation::Relu | Activation::Crelu => 0.0,
            _ => unit[0],
        };
        unit.iter().all(|h| *h == stuck_at)
    };
    UnitIndicators {
        dead: mean(units.iter().map(|unit| f64::from(is_dead(unit)))),
        dormant: mean(magnitudes.iter().map(|m| f64::from(*m <= threshold))),
        sign_entropy: mean(units.iter().map(|unit| sign_entropy(unit))),
    }
}

fn sign_entropy(unit: &[f64]) -> f64 {
    let positive = mean(unit.iter().map(|h| f64::from(*h > 0.0)));
    entropy_term(positive) + entropy_term(1.0 - positive)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Computes `M M^T` or `M^T M`, whichever has fewer elements. The eigenvalues of both are the squared singular values.
fn smaller_gram(matrix: &Mat<f64>) -> Mat<f64> {
    if matrix.nrows() <= matrix.ncols() {
        matrix * matrix.transpose()
    } else {
        matrix.transpose() * matrix
    }
}

/// Computes the eigenvalues of a Gram matrix, largest first. Eigenvalues at the level of rounding, which may be negative,
/// are set to 0.
fn eigenvalues(gram: &Mat<f64>) -> Result<Vec<f64>, Error> {
    let mut values = gram
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| Error::invalid("eigenvalues of a Gram matrix", "convergence", "none"))?;
    values.reverse();
    let rounding = values.len() as f64 * f64::EPSILON * values[0];
    let clean = |value: f64| if value > rounding { value } else { 0.0 };
    Ok(values.into_iter().map(clean).collect())
}

/// Computes exp of the entropy of non-negative numbers divided by their sum; 0 if all are 0.
fn effective_rank(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    if sum == 0.0 {
        return 0.0;
    }
    let entropy: f64 = values.iter().map(|value| entropy_term(value / sum)).sum();
    entropy.exp()
}

/// Counts how many of the largest `values`, sorted in descending order, reach `share` of their sum.
fn rank_of_share(values: &[f64], share: f64) -> usize {
    let wanted = share * values.iter().sum::<f64>();
    let mut sum = 0.0;
    values
        .iter()
        .take_while(|value| {
            let missing = sum < wanted;
            sum += **value;
            missing
        })
        .count()
}

/// Computes -p ln p; 0 at p = 0.
fn entropy_term(p: f64) -> f64 {
    if p > 0.0 { -p * p.ln() } else { 0.0 }
}

/// Computes the indicators from one replica's parts of [`crate::plan::Buffers::indicator_sources`].
pub(crate) fn of_stored(spec: &TrainingSpec, parts: &[&[u32]]) -> Result<Indicators, Error> {
    let nodes = spec.network.nodes();
    let (probe, pass) = parts.split_at(2);
    let states: &[ReplicaState] = cast_slice(probe[0]);
    check_finite(&states[0], cast_slice(probe[1]))?;
    let (inputs, gradients) = pass.split_at(nodes.len());
    let layers = nodes.iter().zip(inputs).zip(gradients);
    let pass = Pass {
        batch: spec.batch as usize,
        activation: spec.network.activation(),
        layers: layers
            .map(|((node, inputs), gradients)| {
                layer_pass(
                    &spec.network,
                    node,
                    cast_slice(inputs),
                    cast_slice(gradients),
                )
            })
            .collect(),
    };
    pass.indicators()
}

fn layer_pass<'a>(
    network: &Network,
    node: &Node,
    inputs: &'a [f32],
    gradients: &'a [f32],
) -> LayerPass<'a> {
    let samples = |values, value: &Value, copies| Samples {
        values,
        stride: (value.padded_units() * copies) as usize,
        copies: copies as usize,
        width: value.units as usize,
    };
    let input = network.value(node.inputs[0]);
    LayerPass {
        inputs: samples(inputs, input, input.copies()),
        gradients: samples(gradients, network.value(node.output), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f32], width: usize) -> Samples<'_> {
        Samples {
            values,
            stride: width,
            copies: 1,
            width,
        }
    }

    /// Indicators of a network of two layers whose hidden activations are `features`.
    fn of_features(activation: Activation, batch: usize, features: Samples<'_>) -> Indicators {
        let ones = vec![1.0; batch * features.width];
        let lower = LayerPass {
            inputs: samples(&ones, 1),
            gradients: samples(&ones, features.width),
        };
        let upper = LayerPass {
            inputs: features,
            gradients: samples(&ones, 1),
        };
        let pass = Pass {
            batch,
            activation,
            layers: vec![lower, upper],
        };
        pass.indicators().unwrap()
    }

    fn units_of(activation: Activation, batch: usize, features: &[f32]) -> UnitIndicators {
        let width = features.len() / batch;
        of_features(activation, batch, samples(features, width)).hidden[0]
    }

    #[track_caller]
    fn assert_near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found} instead of {wanted}");
    }

    const LN_2: f64 = std::f64::consts::LN_2;

    #[test]
    fn orthogonal_features_have_full_rank() {
        // Columns of a Hadamard matrix, so that singular values are those of the scales.
        let hadamard = |i: usize, j: usize| {
            if (i & j).count_ones().is_multiple_of(2) {
                1.0
            } else {
                -1.0
            }
        };
        for (scales, effective, stable) in [
            (vec![1.0; 3], 3.0, 3.0),
            (
                vec![3.0, 1.0],
                (2.0 * LN_2 - 0.75 * 3_f64.ln()).exp(),
                10.0 / 9.0,
            ),
            (vec![2.0, 0.0, 2.0], 2.0, 2.0),
        ] {
            let width = scales.len();
            let element = |i: usize, j: usize| scales[j] * hadamard(i, j);
            let tall: Vec<f32> = (0..8 * width)
                .map(|n| element(n / width, n % width))
                .collect();
            let wide: Vec<f32> = (0..8 * width).map(|n| element(n % 8, n / 8)).collect();
            for (batch, features) in [(8, &tall), (width, &wide)] {
                let features = samples(features, features.len() / batch);
                let found = of_features(Activation::Identity, batch, features);
                assert_near(found.effective_rank, effective);
                assert_near(found.stable_rank, stable);
            }
        }
    }

    #[test]
    fn features_of_rank_one_have_rank_one() {
        let features: Vec<f32> = (0..35)
            .map(|n| (n / 7) as f32 * 0.5 * ((n % 7) as f32 - 2.0))
            .collect();
        let found = of_features(Activation::Tanh, 5, samples(&features, 7));
        assert_near(found.effective_rank, 1.0);
        assert_near(found.stable_rank, 1.0);
    }

    #[test]
    fn zero_features_have_rank_zero_and_are_dead_and_dormant() {
        let found = of_features(Activation::Relu, 4, samples(&[0.0; 12], 3));
        assert_eq!((found.effective_rank, found.stable_rank), (0.0, 0.0));
        let wanted = UnitIndicators {
            dead: 1.0,
            dormant: 1.0,
            sign_entropy: 0.0,
        };
        assert_eq!(found.hidden, [wanted]);
    }

    #[test]
    fn dead_is_zero_for_relu_and_constant_for_others() {
        // Units: always zero; constant; zero for one of two samples.
        let features = [0.0, 0.5, 0.0, 0.0, 0.5, 0.5];
        assert_near(units_of(Activation::Relu, 2, &features).dead, 1.0 / 3.0);
        for activation in [
            Activation::Tanh,
            Activation::LeakyRelu,
            Activation::Identity,
        ] {
            assert_near(units_of(activation, 2, &features).dead, 2.0 / 3.0);
        }
    }

    #[test]
    fn dormant_units_are_those_below_a_share_of_the_mean() {
        // Mean activations 4, 0.05 and 1.95: the mean of them is 2, the threshold 0.05.
        let features = [4.0, 0.1, 1.95, 4.0, 0.0, -1.95];
        let at_threshold = |second: f32| {
            let mut features = features;
            features[1] = second;
            units_of(Activation::LeakyRelu, 2, &features).dormant
        };
        assert_near(at_threshold(0.099), 1.0 / 3.0);
        assert_near(at_threshold(0.102), 0.0);
    }

    #[test]
    fn sign_entropy_is_that_of_a_biased_coin() {
        // Positive for one of four samples, for two, for all.
        let features = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let quarter = 0.25 * 4_f64.ln() + 0.75 * (4.0 / 3.0_f64).ln();
        let found = units_of(Activation::Relu, 4, &features).sign_entropy;
        assert_near(found, (quarter + LN_2) / 3.0);
    }

    #[test]
    fn a_crelus_copies_are_one_unit_and_padding_is_ignored() {
        const PAD: f32 = f32::NAN;
        // z = [1, -2, 0], [-1, -2, 0], each copy padded to four, and a row of padding.
        let rows = [
            [1.0, 0.0, 0.0, PAD, 0.0, 2.0, 0.0, PAD],
            [0.0, 0.0, 0.0, PAD, 1.0, 2.0, 0.0, PAD],
            [PAD; 8],
        ];
        let features = Samples {
            values: rows.as_flattened(),
            stride: 8,
            copies: 2,
            width: 3,
        };
        let found = of_features(Activation::Crelu, 2, features);
        assert_near(found.hidden[0].dead, 1.0 / 3.0);
        assert_near(found.hidden[0].dormant, 1.0 / 3.0);
        assert_near(found.hidden[0].sign_entropy, LN_2 / 3.0);
        // Rows [1, 0, 2] and [0, 1, 2] of what is not zero: Gram [5 4; 4 5], eigenvalues 9 and 1.
        assert_near(found.stable_rank, 10.0 / 9.0);
        assert_near(found.effective_rank, (LN_2 * 2.0 - 0.75 * 3_f64.ln()).exp());
    }

    fn fisher(batch: usize, inputs: &[f32], gradients: &[f32]) -> (usize, f64) {
        let layer = LayerPass {
            inputs: samples(inputs, inputs.len() / batch),
            gradients: samples(gradients, gradients.len() / batch),
        };
        let pass = Pass {
            batch,
            activation: Activation::Identity,
            layers: vec![layer],
        };
        let found = pass.indicators().unwrap();
        assert!(found.hidden.is_empty());
        (found.fisher_rank, found.fisher_effective_rank)
    }

    #[test]
    fn the_fisher_rank_counts_directions_of_sample_gradients() {
        // One-hot gradients: G is diagonal, its elements d^2 (a^2 + 1).
        let (rank, effective) = fisher(3, &[2.0; 3], &[1., 0., 0., 0., 1., 0., 0., 0., 1.]);
        assert_eq!(rank, 3);
        assert_near(effective, 3.0);
        // All gradients are equal.
        let (rank, effective) = fisher(3, &[2.0; 3], &[0.5; 3]);
        assert_eq!(rank, 1);
        assert_near(effective, 1.0);
        // Shares of the trace in percent.
        let weighted = |weights: [f32; 3]| {
            let [a, b, c] = weights.map(f32::sqrt);
            fisher(3, &[0.0; 3], &[a, 0., 0., 0., b, 0., 0., 0., c])
        };
        assert_eq!(weighted([97.0, 1.5, 1.5]).0, 3);
        assert_eq!(weighted([98.0, 1.5, 0.5]).0, 2);
        let (rank, effective) = weighted([99.5, 0.5, 0.0]);
        assert_eq!(rank, 1);
        let entropy = entropy_term(0.995) + entropy_term(0.005);
        assert!((effective - entropy.exp()).abs() < 1e-6, "{effective}");
        assert_eq!(fisher(3, &[1.0; 3], &[0.0; 9]), (0, 0.0));
    }

    #[test]
    fn inputs_tell_samples_apart_that_have_equal_gradients() {
        // a = 1, -1 with d = 1: G = [2 0; 0 2]. Without the bias it would be [1 -1; -1 1].
        let (rank, effective) = fisher(2, &[1.0, -1.0], &[1.0, 1.0]);
        assert_eq!(rank, 2);
        assert_near(effective, 2.0);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refusal = |batch, inputs: Samples<'_>, gradients: Samples<'_>| {
            let layers = vec![LayerPass { inputs, gradients }];
            let activation = Activation::Relu;
            let pass = Pass {
                batch,
                activation,
                layers,
            };
            pass.indicators().unwrap_err().to_string()
        };
        let fine = samples(&[1.0, 2.0], 1);
        assert_eq!(
            refusal(2, samples(&[1.0, f32::NAN], 1), fine),
            "activations: wanted finite numbers, found NaN"
        );
        assert_eq!(
            refusal(2, fine, samples(&[1.0, f32::INFINITY], 1)),
            "pre-activation gradients: wanted finite numbers, found inf"
        );
        assert_eq!(
            refusal(0, fine, fine),
            "samples of a pass: wanted 1 at least, found 0"
        );
        assert_eq!(
            refusal(3, fine, fine),
            "activations: wanted 3 rows of 1, found 2"
        );
        assert_eq!(
            refusal(1, Samples { width: 2, ..fine }, fine),
            "activations: wanted a width of 1 to 1, found 2"
        );
        assert_eq!(
            refusal(1, Samples { stride: 0, ..fine }, fine),
            "activations: wanted a width of 1 to 0, found 1"
        );
        assert_eq!(
            refusal(1, fine, Samples { copies: 0, ..fine }),
            "pre-activation gradients: wanted 1 or 2 copies, found 0"
        );
        let empty = Pass {
            batch: 1,
            activation: Activation::Relu,
            layers: Vec::new(),
        };
        assert_eq!(
            empty.indicators().unwrap_err().to_string(),
            "layers of a pass: wanted 1 at least, found 0"
        );
    }
}
