//! `trainable run`: an experiment from a file or a preset; `trainable presets`: what presets there are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Event, Experiment, run as run_experiment, score_table, scores, write_results,
};
use trainable::spec::ImageSet;
use trainable::{Backend, Compute, data};

use super::{Failure, backend_parser, print};

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
}

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
    /// A few minutes on two CPU cores
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

/// Runs an experiment and writes its directory.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let start = Instant::now();
    let experiment = experiment(options)?;
    let images = images(options.data.as_deref())?;
    experiment.check(&images)?;
    let default = || Path::new("runs").join(&experiment.name);
    let directory = options.out.clone().unwrap_or_else(default);
    let write = |source| Failure::Directory {
        path: directory.clone(),
        source,
    };
    fs::create_dir_all(&directory).map_err(write)?;
    fs::write(directory.join("experiment.toml"), as_toml(&experiment)?).map_err(write)?;

    let (compute, chosen) = Compute::open(options.backend)?;
    eprintln!("backend: {chosen}");
    let bar = progress_bar(experiment.total_steps());
    let results = run_experiment(&experiment, &compute, &images, |event| match event {
        Event::Steps(steps) => bar.inc(steps),
        Event::Task(row) => bar.set_message(format!(
            "{}, seed {}: task {} at {:.3}",
            row.arm, row.seed, row.task, row.online_accuracy
        )),
        Event::Diverged { arm, seed, halt } => bar.suspend(|| {
            eprintln!(
                "{arm}, seed {seed}: diverged in task {} at update {} ({:?} not finite); stopped",
                halt.task + 1,
                halt.update,
                halt.cause,
            );
        }),
    })?;
    bar.finish_and_clear();
    write_results(&directory, &experiment, &results)?;
    print(&score_table(&scores(&experiment, &results.tasks)?))?;
    super::report::write(&directory)?;
    eprintln!(
        "{:.0} s; results in {}",
        start.elapsed().as_secs_f64(),
        directory.display()
    );
    Ok(())
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

fn progress_bar(steps: u64) -> ProgressBar {
    let template = "{wide_bar} {percent:>3}%  {elapsed}, {eta} left\n{msg}";
    let style = ProgressStyle::with_template(template).expect("a template that indicatif knows");
    let bar = ProgressBar::new(steps).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
