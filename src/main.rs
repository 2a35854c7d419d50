//! `trainable` on the command line: one subcommand for each thing to be done without writing Rust.

#![forbid(unsafe_code)]

mod program;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use program::{Failure, probe, run as experiments};

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
    /// List the paper's experiments, or print one as a file to edit
    Presets(experiments::PresetsOptions),
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
        Command::Presets(options) => experiments::presets(options)?,
    }
    Ok(ExitCode::SUCCESS)
}
