// Windows over the grid of an image: window (y, x) begins at row y stride - padding and column x stride - padding. What is
// outside of the grid is the border. Twin: src/cpu/windows.rs.
//
// Needs the uniform's height, width, kernel_height, kernel_width, stride, padding, out_height and out_width.

// The windows that hold a position: rows y .. end_y and columns x .. end_x of the grid of windows.
struct Covering {
    y: u32,
    end_y: u32,
    x: u32,
    end_x: u32,
}

fn covering(position: u32) -> Covering {
    let y = position / params.width + params.padding;
    let x = position % params.width + params.padding;
    var first = vec2<u32>(0u);
    if y >= params.kernel_height {
        first.x = (y - params.kernel_height) / params.stride + 1u;
    }
    if x >= params.kernel_width {
        first.y = (x - params.kernel_width) / params.stride + 1u;
    }
    let end_y = min(y / params.stride + 1u, params.out_height);
    let end_x = min(x / params.stride + 1u, params.out_width);
    return Covering(first.x, end_y, first.y, end_x);
}

// The place of a position within window (y, x): its row and its column.
fn place_in_window(position: u32, y: u32, x: u32) -> vec2<u32> {
    let row = position / params.width + params.padding - y * params.stride;
    let column = position % params.width + params.padding - x * params.stride;
    return vec2<u32>(row, column);
}
