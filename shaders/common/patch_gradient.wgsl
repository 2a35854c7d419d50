// Sums over all windows that hold a position (col2im). Needs windows.wgsl, a function `element`, and the uniform's units and
// columns.

// The sum for units `unit` .. `unit` + 3 of a copy, windows in row-major order. The sample's patches begin at element `first`
// of the buffer that `which` names; `element(which, at)` reads it. Padding is zero.
fn sum_over_windows(which: u32, first: u32, position: u32, unit: u32, copy: u32) -> vec4<f32> {
    let area = params.kernel_height * params.kernel_width;
    let is_unit = vec4<u32>(unit) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.units);
    // Padding reads the first unit in place of elements that are none.
    let steps = select(vec4<u32>(0u), vec4<u32>(0u, 1u, 2u, 3u) * area, is_unit);
    let all = covering(position);
    var sum = vec4<f32>(0.0);
    for (var y = all.y; y < all.end_y; y++) {
        for (var x = all.x; x < all.end_x; x++) {
            let place = place_in_window(position, y, x);
            let at = first + (y * params.out_width + x) * params.columns
                + (copy * params.units + unit) * area + place.x * params.kernel_width + place.y;
            sum += vec4<f32>(
                element(which, at + steps.x),
                element(which, at + steps.y),
                element(which, at + steps.z),
                element(which, at + steps.w),
            );
        }
    }
    return select(vec4<f32>(0.0), sum, is_unit);
}
