// Stored pixels of images. The kernel binds `images`, and its Params have `floats`, 1 for images of f32 and 0 for u8.

// The stored pixel `pixel` of the image that begins at word `source`.
fn stored_pixel(source: u32, pixel: u32) -> f32 {
    if params.floats == 1u {
        return bitcast<f32>(images[source + pixel]);
    }
    return f32((images[source + pixel / 4u] >> (8u * (pixel % 4u))) & 255u);
}
