// The tangents of the gradients with respect to the pre-activations below one layer (R-operator, backward), for every
// slot that reaches the layer below.
//
//   Rd_below[s, b, :] = f'(z) (Rd[s, b, :] W^T + d[b, :] V^T)  + f''(z) Rz[s, b, :] (d[b, :] W^T)
//
// V is this layer's segment of the slot's iterate: only the network has one here, and it is primal. For tanh,
// f'' Rz = -2 a Ra. Two copies are added, each with its own f' and f'', as linear_backward does.
//
//   slots             [replica, all slots]
//   parameters        [replica, stride]               this layer's tensors
//   iterates          [replica, iterates_stride]      V
//   activations       [replica, batch_rows, rows]     the layer's input; where z is kept, its z
//   lower_tangents    [replica, slots, batch_rows, rows]           Ra; where z is kept, Rz
//   output_gradients  [replica, batch_rows, columns]  d
//   upper             [replica, upper_slots, batch_rows, columns]  Rd
//   lower             [replica, slots, batch_rows, rows]           Rd_below; two copies: rows / 2, like z
//
// The workgroups along y handle the row tiles of slot 0, then of slot 1, ...

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,         // the activation of the layer below
    slots: u32,              // slots that reach the layer below
    all_slots: u32,
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's V
    upper_slots: u32,        // slots that reach the layer
    accumulate: u32,         // 1: adds to `lower`, which another reader of the input has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> upper: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> lower: array<vec4<f32>>;

// The numbers of the products.
const UPPER_BY_PARAMETERS: u32 = 0u;     // Rd W^T
const GRADIENT_BY_ITERATES: u32 = 1u;    // d V^T
const GRADIENT_BY_PARAMETERS: u32 = 2u;  // d W^T

// The roles of a pass's sums g.
const DIRECT: u32 = 0u;         // lower = f' g
const MIRROR: u32 = 1u;         // lower += f' g, with the inputs of the second copy
const CURVED: u32 = 2u;         // lower += f'' Rz g
const CURVED_MIRROR: u32 = 3u;  // lower += f'' Rz g, with the inputs of the second copy

// The vec4s in a row of `lower`.
fn width4() -> u32 {
    return params.rows / select(4u, 8u, has_mirror(activation()));
}

// The first input of the copy that a role concerns.
fn first_input(role: u32) -> u32 {
    return select(0u, 4u * width4(), role == MIRROR || role == CURVED_MIRROR);
}

// Writes or adds g to vec4 `input4` of row `row` of `lower`. `sample` is the row of the layer's input.
fn write_sum(role: u32, row: u32, sample: u32, input4: u32, g: vec4<f32>) {
    let kind = activation();
    let at = row * width4() + input4;
    let x = activations[argument_row(kind, sample, width4(), role == MIRROR) + input4];
    if role == DIRECT && params.accumulate == 0u {
        lower[at] = derivative(kind, x) * g;
    } else if role == DIRECT {
        lower[at] += derivative(kind, x) * g;
    } else if role == MIRROR {
        lower[at] += mirror_derivative(kind, x) * g;
    } else if role == CURVED {
        lower[at] += second_derivative(kind, x) * lower_tangents[at] * g;
    } else {
        lower[at] += mirror_second_derivative(x) * lower_tangents[at] * g;
    }
}
