//! The pages that readers see first: their links, commands and lists agree with the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Returns the targets of inline links and pictures, outside of code.
fn targets(markdown: &str) -> BTreeSet<String> {
    let text = markdown.split("```").step_by(2).collect::<String>();
    let ends = text.split("](").skip(1);
    ends.map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect()
}

fn is_remote(target: &str) -> bool {
    target.starts_with("https://")
}

/// rustdoc and the package registry show the README outside the repository, and the manifest gives no address for relative
/// links.
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

/// The pages of the repository that link to files beside them.
const PAGES: [&str; 5] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "REPRODUCTION.md",
];

#[test]
fn local_links_point_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for page in PAGES {
        let found = targets(&read(page));
        for target in found.iter().filter(|target| !is_remote(target)) {
            let path = target.split('#').next().unwrap();
            assert!(root.join(path).exists(), "{page}: {target}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

/// Returns the names that follow `--test` in a page.
fn named_tests(page: &str) -> BTreeSet<String> {
    let words: Vec<_> = page
        .split_whitespace()
        .map(|word| word.trim_matches('`'))
        .collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == "--test");
    pairs.map(|pair| pair[1].to_owned()).collect()
}

#[test]
fn commands_name_tests_that_exist() {
    let names = named_tests(&read("CONTRIBUTING.md"));
    assert!(names.len() > 10, "{names:?}");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for name in names {
        assert!(tests.join(format!("{name}.rs")).exists(), "{name}");
    }
}

#[test]
fn the_workflow_checks_every_feature_by_itself() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let features = manifest["features"].as_table().unwrap().keys();
    let features: BTreeSet<_> = features
        .filter(|name| *name != "default")
        .cloned()
        .collect();
    let workflow = read(".github/workflows/ci.yml");
    let (_, matrix) = workflow.split_once("features: [\"\", ").expect("a matrix");
    let (matrix, _) = matrix.split_once(']').unwrap();
    let checked: BTreeSet<_> = matrix.split(", ").map(str::to_owned).collect();
    assert_eq!(checked, features);
}

#[test]
fn the_workflow_tries_the_declared_rust() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let oldest = manifest["package"]["rust-version"].as_str().unwrap();
    let wanted = format!("dtolnay/rust-toolchain@{oldest}\n");
    assert!(read(".github/workflows/ci.yml").contains(&wanted));
    assert!(read("README.md").contains(&format!("Rust {oldest} or newer")));
}

#[test]
fn test_names_are_found() {
    let page = "`cargo test --test a --test b`\n--test";
    assert_eq!(named_tests(page), ["a", "b"].map(str::to_owned).into());
}

#[test]
fn targets_are_found() {
    let page = "a [b](c.md) ![d](https://e) ```\n[f](g)\n``` [h](i#j)";
    let wanted = ["c.md", "https://e", "i#j"].map(str::to_owned);
    assert_eq!(targets(page), wanted.into());
}

/// Returns the paths in a page's code spans that begin with a folder of the repository, without patterns.
fn paths(page: &str) -> BTreeSet<String> {
    let folders = [
        "src/",
        "shaders/",
        "tests/",
        "examples/",
        "assets/",
        "benches/",
    ];
    let spans = page
        .split("```")
        .step_by(2)
        .flat_map(|text| text.split('`').skip(1).step_by(2));
    let is_path = |span: &&str| {
        folders.iter().any(|folder| span.starts_with(folder))
            && !span.contains(|c: char| c.is_whitespace() || "{*".contains(c))
            && !["NAME", "ROOM", "DIR"]
                .iter()
                .any(|word| span.contains(word))
    };
    spans.filter(is_path).map(str::to_owned).collect()
}

#[test]
fn paths_in_pages_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for page in [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "REPRODUCTION.md",
        "PERFORMANCE.md",
    ] {
        for path in paths(&read(page)) {
            assert!(root.join(&path).exists(), "{page}: {path}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn a_path_that_is_not_there_is_found() {
    let page = "`src/lib.rs`, `src/absent.rs`, `cargo test` and `src/plan/ops/NAME.rs`";
    let found: Vec<_> = paths(page).into_iter().collect();
    assert_eq!(found, ["src/absent.rs", "src/lib.rs"]);
}
