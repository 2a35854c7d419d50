//! The command line program's subcommands.

pub(crate) mod bench;
pub(crate) mod info;
pub(crate) mod probe;
mod progress;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod shell;
mod suggest;
pub(crate) mod sweep;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use thiserror::Error;
use trainable::Backend;
use trainable::data::DataError;
use trainable::experiment::{DirectoryError, ExperimentError};
use trainable::probe::NotFinite;
use trainable::report::{PageError, ReportError};
use trainable::tensors::TensorError;

use sweep::grid::GridError;
use sweep::slurm::NotPlain;

/// Why a subcommand gave up.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A file does not hold what was wanted.
    #[error(transparent)]
    Tensors(#[from] TensorError),
    /// The engine refused, or its device failed.
    #[error(transparent)]
    Engine(#[from] trainable::Error),
    /// The files are good, but what they lead to overflows.
    #[error("{network} on {batch}: wanted a finite loss and gradients, found that some are not")]
    NotFinite {
        network: PathBuf,
        batch: PathBuf,
        source: NotFinite,
    },
    /// The experiment cannot be run, or was not run to its end.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The directory cannot be used for this run.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Nobody would tell of Ctrl-C.
    #[error("cannot listen for signals")]
    Signals(#[from] ctrlc::Error),
    /// The run's directory makes no page.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The data files are not MNIST's.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The program was built without data of its own.
    #[cfg(not(feature = "embedded-mnist"))]
    #[error(
        "--data: wanted the directory of the MNIST files, which this program does not carry, found none"
    )]
    NoData,
    /// There is no such file, or it may not be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is no experiment.
    #[error("{} is no experiment file", path.display())]
    ExperimentFile {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    /// An experiment has no form as a file.
    #[error("experiment {name:?} cannot be written as TOML")]
    Toml {
        name: String,
        source: toml::ser::Error,
    },
    /// What is to be varied makes no grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A cell of a sweep cannot be run, or was not run to its end.
    #[error("cell {name}")]
    Cell { name: String, source: Box<Failure> },
    /// A finished cell's scores are no table of scores.
    #[error("{}: wanted a table of scores", path.display())]
    Scores { path: PathBuf, source: csv::Error },
    /// A table, a script or another file cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A directory cannot be made.
    #[error("cannot make {}", path.display())]
    Make { path: PathBuf, source: io::Error },
    /// The system does not say where this program or its directory is.
    #[error("cannot find this program and the current directory")]
    Here(#[source] io::Error),
    /// A path that cannot stand in a script.
    #[error(transparent)]
    NotPlain(#[from] NotPlain),
    /// Nobody takes the results.
    #[error("standard output: wanted to write the results, found that they cannot be written")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 where what was asked cannot be had from any machine, as for clap's own usage errors; 1 where
    /// this one failed.
    pub(crate) fn exit_code(&self) -> u8 {
        use trainable::Error::{Device, Limit, Memory, NoAdapter, NoDevice, OutOfMemory};
        let of_machine = |error: &trainable::Error| {
            matches!(
                error,
                Limit { .. }
                    | Memory { .. }
                    | OutOfMemory { .. }
                    | NoAdapter { .. }
                    | NoDevice { .. }
                    | Device { .. }
            )
        };
        let is_of_machine = match self {
            Self::Cell { source, .. } => return source.exit_code(),
            Self::Engine(error) | Self::Experiment(ExperimentError::Engine(error)) => {
                of_machine(error)
            }
            Self::Output(_) | Self::Signals(_) | Self::Toml { .. } => true,
            Self::Make { .. } | Self::Report(_) | Self::Here(_) => true,
            Self::Experiment(ExperimentError::Report(_)) => true,
            Self::Directory(error) | Self::Experiment(ExperimentError::Directory(error)) => {
                use DirectoryError::{Read, Write};
                matches!(error, Write { .. } | Read { .. })
            }
            Self::Page(PageError::Report(ReportError::Write { .. })) => true,
            _ => false,
        };
        if is_of_machine { 1 } else { 2 }
    }

    /// What else could be asked for.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Cell { source, .. } => source.hint(),
            Self::Directory(DirectoryError::HoldsRun { .. }) => {
                Some("--resume goes on with it, --out takes another directory".to_owned())
            }
            Self::Directory(
                DirectoryError::NoCheckpoint { .. } | DirectoryError::OtherRun { .. },
            ) => Some("--out takes another directory".to_owned()),
            Self::ExperimentFile { source, .. } => suggest::for_message(source.message())
                .map(|meant| format!("there is a similar name: {meant}")),
            _ => None,
        }
    }
}

/// Lists the names in the help text and in errors.
fn backend_parser() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(Backend::NAMES).try_map(|name| name.parse::<Backend>())
}

/// Writes a subcommand's whole result at once: on failure, standard output stays empty.
fn print(result: &str) -> Result<(), Failure> {
    print_bytes(result.as_bytes())
}

/// As [`print`], of what may be no text.
fn print_bytes(result: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(result)?;
    Ok(output.flush()?)
}
