//! Published files mean what they meant.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use trainable::experiment::Experiment;
use trainable::scoreboard::Scoreboard;

/// Returns the experiment files in assets/reproduction: those that are not scoreboards.
pub(crate) fn published() -> Vec<PathBuf> {
    let mut files = tables();
    files.retain(|path| !path.ends_with(SCOREBOARD));
    assert!(files.len() >= 33, "found only {files:?}");
    files
}

/// The name of a scoreboard file.
const SCOREBOARD: &str = "scoreboard.toml";

/// Returns the TOML files in assets/reproduction.
fn tables() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/reproduction");
    let mut directories = vec![root];
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn published_scoreboards_make_experiments() {
    let files = tables()
        .into_iter()
        .filter(|path| path.ends_with(SCOREBOARD));
    let boards: Vec<_> = files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let board = text.parse::<Scoreboard>();
            board.unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        })
        .collect();
    assert!(boards.len() >= 2);
    for board in boards {
        let entries = board.entries().unwrap();
        assert_eq!(entries.len(), board.settings.len() * board.methods.len());
        let budget = entries[0].tuning.arms.len();
        assert!(budget >= 6, "{}: {budget}", board.name);
        for entry in entries {
            assert_eq!(entry.tuning.arms.len(), budget, "{}", entry.method);
            // Tuned constants have the five seeds of the untuned rules that they are compared with; others have ten.
            let wanted = if board.name == "tuned-constants" {
                5
            } else {
                10
            };
            let seeds = entry.held_out(budget - 1).seeds.len();
            assert_eq!(seeds, wanted, "{}, {}", board.name, entry.method);
        }
    }
}

/// Returns whether `resolved` has every value that `stated` has, and adds to `other` the fields, without indices, that only
/// `resolved` has.
fn compare(stated: &Value, resolved: &Value, place: &str, other: &mut BTreeSet<String>) -> bool {
    match (stated, resolved) {
        (Value::Table(stated), Value::Table(resolved)) => {
            let new = resolved.keys().filter(|key| !stated.contains_key(*key));
            other.extend(new.map(|key| format!("{place}.{key}")));
            stated.iter().all(|(key, value)| {
                let same = resolved.get(key);
                same.is_some_and(|same| compare(value, same, &format!("{place}.{key}"), other))
            })
        }
        (Value::Array(stated), Value::Array(resolved)) => {
            stated.len() == resolved.len() && { stated.iter().zip(resolved) }
                .all(|(a, b)| compare(a, b, place, other))
        }
        (stated, resolved) => {
            let names = (stated.as_str(), resolved.as_str());
            stated == resolved || names == (Some("locally-optimal"), Some("lobpcg"))
        }
    }
}

/// Returns the fields that reading adds to the values of `text`; `None` where reading changes a value.
fn added(text: &str) -> Option<BTreeSet<String>> {
    let experiment: Experiment = text.parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(toml::from_str(text), Ok(experiment.clone()));
    let resolved = toml::to_string(&experiment).unwrap();
    assert_eq!(resolved.parse(), Ok(experiment));
    let [stated, resolved] = [text, &resolved].map(|text| toml::from_str::<Table>(text).unwrap());
    let mut added = BTreeSet::new();
    let is_same = compare(&stated.into(), &resolved.into(), "", &mut added);
    is_same.then_some(added)
}

/// The oldest files state every field. Reading may add only fields that were always optional.
#[test]
fn published_files_mean_what_they_meant() {
    let optional = [".stream", ".arms.control.bound.restart"];
    for path in published() {
        let text = fs::read_to_string(&path).unwrap();
        let added = added(&text).unwrap_or_else(|| panic!("{}: another value", path.display()));
        let unknown = added.iter().find(|field| !optional.contains(&&field[..]));
        assert_eq!(unknown, None, "{}", path.display());
    }
}

/// The comparison notices a value that another reader would have changed, and a default that was added silently.
#[test]
fn a_changed_or_added_value_would_be_found() {
    let mut found = BTreeSet::new();
    let [a, b, c] = [
        "a = [{ x = 0.1, y = 1 }]",
        "a = [{ x = 0.2, y = 1 }]",
        "a = [{ y = 1 }]",
    ]
    .map(|text| Value::Table(toml::from_str(text).unwrap()));
    assert!(!compare(&a, &b, "", &mut found));
    assert!(!compare(&a, &c, "", &mut found));
    assert!(compare(&c, &a, "", &mut found));
    assert_eq!(found, [".a.x".to_owned()].into());
    let gate = "name = 'x'\narms = [{ name = 'x', step_size = 0.5 }]";
    assert!(added(gate).unwrap().contains(".arms.control"));
}
