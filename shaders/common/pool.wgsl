// Elements of windows that a pool reads. Needs activation.wgsl, windows.wgsl, the binding `inputs` of f32, and the uniform's
// copy_units and copies.
//
// A pixel of the input is [copies, copy_units with padding].

// The stored length of a pixel.
fn pixel_stride() -> u32 {
    return params.copies * copy_stride();
}

// The stored length of one copy of a pixel.
fn copy_stride() -> u32 {
    return (params.copy_units + 3u) / 4u * 4u;
}

// The places within a pixel of channels `channel` .. `channel` + 3. Channels after the last have that of the first.
fn places_of(channel: u32) -> vec4<u32> {
    let channels = vec4<u32>(channel) + vec4<u32>(0u, 1u, 2u, 3u);
    let gap = copy_stride() - params.copy_units;
    let places = select(channels, channels + gap, channels >= vec4<u32>(params.copy_units));
    return select(vec4<u32>(0u), places, channels < vec4<u32>(params.copies * params.copy_units));
}

// Elements of the pixel at a position. The sample begins at element `first` of the inputs.
fn pixel(first: u32, position: u32, places: vec4<u32>) -> vec4<f32> {
    let at = vec4<u32>(first + position * pixel_stride()) + places;
    return vec4<f32>(inputs[at.x], inputs[at.y], inputs[at.z], inputs[at.w]);
}

// The positions of the grid in window `number`: rows y .. end_y and columns x .. end_x.
struct Inside {
    y: u32,
    end_y: u32,
    x: u32,
    end_x: u32,
}

fn inside(number: u32) -> Inside {
    let top = number / params.out_width * params.stride;
    let left = number % params.out_width * params.stride;
    return Inside(
        max(top, params.padding) - params.padding,
        min(top + params.kernel_height, params.height + params.padding) - params.padding,
        max(left, params.padding) - params.padding,
        min(left + params.kernel_width, params.width + params.padding) - params.padding,
    );
}

struct Maximum {
    element: vec4<f32>,
    position: vec4<u32>,
}

// The largest elements of window `number`, each with the first position that has it, in row-major order. A NaN is larger than
// any number.
fn maximum(first: u32, number: u32, places: vec4<u32>) -> Maximum {
    let part = inside(number);
    let corner = part.y * params.width + part.x;
    var found = Maximum(pixel(first, corner, places), vec4<u32>(corner));
    for (var y = part.y; y < part.end_y; y++) {
        for (var x = part.x; x < part.end_x; x++) {
            let position = y * params.width + x;
            let element = pixel(first, position, places);
            let is_larger = (element > found.element) | is_nan(element);
            found.element = select(found.element, element, is_larger);
            found.position = select(found.position, vec4<u32>(position), is_larger);
        }
    }
    return found;
}
