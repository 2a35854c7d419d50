//! Shaders, twins and the kernel table: each has the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::kernels::{Shader, shaders};
use trainable::kernels::{self, Kernel};

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
    kernels::all()
        .map(|kernel| kernel.room.to_owned())
        .collect()
}

/// The files that the kernels of a room should have, for those kernels that `is_wanted` accepts.
fn kernel_files(room: &str, extension: &str, is_wanted: fn(&Kernel) -> bool) -> BTreeSet<String> {
    let kernels = kernels::all().filter(|kernel| kernel.room == room && is_wanted(kernel));
    kernels
        .map(|kernel| format!("{}.{extension}", kernel.name))
        .collect()
}

fn is_product(kernel: &Kernel) -> bool {
    !kernel.tiled.is_empty()
}

#[test]
fn a_kernel_is_listed_once() {
    let names: BTreeSet<_> = kernels::all().map(|kernel| kernel.name).collect();
    assert!(!names.is_empty());
    assert_eq!(names.len(), kernels::all().count());
}

#[test]
fn every_product_and_no_other_kernel_has_a_plain_and_a_tiled_file() {
    for room in rooms() {
        let wanted = kernel_files(&room, "wgsl", is_product);
        if !wanted.is_empty() {
            for folder in ["plain", "tiled"] {
                let found = file_names(&format!("shaders/{room}/{folder}"));
                assert_eq!(
                    found, wanted,
                    "left: shaders/{room}/{folder}/, right: kernels"
                );
            }
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
    assert_eq!(
        found,
        rooms(),
        "left: shaders/, right: rooms of the kernels"
    );
    for room in rooms() {
        let mut found = file_names(&format!("shaders/{room}"));
        for folder in ["plain", "tiled"] {
            found.remove(folder);
        }
        let wanted = kernel_files(&room, "wgsl", |_| true);
        assert_eq!(found, wanted, "left: shaders/{room}/, right: kernels");
    }
}

#[test]
fn every_shader_has_a_twin_and_every_twin_a_shader() {
    for room in rooms() {
        let found = file_names(&format!("src/cpu/{room}"));
        let wanted = kernel_files(&room, "rs", |_| true);
        assert_eq!(found, wanted, "left: src/cpu/{room}/, right: kernels");
    }
}

#[test]
fn a_kernels_source_has_its_files_and_every_common_file_is_used() {
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
        let room = format!("shaders/{}", kernel.room);
        let own = read(&format!("{room}/{}.wgsl", kernel.name));
        assert!(variant.source.contains(&own), "{name}");
        if is_product(kernel) {
            let folder = if variant.name == "plain" {
                "plain"
            } else {
                "tiled"
            };
            let how = read(&format!("{room}/{folder}/{}.wgsl", kernel.name));
            assert!(variant.source.ends_with(&how), "{name}");
        }
    }
    for name in file_names("shaders/common") {
        let text = read(&format!("shaders/common/{name}"));
        assert!(
            shaders().any(|shader| shader.variant.source.contains(&text)),
            "no kernel uses shaders/common/{name}"
        );
    }
}
