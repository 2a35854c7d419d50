// Products of matrices, tile by tile. Needs matrices.wgsl. The kernel declares the factors of its product:
//
//   left(matrix, replica, row, k)      an element of the left factor, 0 outside of it
//   right(matrix, replica, k, column)  an element of the right factor, 0 outside of it

const EDGE: u32 = 16u;  // rows and columns of a tile, which one workgroup computes

var<workgroup> left_tile: array<f32, EDGE * EDGE>;
var<workgroup> right_tile: array<f32, EDGE * EDGE>;

// The tiles of a product with so many rows and columns.
fn tiles_of(rows: u32, columns: u32) -> u32 {
    return ((rows + EDGE - 1u) / EDGE) * ((columns + EDGE - 1u) / EDGE);
}

// The row and the column of an invocation's element, in tile `tile` of a product with so many columns.
fn element_of_tile(tile: u32, columns: u32, local: vec2<u32>) -> vec2<u32> {
    let across = (columns + EDGE - 1u) / EDGE;
    return EDGE * vec2<u32>(tile / across, tile % across) + local.yx;
}

// The sum over k below `depth` of left(row, k) right(k, column), in ascending order, for the invocation's element `at`. The
// whole workgroup calls it.
fn product_element(
    matrix: MatrixLayout, replica: u32, at: vec2<u32>, depth: u32, local: vec2<u32>,
) -> f32 {
    var sum = 0.0;
    for (var first = 0u; first < depth; first += EDGE) {
        left_tile[local.y * EDGE + local.x] = left(matrix, replica, at.x, first + local.x);
        right_tile[local.y * EDGE + local.x] = right(matrix, replica, first + local.y, at.y);
        workgroupBarrier();
        for (var k = 0u; k < EDGE; k++) {
            sum += left_tile[local.y * EDGE + k] * right_tile[k * EDGE + local.x];
        }
        workgroupBarrier();
    }
    return sum;
}
