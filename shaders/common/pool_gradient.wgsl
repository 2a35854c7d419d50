// Sums over all windows of a pool that hold a position. Needs pool.wgsl, a function `element`, the binding `pre_activations`,
// and the uniform's columns, is_maximum and share.

// The derivative with respect to units 4 unit4 .. 4 unit4 + 3 of a copy of the pixel at a position, windows in row-major order.
// The pool's outputs of the sample begin at element `first` of the buffer that `which` names, which `element(which, at)` reads;
// its inputs begin at element `first_input`. Padding is zero.
fn sum_over_windows(
    which: u32,
    first: u32,
    first_input: u32,
    position: u32,
    unit4: u32,
    copy: u32,
) -> vec4<f32> {
    let units = vec4<u32>(4u * unit4) + vec4<u32>(0u, 1u, 2u, 3u);
    let is_unit = units < vec4<u32>(params.copy_units);
    // Padding reads the first channel in place of channels that are none.
    let channels = select(vec4<u32>(0u), copy * params.copy_units + units, is_unit);
    let places = copy * copy_stride() + units;
    let all = covering(position);
    var sum = vec4<f32>(0.0);
    for (var y = all.y; y < all.end_y; y++) {
        for (var x = all.x; x < all.end_x; x++) {
            let number = y * params.out_width + x;
            let at = first + number * params.columns + channels;
            let d = vec4<f32>(
                element(which, at.x),
                element(which, at.y),
                element(which, at.z),
                element(which, at.w),
            );
            if params.is_maximum != 0u {
                let holds = maximum(first_input, number, places).position == vec4<u32>(position);
                sum += select(vec4<f32>(0.0), d, holds);
            } else {
                sum += d;
            }
        }
    }
    return select(vec4<f32>(0.0), select(params.share * sum, sum, params.is_maximum != 0u), is_unit);
}

// The argument of the derivatives of a copy of the input: z, vec4 `at` of the pre-activations, where it is kept, and f(z)
// elsewhere.
fn argument(
    kind: u32,
    first_input: u32,
    position: u32,
    at: u32,
    unit4: u32,
    copy: u32,
) -> vec4<f32> {
    if keeps_z(kind) {
        return pre_activations[at];
    }
    let places = vec4<u32>(copy * copy_stride() + 4u * unit4) + vec4<u32>(0u, 1u, 2u, 3u);
    return pixel(first_input, position, places);
}
