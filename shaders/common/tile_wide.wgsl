// The shape of a tiled product for many workgroups: 64 rows by 64 columns, 8 by 8 in the registers of
// each of 64 lanes. Four loads from workgroup memory feed 64 multiply-adds.
//
// Lane (y, x) of 8 by 8 sums rows 4 y .. 4 y + 3 and 32 more, columns 4 x .. 4 x + 3 and 32 more, so that
// neighbouring lanes read neighbouring vec4s. The other shape is tile_deep.wgsl; product.wgsl drives both.

const TILE_ROWS: u32 = 64u;
const TILE_COLUMNS: u32 = 64u;
const TILE_DEPTH: u32 = 16u;
const LANES: u32 = 64u;
const RESULTS: u32 = 16u;   // vec4s that a lane ends with

// Four blocks of 4 by 4; column i of a matrix holds the sums of the block's row i.
struct Sums {
    top_left: mat4x4<f32>,
    top_right: mat4x4<f32>,
    bottom_left: mat4x4<f32>,
    bottom_right: mat4x4<f32>,
}

// Every lane stages a block of both factors.
fn stages_left(lane: u32) -> bool {
    return true;
}

fn stages_right(lane: u32) -> bool {
    return true;
}

fn multiply_at(sums: ptr<function, Sums>, y: u32, x: u32, k: u32) {
    let top = left_tile[k][y];
    let bottom = left_tile[k][y + 8u];
    let left = right_tile[k][x];
    let right = right_tile[k][x + 8u];
    (*sums).top_left = add_outer((*sums).top_left, top, left);
    (*sums).top_right = add_outer((*sums).top_right, top, right);
    (*sums).bottom_left = add_outer((*sums).bottom_left, bottom, left);
    (*sums).bottom_right = add_outer((*sums).bottom_right, bottom, right);
}

fn multiply(sums: ptr<function, Sums>, lane: u32) {
    let y = lane / 8u;
    let x = lane % 8u;
    multiply_at(sums, y, x, 0u);
    multiply_at(sums, y, x, 1u);
    multiply_at(sums, y, x, 2u);
    multiply_at(sums, y, x, 3u);
    multiply_at(sums, y, x, 4u);
    multiply_at(sums, y, x, 5u);
    multiply_at(sums, y, x, 6u);
    multiply_at(sums, y, x, 7u);
    multiply_at(sums, y, x, 8u);
    multiply_at(sums, y, x, 9u);
    multiply_at(sums, y, x, 10u);
    multiply_at(sums, y, x, 11u);
    multiply_at(sums, y, x, 12u);
    multiply_at(sums, y, x, 13u);
    multiply_at(sums, y, x, 14u);
    multiply_at(sums, y, x, 15u);
}

fn results(sums: Sums, lane: u32) -> array<vec4<f32>, RESULTS> {
    let a = sums.top_left;
    let b = sums.top_right;
    let c = sums.bottom_left;
    let d = sums.bottom_right;
    return array(
        a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3],
        c[0], c[1], c[2], c[3], d[0], d[1], d[2], d[3],
    );
}

// Whether the lane holds results of the product.
fn has_results(lane: u32) -> bool {
    return true;
}

// The row and the vec4 of columns, within the tile, of a lane's result.
fn result_place(lane: u32, result: u32) -> vec2<u32> {
    let row = 4u * (lane / 8u) + result % 4u + 32u * (result / 8u);
    return vec2<u32>(row, lane % 8u + 8u * (result / 4u % 2u));
}
