//! Indicators of lost trainability, from one minibatch: dead and dormant units, entropy of unit signs, ranks of the
//! features, and the rank of the empirical Fisher matrix in place of the Hessian's.
//!
//! They are computed on the host in float64, from the results of one forward and backward pass. Another training loop can
//! fill a [`Pass`] and call [`Pass::indicators`].
//!
//! - `pass`: the numbers of one pass, and their check.
//! - `fisher`: the Fisher matrix of the gradients of single samples, to which every block adds its share.
//! - `units`: dead and dormant units, and the entropy of unit signs.
//! - `rank`: eigenvalues of a Gram matrix, and ranks computed from them.
//! - `stored`: the pass that the training buffers of one replica hold.

mod fisher;
mod pass;
mod rank;
mod stored;
#[cfg(test)]
mod tests;
mod units;

pub use pass::{BlockPass, HiddenPass, Pass, Samples};
pub(crate) use stored::{Source, of_stored, sources};

/// Threshold of dormant units: a unit is dormant if its mean |activation| is at most this share of its layer's mean (Sokar
/// et al., ICML 2023).
pub const DORMANT_SHARE: f64 = 0.025;

/// Largest number of samples in the Fisher matrix.
pub const FISHER_SAMPLES: usize = 100;

/// Share of the trace of the Fisher matrix that the counted eigenvalues reach.
pub const FISHER_TRACE_SHARE: f64 = 0.99;

/// Indicators of the units of one hidden layer. A unit is one pre-activation z with its activation h. At several positions, as
/// of an image, a unit is a channel, and each position of each sample counts as a sample. The two copies of
/// CReLU are one unit, with h = relu(z) - relu(-z) = z. Those of Fourier features are one unit, too; sin z and cos z are
/// the same for all samples where z is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitIndicators {
    /// Share of dead units: h = 0 for every sample (ReLU, CReLU), or the same h for every sample (other activations,
    /// which have no zero at which to be stuck); for Fourier features, the same z.
    pub dead: f64,
    /// Share of dormant units: mean |h| at most [`DORMANT_SHARE`] of the mean over all units. No Fourier feature is
    /// dormant: sin^2 z + cos^2 z = 1.
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
