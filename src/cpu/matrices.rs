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
}
