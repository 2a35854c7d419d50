// Writes the tangents of a value from those of its pre-activations. Needs activation.wgsl, the bindings `activations`,
// `tangents` and `pre_activation_tangents`, and the uniform's `columns` and `activation`.

// Writes Ra, and Rz where z is kept, to vec4 `column4` of row `row` of the tangents. `sample` is the row of f(z).
fn write(row: u32, sample: u32, column4: u32, rz: vec4<f32>) {
    let columns4 = params.columns / 4u;
    let kind = activation();
    let x = activations[argument_row(kind, sample, columns4, false) + column4];
    if has_mirror(kind) {
        let y = activations[argument_row(kind, sample, columns4, true) + column4];
        tangents[row * 2u * columns4 + column4] = derivative(kind, x) * rz;
        tangents[row * 2u * columns4 + columns4 + column4] = mirror_derivative(kind, y) * rz;
    } else {
        tangents[row * columns4 + column4] = derivative(kind, x) * rz;
    }
    if keeps_z(kind) {
        pre_activation_tangents[row * columns4 + column4] = rz;
    }
}
