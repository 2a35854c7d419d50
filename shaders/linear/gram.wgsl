// The Gram matrix of one layer's inputs, including the bias's constant 1.
//
//   gram[r, b, c] = sum_i inputs[r, b, i] inputs[r, c, i] + 1
//
//   inputs [replica, batch_rows, rows]
//   gram   [replica, batch_rows, batch_rows]

struct Params {
    rows: u32,
    batch_rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gram: array<vec4<f32>>;
