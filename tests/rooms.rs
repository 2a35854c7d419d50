//! The modules that stand below experiments and reports know neither, and experiments know no report.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms of rows, numbers and pictures, each above those before it.
const ROOMS: [&str; 5] = ["files", "statistics", "record", "experiment", "report"];

/// The code of a file without comments and without its unit tests, which stand last.
fn code(text: &str) -> String {
    let code = text.split("mod tests {").next().unwrap_or_default();
    let lines = code.lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The top-level modules that `code` names by `crate::NAME` or in `crate::{NAME, ..}`.
fn named(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(first_names)
        .collect()
}

/// The first name of `path`, or of each path in the braces that it begins with.
fn first_names(path: &str) -> Vec<String> {
    let name = |path: &str| {
        let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
        path[..end.unwrap_or(path.len())].to_owned()
    };
    let Some(list) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut depth, mut names) = (0, vec![name(list.trim_start())]);
    for (place, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(list[place + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

/// Adds the code of every file below `place` to that of its top-level module.
fn collect(place: &Path, module: Option<&str>, modules: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = module.unwrap_or(&stem);
        if path.is_dir() {
            collect(&path, Some(module), modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = code(&fs::read_to_string(&path).unwrap());
            *modules.entry(module.to_owned()).or_default() += &text;
        }
    }
}

/// The top-level modules that each top-level module names.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut modules = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    collect(&source, None, &mut modules);
    let imports = modules.into_iter();
    imports
        .map(|(module, code)| (module, named(&code)))
        .collect()
}

/// Every module that `module` reaches by imports, itself only where it stands in a cycle.
fn reached(imports: &BTreeMap<String, BTreeSet<String>>, module: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![module.to_owned()];
    while let Some(module) = next.pop() {
        for import in imports.get(&module).into_iter().flatten() {
            if *import != module && reached.insert(import.clone()) {
                next.push(import.clone());
            }
        }
    }
    reached
}

#[test]
fn a_room_reaches_no_room_above_it() {
    let imports = imports();
    for (place, room) in ROOMS.iter().enumerate() {
        assert!(imports.contains_key(*room), "there is no module {room}");
        let reached = reached(&imports, room);
        for above in &ROOMS[place..] {
            assert!(!reached.contains(*above), "{room} reaches {above}");
        }
    }
}

#[test]
fn errors_reach_no_room() {
    let reached = reached(&imports(), "error");
    for room in ROOMS {
        assert!(!reached.contains(room), "error reaches {room}");
    }
}

#[test]
fn a_cycle_is_found() {
    let imports = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(module, code)| ((*module).to_owned(), named(code)));
        pairs.collect::<BTreeMap<_, _>>()
    };
    let circle = imports(&[
        ("record", "fn f() { crate::files::read() }"),
        ("files", "use crate::error::Error;"),
        ("error", "use crate::record::TaskRow;"),
    ]);
    assert!(reached(&circle, "files").contains("files"));
    let line = imports(&[("record", "use crate::files::read;"), ("files", "")]);
    assert!(!reached(&line, "record").contains("record"));
}

#[test]
fn imports_are_found_and_tests_are_none() {
    let text =
        "use a; // crate::b\nuse crate::{c::{d, e}, f};\nmod tests {\n    use crate::g;\n}\n";
    assert_eq!(named(&code(text)), ["c", "f"].map(str::to_owned).into());
}
