//! Kernels that work on weight matrices as matrices.

use super::kernels;

kernels! {
    "matrices",

    /// The uniform of `matrix_norms`.
    matrix_norms["matrices", "workgroup_sum"], workgroup [256, 1, 1],
    MatrixNorms {
        stride: u32,
        matrices: u32,
    }
    [matrices: Read, elements: Read, norms: ReadWrite,]

    /// The uniform of `matrix_normalise`.
    matrix_normalise["matrices"], workgroup [256, 1, 1],
    MatrixNormalise {
        stride: u32,
        matrices: u32,
    }
    [iterations: Read, matrices: Read, norms: Read, elements: Read, results: ReadWrite,]

    /// The uniform of `matrix_gram`.
    matrix_gram["matrices", "matrix_product"], workgroup [16, 16, 1],
    MatrixGram {
        stride: u32,
        grams: u32,
        iteration: u32,
    }
    [iterations: Read, matrices: Read, elements: Read, grams: ReadWrite,]

    /// The uniform of `matrix_product`.
    matrix_product["matrices", "matrix_product"], workgroup [16, 16, 1],
    MatrixProduct {
        stride: u32,
        grams: u32,
        iteration: u32,
        linear: f32,
        quadratic: f32,
    }
    [iterations: Read, matrices: Read, elements: Read, grams: Read, results: ReadWrite,]

    /// The uniform of `matrix_polynomial`.
    matrix_polynomial["matrices", "matrix_product"], workgroup [16, 16, 1],
    MatrixPolynomial {
        grams: u32,
        linear: f32,
        quadratic: f32,
    }
    [iterations: Read, matrices: Read, grams: Read, polynomials: ReadWrite,]
}
