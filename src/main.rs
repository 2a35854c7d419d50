//! `trainable` on the command line: one subcommand for each thing to be done without writing Rust.

#![forbid(unsafe_code)]

mod program;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use program::{Failure, bench, info, probe, report, run as experiments, shell, sweep};

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
    /// List the paper's experiments, or print one as a file to edit
    Presets(experiments::PresetsOptions),
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
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    match run(&Options::parse()) {
        Ok(exit_code) => exit_code,
        Err(failure) => {
            let (exit_code, hint) = (failure.exit_code(), failure.hint());
            // The alternate form appends the causes.
            eprintln!("error: {:#}", anyhow::Error::new(failure));
            if let Some(hint) = hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(exit_code)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Failure> {
    match &options.command {
        Command::Probe(options) => probe::run(options)?,
        Command::Run(options) => return experiments::run(options),
        Command::Sweep(options) => return sweep::run(options),
        Command::Presets(options) => experiments::presets(options)?,
        Command::Report(options) => report::run(options)?,
        Command::Info(options) => info::run(options)?,
        Command::Bench(options) => bench::run(options)?,
        Command::Completions(options) => shell::completions(options, Options::command())?,
        Command::Man => shell::man(Options::command())?,
    }
    Ok(ExitCode::SUCCESS)
}
