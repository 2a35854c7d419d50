//! The program `trainable-fuzz` feeds mutated files to readers for a while. Its exit code is 1 if one panics.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use trainable_fuzz::{Campaign, TARGETS, Target};

/// Reads mutated files with everything that reads files, and keeps those that make it panic
#[derive(Parser)]
struct Options {
    /// Seconds, shared evenly among the targets; each target takes at least one input
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The seed that decides all inputs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fuzz only this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Read the input in this directory again instead of new ones; requires --target
    #[arg(long, value_name = "DIR", requires = "target")]
    replay: Option<PathBuf>,
    /// The directory for inputs that panic
    #[arg(long, value_name = "DIR", default_value = "target/fuzz")]
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let is_wanted = |target: &&Target| {
        options
            .target
            .as_ref()
            .is_none_or(|name| *name == target.name)
    };
    let targets: Vec<_> = TARGETS.iter().filter(is_wanted).collect();
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    ensure!(
        !targets.is_empty(),
        "--target: wanted one of {}",
        names.join(", ")
    );
    let campaign = Campaign::new(options.seed, &options.out);
    if let Some(directory) = &options.replay {
        return Ok(match campaign.try_input(targets[0], directory) {
            Ok(accepted) => {
                println!("{}", if accepted { "accepted" } else { "refused" });
                ExitCode::SUCCESS
            }
            Err(message) => {
                println!("{message}");
                ExitCode::FAILURE
            }
        });
    }
    let each = Duration::from_secs(options.seconds) / targets.len() as u32;
    let mut code = ExitCode::SUCCESS;
    for target in targets {
        let begin = Instant::now();
        let ran = campaign.run(target, |number| number == 0 || begin.elapsed() < each);
        let (tally, finding) = ran.with_context(|| format!("{}", options.out.display()))?;
        println!(
            "{}: {} inputs, {} accepted",
            target.name, tally.inputs, tally.accepted
        );
        if let Some(finding) = finding {
            println!("{}: {}", finding.input.display(), finding.message);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
