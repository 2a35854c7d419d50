// The Gram matrix of the smaller side of every matrix X, as it is stored: [rows, columns], a row for every input.
//
//   G = X X^T where there are fewer inputs than outputs or as many (by_rows), else G = X^T X
//
//   iterations [replica]          a replica with `iteration` iterations or fewer is left alone
//   matrices   [matrices]         shared
//   elements   [replica, stride]  X, in the layout of the parameters
//   grams      [replica, grams]   G [side, side] of every matrix, from its `gram_start` on
//
// Workgroup (t, m) computes tile t of matrix m's product; an invocation sums one element in ascending order.

struct Params {
    stride: u32,     // elements per replica
    grams: u32,      // elements of all Gram matrices
    iteration: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> iterations: array<f32>;
@group(0) @binding(2) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(3) var<storage, read> elements: array<f32>;
@group(0) @binding(4) var<storage, read_write> grams: array<f32>;

// Element k of row `index` of X where the product is by rows, else of column `index`.
fn element(matrix: MatrixLayout, replica: u32, index: u32, k: u32) -> f32 {
    let is_by_rows = matrix.by_rows == 1u;
    let row = select(k, index, is_by_rows);
    let column = select(index, k, is_by_rows);
    if row >= matrix.rows || column >= matrix.columns {
        return 0.0;
    }
    return elements[replica * params.stride + matrix.start + row * matrix.columns + column];
}

fn left(matrix: MatrixLayout, replica: u32, row: u32, k: u32) -> f32 {
    return element(matrix, replica, row, k);
}

fn right(matrix: MatrixLayout, replica: u32, k: u32, column: u32) -> f32 {
    return element(matrix, replica, column, k);
}

@compute @workgroup_size(EDGE, EDGE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let matrix = matrices[group.y];
    let side = side_of(matrix);
    if f32(params.iteration) >= iterations[replica] || group.x >= tiles_of(side, side) {
        return;
    }
    let at = element_of_tile(group.x, side, local.xy);
    let depth = matrix.rows + matrix.columns - side;
    let sum = product_element(matrix, replica, at, depth, local.xy);
    if at.x < side && at.y < side {
        grams[replica * params.grams + matrix.gram_start + at.x * side + at.y] = sum;
    }
}
