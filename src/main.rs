//! The command `trainable`: one subcommand for each task that needs no Rust code.

#![forbid(unsafe_code)]

mod program;

use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use program::say::{ERROR, HINT, say, styled, with_causes};
use program::{Failure, bench, info, probe, report, run as experiments, scoreboard, shell, sweep};

/// A laboratory for loss of trainability
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure a network's curvature and gradient noise on a minibatch, layer by layer
    Probe(probe::Options),
    /// Run an experiment: arms and seeds over a stream of tasks, with tables and pictures
    Run(experiments::Options),
    /// Run every combination of some fields' values, each in a directory of its own
    Sweep(sweep::Options),
    /// Tune methods with equal budgets, and compare the best configuration of each on held-out seeds
    Scoreboard(scoreboard::Options),
    /// List the paper's experiments, or print one as a file to edit
    Presets(experiments::PresetsOptions),
    /// Print the JSON Schema of experiment files, with which an editor completes and checks them
    Schema,
    /// Write an HTML page of a run, or of several side by side
    Report(report::Options),
    /// Tell which adapters there are, what would be chosen, and how fast a training step is there
    Info(info::Options),
    /// Time training steps, kernels and probes against what the device can do at most
    Bench(bench::Options),
    /// Print a completion script for a shell
    Completions(shell::Options),
    /// Print the manual page
    Man,
}

fn main() -> ExitCode {
    silence_device_select();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return told(&error),
    };
    match run(&options) {
        Ok(exit_code) => exit_code,
        Err(failure) => {
            let (exit_code, hint) = (failure.exit_code(), failure.hint());
            say!("{} {}", styled(ERROR, "error:"), with_causes(&failure));
            if let Some(hint) = hint {
                say!("{} {hint}", styled(HINT, "hint:"));
            }
            ExitCode::from(exit_code)
        }
    }
}

/// Prints a usage error to standard error, or help and version to standard output, and returns the exit code. A closed
/// pipe is not an error.
fn told(error: &clap::Error) -> ExitCode {
    match error.print() {
        _ if error.use_stderr() => ExitCode::from(2),
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// Disables Mesa's Vulkan layer `VK_LAYER_MESA_device_select` where it cannot work. The layer asks Wayland which GPU
/// shows the desktop. Without a session's XDG_RUNTIME_DIR, libwayland writes "error: XDG_RUNTIME_DIR is invalid" to
/// standard error. The layer's manifest names the variable NODEVICE_SELECT, which disables the layer.
fn silence_device_select() {
    let directory = env::var_os("XDG_RUNTIME_DIR");
    let has_session = directory.is_some_and(|directory| Path::new(&directory).is_absolute());
    let is_asked = |name: &&str| env::var_os(name).is_some();
    let selectors = ["DRI_PRIME", "MESA_VK_DEVICE_SELECT"];
    if cfg!(target_os = "linux") && !has_session && !selectors.iter().any(is_asked) {
        // Setting one variable from memory cannot fail.
        let _ = dotenvy::from_read(&b"NODEVICE_SELECT=1"[..]);
    }
}

fn run(options: &Options) -> Result<ExitCode, Failure> {
    match &options.command {
        Command::Probe(options) => probe::run(options)?,
        Command::Run(options) => return experiments::run(options),
        Command::Sweep(options) => return sweep::run(options),
        Command::Scoreboard(options) => return scoreboard::run(options),
        Command::Presets(options) => experiments::presets(options)?,
        Command::Schema => experiments::schema()?,
        Command::Report(options) => report::run(options)?,
        Command::Info(options) => info::run(options)?,
        Command::Bench(options) => bench::run(options)?,
        Command::Completions(options) => shell::completions(options, Options::command())?,
        Command::Man => shell::man(Options::command())?,
    }
    Ok(ExitCode::SUCCESS)
}
