// The shape of a tiled product for few workgroups: 32 rows by 32 columns, and four groups of 64 lanes that
// each sum a quarter of the depth, 4 by 4 in the registers of a lane.
//
// Lane (y, x) of a group's 8 by 8 sums rows 4 y .. 4 y + 3, columns 4 x .. 4 x + 3. At the end the first group
// adds the others' sums in their order. The other shape is tile_wide.wgsl; product.wgsl drives both.

const TILE_ROWS: u32 = 32u;
const TILE_COLUMNS: u32 = 32u;
const TILE_DEPTH: u32 = 32u;
const LANES: u32 = 256u;
const RESULTS: u32 = 4u;    // vec4s that a lane of the first group ends with

const GROUPS: u32 = 4u;
const GROUP_LANES: u32 = LANES / GROUPS;
const GROUP_DEPTH: u32 = 8u;
const_assert GROUP_DEPTH == TILE_DEPTH / GROUPS;

// Column i holds the sums of the block's row i.
struct Sums {
    block: mat4x4<f32>,
}

var<workgroup> others: array<array<vec4<f32>, GROUP_LANES>, RESULTS>;

// The first group stages the left factor, the second the right one.
fn stages_left(lane: u32) -> bool {
    return lane / GROUP_LANES == 0u;
}

fn stages_right(lane: u32) -> bool {
    return lane / GROUP_LANES == 1u;
}

fn multiply_at(sums: ptr<function, Sums>, y: u32, x: u32, k: u32) {
    (*sums).block = add_outer((*sums).block, left_tile[k][y], right_tile[k][x]);
}

fn multiply(sums: ptr<function, Sums>, lane: u32) {
    let k = lane / GROUP_LANES * GROUP_DEPTH;
    let y = lane % GROUP_LANES / 8u;
    let x = lane % 8u;
    multiply_at(sums, y, x, k);
    multiply_at(sums, y, x, k + 1u);
    multiply_at(sums, y, x, k + 2u);
    multiply_at(sums, y, x, k + 3u);
    multiply_at(sums, y, x, k + 4u);
    multiply_at(sums, y, x, k + 5u);
    multiply_at(sums, y, x, k + 6u);
    multiply_at(sums, y, x, k + 7u);
}

fn results(sums: Sums, lane: u32) -> array<vec4<f32>, RESULTS> {
    let group = lane / GROUP_LANES;
    let place = lane % GROUP_LANES;
    var total = sums.block;
    for (var other = 1u; other < GROUPS; other++) {
        workgroupBarrier();
        if group == other {
            others[0][place] = total[0];
            others[1][place] = total[1];
            others[2][place] = total[2];
            others[3][place] = total[3];
        }
        workgroupBarrier();
        if group == 0u {
            total += mat4x4<f32>(
                others[0][place], others[1][place], others[2][place], others[3][place],
            );
        }
    }
    return array(total[0], total[1], total[2], total[3]);
}

// Whether the lane holds results of the product.
fn has_results(lane: u32) -> bool {
    return lane < GROUP_LANES;
}

// The row and the vec4 of columns, within the tile, of a lane's result.
fn result_place(lane: u32, result: u32) -> vec2<u32> {
    return vec2<u32>(4u * (lane / 8u) + result, lane % 8u);
}
