//! Faults of the machine: too little memory, a full disk, directories and disks that cannot be written.

use std::fs;
use std::fs::File;
use std::process::{Command, Stdio};

use crate::case::{CHECKPOINT, Case, assert_refused, assert_same, contents, experiment, stderr};
use crate::notice::notice;

/// The address space is so small that 44 GB are refused on every machine.
#[test]
fn what_needs_more_memory_than_there_is_leaves_no_directory() {
    let case = Case::new();
    let mut huge = experiment();
    huge.arms[1].hidden = vec![1_000_000];
    case.write(&huge);
    let run = case.command("run", &[]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 8000000; exec \"$@\"", "sh"]);
    limited.arg(run.get_program()).args(run.get_args());
    let output = limited.env_remove("RUST_LOG").output().unwrap();
    let message = "leaves too little memory: ";
    assert_refused(&output, 1, message);
    let what = " MiB required for a replica of 784-1000000-10 at minibatches of 16, ";
    assert!(stderr(&output).contains(what), "{}", stderr(&output));
    assert_eq!(
        stderr(&output).matches("error").count(),
        1,
        "{}",
        stderr(&output)
    );
    assert!(!case.directory("run").exists());
}

/// In the middle of a run files may no longer grow, as on a full disk.
#[test]
fn a_full_disk_loses_nothing_that_was_written() {
    let case = Case::new();
    let command = case.command("full", &["--resume"]);
    let mut shell = Command::new("sh");
    // The signal would kill the program. With the signal ignored, the write fails.
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    case.await_checkpoints("full", &mut child, 5);
    let id = child.id().to_string();
    let limit = Command::new("prlimit")
        .args(["--fsize=4096", "--pid", &id])
        .status();
    if !limit.is_ok_and(|status| status.success()) {
        notice(
            "SKIPPED, because `prlimit` is missing or refused (Debian: apt-get install util-linux)",
        );
        let _ = child.kill();
        child.wait().unwrap();
        return;
    }
    let output = child.wait_with_output().unwrap();
    assert_refused(&output, 1, "error: cannot write ");
    assert!(stderr(&output).contains("too large"), "{}", stderr(&output));
    let left = contents(&case.directory("full"));
    let names: Vec<_> = left.keys().map(String::as_str).collect();
    let [lock, tasks, probes] = [".lock", "tasks.part.csv", "probes.part.csv"];
    let indicators = "indicators.part.csv";
    assert_eq!(
        names,
        [
            lock,
            CHECKPOINT,
            "experiment.toml",
            indicators,
            probes,
            tasks
        ]
    );

    assert!(case.run("full", &["--resume"]).status.success());
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("full"), &case.directory("whole"));
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    let case = Case::new();
    fs::write(case.directory("file"), "kept").unwrap();
    for directory in ["file", "file/below"] {
        let output = case.run(directory, &[]);
        assert_refused(&output, 1, "error: cannot write ");
    }
    assert_eq!(fs::read(case.directory("file")).unwrap(), b"kept");

    let read_only = case.directory("read-only");
    fs::create_dir(&read_only).unwrap();
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    if File::create(read_only.join("probe")).is_ok() {
        notice("HALF SKIPPED, because this user (root?) may write to read-only directories");
        return;
    }
    let output = case.run("read-only", &[]);
    assert_refused(&output, 1, "error: cannot write ");
}

/// The program runs in a mount namespace where the directory is a read-only file system. That stops root, too.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_disk_is_an_error() {
    let case = Case::new();
    let disk = case.directory("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = |command: &Command| {
        let script = "mount -t tmpfs -o ro none \"$0\" || exit 99; exec \"$@\"";
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-c", script]);
        unshare.arg(&disk).arg(command.get_program());
        unshare.args(command.get_args()).output()
    };
    match mounted(&Command::new("true")) {
        Ok(output) if output.status.success() => {}
        _ => {
            notice("SKIPPED, because this user may not mount a file system (`unshare --mount`)");
            return;
        }
    }
    for directory in ["disk", "disk/run"] {
        let output = mounted(&case.command(directory, &[])).unwrap();
        assert_refused(&output, 1, "error: cannot write ");
        let reason = stderr(&output);
        assert!(reason.contains("Read-only file system"), "{reason}");
    }
}
