//! `trainable run` runs an experiment from a file or a preset. `trainable presets` lists and prints presets.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    self, Event, Experiment, RunDirectory, check_place, check_same, read_text, run_in, score_name,
    score_table, scores, write_tables,
};
use trainable::files::write_whole;
use trainable::record::ScoreRow;
use trainable::report::{Foreign, check_page, write_event_files, write_figures};
use trainable::spec::ImageSet;
use trainable::{Backend, Compute, data};

use super::progress::{Progress, Teller};
use super::say::say;
use super::signals::{INTERRUPTED, Signals};
use super::{Failure, backend_parser, print, report};

/// Options of `trainable run`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    means: Means,
    /// Directory for the tables and the pictures; by default, runs/ followed by the experiment's name
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue an interrupted run of the same experiment; start a new run if there is none
    #[arg(long)]
    resume: bool,
}

/// Source of an experiment.
#[derive(Args)]
pub(super) struct Source {
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
    /// Train on N tasks, whatever the experiment says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tasks: Option<u32>,
}

/// Options that are common to all runs.
#[derive(Args)]
pub(super) struct Means {
    /// Where to compute; auto takes a real GPU if there is one, and otherwise the CPU
    #[arg(long, default_value = "auto", value_parser = backend_parser())]
    pub(super) backend: Backend,
    /// A data set: a directory of IDX files, CIFAR's binary directory, or an .npz file; by default, the MNIST
    /// training set inside this program
    #[arg(long, value_name = "PATH")]
    pub(super) data: Option<PathBuf>,
    /// Also write TensorBoard's event files during the run, to tensorboard/ in its directory
    #[arg(long)]
    pub(super) tensorboard: bool,
    /// Form of the progress messages
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    pub(super) progress: Progress,
    /// Longest time between checkpoints, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, hide = true)]
    checkpoint_seconds: u64,
}

/// Name of the file in a run's directory that holds the complete experiment.
pub(super) const DESCRIPTION: &str = "experiment.toml";

/// Options of `trainable presets`.
#[derive(Args)]
pub(crate) struct PresetsOptions {
    /// Print this preset as an experiment file
    #[arg(value_parser = preset_parser())]
    name: Option<Preset>,
    /// Size of the preset
    #[arg(long, value_enum, default_value_t = Size::Small)]
    scale: Size,
    /// Also print fields that have their defaults
    #[arg(long, requires = "name")]
    full: bool,
}

/// A [`Scale`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Size {
    /// Minutes on two CPU cores (collapse: most of an hour)
    Small,
    /// The paper's size: days on two cores
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
        .try_map(|name| Preset::named(&name).ok_or("there is no preset of that name"))
}

/// Lists the presets or prints one of them.
pub(crate) fn presets(options: &PresetsOptions) -> Result<(), Failure> {
    let text = match options.name {
        Some(preset) if options.full => as_toml(&preset.experiment(options.scale.into()))?,
        Some(preset) => as_short_toml(preset, options.scale)?,
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

/// Prints the JSON Schema of experiment files.
pub(crate) fn schema() -> Result<(), Failure> {
    print(&format!("{:#}\n", experiment::schema()))
}

/// Formats the experiment as a file with every field.
pub(super) fn as_toml(experiment: &Experiment) -> Result<String, Failure> {
    toml::to_string(experiment).map_err(not_written(experiment))
}

/// Formats the fields of a preset that differ from the defaults.
fn as_short_toml(preset: Preset, scale: Size) -> Result<String, Failure> {
    let experiment = preset.experiment(scale.into());
    let short = experiment.to_short_toml();
    let text = short.map_err(not_written(&experiment))?;
    let size = match scale {
        Size::Small => "",
        Size::Paper => " --scale paper",
    };
    let name = preset.name();
    Ok(format!(
        "# Fields that are not listed have their defaults: `trainable presets {name}{size} --full` prints all.\n\n{text}"
    ))
}

fn not_written(experiment: &Experiment) -> impl FnOnce(toml::ser::Error) -> Failure {
    let name = experiment.name.clone();
    move |source| Failure::Toml { name, source }
}

/// Runs an experiment in its directory, or continues it.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let begin = Instant::now();
    let signals = Signals::listen().map_err(Failure::Signals)?;
    let experiment = options.source.experiment()?;
    let images = options.means.images()?;
    let experiment = experiment.on(&images);
    experiment.check(&images)?;
    let default = || Path::new("runs").join(&experiment.name);
    let path = options.out.clone().unwrap_or_else(default);

    if options.resume && is_finished(&path, &experiment, &images)? {
        if options.means.tensorboard {
            write_event_files(&path)?;
        }
        say!("finished already; results in {}", path.display());
        report::tell_page(&report::page_in(&path));
        return Ok(ExitCode::SUCCESS);
    }
    check_free(&path, options.resume)?;
    let session = Session::open(&options.means, images, signals)?;
    match session.run(&path, &experiment, options.resume)? {
        Ended::Before => say!("finished already; results in {}", path.display()),
        Ended::Stopped => {
            say!("stopped at a checkpoint; the same command with --resume continues from there");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ended::Finished(scores) => {
            if !options.means.progress.is_json() {
                print(&score_table(&scores, score_name([&experiment])))?;
            }
            let seconds = begin.elapsed().as_secs_f64();
            say!("{seconds:.0} s; results in {}", path.display());
        }
    }
    report::tell_page(&report::page_in(&path));
    Ok(ExitCode::SUCCESS)
}

/// Device, data and options with which experiments are run, one after the other.
pub(super) struct Session {
    compute: Compute,
    images: ImageSet,
    progress: Progress,
    tensorboard: bool,
    interval: Duration,
    signals: Signals,
}

/// Way in which a run ended.
pub(super) enum Ended {
    /// The run was finished before.
    Before,
    /// The run finished, with a row for each arm.
    Finished(Vec<ScoreRow>),
    /// The run stopped at a checkpoint, because a signal asked for it.
    Stopped,
}

impl Session {
    /// Chooses the device and installs the handler of signals. During training, the first signal stops at a checkpoint.
    pub(super) fn open(means: &Means, images: ImageSet, signals: Signals) -> Result<Self, Failure> {
        let (compute, chosen) = Compute::open(means.backend)?;
        say!("backend: {chosen}");
        Ok(Self {
            compute,
            images,
            progress: means.progress,
            tensorboard: means.tensorboard,
            interval: Duration::from_secs(means.checkpoint_seconds),
            signals,
        })
    }

    /// Returns whether a signal asked for the end.
    pub(super) fn is_stopped(&self) -> bool {
        self.signals.is_stopped()
    }

    /// Runs `experiment` in the directory `path`, or continues it if that is allowed, and writes its results there.
    pub(super) fn run(
        &self,
        path: &Path,
        experiment: &Experiment,
        may_resume: bool,
    ) -> Result<Ended, Failure> {
        let (compute, images) = (&self.compute, &self.images);
        experiment.check_room(compute, images)?;
        let directory = if may_resume {
            RunDirectory::resume(path, experiment, compute, images)?
        } else {
            Some(RunDirectory::create(path, experiment, compute, images)?)
        };
        let Some(directory) = directory else {
            return Ok(Ended::Before);
        };
        describe(path, experiment)?;
        let directory = directory
            .with_interval(self.interval)
            .stopped_by(self.signals.flag());
        let directory = if self.tensorboard {
            directory.with_event_files(experiment)?
        } else {
            directory
        };

        let mut teller = Teller::new(self.progress, experiment.total_steps());
        // Before the first step, a signal has nothing to interrupt.
        let mut work = None;
        let tell = |event: Event<'_>| {
            work.get_or_insert_with(|| self.signals.work());
            teller.tell(event);
        };
        let ended = run_in(directory, experiment, compute, images, tell)?;
        teller.finish(if ended.is_some() {
            "finished"
        } else {
            "stopped"
        });
        let Some((results, directory)) = ended else {
            return Ok(Ended::Stopped);
        };
        write_tables(path, experiment, &results)?;
        write_figures(path, experiment, &results)?;
        report::write(path)?;
        directory.finish()?;
        Ok(Ended::Finished(scores(experiment, &results.tasks)?))
    }
}

/// Returns whether the directory `path` holds the finished run of `experiment`. Fails if it holds another experiment,
/// finished or not.
pub(super) fn is_finished(
    path: &Path,
    experiment: &Experiment,
    images: &ImageSet,
) -> Result<bool, Failure> {
    let description = path.join(DESCRIPTION);
    if description.exists() {
        check_same(experiment, &read_experiment(&description)?, &description)?;
    }
    Ok(RunDirectory::is_finished(path, experiment, images)?)
}

/// Writes experiment.toml if it does not exist yet. An existing file stays, because it names the program that began the run.
pub(super) fn describe(path: &Path, experiment: &Experiment) -> Result<(), Failure> {
    let description = path.join(DESCRIPTION);
    if description.exists() {
        return Ok(());
    }
    let revision = option_env!("TRAINABLE_REVISION").unwrap_or("unknown");
    let text = format!(
        "# trainable {}\n# revision {revision}\n\n{}",
        env!("CARGO_PKG_VERSION"),
        as_toml(experiment)?
    );
    Ok(write_whole(&description, text.as_bytes())?)
}

/// Fails if a run in the directory `path` would meet a file that it did not write.
pub(super) fn check_free(path: &Path, may_resume: bool) -> Result<(), Failure> {
    check_place(path, may_resume)?;
    Ok(check_page(&report::page_in(path), Foreign::Keep)?)
}

impl Source {
    pub(super) fn experiment(&self) -> Result<Experiment, Failure> {
        let mut experiment = match (&self.file, self.preset) {
            (Some(path), _) => read_experiment(path)?,
            (None, Some(preset)) => preset.experiment(self.scale.into()),
            (None, None) => unreachable!("clap wants one of them"),
        };
        if let Some(seeds) = self.seeds {
            experiment.seeds = (1..=seeds).collect();
        }
        if let Some(tasks) = self.tasks {
            experiment.tasks = tasks;
        }
        Ok(experiment)
    }
}

impl Means {
    pub(super) fn images(&self) -> Result<ImageSet, Failure> {
        let dataset = match &self.data {
            Some(path) => data::load(path)?,
            None => embedded()?,
        };
        Ok(ImageSet::training(&dataset)?)
    }
}

fn read_experiment(path: &Path) -> Result<Experiment, Failure> {
    let text = read_text(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    text.parse().map_err(|source| Failure::ExperimentFile {
        path: path.to_owned(),
        source,
    })
}

#[cfg(feature = "embedded-mnist")]
fn embedded() -> Result<data::Dataset, Failure> {
    Ok(data::embedded()?)
}

#[cfg(not(feature = "embedded-mnist"))]
fn embedded() -> Result<data::Dataset, Failure> {
    Err(Failure::NoData)
}
