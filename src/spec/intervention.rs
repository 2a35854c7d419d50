//! Interventions: changes of a replica's parameters besides the optimiser's updates.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A change of parameters that no gradient makes. A replica has each kind once at most. The kinds run in the order of
/// this list, after the reset of [`super::TaskSwitch`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Intervention {
    /// When a task begins, `theta = shrink theta + perturb fresh`, where `fresh` is drawn like the initial parameters:
    /// shrink and perturb (Ash and Adams, arXiv 1910.08475). The optimiser's state stays.
    ShrinkPerturb {
        /// Factor of the parameters, 0 to 1.
        shrink: f32,
        /// Factor of the fresh draw, 0 or more.
        perturb: f32,
    },
    /// When a task begins, every weight matrix W `[outputs, inputs]` becomes `sqrt(outputs / inputs) W (W^T W)^(-1/2)`, the
    /// nearest matrix with equal singular values, and of that size: FIRE (Han et al., arXiv 2602.08040). As in the published
    /// code, Newton-Schulz iterations approach it: `X = W / |W|` at first, in the Frobenius norm, then
    /// `X = 1.5 X - 0.5 X X^T X`, and at the end `W = sqrt(outputs / inputs) X`. Small singular values stay small where
    /// the iterations are few. All weight matrices take part; biases, gains, embeddings and the optimiser's moments are
    /// left alone. A convolution is one matrix of output channels by elements of a patch, where the published code takes
    /// a matrix of channels for each element of the window; queries, keys and values that one linear operation makes
    /// are one matrix.
    Fire {
        /// The number of iterations, 1 to 100; 10 where a file leaves it out, as in the published code.
        #[serde(default = "fire_iterations")]
        iterations: u32,
    },
    /// After every update, every parameter is clipped to `[-kappa bound, kappa bound]`, where `bound` is the largest
    /// absolute value that the block's initial weights can have: weight clipping (Elsayed et al., arXiv 2407.01704).
    /// Blocks whose initial parameters are constants, the gains and biases of normalisations, are not clipped.
    WeightClipping {
        /// The limit as a multiple of `bound`, more than 0.
        kappa: f32,
    },
    /// After every update, every weight matrix is rescaled to the Frobenius norm that it had at the start: the projection
    /// of normalise-and-project, NaP (Lyle et al., arXiv 2407.01800, algorithm 1). NaP is this and layer normalisation
    /// before each activation, which the network lists by itself. All weight matrices are projected, that of the last
    /// layer too. Biases, gains, embeddings and the optimiser's moments are left alone. A fresh network at a task switch
    /// keeps the norms of the start.
    NormProjection,
}

/// The number of Newton-Schulz iterations of FIRE's published code.
fn fire_iterations() -> u32 {
    10
}

/// Checks that every number is in its range, and that no kind occurs twice.
pub(super) fn check(interventions: &[Intervention]) -> Result<(), Error> {
    for (place, intervention) in interventions.iter().enumerate() {
        intervention.check()?;
        let kind = std::mem::discriminant(intervention);
        let is_same = |other: &Intervention| std::mem::discriminant(other) == kind;
        if interventions[..place].iter().any(is_same) {
            let found = format!("{intervention:?} besides another of its kind");
            return Err(Error::invalid("interventions", "each kind once", found));
        }
    }
    Ok(())
}

impl Intervention {
    /// Whether it works on weight matrices as matrices.
    pub(super) fn works_on_matrices(&self) -> bool {
        matches!(self, Self::NormProjection | Self::Fire { .. })
    }

    /// Whether it multiplies weight matrices.
    pub(super) fn multiplies_matrices(&self) -> bool {
        matches!(self, Self::Fire { .. })
    }

    fn check(&self) -> Result<(), Error> {
        let check = |what, wanted, value: f32, is_good: bool| match is_good && value.is_finite() {
            true => Ok(()),
            false => Err(Error::invalid(what, wanted, value)),
        };
        match *self {
            Self::ShrinkPerturb { shrink, perturb } => {
                check("shrink", "0 to 1", shrink, (0.0..=1.0).contains(&shrink))?;
                check("perturb", "0 or more, finite", perturb, perturb >= 0.0)
            }
            Self::WeightClipping { kappa } => {
                check("kappa", "more than 0, finite", kappa, kappa > 0.0)
            }
            Self::Fire { iterations } => {
                let wanted = "1 to 100";
                let is_good = (1..=100).contains(&iterations);
                is_good
                    .then_some(())
                    .ok_or_else(|| Error::invalid("iterations", wanted, iterations))
            }
            Self::NormProjection => Ok(()),
        }
    }
}
