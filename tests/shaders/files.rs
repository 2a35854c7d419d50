//! Shaders, twins and the kernel table: each has the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::kernels::{Shader, shaders};
use trainable::kernels::KERNELS;

/// The files of `src/cpu` that are not the twin of a kernel.
const CPU_HELPERS: [&str; 9] = [
    "mod",
    "activation",
    "array",
    "executor",
    "initial_weight",
    "matrix",
    "optimiser",
    "reduce",
    "sort",
];

fn file_names(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names: BTreeSet<_> = entries
        .map(|entry| entry.expect("a directory entry").file_name())
        .map(|name| name.into_string().expect("a file name in UTF-8"))
        .collect();
    assert!(!names.is_empty(), "found nothing in {}", path.display());
    names
}

fn kernel_files(extension: &str) -> BTreeSet<String> {
    let names: BTreeSet<_> = KERNELS
        .iter()
        .map(|kernel| format!("{}.{extension}", kernel.name))
        .collect();
    assert_eq!(names.len(), KERNELS.len(), "a kernel is listed twice");
    names
}

#[test]
fn every_tiled_shader_is_a_product_and_every_product_has_one() {
    let products = KERNELS.iter().filter(|kernel| !kernel.tiled.is_empty());
    let wanted: BTreeSet<_> = products.map(|k| format!("{}.wgsl", k.name)).collect();
    assert_eq!(file_names("shaders/tiled"), wanted);
    for shader in shaders() {
        let is_tiled = shader.variant.name != "plain";
        assert_eq!(is_tiled, ["wide", "deep"].contains(&shader.variant.name));
    }
}

#[test]
fn every_shader_is_a_kernel_and_every_kernel_has_a_shader() {
    let mut found = file_names("shaders");
    assert!(found.remove("common"), "found no shaders/common");
    assert!(found.remove("tiled"), "found no shaders/tiled");
    assert_eq!(
        found,
        kernel_files("wgsl"),
        "left: shaders/, right: KERNELS"
    );
    assert_eq!(found.len(), KERNELS.len(), "number of shaders");
}

#[test]
fn every_shader_has_a_twin_and_every_twin_a_shader() {
    let mut found = file_names("src/cpu");
    for helper in CPU_HELPERS {
        assert!(
            found.remove(&format!("{helper}.rs")),
            "found no src/cpu/{helper}.rs"
        );
    }
    assert_eq!(found, kernel_files("rs"), "left: src/cpu/, right: KERNELS");
}

#[test]
fn a_kernels_source_ends_with_its_file_and_every_common_file_is_used() {
    let read = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    for Shader {
        kernel,
        variant,
        name,
    } in shaders()
    {
        let folder = match variant.name {
            "plain" => "shaders",
            _ => "shaders/tiled",
        };
        let own = read(&format!("{folder}/{}.wgsl", kernel.name));
        assert!(variant.source.ends_with(&own), "{name}");
    }
    for name in file_names("shaders/common") {
        let text = read(&format!("shaders/common/{name}"));
        assert!(
            shaders().any(|shader| shader.variant.source.contains(&text)),
            "no kernel uses shaders/common/{name}"
        );
    }
}
