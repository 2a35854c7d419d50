// Elements of patches. Needs windows.wgsl, the binding `inputs` of f32, and the uniform's units, copies and strides.
//
// Element k of a patch is channel k / area, row k % area / kernel_width and column k % kernel_width of a window, where area
// is kernel_height kernel_width. The channels are the units of the first copy, then those of the second.

// Elements 4 column4 .. 4 column4 + 3 of the patch at a position. The sample begins at element `first` of the inputs.
fn patch_elements(first: u32, position: u32, column4: u32) -> vec4<f32> {
    // The border makes these negative, in two's complement.
    let top = position / params.out_width * params.stride - params.padding;
    let left = position % params.out_width * params.stride - params.padding;
    let area = params.kernel_height * params.kernel_width;
    var channel = 4u * column4 / area;
    let rest = 4u * column4 - channel * area;
    var row = rest / params.kernel_width;
    var column = rest - row * params.kernel_width;
    var elements = vec4<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
        // A row or a column before the grid wraps around, beyond its end.
        let y = top + row;
        let x = left + column;
        if channel < params.units * params.copies && y < params.height && x < params.width {
            var at = first + y * params.row_stride + x * params.column_stride;
            if channel < params.units {
                at += channel * params.channel_stride;
            } else {
                at += params.copy_stride + (channel - params.units) * params.channel_stride;
            }
            elements[i] = inputs[at];
        }
        column += 1u;
        if column == params.kernel_width {
            column = 0u;
            row += 1u;
        }
        if row == params.kernel_height {
            row = 0u;
            channel += 1u;
        }
    }
    return elements;
}
