//! `tests/README.md` names every test binary, each once, and no binary that does not exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the first cells of the rows of all tables with the heading "Binary".
fn listed(page: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut names = Vec::new();
    for line in page.lines() {
        is_inside = line.starts_with("| Binary |") || is_inside && line.starts_with('|');
        let cell = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split_once('`'));
        if let (true, Some((name, _))) = (is_inside, cell) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Returns the test binaries that Cargo finds: `NAME.rs`, and folders with a `main.rs`.
fn binaries(tests: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(tests)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_binary = |path: &PathBuf| match path.extension() {
        Some(extension) => extension == "rs",
        None => path.join("main.rs").is_file(),
    };
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    entries.filter(is_binary).map(stem).collect()
}

/// The error names the binaries that are missing on the page, that do not exist, and that are listed twice.
fn compare(listed: &[String], binaries: &BTreeSet<String>) -> Result<(), String> {
    let names: BTreeSet<_> = listed.iter().cloned().collect();
    let missing: Vec<_> = binaries.difference(&names).collect();
    let unknown: Vec<_> = names.difference(binaries).collect();
    let is_twice = names.len() < listed.len();
    if missing.is_empty() && unknown.is_empty() && !is_twice {
        return Ok(());
    }
    Err(format!(
        "tests/README.md lacks {missing:?}, names {unknown:?} that do not exist; one is there twice: {is_twice}"
    ))
}

#[test]
fn the_page_names_every_test_binary_and_no_other() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let page = fs::read_to_string(tests.join("README.md")).unwrap();
    let binaries = binaries(&tests);
    assert!(binaries.contains("test_page"), "{binaries:?}");
    compare(&listed(&page), &binaries).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn a_page_that_differs_in_one_row_is_reported() {
    let page = "| `a` |\n\n| Binary | Proves |\n|---|---|\n| `b` | x |\n| `c` | y |\n\n| What |\n| `d` |\n";
    assert_eq!(listed(page), ["b", "c"]);
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let check = |page: &[&str]| compare(&names(page), &names(&["b", "c"]).into_iter().collect());
    assert!(check(&["c", "b"]).is_ok());
    for differs in [&["b"][..], &["b", "c", "d"], &["b", "c", "c"], &["b", "d"]] {
        assert!(check(differs).is_err(), "{differs:?}");
    }
}
