//! The numbers of one forward and backward pass, from which indicators are computed.

use faer::Mat;

use super::rank::{effective_rank, eigenvalues, rank_of_share, smaller_gram};
use super::units::units;
use super::{FISHER_SAMPLES, FISHER_TRACE_SHARE, Indicators};
use crate::error::Error;
use crate::network::Activation;

/// Stored matrix with a row per sample.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Elements, at least `[batch, stride]`; rows after the batch are ignored.
    pub values: &'a [f32],
    /// Elements from one row to the next.
    pub stride: usize,
    /// Number of parts of a row, each `stride / copies` long: 2 after CReLU (first relu(z), then relu(-z)) and Fourier
    /// features (sin z, cos z), otherwise 1.
    pub copies: usize,
    /// Number of elements at the start of each part that are not padding.
    pub width: usize,
}

/// One linear layer in a pass.
#[derive(Clone, Copy, Debug)]
pub struct LayerPass<'a> {
    /// Activation of the inputs; it says when a unit is dead.
    pub activation: Activation,
    /// Inputs of the layer: the minibatch, or the activations of the layer below.
    pub inputs: Samples<'a>,
    /// Pre-activations z of the inputs, one copy. Fourier features need them; others ignore them.
    pub pre_activations: Option<Samples<'a>>,
    /// Gradients of every sample's loss with respect to the layer's pre-activations. A common factor for all samples and
    /// layers, such as 1 / batch, changes nothing.
    pub gradients: Samples<'a>,
}

/// Forward and backward pass of one minibatch.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    /// Number of samples.
    pub batch: usize,
    /// Layers, from first to last.
    pub layers: Vec<LayerPass<'a>>,
}

impl<'a> Samples<'a> {
    fn part(&self, sample: usize, copy: usize) -> &'a [f32] {
        let start = sample * self.stride + copy * (self.stride / self.copies);
        &self.values[start..start + self.width]
    }

    /// Returns the elements of one sample, without padding.
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

    /// Returns the activations of a unit, one for each sample.
    pub(super) fn unit(&self, batch: usize, unit: usize) -> Vec<f64> {
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

impl LayerPass<'_> {
    /// The samples of the inputs that tell units apart: z of Fourier features, else f(z).
    fn unit_samples(&self) -> Result<&Samples<'_>, Error> {
        if self.activation != Activation::Fourier {
            return Ok(&self.inputs);
        }
        let pre_activations = self.pre_activations.as_ref();
        pre_activations
            .ok_or_else(|| Error::invalid("a pass of Fourier features", "pre-activations", "none"))
    }
}

impl Pass<'_> {
    /// Computes the indicators.
    ///
    /// # Errors
    /// There is no sample or no layer, a matrix is too small for its shape, a number is not finite, or Fourier features
    /// come without pre-activations.
    pub fn indicators(&self) -> Result<Indicators, Error> {
        self.check()?;
        let [.., last] = &self.layers[..] else {
            return Err(Error::invalid("layers of a pass", "1 at least", 0));
        };
        let units = |layer: &LayerPass<'_>| {
            let samples = layer.unit_samples()?;
            Ok(units(layer.activation, samples, self.batch))
        };
        let hidden: Result<_, Error> = self.layers[1..].iter().map(units).collect();
        let features = eigenvalues(&smaller_gram(&last.inputs.matrix(self.batch)))?;
        let fisher = eigenvalues(&self.fisher_gram())?;
        let singular_values: Vec<f64> = features.iter().map(|value| value.sqrt()).collect();
        let largest = features.iter().copied().fold(0.0, f64::max);
        Ok(Indicators {
            hidden: hidden?,
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
            if let Some(pre_activations) = &layer.pre_activations {
                pre_activations.check("pre-activations", self.batch)?;
            }
            layer
                .gradients
                .check("pre-activation gradients", self.batch)
        })
    }

    /// Computes the Gram matrix `G[i, j] = g_i . g_j`. It has the eigenvalues of the Fisher matrix, except for a factor and zeros. The
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
