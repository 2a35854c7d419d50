//! Requests that `trainable run` refuses.

use crate::{edited, refused};
use std::fs;
use std::path::Path;

#[test]
fn what_cannot_be_run_is_refused_in_plain_words() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    refused(&["run"], 2, &["EXPERIMENT.toml"]);
    refused(
        &["run", "--preset", "ablatoin"],
        2,
        &["'ablatoin'", "similar", "'ablation'"],
    );
    refused(
        &["run", "--preset", "smoke", "--scale", "large"],
        2,
        &["'large'", "small, paper"],
    );
    refused(
        &["run", "--preset", "smoke", "mine.toml"],
        2,
        &["cannot be used with"],
    );
    refused(
        &["run", "--preset", "smoke", "--seeds", "0"],
        2,
        &["0 is not in 1..=10000"],
    );
    refused(&["run", "no.toml"], 2, &["cannot read no.toml"]);
    for (from, to, mentions) in [
        (
            "images",
            "imagse",
            [
                "line 4, column 1: unknown field `imagse`",
                "did you mean `images`?",
            ],
        ),
        (
            "batch = 32",
            "batch = \"32\"",
            [
                "line 5, column 9: wanted a whole number",
                "found string \"32\"",
            ],
        ),
        (
            "batch = 32",
            "batch = 0",
            ["batch: wanted 1 to 16,777,216", "found 0"],
        ),
        (
            "batch = 32",
            "batch = 512",
            ["images per task: wanted 512 (one batch)", "found 256"],
        ),
        (
            "tasks = 3",
            "tasks = 0",
            ["tasks: wanted 1 or more", "found 0"],
        ),
        (
            "step_size = 0.001",
            "step_size = -0.001",
            ["step size", "found -0.001"],
        ),
        (
            "step_size = 0.001",
            "step_size = nan",
            ["step size", "found NaN"],
        ),
        (
            "safety = 0.8",
            "safety = 0.0",
            ["safety: wanted more than 0", "found 0"],
        ),
        (
            "stream = \"random-labels\"",
            "stream = \"permuted-pixel\"",
            [
                "unknown variant `permuted-pixel`",
                "did you mean `permuted-pixels`?",
            ],
        ),
        (
            "control = \"constant\"",
            "control = \"constnat\"",
            ["unknown variant `constnat`", "did you mean `constant`?"],
        ),
        (
            "control = \"constant\"",
            "host_control = { name = \"mine\" }",
            [
                "host_control: wanted none, because this program has no controllers of its own",
                "found \"mine\"",
            ],
        ),
    ] {
        let file = edited(place, from, to);
        let out = place.join("out");
        let out = out.to_str().unwrap();
        refused(
            &["run", &file, "--backend", "cpu", "--out", out],
            2,
            &mentions,
        );
        assert!(!Path::new(out).exists(), "{to}: a directory was made");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "kept").unwrap();
    let out = file.join("out");
    let out = out.to_str().unwrap();
    refused(
        &["run", "--preset", "smoke", "--backend", "cpu", "--out", out],
        1,
        &["cannot write ", out],
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}
