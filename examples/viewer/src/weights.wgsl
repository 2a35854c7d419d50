// Draws a layer's weights as pictures. It reads them in the buffer that training uses.
//
//     colour[unit, y, x] = diverging(parameters[first + (y * side + x) * columns + unit] / limit)
//
// parameters[replica, stride] is the engine's buffer. The replica's layer begins at `first` and has a row of `columns` per
// input. One invocation of `paint` draws one pixel of the screen. Units are arranged in a grid, row by row. Each has a margin
// of half an image pixel's width on all sides.

struct View {
    first: u32,
    columns: u32,
    units: u32,
    // The number of pixels of an image along one side.
    side: u32,
    // The number of units in a row, and in a column.
    grid_width: u32,
    grid_height: u32,
    // The weight of the deepest colour.
    limit: f32,
    // 1 if the target encodes sRGB by itself.
    target_is_linear: u32,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;

struct Vertex {
    @builtin(position) position: vec4f,
    // The position from the top left, 0 to 1.
    @location(0) place: vec2f,
}

// One triangle that covers the viewport.
@vertex
fn cover(@builtin(vertex_index) index: u32) -> Vertex {
    let corner = vec2f(f32(index / 2u), f32(index % 2u)) * 2.0;
    return Vertex(vec4f(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0.0, 1.0), corner);
}

const BACKGROUND = vec3f(1.0, 1.0, 1.0);
const ZERO = vec3f(0.965, 0.965, 0.955);
const POSITIVE = vec3f(0.72, 0.16, 0.16);
const NEGATIVE = vec3f(0.13, 0.38, 0.66);

@fragment
fn paint(vertex: Vertex) -> @location(0) vec4f {
    let colour = colour_at(vertex.place);
    if view.target_is_linear == 1u {
        return vec4f(pow(colour, vec3f(2.2)), 1.0);
    }
    return vec4f(colour, 1.0);
}

fn colour_at(place: vec2f) -> vec3f {
    let grid = vec2f(f32(view.grid_width), f32(view.grid_height));
    let cell = min(floor(place * grid), grid - 1.0);
    let unit = u32(cell.y) * view.grid_width + u32(cell.x);
    let pixel = floor((place * grid - cell) * f32(view.side + 1u) - 0.5);
    let is_outside = any(pixel < vec2f(0.0)) || any(pixel >= vec2f(f32(view.side)));
    if is_outside || unit >= view.units {
        return BACKGROUND;
    }
    let input = u32(pixel.y) * view.side + u32(pixel.x);
    let weight = parameters[view.first + input * view.columns + unit] / view.limit;
    let depth = min(abs(weight), 1.0);
    return mix(ZERO, select(NEGATIVE, POSITIVE, weight > 0.0), depth);
}
