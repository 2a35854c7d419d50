//! Passes the git revision to release builds, which write it into the files of runs.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=TRAINABLE_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    // Other profiles do not get it, so that they are not rebuilt for every commit.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if is_release && env::var_os("TRAINABLE_REVISION").is_none() && Path::new(".git").exists() {
        for path in [".git/logs/HEAD", "Cargo.toml", "shaders", "src"] {
            println!("cargo::rerun-if-changed={path}");
        }
        if let Some(revision) = revision() {
            println!("cargo::rustc-env=TRAINABLE_REVISION={revision}");
        }
    }
}

/// Returns the commit, and whether files differ from it; `None` without git.
fn revision() -> Option<String> {
    let describe = [
        "describe",
        "--always",
        "--exclude=*",
        "--abbrev=12",
        "--dirty",
    ];
    let output = Command::new("git").args(describe).output().ok()?;
    let is_known = output.status.success();
    let text = is_known.then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim().to_owned())
}
