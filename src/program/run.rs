//! `trainable run`: an experiment from a file or a preset; `trainable presets`: what presets there are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Event, Experiment, RunDirectory, check_same, run_in, score_table, scores, write_results,
};
use trainable::report::write_event_files;
use trainable::spec::ImageSet;
use trainable::{Backend, Compute, data};

use super::progress::{Progress, Teller};
use super::{Failure, backend_parser, print, report};

/// What is to be run, and where the results go.
#[derive(Args)]
pub(crate) struct Options {
    /// An experiment file, as `trainable presets NAME` prints one
    #[arg(value_name = "EXPERIMENT.toml", required_unless_present = "preset")]
    file: Option<PathBuf>,
    /// One of the paper's experiments; `trainable presets` lists them
    #[arg(long, value_name = "NAME", conflicts_with = "file", value_parser = preset_parser())]
    preset: Option<Preset>,
    /// The size of a preset
    #[arg(long, value_enum, default_value_t = Size::Small, conflicts_with = "file")]
    scale: Size,
    /// Train every arm with seeds 1 to N, whatever the experiment says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: Option<u32>,
    /// Train over N tasks, whatever the experiment says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tasks: Option<u32>,
    /// Where to compute; auto takes a real GPU if there is one and else the CPU
    #[arg(long, default_value = "auto", value_parser = backend_parser())]
    backend: Backend,
    /// Directory with the four MNIST files, raw or .gz; without it, those inside this program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Directory for the tables and the pictures; without it, runs/ and the experiment's name
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on where an interrupted run of the same experiment stands; start one where there is none
    #[arg(long)]
    resume: bool,
    /// Write TensorBoard's event files too, as the run goes on, to tensorboard/ in the directory
    #[arg(long)]
    tensorboard: bool,
    /// How to tell what happens
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    progress: Progress,
    /// Seconds from checkpoint to checkpoint, at the most
    #[arg(long, value_name = "SECONDS", default_value_t = 60, hide = true)]
    checkpoint_seconds: u64,
}

/// The resolved experiment, in its directory.
const DESCRIPTION: &str = "experiment.toml";

/// What an interrupted run exits with, as after SIGINT.
const INTERRUPTED: u8 = 130;

/// What is to be listed or printed.
#[derive(Args)]
pub(crate) struct PresetsOptions {
    /// Print this one as an experiment file
    #[arg(value_parser = preset_parser())]
    name: Option<Preset>,
    /// Its size
    #[arg(long, value_enum, default_value_t = Size::Small)]
    scale: Size,
}

/// A [`Scale`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Size {
    /// Minutes on two CPU cores (collapse: most of an hour)
    Small,
    /// As in the paper: days on two cores
    Paper,
}

impl From<Size> for Scale {
    fn from(size: Size) -> Self {
        match size {
            Size::Small => Self::Small,
            Size::Paper => Self::Paper,
        }
    }
}

fn preset_parser() -> impl clap::builder::TypedValueParser<Value = Preset> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    let names = Preset::ALL.map(Preset::name);
    PossibleValuesParser::new(names)
        .try_map(|name| Preset::named(&name).ok_or("no preset of that name"))
}

/// Lists the presets, or prints one.
pub(crate) fn presets(options: &PresetsOptions) -> Result<(), Failure> {
    let text = match options.name {
        Some(preset) => as_toml(&preset.experiment(options.scale.into()))?,
        None => {
            let line = |preset: Preset| {
                let experiment = preset.experiment(options.scale.into());
                format!("{:20} {}\n", experiment.name, experiment.question)
            };
            Preset::ALL.map(line).concat()
        }
    };
    print(&text)
}

fn as_toml(experiment: &Experiment) -> Result<String, Failure> {
    toml::to_string(experiment).map_err(|source| Failure::Toml {
        name: experiment.name.clone(),
        source,
    })
}

/// Runs an experiment in its directory, or goes on with it.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let begin = Instant::now();
    let experiment = experiment(options)?;
    let images = images(options.data.as_deref())?;
    experiment.check(&images)?;
    let default = || Path::new("runs").join(&experiment.name);
    let path = options.out.clone().unwrap_or_else(default);

    let (compute, chosen) = Compute::open(options.backend)?;
    eprintln!("backend: {chosen}");
    let directory = if options.resume {
        check_description(&path.join(DESCRIPTION), &experiment)?;
        let directory = RunDirectory::resume(&path, &experiment, &compute, &images)?;
        let Some(directory) = directory else {
            if options.tensorboard {
                write_event_files(&path)?;
            }
            eprintln!("finished already; results in {}", path.display());
            return Ok(ExitCode::SUCCESS);
        };
        directory
    } else {
        RunDirectory::create(&path, &experiment, &compute, &images)?
    };
    describe(&directory, &experiment)?;
    let interval = Duration::from_secs(options.checkpoint_seconds);
    let directory = directory
        .with_interval(interval)
        .stopped_by(stop_on_signals()?);
    let directory = if options.tensorboard {
        directory.with_event_files(&experiment)?
    } else {
        directory
    };

    let mut teller = Teller::new(options.progress, experiment.total_steps());
    let tell = |event: Event<'_>| teller.tell(event);
    let ended = run_in(directory, &experiment, &compute, &images, tell)?;
    teller.finish(if ended.is_some() {
        "finished"
    } else {
        "stopped"
    });
    let Some((results, directory)) = ended else {
        eprintln!("stopped at a checkpoint; the same command with --resume goes on from there");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    write_results(&path, &experiment, &results)?;
    report::write(&path)?;
    directory.finish()?;
    if !teller.is_json() {
        print(&score_table(&scores(&experiment, &results.tasks)?))?;
    }
    eprintln!(
        "{:.0} s; results in {}",
        begin.elapsed().as_secs_f64(),
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Fails where experiment.toml is there and says something else.
fn check_description(path: &Path, experiment: &Experiment) -> Result<(), Failure> {
    if path.exists() {
        check_same(experiment, &read_experiment(path)?, path)?;
    }
    Ok(())
}

/// Writes experiment.toml, where it is not there yet: it says which program began the run.
fn describe(directory: &RunDirectory, experiment: &Experiment) -> Result<(), Failure> {
    if directory.path().join(DESCRIPTION).exists() {
        return Ok(());
    }
    let revision = option_env!("TRAINABLE_REVISION").unwrap_or("unknown");
    let text = format!(
        "# trainable {}\n# revision {revision}\n\n{}",
        env!("CARGO_PKG_VERSION"),
        as_toml(experiment)?
    );
    Ok(directory.write(DESCRIPTION, text.as_bytes())?)
}

/// Set by the first Ctrl-C, or another wish that the program end. The second one ends it at once, of which a
/// run's directory takes no harm.
fn stop_on_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let is_stopped = stop.clone();
    ctrlc::set_handler(move || {
        if is_stopped.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
    })?;
    Ok(stop)
}

fn experiment(options: &Options) -> Result<Experiment, Failure> {
    let mut experiment = match (&options.file, options.preset) {
        (Some(path), _) => read_experiment(path)?,
        (None, Some(preset)) => preset.experiment(options.scale.into()),
        (None, None) => unreachable!("clap wants one of them"),
    };
    if let Some(seeds) = options.seeds {
        experiment.seeds = (1..=seeds).collect();
    }
    if let Some(tasks) = options.tasks {
        experiment.tasks = tasks;
    }
    Ok(experiment)
}

fn read_experiment(path: &Path) -> Result<Experiment, Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| Failure::ExperimentFile {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn images(directory: Option<&Path>) -> Result<ImageSet, Failure> {
    let dataset = match directory {
        Some(directory) => data::load(directory)?,
        None => embedded()?,
    };
    Ok(ImageSet::mnist(&dataset.train)?)
}

#[cfg(feature = "embedded-mnist")]
fn embedded() -> Result<data::Dataset, Failure> {
    Ok(data::embedded()?)
}

#[cfg(not(feature = "embedded-mnist"))]
fn embedded() -> Result<data::Dataset, Failure> {
    Err(Failure::NoData)
}
