//! The command line program's subcommands.

pub(crate) mod bench;
pub(crate) mod info;
mod pace;
pub(crate) mod probe;
mod progress;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod say;
pub(crate) mod shell;
mod signals;
pub(crate) mod sweep;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use thiserror::Error;
use trainable::Backend;
use trainable::data::DataError;
use trainable::experiment::{DirectoryError, ExperimentError, FileError};
use trainable::files::WriteError;
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
    Signals(#[source] io::Error),
    /// The run's directory makes no page.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The data files are faulty, or of no known format.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The program was built without data of its own.
    #[cfg(not(feature = "embedded-mnist"))]
    #[error("--data: wanted a data set, as this program carries none, found none")]
    NoData,
    /// There is no such file, or it may not be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is no experiment.
    #[error("cannot read {} as an experiment", path.display())]
    ExperimentFile { path: PathBuf, source: FileError },
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
    Write(#[from] WriteError),
    /// A picture cannot be drawn or written.
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
        use trainable::gpu::Error::NotSubmitted;
        let of_machine = |error: &trainable::Error| match error.gpu() {
            Some(error) => !matches!(error, NotSubmitted),
            None => matches!(error, trainable::Error::Memory { .. }),
        };
        let is_of_machine = match self {
            Self::Cell { source, .. } => return source.exit_code(),
            Self::Engine(error) | Self::Experiment(ExperimentError::Engine(error)) => {
                of_machine(error)
            }
            Self::Output(_) | Self::Signals(_) | Self::Toml { .. } => true,
            Self::Make { .. } | Self::Write(_) | Self::Report(_) | Self::Here(_) => true,
            Self::Experiment(ExperimentError::Write(_)) => true,
            Self::Directory(error) | Self::Experiment(ExperimentError::Directory(error)) => {
                use DirectoryError::{Read, Write};
                matches!(error, Write(_) | Read { .. })
            }
            Self::Page(PageError::Write(_) | PageError::Report(ReportError::Write(_))) => true,
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
                DirectoryError::NoCheckpoint { .. }
                | DirectoryError::OtherRun { .. }
                | DirectoryError::Taken { .. }
                | DirectoryError::NotAFile { .. },
            ) => Some("--out takes another directory".to_owned()),
            _ => None,
        }
    }
}

/// Lists the names in the help text and in errors.
fn backend_parser() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(Backend::NAMES).try_map(|name| name.parse::<Backend>())
}

/// Writes a subcommand's whole result at once: on failure, standard output stays empty. A reader that wants no more of it,
/// such as `head`, is no failure.
fn print(result: &str) -> Result<(), Failure> {
    print_bytes(result.as_bytes())
}

/// As [`print`], of what may be no text.
fn print_bytes(result: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(result).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use trainable::{Error, gpu};

    use super::*;

    fn io_error() -> io::Error {
        io::Error::other("of a test")
    }

    fn file_error() -> FileError {
        "=".parse::<trainable::experiment::Experiment>()
            .unwrap_err()
    }

    fn engine(error: gpu::Error) -> Failure {
        Error::from(error).into()
    }

    fn directory(error: DirectoryError) -> Failure {
        ExperimentError::Directory(error).into()
    }

    /// The machine may do it another time, or another machine may; what the user asked cannot be had from any.
    #[test]
    fn faults_of_the_machine_and_of_the_user_are_told_apart() {
        let path = || PathBuf::from("somewhere");
        let write = || WriteError {
            path: path(),
            source: io_error(),
        };
        let chart = || ReportError::Chart {
            path: path(),
            reason: "of a test".to_owned(),
        };
        let mut of_machine: Vec<Failure> = vec![
            engine(gpu::Error::NoAdapter {
                wanted: "Vulkan".to_owned(),
                found: "none".to_owned(),
            }),
            engine(gpu::Error::OutOfMemory {
                buffer: "weights".to_owned(),
                bytes: 1,
            }),
            engine(gpu::Error::Device {
                doing: "training",
                reason: "of a test".to_owned(),
            }),
            DirectoryError::Write(write()).into(),
            directory(DirectoryError::Read {
                path: path(),
                source: io_error(),
            }),
            ExperimentError::Write(write()).into(),
            Failure::Signals(io_error()),
            PageError::Write(write()).into(),
            PageError::Report(write().into()).into(),
            toml::to_string(&1).map_or_else(
                |source| Failure::Toml {
                    name: "mine".to_owned(),
                    source,
                },
                |text| panic!("{text}"),
            ),
            write().into(),
            ReportError::Write(write()).into(),
            chart().into(),
            Failure::Make {
                path: path(),
                source: io_error(),
            },
            Failure::Here(io_error()),
            io_error().into(),
        ];
        let limit = gpu::Error::Limit {
            limit: "max_buffer_size",
            what: "weights".to_owned(),
            required: 2,
            available: 1,
            fit: None,
        };
        of_machine.push(ExperimentError::Engine(limit.into()).into());
        of_machine.push(Failure::Cell {
            name: "batch=1".to_owned(),
            source: Box::new(io_error().into()),
        });
        let mut of_user: Vec<Failure> = vec![
            DirectoryError::InUse { path: path() }.into(),
            directory(DirectoryError::HoldsRun { path: path() }),
            DirectoryError::Taken { path: path() }.into(),
            DirectoryError::NotAFile { path: path() }.into(),
            DirectoryError::NoCheckpoint { path: path() }.into(),
            DirectoryError::Damaged {
                path: path(),
                reason: "of a test".to_owned(),
            }
            .into(),
            PageError::NoRun.into(),
            PageError::Foreign { path: path() }.into(),
            PageError::NotAFile { path: path() }.into(),
            PageError::Report(chart()).into(),
            Failure::Read {
                path: path(),
                source: io_error(),
            },
            Failure::ExperimentFile {
                path: path(),
                source: file_error(),
            },
            GridError::TooMany { count: 1 << 20 }.into(),
            Failure::Scores {
                path: path(),
                source: io_error().into(),
            },
        ];
        of_user.push(ExperimentError::Engine(Error::NoProbe).into());
        of_user.push(Failure::Cell {
            name: "batch=1".to_owned(),
            source: Box::new(PageError::NoRun.into()),
        });
        for (code, failures) in [(1, of_machine), (2, of_user)] {
            for failure in failures {
                assert_eq!(failure.exit_code(), code, "{failure:?}");
            }
        }
    }
}
