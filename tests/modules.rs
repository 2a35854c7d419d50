//! The top-level modules of the library: no module uses another that uses it in turn, directly or through others.

#[path = "modules/cycle.rs"]
mod cycle;
#[path = "modules/uses.rs"]
mod uses;

use std::fs;
use std::path::{Path, PathBuf};

use uses::{Source, Use, uses};

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    files.iter().map(source).collect()
}

const LIB: (&str, &str) = (
    "lib.rs",
    "mod a; #[cfg(feature = \"x\")] pub mod b; mod c; pub use c::{Error, Fault}; pub use wgpu;",
);

fn found(files: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let all = uses(&sources(&[&[LIB], files].concat())).unwrap();
    let parts = |found: Use| (found.from, found.to, found.at);
    all.into_iter().map(parts).collect()
}

#[test]
fn every_form_of_a_path_is_a_use() {
    for (path, text) in [
        ("a.rs", "use crate::b::Thing;"),
        ("a.rs", "use crate::b;"),
        ("a.rs", "use crate::{a::X, b::{Y, Z}};"),
        ("a.rs", "use super::b::Thing;"),
        ("a.rs", "use super::{a, b};"),
        ("a/mod.rs", "fn f() { super::b::g(); }"),
        ("a/deep.rs", "use super::super::b;"),
        ("a/deep.rs", "use super::{super::b, other};"),
        ("a/deep/er.rs", "fn f() -> crate::b::Thing { todo!() }"),
        ("a.rs", "mod inner { use super::super::b; }"),
        ("a.rs", "fn f() { println!(\"{}\", crate::b::X); }"),
        ("a.rs", "#[cfg(unix)] use crate::b::X;"),
        ("a.rs", "#[cfg(test)] mod tests { } use crate::b::X;"),
    ] {
        let wanted = ("a".to_owned(), "b".to_owned(), format!("src/{path}:1"));
        assert_eq!(found(&[(path, text)]), [wanted], "{text}");
    }
}

#[test]
fn what_is_no_use_of_another_module_is_left_out() {
    for (path, text) in [
        ("a.rs", "// crate::b\n/// [`crate::b`]\nfn f() {}"),
        ("a.rs", "const X: &str = \"crate::b\";"),
        ("a.rs", "#[cfg(test)] mod tests { use crate::b; }"),
        ("a.rs", "#[cfg(test)] use crate::b;"),
        (
            "a.rs",
            "#[cfg(all(test, unix))] mod tests { use crate::b; }",
        ),
        ("a.rs", "use crate::a::X; pub(crate) fn f() {}"),
        ("a.rs", "use crate::wgpu::Device;"),
        ("a.rs", "mod inner { use super::b; }"),
        ("a/deep.rs", "use super::b;"),
        ("main.rs", "mod program; use crate::program;"),
        ("program/mod.rs", "use crate::anything; use trainable::b;"),
    ] {
        assert_eq!(found(&[(path, text)]), [], "{text}");
    }
}

#[test]
fn an_item_of_the_root_is_a_use_of_the_module_that_it_comes_from() {
    let all = found(&[("a.rs", "fn f()\n-> crate::Fault {}")]);
    let wanted = ("a".to_owned(), "c".to_owned(), "src/a.rs:2".to_owned());
    assert_eq!(all, [wanted]);
}

#[test]
fn a_name_that_the_root_does_not_have_is_an_error() {
    for (text, name) in [("use crate::d;", "d"), ("use crate::*;", "*")] {
        let error = uses(&sources(&[LIB, ("a.rs", text)])).unwrap_err();
        let wanted = format!("src/a.rs:1: lib.rs has no module and no item `{name}`");
        assert_eq!(error, wanted);
    }
    assert!(uses(&sources(&[LIB, ("a.rs", "fn f( {")])).is_err());
    assert!(uses(&[]).is_err());
}

#[test]
fn a_cycle_is_found_and_told_arrow_by_arrow() {
    let open = [("a.rs", "use crate::{b, c};"), ("b.rs", "use crate::c;")];
    let all = uses(&sources(&[&[LIB], &open[..]].concat())).unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(cycle::shortest(&all), None);

    let closed = [&[LIB], &open[..], &[("c/deep.rs", "\nuse crate::a;")]].concat();
    let all = uses(&sources(&closed)).unwrap();
    let found = cycle::describe(&cycle::shortest(&all).unwrap());
    let wanted = "a -> c -> a\n  a uses c in src/a.rs:1\n  c uses a in src/c/deep.rs:2";
    assert_eq!(found, wanted);

    let long = [
        ("a.rs", "use crate::b;"),
        ("b.rs", "use crate::Error;"),
        ("c.rs", "use crate::a;"),
    ];
    let all = uses(&sources(&[&[LIB], &long[..]].concat())).unwrap();
    let found = cycle::describe(&cycle::shortest(&all).unwrap());
    assert!(found.starts_with("a -> b -> c -> a\n"), "{found}");
}

/// Reads every file below `src`, in the order of their paths.
fn tree() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![src.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let source = |file: PathBuf| {
        let parts = file.strip_prefix(&src).unwrap().iter();
        let parts: Vec<_> = parts.map(|part| part.to_str().unwrap()).collect();
        Source {
            path: parts.join("/"),
            text: fs::read_to_string(&file).unwrap(),
        }
    };
    files.into_iter().map(source).collect()
}

#[test]
fn the_librarys_modules_form_no_cycle() {
    let all = uses(&tree()).unwrap_or_else(|error| panic!("{error}"));
    assert!(all.len() > 50, "found only {} uses", all.len());
    if let Some(cycle) = cycle::shortest(&all) {
        panic!("modules form a cycle: {}", cycle::describe(&cycle));
    }
}
