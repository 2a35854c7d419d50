//! Ranks of a matrix, from the eigenvalues of its Gram matrix.

use faer::{Mat, Side};

use crate::error::Error;

/// Computes `M M^T` or `M^T M`, whichever has fewer elements. The eigenvalues of both are the squared singular values.
pub(super) fn smaller_gram(matrix: &Mat<f64>) -> Mat<f64> {
    if matrix.nrows() <= matrix.ncols() {
        matrix * matrix.transpose()
    } else {
        matrix.transpose() * matrix
    }
}

/// Computes the eigenvalues of a Gram matrix, largest first. Eigenvalues at the level of rounding, which may be negative,
/// are set to 0.
pub(super) fn eigenvalues(gram: &Mat<f64>) -> Result<Vec<f64>, Error> {
    let mut values = gram
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| Error::invalid("eigenvalues of a Gram matrix", "convergence", "none"))?;
    values.reverse();
    let rounding = values.len() as f64 * f64::EPSILON * values[0];
    let clean = |value: f64| if value > rounding { value } else { 0.0 };
    Ok(values.into_iter().map(clean).collect())
}

/// Computes exp of the entropy of non-negative numbers divided by their sum; 0 if all are 0.
pub(super) fn effective_rank(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    if sum == 0.0 {
        return 0.0;
    }
    let entropy: f64 = values.iter().map(|value| entropy_term(value / sum)).sum();
    entropy.exp()
}

/// Counts how many of the largest `values`, sorted in descending order, reach `share` of their sum.
pub(super) fn rank_of_share(values: &[f64], share: f64) -> usize {
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
pub(super) fn entropy_term(p: f64) -> f64 {
    if p > 0.0 { -p * p.ln() } else { 0.0 }
}
