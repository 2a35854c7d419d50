//! Experiments that survive their end: `trainable run` is killed, stopped and refused as a user runs it. However often
//! a run was interrupted, its tables are those of an uninterrupted run, byte for byte.
#![cfg(unix)]

#[path = "resume/case.rs"]
mod case;
#[path = "resume/checkpoint.rs"]
mod checkpoint;
#[path = "resume/machine.rs"]
mod machine;
#[path = "common/notice.rs"]
mod notice;
#[path = "resume/refusals.rs"]
mod refusals;

use std::os::unix::process::ExitStatusExt;
use std::thread::sleep;
use std::time::Duration;

use case::{Case, assert_refused, assert_same, contents, experiment, interrupt, stderr};
use trainable::experiment::Experiment;
use trainable::rng::pcg4d;
use trainable::spec::StreamKind;

#[test]
fn killed_at_any_moment_it_ends_with_the_same_tables() {
    let case = Case::new();
    let output = case.run("whole", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut random = 0;
    let mut draw = |below: u32| {
        random += 1;
        pcg4d([random, 17, 0, 0])[0] % below
    };
    let mut kills = 0;
    loop {
        let mut child = case.spawn("killed");
        let count = if kills == 0 { 0 } else { draw(4) };
        case.await_checkpoints("killed", &mut child, count);
        sleep(Duration::from_micros(draw(20_000).into()));
        // An error means that the child has ended.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.signal(), Some(9), "{}", stderr(&output));
        kills += 1;
        assert!(kills < 200, "it does not get on");
    }
    eprintln!("killed {kills} times");
    assert!(kills >= 5, "killed only {kills} times: nothing was tested");
    assert_same(&case.directory("killed"), &case.directory("whole"));

    // A finished run stays as it is.
    let output = case.run("killed", &["--resume"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("finished already"),
        "{}",
        stderr(&output)
    );
    assert_same(&case.directory("killed"), &case.directory("whole"));
    let output = case.run("killed", &[]);
    assert_refused(
        &output,
        2,
        "holds a run already\nhint: --resume continues it",
    );
}

#[test]
fn stopped_it_says_how_to_go_on() {
    let case = Case::stopped("stopped");
    let mut child = case.spawn("stopped");
    case.await_checkpoints("stopped", &mut child, 3);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_refused(
        &output,
        130,
        "stopped at a checkpoint; the same command with --resume continues",
    );
    let stopped = contents(&case.directory("stopped"));
    assert!(stopped.contains_key("tasks.part.csv") && !stopped.contains_key("tasks.csv"));

    assert!(case.run("stopped", &["--resume"]).status.success());
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("stopped"), &case.directory("whole"));
    let described = &contents(&case.directory("stopped"))["experiment.toml"];
    let described = String::from_utf8(described.clone()).unwrap();
    let version = concat!("# trainable ", env!("CARGO_PKG_VERSION"), "\n# revision ");
    assert!(described.starts_with(version), "{described}");
    assert_eq!(
        toml::from_str::<Experiment>(&described).unwrap(),
        experiment()
    );
}

#[test]
fn tasks_of_random_lengths_go_on_where_they_stood() {
    let case = Case::new();
    let random = |switch_seed| Experiment {
        switch_seed,
        ..experiment()
    };
    case.write(&random(Some(7)));
    let mut kills = 0;
    loop {
        let mut child = case.spawn("killed");
        case.await_checkpoints("killed", &mut child, 2);
        // An error means that the child has ended.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.signal(), Some(9), "{}", stderr(&output));
        if kills == 0 {
            for (other, name) in [(Some(8), "8"), (None, "none")] {
                case.write(&random(other));
                let message = format!("switch_seed: wanted {name}, found 7");
                assert_refused(&case.run("killed", &["--resume"]), 2, &message);
            }
            case.write(&random(Some(7)));
        }
        kills += 1;
        assert!(kills < 200, "it does not get on");
    }
    assert!(kills >= 5, "killed only {kills} times: nothing was tested");
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("killed"), &case.directory("whole"));

    // The negative control: equal lengths give other tables.
    case.write(&experiment());
    assert!(case.run("equal", &[]).status.success());
    let probes = |name| contents(&case.directory(name))["probes.csv"].clone();
    assert!(probes("equal") != probes("whole"));
}

#[test]
fn a_stream_of_permuted_pixels_goes_on_where_it_stood() {
    let case = Case::new();
    let random = Experiment {
        relabel_fraction: 1.0,
        ..experiment()
    };
    let permuted = Experiment {
        stream: StreamKind::PermutedPixels,
        ..random.clone()
    };
    case.write(&permuted);
    let mut child = case.spawn("stopped");
    case.await_checkpoints("stopped", &mut child, 5);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    case.write(&random);
    let output = case.run("stopped", &["--resume"]);
    let other = "stream: wanted \"random-labels\", found \"permuted-pixels\"";
    assert_refused(&output, 2, other);

    case.write(&permuted);
    assert!(case.run("stopped", &["--resume"]).status.success());
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("stopped"), &case.directory("whole"));
}
