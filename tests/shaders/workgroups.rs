//! Workgroup sizes and workgroup memory are those of the kernel table and within WebGPU's limits.

use crate::kernels::{compile, plain, reflect, shaders};
use naga::valid::Capabilities;
use naga::{AddressSpace, Module};
use trainable::kernels::WORKGROUP_MEMORY;

const MAX_COMPUTE_INVOCATIONS_PER_WORKGROUP: u32 = 256;

const MAX_COMPUTE_WORKGROUP_STORAGE_SIZE: u32 = 16_384;

/// Bytes of workgroup memory as WebGPU counts them: every variable rounded up to 16.
fn workgroup_memory(module: &Module) -> u32 {
    module
        .global_variables
        .iter()
        .filter(|(_, global)| global.space == AddressSpace::WorkGroup)
        .map(|(_, global)| module.types[global.ty].inner.size(module.to_ctx()))
        .map(|bytes| bytes.next_multiple_of(16))
        .sum()
}

#[test]
fn workgroups_are_those_of_the_table_and_within_webgpus_limits() {
    for shader in shaders() {
        let name = &shader.name;
        let module = reflect(&shader);
        let entry = &module.entry_points[0];
        assert_eq!(entry.workgroup_size, shader.variant.workgroup, "{name}");
        assert!(entry.workgroup_size_overrides.is_none(), "{name}");
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!(
            (1..=MAX_COMPUTE_INVOCATIONS_PER_WORKGROUP).contains(&invocations),
            "{name}: {invocations} invocations in a workgroup"
        );
    }
}

#[test]
fn workgroup_memory_is_what_the_table_says_and_within_webgpus_limits() {
    for variant in ["plain", "wide", "deep"] {
        let of_variant = || shaders().filter(|shader| shader.variant.name == variant);
        let needed = of_variant().map(|shader| workgroup_memory(&reflect(&shader)));
        let listed = of_variant().map(|shader| shader.variant.workgroup_memory);
        let most = needed.max().expect("there are such variants");
        assert!(most <= MAX_COMPUTE_WORKGROUP_STORAGE_SIZE);
        assert!(
            listed.into_iter().all(|listed| listed == most),
            "{variant}: {most}"
        );
    }
    assert_eq!(
        plain("optimiser_step").variant.workgroup_memory,
        WORKGROUP_MEMORY
    );
}

#[test]
fn workgroup_memory_is_counted() {
    let source = "var<workgroup> a: array<vec4<f32>, 100>; var<workgroup> b: u32;
        @compute @workgroup_size(1) fn main() { a[0].x = 1.0; b = 1u; }";
    let (module, _) = compile(source, Capabilities::empty()).expect("valid WGSL");
    assert_eq!(workgroup_memory(&module), 1_600 + 16);
}
