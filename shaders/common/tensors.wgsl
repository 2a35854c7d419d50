// The table of parameter tensors. Twins: src/state.rs (offsets), src/network/tensor.rs.

// One parameter tensor. Its stored elements are a matrix [rows, columns], a row for every input and a column for every
// output. The *place* of an element is its number in PyTorch's order, [outputs, inputs]. Kernels draw random elements
// by their places, so that the numbers do not depend on the stored order.
struct TensorLayout {
    start: u32,        // elements of a replica's parameters before it
    length: u32,       // elements stored, padding included
    count: u32,        // elements that are not padding
    first_tile: u32,   // tiles of the tensors before it
    columns: u32,
    outputs: u32,      // columns that are not padding
    copy_rows: u32,    // rows of one copy of the inputs: after CReLU there are two, each padded by itself
    copy_inputs: u32,  // rows of one copy that are not padding
    inputs: u32,       // rows that are not padding
    block: u32,        // the index of its block
    first_place: u32,  // elements of the block's tensors before it, without padding
    bound: f32,        // initial elements are uniform in [-bound, bound]
    constant: f32,     // initial elements where `bound` is 0
    block_bound: f32,  // the largest bound of its block's tensors
}

const TENSOR_TILE: u32 = 4096u;  // elements that one workgroup handles
const PADDING: u32 = 0xffffffffu;

// The first element of a tensor's tile and the one after its last; an empty range where there is no such tile.
fn tile_range(tensor: TensorLayout, tile: u32) -> vec2<u32> {
    let first = min(tile * TENSOR_TILE, tensor.length);
    return tensor.start + vec2<u32>(first, min(first + TENSOR_TILE, tensor.length));
}

// The place of stored element `i` of a replica's parameters, PADDING where it is padding.
fn place_of(tensor: TensorLayout, i: u32) -> u32 {
    let row = (i - tensor.start) / tensor.columns;
    let column = (i - tensor.start) % tensor.columns;
    let in_copy = row % tensor.copy_rows;
    let input = (row / tensor.copy_rows) * tensor.copy_inputs + in_copy;
    let is_padding = in_copy >= tensor.copy_inputs || column >= tensor.outputs;
    return select(column * tensor.inputs + input, PADDING, is_padding);
}
