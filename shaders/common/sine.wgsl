// sin(z + turns pi / 2) within 1e-7 for |z| up to 8192, and within [-1, 1] beyond. A z that is not finite stays as it is.
// WGSL's own sine may be off by 2^-11.
//
// The reduction in three steps and the polynomials on [-pi/4, pi/4] are those of `sinf` and `cosf` in Cephes (Moshier).
fn sine(z: vec4<f32>, turns: f32) -> vec4<f32> {
    let k = round(z * 0.63661977);
    let reduced = ((z - k * 1.5703125) - k * 0.00048375129699707031) - k * 7.5497899548918822e-8;
    let r = clamp(reduced, vec4<f32>(-0.78581), vec4<f32>(0.78581));
    let s = r * r;
    let odd = ((-0.00019515295891 * s + 0.0083321608736) * s - 0.16666654611) * s * r + r;
    let even = (0.00002443315711809948 * s - 0.001388731625493765) * s + 0.04166664568298827;
    let cosine = even * s * s - 0.5 * s + 1.0;
    let quarter = k + turns - 4.0 * floor(0.25 * (k + turns));
    let is_odd = (quarter == vec4<f32>(1.0)) | (quarter == vec4<f32>(3.0));
    let size = select(odd, cosine, is_odd);
    let exponent = bitcast<vec4<u32>>(z) & vec4<u32>(0x7f800000u);
    return select(select(size, -size, quarter >= vec4<f32>(2.0)), z, exponent == vec4<u32>(0x7f800000u));
}
