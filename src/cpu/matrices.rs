//! Twins of the kernels that work on weight matrices as matrices.

mod matrix_norms;

use std::ops::Range;

use super::twins;
use crate::state::MatrixLayout;

twins! {
    matrix_norms: MatrixNorms,
}

impl MatrixLayout {
    /// The range of the matrix in a replica's parameters, padding included.
    pub(crate) fn elements(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.rows as usize * self.columns as usize
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
