// The product of two matrices, tile by tile through workgroup memory. It is for GPUs: their caches are too slow for
// products whose tiles are in registers alone.
//
//   sums[i, j] += sum_k left[i, k] right[k, j]       k in ascending order
//
// Needs the shape of a tile (tile_wide.wgsl or tile_deep.wgsl) and these functions of the kernel:
//
//   left_along_depth(which)          whether rows of the left factor of product `which` are stored along the depth
//   right_along_depth(which)         the same of the right factor
//   left4(factors, major, minor4)    vec4 `minor4` of row `major` of the left factor as it is stored:
//                                    [i, k] where left_along_depth, else [k, i]
//   right4(factors, major, minor4)   [j, k] where right_along_depth, else [k, j]
//
// The last two are called with k below the depth only. Beyond the other edges they may return any number; the kernel drops
// the sums that use it. A depth that is stored along rows is a multiple of 4.
//
// A lane stages a block of 4 by 4 by four loads without a branch between them, so that all are in flight at once. For
// the same reason only the loop over the depth is written as a loop: wgpu counts the iterations of every loop, and
// compilers do not unroll such loops. Both measures together make products 2.5 times faster on an H100
// (PERFORMANCE.md).

struct Factors {
    which: u32,   // the number of the product, where a kernel has several
    left: u32,    // vec4s before the left factor
    right: u32,   // vec4s before the right factor
    row: u32,     // i of the tile's first row
    column: u32,  // j of the tile's first column
    depth: u32,
}

const LEFT_ACROSS: u32 = TILE_ROWS / 4u;
const RIGHT_ACROSS: u32 = TILE_COLUMNS / 4u;

// The number of blocks of either factor's tile, and of the lanes that stage it.
const BLOCKS: u32 = 64u;
const_assert BLOCKS == LEFT_ACROSS * TILE_DEPTH / 4u;
const_assert BLOCKS == RIGHT_ACROSS * TILE_DEPTH / 4u;

// [k, row / 4] and [k, column / 4]. The last vec4 of a row is padding: with it, lanes that store a transposed
// block hit different banks.
var<workgroup> left_tile: array<array<vec4<f32>, LEFT_ACROSS + 1u>, TILE_DEPTH>;
var<workgroup> right_tile: array<array<vec4<f32>, RIGHT_ACROSS + 1u>, TILE_DEPTH>;

// Row i of the outer product a b^T is a[i] b.
fn add_outer(sums: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(vec4<f32>(a.x), b, sums[0]),
        fma(vec4<f32>(a.y), b, sums[1]),
        fma(vec4<f32>(a.z), b, sums[2]),
        fma(vec4<f32>(a.w), b, sums[3]),
    );
}

// The position of a block in a tile, in blocks: (across, along the depth). Neighbouring lanes read neighbouring bytes.
// Along the depth a pair of lanes reads 32 of them, and the stores of eight lanes hit different banks.
fn block_place(block: u32, across: u32, along_depth: bool) -> vec2<u32> {
    if along_depth {
        return vec2<u32>(block / 2u % across, block % 2u + 2u * (block / (2u * across)));
    }
    return vec2<u32>(block % across, block / across);
}

fn zero_unless(is_kept: bool, value: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), value, is_kept);
}

// Rows i .. i + 3 and depths k .. k + 3 of the left factor, zero beyond the depth. Column n of the result holds the
// four rows at depth k + n.
fn left_block(factors: Factors, i: u32, k: u32) -> mat4x4<f32> {
    if left_along_depth(factors.which) {
        let k4 = min(k, factors.depth - 4u) / 4u;
        let is_kept = k < factors.depth;
        return transpose(mat4x4<f32>(
            zero_unless(is_kept, left4(factors, i, k4)),
            zero_unless(is_kept, left4(factors, i + 1u, k4)),
            zero_unless(is_kept, left4(factors, i + 2u, k4)),
            zero_unless(is_kept, left4(factors, i + 3u, k4)),
        ));
    }
    let last = factors.depth - 1u;
    return mat4x4<f32>(
        zero_unless(k <= last, left4(factors, min(k, last), i / 4u)),
        zero_unless(k + 1u <= last, left4(factors, min(k + 1u, last), i / 4u)),
        zero_unless(k + 2u <= last, left4(factors, min(k + 2u, last), i / 4u)),
        zero_unless(k + 3u <= last, left4(factors, min(k + 3u, last), i / 4u)),
    );
}

// Columns j .. j + 3 and depths k .. k + 3 of the right factor, in the same way.
fn right_block(factors: Factors, j: u32, k: u32) -> mat4x4<f32> {
    if right_along_depth(factors.which) {
        let k4 = min(k, factors.depth - 4u) / 4u;
        let is_kept = k < factors.depth;
        return transpose(mat4x4<f32>(
            zero_unless(is_kept, right4(factors, j, k4)),
            zero_unless(is_kept, right4(factors, j + 1u, k4)),
            zero_unless(is_kept, right4(factors, j + 2u, k4)),
            zero_unless(is_kept, right4(factors, j + 3u, k4)),
        ));
    }
    let last = factors.depth - 1u;
    return mat4x4<f32>(
        zero_unless(k <= last, right4(factors, min(k, last), j / 4u)),
        zero_unless(k + 1u <= last, right4(factors, min(k + 1u, last), j / 4u)),
        zero_unless(k + 2u <= last, right4(factors, min(k + 2u, last), j / 4u)),
        zero_unless(k + 3u <= last, right4(factors, min(k + 3u, last), j / 4u)),
    );
}

// Fills both tiles from depth `first` on. The blocks wait in registers until all lanes are done with the previous
// tiles.
fn stage(factors: Factors, first: u32, lane: u32) {
    let left_at = block_place(lane % BLOCKS, LEFT_ACROSS, left_along_depth(factors.which));
    let right_at = block_place(lane % BLOCKS, RIGHT_ACROSS, right_along_depth(factors.which));
    var left = mat4x4<f32>();
    var right = mat4x4<f32>();
    if stages_left(lane) {
        left = left_block(factors, factors.row + 4u * left_at.x, first + 4u * left_at.y);
    }
    if stages_right(lane) {
        right = right_block(factors, factors.column + 4u * right_at.x, first + 4u * right_at.y);
    }
    workgroupBarrier();
    if stages_left(lane) {
        let k = 4u * left_at.y;
        left_tile[k][left_at.x] = left[0];
        left_tile[k + 1u][left_at.x] = left[1];
        left_tile[k + 2u][left_at.x] = left[2];
        left_tile[k + 3u][left_at.x] = left[3];
    }
    if stages_right(lane) {
        let k = 4u * right_at.y;
        right_tile[k][right_at.x] = right[0];
        right_tile[k + 1u][right_at.x] = right[1];
        right_tile[k + 2u][right_at.x] = right[2];
        right_tile[k + 3u][right_at.x] = right[3];
    }
    workgroupBarrier();
}

// All lanes of a workgroup call this together, with the same factors.
fn add_product(sums: ptr<function, Sums>, factors: Factors, lane: u32) {
    for (var first = 0u; first < factors.depth; first += TILE_DEPTH) {
        stage(factors, first, lane);
        multiply(sums, lane);
    }
}

// The number of tiles that cover so many rows.
fn row_tiles(rows: u32) -> u32 {
    return (rows + TILE_ROWS - 1u) / TILE_ROWS;
}

// The row and the vec4 of columns of a lane's result.
fn result_at(factors: Factors, lane: u32, result: u32) -> vec2<u32> {
    return vec2<u32>(factors.row, factors.column / 4u) + result_place(lane, result);
}
