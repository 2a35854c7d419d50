// What the optimisers share. Needs state.wgsl and the binding `layer_controls`.
// Twin: src/cpu/optimisers.rs.

// The moments of a dead unit decay for ever. Left alone they become denormals, which some processors
// flush to zero and others compute a hundred times slower than the rest; so they become zero here,
// everywhere, long before: an update by them would be below 1e-20 step sizes.
const FIRST_MOMENT_FLOOR: f32 = 1e-30;
const SECOND_MOMENT_FLOOR: f32 = 1e-36;

fn flush(x: vec4<f32>, floor: f32) -> vec4<f32> {
    return select(x, vec4<f32>(0.0), abs(x) < vec4<f32>(floor));
}

// That of the layer which holds vec4 `index` of a replica whose first layer is number `first`.
fn step_size(first: u32, index: u32) -> f32 {
    var layer = first;
    while index >= layer_controls[layer].end {
        layer += 1u;
    }
    return layer_controls[layer].step_size;
}
