//! The command line program's subcommands.

pub(crate) mod info;
pub(crate) mod probe;
mod progress;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod shell;

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
    /// A file for reading cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
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
    /// Nobody takes the results.
    #[error("standard output: wanted to write the results, found that they cannot be written")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 where what was asked cannot be had from any machine, as for clap's own usage errors; 1 where
    /// this one failed.
    pub(crate) fn exit_code(&self) -> u8 {
        use trainable::Error::{Device, Limit, NoAdapter, NoDevice};
        let of_machine = |error: &trainable::Error| {
            matches!(
                error,
                Limit { .. } | NoAdapter { .. } | NoDevice { .. } | Device { .. }
            )
        };
        let is_of_machine = match self {
            Self::Engine(error) | Self::Experiment(ExperimentError::Engine(error)) => {
                of_machine(error)
            }
            Self::Output(_) | Self::Signals(_) | Self::Toml { .. } => true,
            Self::Experiment(ExperimentError::Report(_)) => true,
            Self::Directory(error) | Self::Experiment(ExperimentError::Directory(error)) => {
                use DirectoryError::{Read, Write};
                matches!(error, Write { .. } | Read { .. })
            }
            Self::Report(ReportError::Write { .. })
            | Self::Page(PageError::Report(ReportError::Write { .. })) => true,
            _ => false,
        };
        if is_of_machine { 1 } else { 2 }
    }

    /// What else could be asked for.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Directory(DirectoryError::HoldsRun { .. }) => {
                Some("--resume goes on with it, --out takes another directory")
            }
            Self::Directory(
                DirectoryError::NoCheckpoint { .. } | DirectoryError::OtherRun { .. },
            ) => Some("--out takes another directory"),
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
