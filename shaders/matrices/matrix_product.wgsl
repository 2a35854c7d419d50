// The product of every matrix X, as it is stored, with the symmetric matrix G of its smaller side.
//
//   Y = linear X + quadratic G X where G is by rows, else Y = linear X + quadratic X G
//
// With G the Gram matrix of X, Y is a cubic polynomial of X, and every singular value s of X becomes
// linear s + quadratic s^3. The gradient of |W^T W - I|^2 is one: -4 W + 4 W W^T W.
//
//   iterations [replica]          a replica with `iteration` iterations or fewer has Y = X; one with none is left alone
//   matrices   [matrices]         shared
//   elements   [replica, stride]  X, in the layout of the parameters
//   grams      [replica, grams]   G [side, side] of every matrix, from its `gram_start` on
//   results    like elements      Y
//
// Workgroup (t, m) computes tile t of matrix m's product; an invocation sums one element in ascending order.

struct Params {
    stride: u32,     // elements per replica
    grams: u32,      // elements of all Gram matrices
    iteration: u32,
    linear: f32,
    quadratic: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> iterations: array<f32>;
@group(0) @binding(2) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(3) var<storage, read> elements: array<f32>;
@group(0) @binding(4) var<storage, read> grams: array<f32>;
@group(0) @binding(5) var<storage, read_write> results: array<f32>;

fn element(matrix: MatrixLayout, replica: u32, row: u32, column: u32) -> f32 {
    if row >= matrix.rows || column >= matrix.columns {
        return 0.0;
    }
    return elements[replica * params.stride + matrix.start + row * matrix.columns + column];
}

fn gram(matrix: MatrixLayout, replica: u32, row: u32, column: u32) -> f32 {
    let side = side_of(matrix);
    if row >= side || column >= side {
        return 0.0;
    }
    return grams[replica * params.grams + matrix.gram_start + row * side + column];
}

fn left(matrix: MatrixLayout, replica: u32, row: u32, k: u32) -> f32 {
    if matrix.by_rows == 1u {
        return gram(matrix, replica, row, k);
    }
    return element(matrix, replica, row, k);
}

fn right(matrix: MatrixLayout, replica: u32, k: u32, column: u32) -> f32 {
    if matrix.by_rows == 1u {
        return element(matrix, replica, k, column);
    }
    return gram(matrix, replica, k, column);
}

@compute @workgroup_size(EDGE, EDGE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let matrix = matrices[group.y];
    if iterations[replica] == 0.0 || group.x >= tiles_of(matrix.rows, matrix.columns) {
        return;
    }
    let at = element_of_tile(group.x, matrix.columns, local.xy);
    let sum = product_element(matrix, replica, at, side_of(matrix), local.xy);
    if at.x < matrix.rows && at.y < matrix.columns {
        let x = element(matrix, replica, at.x, at.y);
        let y = params.linear * x + params.quadratic * sum;
        let place = replica * params.stride + matrix.start + at.x * matrix.columns + at.y;
        results[place] = select(x, y, f32(params.iteration) < iterations[replica]);
    }
}
