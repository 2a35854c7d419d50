// Initial elements of parameter tensors: bound (2 u - 1), u = uniform(seed, stream, block, place). Where the bound is 0,
// they are a constant: 0 of biases, 1 of gains.
//
// The numbers depend on an element's place in PyTorch's order, not on the stored order. Needs rng.wgsl and
// tensors.wgsl. Twin: src/cpu/initial_element.rs, bit for bit.

// Returns stored element `i` of a fresh tensor; zero in padding. `stream` is the random stream of task 0. Streams are numbered below 256, so every task has one of its own.
fn initial_element(tensor: TensorLayout, seed: u32, stream: u32, task: u32, i: u32) -> f32 {
    let place = place_of(tensor, i);
    if place == PADDING {
        return 0.0;
    }
    if tensor.bound == 0.0 {
        return tensor.constant;
    }
    let bits = draw(seed, stream + (task << 8u), tensor.block, tensor.first_place + place);
    return (2.0 * unit_uniform(bits) - 1.0) * tensor.bound;
}
