//! Shaders, twins and the kernel table: each has the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::kernels::{Shader, shaders};
use trainable::kernels::{KERNELS, Kernel};

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

/// The rooms of the table: the folders of `shaders/` and of `src/cpu/`.
fn rooms() -> BTreeSet<String> {
    KERNELS
        .iter()
        .map(|kernel| kernel.room.to_owned())
        .collect()
}

/// The files that the kernels of a room should have, for those kernels that `is_wanted` accepts.
fn kernel_files(room: &str, extension: &str, is_wanted: fn(&Kernel) -> bool) -> BTreeSet<String> {
    let kernels = KERNELS
        .iter()
        .filter(|kernel| kernel.room == room && is_wanted(kernel));
    kernels
        .map(|kernel| format!("{}.{extension}", kernel.name))
        .collect()
}

fn is_product(kernel: &Kernel) -> bool {
    !kernel.tiled.is_empty()
}

#[test]
fn a_kernel_is_listed_once() {
    let names: BTreeSet<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
    assert_eq!(names.len(), KERNELS.len());
}

#[test]
fn every_tiled_shader_is_a_product_and_every_product_has_one() {
    for room in rooms() {
        let wanted = kernel_files(&room, "wgsl", is_product);
        if !wanted.is_empty() {
            let found = file_names(&format!("shaders/{room}/tiled"));
            assert_eq!(found, wanted, "left: shaders/{room}/tiled/, right: KERNELS");
        }
    }
    for shader in shaders() {
        let is_tiled = shader.variant.name != "plain";
        assert_eq!(is_tiled, ["wide", "deep"].contains(&shader.variant.name));
    }
}

#[test]
fn every_shader_is_a_kernel_and_every_kernel_has_a_shader() {
    let mut found = file_names("shaders");
    assert!(found.remove("common"), "found no shaders/common");
    assert_eq!(found, rooms(), "left: shaders/, right: rooms of KERNELS");
    for room in rooms() {
        let mut found = file_names(&format!("shaders/{room}"));
        found.remove("tiled");
        let wanted = kernel_files(&room, "wgsl", |_| true);
        assert_eq!(found, wanted, "left: shaders/{room}/, right: KERNELS");
    }
}

#[test]
fn every_shader_has_a_twin_and_every_twin_a_shader() {
    for room in rooms() {
        let found = file_names(&format!("src/cpu/{room}"));
        let wanted = kernel_files(&room, "rs", |_| true);
        assert_eq!(found, wanted, "left: src/cpu/{room}/, right: KERNELS");
    }
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
            "plain" => "",
            _ => "tiled/",
        };
        let own = read(&format!(
            "shaders/{}/{folder}{}.wgsl",
            kernel.room, kernel.name
        ));
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
