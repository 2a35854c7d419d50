use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::experiment::Arm;
use crate::scheduler::Profile;

fn error(text: &str) -> FileError {
    text.parse::<Experiment>().expect_err(text)
}

/// Asserts the faults of a text: line, column, and the beginning of the message.
fn assert_faults(text: &str, wanted: &[(usize, usize, &str)]) {
    let error = error(text);
    let found = error.faults().iter();
    let found: Vec<_> = found.map(|f| (f.line, f.column, &f.message[..])).collect();
    assert_eq!(found.len(), wanted.len(), "{error}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!((found.0, found.1), (wanted.0, wanted.1), "{error}");
        assert!(found.2.starts_with(wanted.2), "{wanted:?} in {error}");
    }
}

#[test]
fn names_and_what_differs_are_enough() {
    let text = "
        name = 'mine'
        [[arms]]
        name = 'plain'
        [[arms]]
        name = 'clipped'
        control = 'update-clipping'";
    let arm = |name: &str| Arm {
        name: name.to_owned(),
        ..Arm::default()
    };
    let clipped = Arm {
        control: Profile::UpdateClipping.control(),
        ..arm("clipped")
    };
    let wanted = Experiment {
        name: "mine".to_owned(),
        arms: vec![arm("plain"), clipped],
        ..Experiment::default()
    };
    assert_eq!(text.parse(), Ok(wanted.clone()));
    assert_eq!(toml::from_str(text), Ok(wanted));
}

#[test]
fn all_faults_are_told_each_with_its_place() {
    let text = r#"question = 3
imagse = 2.5
seeds = [1, "x", -3]
probe = { method = "powr", iterations = 10 }
[[arms]]
l2 = "much"
control = { scope = "globl" }
[[arms]]
name = 7
placebo = { off = "a" }
optimiser = { adma = { beta1 = "x" } }
[arms.control.bound]
signal = "noise"
gate = true
"#;
    let faults = [
        (1, 1, "missing field `name`"),
        (1, 12, "wanted a string, found integer `3`"),
        (2, 1, "unknown field `imagse`"),
        (
            2,
            10,
            "wanted a whole number, 0 to 4294967295, found floating",
        ),
        (
            3,
            13,
            "wanted a whole number, 0 to 4294967295, found string \"x\"",
        ),
        (
            3,
            18,
            "wanted a whole number, 0 to 4294967295, found integer `-3`",
        ),
        (4, 20, "unknown variant `powr`"),
        (5, 1, "missing field `name`"),
        (6, 6, "wanted a number, found string \"much\""),
        (7, 11, "missing field `profile`"),
        (7, 21, "unknown variant `globl`"),
        (9, 8, "wanted a string, found integer `7`"),
        (10, 11, "missing field `kind`"),
        (10, 13, "unknown field `off`"),
        (11, 15, "unknown field `adma`"),
        (11, 32, "wanted a number, found string \"x\""),
        (12, 1, "missing field `scope`, `safety`, `cool`, `warm`"),
        (14, 8, "wanted a number, found boolean `true`"),
    ];
    assert_faults(text, &faults);
    let whole = error(text);
    let meant = whole.faults().iter();
    let meant: Vec<_> = meant.filter_map(|fault| fault.meant.as_deref()).collect();
    assert_eq!(meant, ["`images`", "`power`", "`global`", "`of`", "`adam`"]);
    // Without one of the faults, the others remain.
    let mended = text.replace("question = 3", "question = ''");
    assert_eq!(error(&mended).faults().len(), faults.len() - 1);
}

/// An intervention is a table of one element. Its fault is told alone, although the repair leaves an empty table.
#[test]
fn a_fault_inside_an_intervention_is_one_fault() {
    let faults = |interventions: &str| {
        let text = format!("name = 'x'\n[[arms]]\nname = 'a'\ninterventions = {interventions}");
        let error = error(&text);
        let messages = error.faults().iter().map(|fault| fault.message.clone());
        messages.collect::<Vec<_>>()
    };
    let misspelt = faults("[{ weight-cliping = { kappa = 2.0 } }]");
    assert_eq!(misspelt.len(), 1, "{misspelt:?}");
    assert!(misspelt[0].starts_with("unknown variant"), "{misspelt:?}");
    assert_eq!(
        faults("[{ weight-clipping = {} }]"),
        ["missing field `kappa`"]
    );
    assert_eq!(faults("[{ shrink-perturb = {} }]").len(), 1);
    // These are told: a table that is empty in the file, and one of two elements.
    assert_eq!(
        faults("[{ weight-clipping = {} }, {}]"),
        [
            "missing field `kappa`",
            "wanted exactly 1 element, found 0 elements"
        ]
    );
    assert_eq!(
        faults("[{ redo = {}, fire = {} }]"),
        ["wanted exactly 1 element, found more"]
    );
}

#[test]
fn faults_of_toml_itself_are_told_together() {
    let text = "name = 'x'\nimages 3\n[[arms]\nname = = 3";
    let found = error(text);
    let lines: BTreeSet<_> = found.faults().iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3, 4].into(), "{found}");
}

#[test]
fn a_file_that_lacks_everything_is_told_so() {
    assert_faults("", &[(1, 1, "missing field `name`, `arms`")]);
    assert_faults("# nothing\n", &[(1, 1, "missing field `name`, `arms`")]);
    assert_faults(
        "name = 'x'\narms = 3",
        &[(2, 8, "wanted a list, found integer")],
    );
    assert_faults(
        "name = 'x'\narms = [3]",
        &[(2, 9, "wanted a table, found integer")],
    );
    assert_faults(
        "name = 'x'\n[arms]\nname = 'a'",
        &[(2, 1, "wanted a list, found a table")],
    );
    assert_faults(
        "name = ['x']\narms = []",
        &[(1, 8, "wanted a string, found a list")],
    );
    assert_faults(
        "name = 'x'\narms = []\ndata = { name = '', shape = [1, 2, 3], classes = 2 }",
        &[(3, 8, "name: wanted one character or more")],
    );
}

#[test]
fn faults_are_few_short_and_harmless_to_a_terminal() {
    let odd = format!("name = 'x'\narms = []\n{} = 1\n", "\"\\u001b[31m\"");
    let shown = error(&odd).to_string();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let long = format!("name = 'x'\narms = []\nbatch = '{}'\n", "é".repeat(50_000));
    let shown = error(&long).to_string();
    assert!(shown.chars().count() < 1_000, "{}", shown.len());
    assert!(shown.contains("line 3, column 9: wanted a whole number"));
    let one = "[[arms]]\nl2 = 'x'\n";
    let many = error(&format!("name = 'x'\n{}", one.repeat(1_000)));
    assert!(
        (20..=MOST_ERRORS).contains(&many.faults().len()),
        "{}",
        many.faults().len()
    );
    let errors = error(&"= =\n".repeat(1_000));
    assert!(errors.faults().len() <= MOST_ERRORS);
}

#[test]
fn a_fault_is_shown_with_its_line() {
    let shown = error("name = 'x'\narms = []\nbacth = 3 # of them\n").to_string();
    let wanted = "line 3, column 1: unknown field `bacth`; did you mean `batch`?\n  \
        3 | bacth = 3 # of them\n    | ^^^^^";
    assert_eq!(shown, wanted);
    let text = format!("name = 'x'\narms = []\nquestion = {}3\n", " ".repeat(500));
    let shown = error(&text).to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("line 3, column 512: wanted a string"));
    let caret = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][caret..=caret], "3", "{shown}");
}

/// The fields that the schema requires, each with the name of its type's definition.
fn required(schema: &Value) -> BTreeSet<(String, String)> {
    let definitions = schema["definitions"].as_object().unwrap();
    let root = [("".to_owned(), schema.clone())];
    let all = definitions
        .iter()
        .map(|(name, one)| (name.clone(), one.clone()));
    let mut found = BTreeSet::new();
    for (name, one) in root.into_iter().chain(all) {
        let fields = one["required"].as_array().into_iter().flatten();
        found.extend(fields.map(|field| (name.clone(), field.as_str().unwrap().to_owned())));
    }
    found
}

/// A field that is required and has no stand-in would hide the faults beside it.
#[test]
fn every_required_field_has_a_stand_in() {
    let required = required(&schema());
    assert!(required.len() > 15, "{required:?}");
    for (table, field) in required {
        let known = repair::STAND_INS.iter().any(|row| row.1 == field);
        assert!(known, "{table}.{field}");
    }
    for (table, field, _) in repair::STAND_INS {
        assert!(repair::stand_in(table, field).is_some(), "{table}.{field}");
    }
}
