//! Every kernel validates without optional features, and the validator refuses what it should.

use crate::kernels::{compile, reflect, shaders};
use naga::ShaderStage;
use naga::valid::Capabilities;

#[test]
fn every_kernel_validates_and_has_one_compute_entry_point_main() {
    for shader in shaders() {
        let module = reflect(&shader);
        let entry_points: Vec<_> = module
            .entry_points
            .iter()
            .map(|entry| (entry.name.as_str(), entry.stage))
            .collect();
        assert_eq!(
            entry_points,
            [("main", ShaderStage::Compute)],
            "{}",
            shader.name
        );
    }
}

#[test]
fn type_errors_are_refused() {
    let broken = [
        "fn broken() -> u32 { return 1.5f; }",
        "fn broken() { let x: vec4<f32> = vec3<f32>(0.0); }",
        "@group(0) @binding(9) var<storage, read> broken: array<f32>;
         fn write_broken() { broken[0] = 1.0; }",
    ];
    for shader in shaders() {
        for tail in broken {
            let source = format!("{}\n{tail}", shader.variant.source);
            assert!(
                compile(&source, Capabilities::empty()).is_err(),
                "{} with {tail} was accepted",
                shader.name
            );
        }
    }
}

#[test]
fn optional_features_are_refused() {
    let half = "enable f16;
        @compute @workgroup_size(1) fn main() { var x = 1.0h; x += 1.0h; }";
    let subgroup = "@compute @workgroup_size(32)
        fn main(@builtin(local_invocation_index) i: u32) { let sum = subgroupAdd(i); }";
    for (source, needed) in [
        (half, Capabilities::SHADER_FLOAT16),
        (subgroup, Capabilities::SUBGROUP),
    ] {
        compile(source, needed).unwrap_or_else(|error| panic!("with {needed:?}: {error}"));
        assert!(
            compile(source, Capabilities::empty()).is_err(),
            "accepted without {needed:?}: {source}"
        );
    }
}
