// The table of weight matrices. Twins: src/state.rs (offsets), src/plan/matrices.rs.

// One weight matrix W [outputs, inputs] as it is stored: transposed, a row for every input and a column for every output.
// Both are padded with zeros. After CReLU the rows are two copies of the inputs, each padded by itself. A convolution is a
// matrix of output channels by elements of a patch. Matrices that share a tensor, such as the queries, keys and values of
// attention, count as one.
struct MatrixLayout {
    start: u32,    // elements of a replica's parameters before it
    rows: u32,     // a multiple of 4
    columns: u32,  // a multiple of 4
    inputs: u32,   // rows that are not padding
    outputs: u32,  // columns that are not padding
    block: u32,    // the index of its block
    first_row: u32,     // rows of the matrices before it
    first_column: u32,  // columns of the matrices before it
    by_rows: u32,       // 1 where it has no more inputs than outputs, so that its Gram matrix is over rows, else 0
    gram_start: u32,    // elements of the Gram matrices before its own
}

// The number of rows of the Gram matrix of the smaller side.
fn side_of(matrix: MatrixLayout) -> u32 {
    return select(matrix.columns, matrix.rows, matrix.by_rows == 1u);
}

const MATRIX_TILE: u32 = 1024u;  // vec4s that one workgroup handles, in kernels without a product

// The first vec4 of a matrix's tile and the one after its last; an empty range where there is no such tile.
fn matrix_tile(matrix: MatrixLayout, tile: u32) -> vec2<u32> {
    let length = matrix.rows * matrix.columns / 4u;
    let first = min(tile * MATRIX_TILE, length);
    return matrix.start / 4u + vec2<u32>(first, min(first + MATRIX_TILE, length));
}
