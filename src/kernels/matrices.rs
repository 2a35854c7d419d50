//! Kernels that work on weight matrices as matrices.

use super::kernels;

kernels! {
    "matrices",

    /// The uniform of `matrix_norms`.
    matrix_norms["matrices"], workgroup [256, 1, 1],
    MatrixNorms {
        stride: u32,
        matrices: u32,
    }
    [matrices: Read, elements: Read, norms: ReadWrite,]
}
