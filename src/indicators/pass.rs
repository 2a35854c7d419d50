//! The numbers of one forward and backward pass, from which indicators are computed.

use std::ops::Range;

use faer::Mat;

use super::fisher::fisher_gram;
use super::rank::{effective_rank, eigenvalues, rank_of_share, smaller_gram};
use super::units::units;
use super::{FISHER_SAMPLES, FISHER_TRACE_SHARE, Indicators};
use crate::error::Error;
use crate::network::Activation;

/// Stored matrix with a row for each position of each sample: the positions of the first sample, then those of the second.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Elements, at least `[batch, positions, stride]`; rows after the batch are ignored.
    pub values: &'a [f32],
    /// Number of positions of a sample: 1 for a vector, the pixels of an image, the tokens of a sequence.
    pub positions: usize,
    /// Elements from one row to the next.
    pub stride: usize,
    /// Number of parts of a row, each `stride / copies` long: 2 after CReLU (first relu(z), then relu(-z)) and Fourier
    /// features (sin z, cos z), otherwise 1.
    pub copies: usize,
    /// Number of elements at the start of each part that are not padding.
    pub width: usize,
}

/// One hidden layer in a pass: units whose activations something reads. Each position of each sample observes all units.
#[derive(Clone, Copy, Debug)]
pub struct HiddenPass<'a> {
    /// Activation of the units; it says when a unit is dead.
    pub activation: Activation,
    /// Activations f(z) of the units.
    pub values: Samples<'a>,
    /// Pre-activations z of the units, one copy. Fourier features need them; others ignore them.
    pub pre_activations: Option<Samples<'a>>,
}

/// One block of parameters in a pass: its share of the gradients of single samples. A common factor for all samples and
/// blocks, such as 1 / batch, changes nothing.
#[derive(Clone, Debug)]
pub enum BlockPass<'a> {
    /// Weights and biases of a linear operation, which acts at every position. The gradient of a sample is the sum over its
    /// positions.
    Linear {
        /// Inputs of the operation: the minibatch, activations, or patches of an image.
        inputs: Samples<'a>,
        /// Gradients of every sample's loss with respect to the pre-activations, at the positions of the inputs.
        gradients: Samples<'a>,
    },
    /// Any other block: its gradient of every sample, at least of the first [`FISHER_SAMPLES`].
    SampleGradients(Vec<Vec<f64>>),
}

/// Forward and backward pass of one minibatch.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    /// Number of samples.
    pub batch: usize,
    /// Hidden layers, from first to last.
    pub hidden: Vec<HiddenPass<'a>>,
    /// Inputs of the last linear operation, of which the ranks are computed.
    pub features: Samples<'a>,
    /// Blocks, from first to last.
    pub blocks: Vec<BlockPass<'a>>,
}

impl<'a> Samples<'a> {
    fn part(&self, row: usize, copy: usize) -> &'a [f32] {
        let start = row * self.stride + copy * (self.stride / self.copies);
        &self.values[start..start + self.width]
    }

    /// Returns the elements of one row, without padding.
    fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        let parts = (0..self.copies).flat_map(move |copy| self.part(row, copy));
        parts.map(|value| f64::from(*value))
    }

    /// Returns the rows of a sample, one for each position, without padding.
    pub(super) fn rows_of(&self, sample: usize) -> impl Iterator<Item = impl Iterator<Item = f64>> {
        let rows = sample * self.positions..(sample + 1) * self.positions;
        rows.map(|row| self.row(row))
    }

    /// The number of elements of a row, without padding.
    pub(super) fn columns(&self) -> usize {
        self.copies * self.width
    }

    /// Copies these rows of the matrix without padding, `[rows, copies * width]`.
    pub(super) fn matrix(&self, rows: Range<usize>) -> Mat<f64> {
        let part = |row, column| self.part(row, column / self.width)[column % self.width];
        Mat::from_fn(rows.len(), self.columns(), |row, column| {
            part(rows.start + row, column).into()
        })
    }

    /// Returns the activations of a unit, one for each position of each sample.
    pub(super) fn unit(&self, batch: usize, unit: usize) -> Vec<f64> {
        let value = |row, copy| f64::from(self.part(row, copy)[unit]);
        let crelu = self.copies == 2;
        (0..batch * self.positions)
            .map(|row| value(row, 0) - if crelu { value(row, 1) } else { 0.0 })
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
        let rows = batch * self.positions;
        if rows == 0 || self.values.len() / self.stride < rows {
            let wanted = format!("{rows} rows of {}, 1 at least", self.stride);
            return Err(Error::invalid(what, wanted, self.values.len()));
        }
        let mut values = (0..rows).flat_map(|row| self.row(row));
        match values.find(|value| !value.is_finite()) {
            Some(value) => Err(Error::invalid(what, "finite numbers", value)),
            None => Ok(()),
        }
    }
}

impl HiddenPass<'_> {
    /// The samples that tell units apart: z of Fourier features, else f(z).
    fn unit_samples(&self) -> Result<&Samples<'_>, Error> {
        if self.activation != Activation::Fourier {
            return Ok(&self.values);
        }
        let pre_activations = self.pre_activations.as_ref();
        pre_activations
            .ok_or_else(|| Error::invalid("a pass of Fourier features", "pre-activations", "none"))
    }

    fn check(&self, batch: usize) -> Result<(), Error> {
        self.values.check("activations", batch)?;
        match &self.pre_activations {
            Some(pre_activations) => pre_activations.check("pre-activations", batch),
            None => Ok(()),
        }
    }
}

impl BlockPass<'_> {
    fn check(&self, batch: usize) -> Result<(), Error> {
        match self {
            Self::Linear { inputs, gradients } => {
                inputs.check("activations", batch)?;
                gradients.check("pre-activation gradients", batch)?;
                if inputs.positions == gradients.positions {
                    return Ok(());
                }
                let wanted = format!("{} positions, as the inputs", inputs.positions);
                let found = gradients.positions;
                Err(Error::invalid("pre-activation gradients", wanted, found))
            }
            Self::SampleGradients(rows) => {
                let wanted = batch.min(FISHER_SAMPLES);
                Error::check_length(
                    "sample gradients of a block",
                    wanted,
                    rows.len().min(wanted),
                )?;
                let first = rows.first().map_or(0, Vec::len);
                rows.iter().try_for_each(|row| {
                    Error::check_length("a sample gradient of a block", first, row.len())
                })?;
                match rows.iter().flatten().find(|value| !value.is_finite()) {
                    Some(value) => Err(Error::invalid("sample gradients", "finite numbers", value)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Pass<'_> {
    /// Computes the indicators.
    ///
    /// # Errors
    /// There is no sample or no block, a matrix is too small for its shape, a number is not finite, or Fourier features
    /// come without pre-activations.
    pub fn indicators(&self) -> Result<Indicators, Error> {
        self.check()?;
        let units = |layer: &HiddenPass<'_>| {
            let samples = layer.unit_samples()?;
            Ok(units(layer.activation, samples, self.batch))
        };
        let hidden: Result<_, Error> = self.hidden.iter().map(units).collect();
        let rows = self.batch * self.features.positions;
        let features = eigenvalues(&smaller_gram(&self.features.matrix(0..rows)))?;
        let fisher = eigenvalues(&fisher_gram(self.batch, &self.blocks))?;
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
        if self.blocks.is_empty() {
            return Err(Error::invalid("blocks of a pass", "1 at least", 0));
        }
        let batch = self.batch;
        self.hidden
            .iter()
            .try_for_each(|layer| layer.check(batch))?;
        self.features.check("activations", batch)?;
        self.blocks.iter().try_for_each(|block| block.check(batch))
    }
}
