//! Twins of the kernels that work on weight matrices as matrices.

mod matrix_gram;
mod matrix_normalise;
mod matrix_norms;
mod matrix_polynomial;
mod matrix_product;

use std::ops::Range;

use super::twins;
use crate::state::MatrixLayout;

twins! {
    matrix_norms: MatrixNorms,
    matrix_normalise: MatrixNormalise,
    matrix_gram: MatrixGram,
    matrix_product: MatrixProduct,
    matrix_polynomial: MatrixPolynomial,
}

impl MatrixLayout {
    /// The range of the matrix in a replica's parameters, padding included.
    pub(crate) fn elements(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.rows as usize * self.columns as usize
    }

    /// The range of its Gram matrix, among those of all matrices.
    pub(crate) fn gram(&self) -> Range<usize> {
        let (start, side) = (self.gram_start as usize, self.side() as usize);
        start..start + side * side
    }

    /// The range of its vector over stored rows, among those of all matrices.
    pub(crate) fn input_vector(&self) -> Range<usize> {
        let first = self.first_row as usize;
        first..first + self.rows as usize
    }

    /// The range of its vector over stored columns, among those of all matrices.
    pub(crate) fn output_vector(&self) -> Range<usize> {
        let first = self.first_column as usize;
        first..first + self.columns as usize
    }
}
