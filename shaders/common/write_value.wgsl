// Writes a value from its pre-activations. Needs activation.wgsl, the bindings `outputs` and `pre_activations`, and the
// uniform's `columns`, `units` and `activation`.

// Writes f(z) to vec4 `column4` of a row of the outputs, and z where it is kept. The cosine of padding would not be zero.
fn write(row: u32, column4: u32, z: vec4<f32>) {
    let columns4 = params.columns / 4u;
    let kind = activation();
    if has_mirror(kind) {
        let columns = vec4<u32>(4u * column4) + vec4<u32>(0u, 1u, 2u, 3u);
        let is_unit = columns < vec4<u32>(params.units);
        outputs[row * 2u * columns4 + column4] = activate(kind, z);
        outputs[row * 2u * columns4 + columns4 + column4] =
            select(vec4<f32>(0.0), mirror(kind, z), is_unit);
    } else {
        outputs[row * columns4 + column4] = activate(kind, z);
    }
    if keeps_z(kind) {
        pre_activations[row * columns4 + column4] = z;
    }
}
