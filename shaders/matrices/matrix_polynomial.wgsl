// A polynomial of the Gram matrix G of every weight matrix.
//
//   P = linear G + quadratic G G
//
//   iterations  [replica]         0 where a replica is left alone
//   matrices    [matrices]        shared
//   grams       [replica, grams]  G [side, side] of every matrix, from its `gram_start` on
//   polynomials like grams        P
//
// Workgroup (t, m) computes tile t of matrix m's product; an invocation sums one element in ascending order.

struct Params {
    grams: u32,      // elements of all Gram matrices
    linear: f32,
    quadratic: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> iterations: array<f32>;
@group(0) @binding(2) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(3) var<storage, read> grams: array<f32>;
@group(0) @binding(4) var<storage, read_write> polynomials: array<f32>;

fn left(matrix: MatrixLayout, replica: u32, row: u32, k: u32) -> f32 {
    let side = side_of(matrix);
    if row >= side || k >= side {
        return 0.0;
    }
    return grams[replica * params.grams + matrix.gram_start + row * side + k];
}

fn right(matrix: MatrixLayout, replica: u32, k: u32, column: u32) -> f32 {
    return left(matrix, replica, k, column);
}

@compute @workgroup_size(EDGE, EDGE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let matrix = matrices[group.y];
    let side = side_of(matrix);
    if iterations[replica] == 0.0 || group.x >= tiles_of(side, side) {
        return;
    }
    let at = element_of_tile(group.x, side, local.xy);
    let sum = product_element(matrix, replica, at, side, local.xy);
    if at.x < side && at.y < side {
        let place = replica * params.grams + matrix.gram_start + at.x * side + at.y;
        polynomials[place] = params.linear * grams[place] + params.quadratic * sum;
    }
}
