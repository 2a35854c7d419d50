//! Runs the program for a second, as CI does.

use std::process::Command;

#[test]
fn every_target_takes_inputs() {
    let place = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trainable-fuzz"))
        .args(["--seconds", "1", "--seed", "7", "--out"])
        .arg(place.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for target in trainable_fuzz::TARGETS {
        let line = text.lines().find(|line| line.starts_with(target.name));
        let line = line.unwrap_or_else(|| panic!("{text}"));
        assert!(!line.contains(": 0 inputs"), "{text}");
    }
}
