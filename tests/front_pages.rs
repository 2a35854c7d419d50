//! The pages that readers begin with: what they link to is where they are read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Targets of inline links and pictures, outside of code.
fn targets(markdown: &str) -> BTreeSet<String> {
    let text = markdown.split("```").step_by(2).collect::<String>();
    let ends = text.split("](").skip(1);
    ends.map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect()
}

fn is_remote(target: &str) -> bool {
    target.starts_with("https://")
}

/// rustdoc and a package registry show this page away from the repository, whose address the manifest does not know.
#[test]
fn the_packages_page_links_to_nothing_beside_it() {
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("readme = \"CRATE.md\""));
    assert!(
        !manifest.contains("\nrepository ="),
        "then relative links would do"
    );
    assert!(read("src/lib.rs").starts_with("#![doc = include_str!(\"../CRATE.md\")]"));
    let found = targets(&read("CRATE.md"));
    assert!(found.len() > 1, "{found:?}");
    assert!(found.iter().all(|target| is_remote(target)), "{found:?}");
}

#[test]
fn the_repositorys_page_links_to_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = targets(&read("README.md"));
    let near: Vec<_> = found.iter().filter(|target| !is_remote(target)).collect();
    assert!(near.len() > 5, "{near:?}");
    for target in near {
        let path = target.split('#').next().unwrap();
        assert!(root.join(path).exists(), "{target}");
    }
}

#[test]
fn targets_are_found() {
    let page = "a [b](c.md) ![d](https://e) ```\n[f](g)\n``` [h](i#j)";
    let wanted = ["c.md", "https://e", "i#j"].map(str::to_owned);
    assert_eq!(targets(page), wanted.into());
}
