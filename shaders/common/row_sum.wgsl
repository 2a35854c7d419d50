// A reduction over rows: a workgroup handles ROWS rows, and LANES invocations handle one row. Needs the uniform's
// `columns` and `units`.

const ROWS: u32 = 4u;
const LANES: u32 = 16u;

var<workgroup> sums: array<vec4<f32>, ROWS * LANES>;

// The sum over the invocations of a row, in a fixed tree; all of them have it.
fn sum_of_row(sum: vec4<f32>, invocation: u32) -> vec4<f32> {
    sums[invocation] = sum;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if invocation % LANES < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    let total = sums[invocation / LANES * LANES];
    // The next sum is written only after all have read this one.
    workgroupBarrier();
    return total;
}

// The elements of vec4 `column4` of a row, zero in padding.
fn without_padding(column4: u32, elements: vec4<f32>) -> vec4<f32> {
    let columns = vec4<u32>(4u * column4) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<f32>(0.0), elements, columns < vec4<u32>(params.units));
}
