//! The commands `trainable info`, `bench`, `completions` and `man`.

use std::process::{Command, Output};

fn trainable(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainable"))
        .args(arguments)
        .output()
        .unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = trainable(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn info_says_what_would_be_chosen_and_times_a_step() {
    let text = printed(&["info", "--backend", "cpu", "--replicas", "2"]);
    assert!(text.contains("--backend cpu: CPU executor"), "{text}");
    let line = text
        .lines()
        .find(|line| line.contains("networks train together"));
    let words = line.expect("how many fit").rsplit_once(": ").unwrap().1;
    let fit: u32 = words.split(' ').next().unwrap().parse().unwrap();
    assert!((2..=65_535).contains(&fit), "{text}");
    let line = text.lines().last().unwrap();
    let milliseconds = line
        .strip_prefix("a training step of 2 of them: ")
        .and_then(|rest| rest.split(" ms").next()?.parse::<f64>().ok());
    assert!(milliseconds.is_some_and(|ms| ms > 0.0), "{line}");
}

#[test]
fn info_on_an_adapter_counts_the_networks_that_train_together() {
    let output = trainable(&["info", "--backend", "vulkan"]);
    let text = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        let line = text
            .lines()
            .find(|line| line.contains("networks train together"))
            .unwrap();
        let fit: Option<u32> = line
            .split(": ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next()?.parse().ok());
        assert!(fit.is_some_and(|fit| fit >= 1), "{line}");
    } else {
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(error.contains("no Vulkan adapter found"), "{error}");
    }
}

#[test]
fn bench_tells_steps_kernels_and_probes() {
    let text = printed(&["bench", "--backend", "cpu", "--replicas", "1,2"]);
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("ms |"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let positive = |cell: &str| {
        let number = cell.split([' ', '%']).next().unwrap();
        number.parse::<f64>().is_ok_and(|number| number > 0.0)
    };
    for replicas in ["1", "2"] {
        let rows = rows.iter().filter(|row| row[0] == replicas);
        let lengths: Vec<_> = rows
            .inspect(|row| assert!(row.iter().all(|cell| positive(cell)), "{row:?}"))
            .map(Vec::len)
            .collect();
        assert_eq!(lengths, [7, 6], "{replicas}: {text}");
    }
    for kernel in ["linear_forward", "lobpcg_combine"] {
        let rows = rows.iter().filter(|row| row[0] == kernel);
        assert_eq!(rows.count(), 2, "{kernel}: {text}");
    }
    assert_eq!(text.matches(": 9 dispatches").count(), 2, "{text}");
}

#[test]
fn completions_and_the_manual_know_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = printed(&["completions", shell]);
        for word in [
            "probe",
            "run",
            "sweep",
            "presets",
            "schema",
            "info",
            "--iterations",
            "--preset",
            "--vary",
        ] {
            let word = word.trim_start_matches("--");
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let manual = printed(&["man"]);
    for word in [
        ".TH trainable",
        "trainable-probe",
        "trainable-run",
        "trainable-sweep",
        "presets",
        "trainable-schema",
    ] {
        assert!(manual.contains(word), "{word}");
    }
}

/// The list of adapters is needed most when the chosen adapter cannot be opened, so it is printed then too.
#[cfg(target_os = "linux")]
#[test]
fn info_lists_the_adapters_though_the_chosen_one_is_not_there() {
    let output = trainable(&["info", "--backend", "metal"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no Metal adapter found"), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    let is_listed = text.contains(": hardware\n") || text.contains(": software\n");
    assert!(is_listed || text.starts_with("no adapter: "), "{text}");
}
