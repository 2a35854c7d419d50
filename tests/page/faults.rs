//! Files from which no page can be made.

use crate::Case;
use std::fs;
use trainable::report::{Foreign, write_page};

#[test]
fn a_missing_file_is_named() {
    for (file, what) in [
        ("experiment.toml", "the experiment of a run"),
        ("tasks.csv", "a table of a run"),
        ("probes.csv", "a table of a run"),
        ("early_warning.csv", "a table of a run"),
    ] {
        let case = Case::new();
        fs::remove_file(case.run.join(file)).unwrap();
        assert_eq!(case.refusal(), format!("cannot read {file}: wanted {what}"));
    }
}

#[test]
fn a_broken_file_is_named_with_what_was_wanted_and_found() {
    type Change = fn(&str) -> String;
    let cases: [(&str, Change, &str); 11] = [
        (
            "early_warning.csv",
            |text| text.to_owned() + "ReLU,dead units,5,3,0.5,0.4,0.6,0.1,0.2,1,1,1.0\n",
            "wanted no more than pairs as its drops, found 5",
        ),
        (
            "experiment.toml",
            |text| text.replace("name = \"ReLU\"", "name = \"=ReLU\""),
            "experiment.toml: wanted names that a run may have",
        ),
        (
            "experiment.toml",
            |text| text.replace("tasks = 3", "tasks = -3"),
            "cannot read experiment.toml as an experiment",
        ),
        (
            "tasks.csv",
            |text| text.replace("final_loss", "last_loss"),
            "tasks.csv: wanted a column final_loss, found only arm, seed, task, online_accuracy, online_loss, \
             final_accuracy, last_loss",
        ),
        (
            "tasks.csv",
            |text| text.replace("ReLU,1,2,", "ReLU,one,2,"),
            "tasks.csv, line 3: wanted a whole number as its seed, found \"one\"",
        ),
        (
            "tasks.csv",
            |text| text.to_owned() + "ReLU,1,3,9.2e18,1.0,0.5,1.0\n",
            "wanted a number from 0 to 1 as its online_accuracy, found 9200000000000000000",
        ),
        (
            "tasks.csv",
            |text| text.to_owned() + "ReLU,1,3,NaN,1.0,0.5,1.0\n",
            "wanted a number from 0 to 1 as its online_accuracy, found NaN",
        ),
        (
            "tasks.csv",
            |text| text.replace("ReLU,1,2,", "ReLU,1,0,"),
            "tasks.csv, line 3: wanted 1 or more as its task, found 0",
        ),
        (
            "tasks.csv",
            |text| text.to_owned() + "ReLU,1,4,high,0.0,0.0,0.0\n",
            "tasks.csv, line 14: wanted a number as its online_accuracy, found \"high\"",
        ),
        (
            "early_warning.csv",
            |text| text.to_owned() + "ReLU,dead units\n",
            "wanted a row of as many fields as the header has, in UTF-8, found 2 fields",
        ),
        (
            "probes.csv",
            |text| text.replace("ReLU,", "CReLU,"),
            "probes.csv: wanted the arms of experiment.toml, \
             [\"ReLU\", \"<script>alert(1)</script> & \\\"L2\\\"\"], found [\"CReLU\"]",
        ),
    ];
    for (file, change, message) in cases {
        let case = Case::new();
        case.edit(file, change);
        let found = case.refusal();
        assert!(found.contains(file) && found.ends_with(message), "{found}");
    }
}

#[test]
fn a_file_that_is_no_page_of_ours_stays() {
    let case = Case::new();
    for other in ["", "kept", "<!DOCTYPE html><html><body>mine</body></html>"] {
        fs::write(case.page(), other).unwrap();
        let wanted = "wanted no file or an older report to replace, found another file";
        assert_eq!(case.refusal(), format!("report.html: {wanted}"));
        assert_eq!(fs::read_to_string(case.page()).unwrap(), other);
    }
    write_page(&[&case.run], &case.page(), Foreign::Replace).unwrap();
    let first = fs::read_to_string(case.page()).unwrap();
    assert_eq!(
        case.write().unwrap(),
        first,
        "a page is not replaced by its like"
    );
}
