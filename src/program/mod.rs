//! The command line program's subcommands.

pub(crate) mod bench;
mod cells;
pub(crate) mod info;
mod pace;
pub(crate) mod probe;
mod progress;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod say;
pub(crate) mod scoreboard;
pub(crate) mod shell;
mod signals;
mod slurm;
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
use trainable::record::TableError;
use trainable::report::{PageError, ReportError};
use trainable::scoreboard::ScoreboardError;
use trainable::tensors::TensorError;

use slurm::NotPlain;
use sweep::grid::GridError;

/// Reason for which a subcommand failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A file has the wrong content.
    #[error(transparent)]
    Tensors(#[from] TensorError),
    /// The engine refused the request, or its device failed.
    #[error(transparent)]
    Engine(#[from] trainable::Error),
    /// The files are valid, but the computation on them overflows.
    #[error(
        "{network} on {batch}: wanted a finite loss and gradients, found values that are not finite"
    )]
    NotFinite {
        network: PathBuf,
        batch: PathBuf,
        source: NotFinite,
    },
    /// The experiment cannot be run, or did not run to its end.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The directory cannot be used for this run.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The handler of signals, such as Ctrl-C, cannot be installed.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// No page can be made from the run's directory.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The data files are faulty, or their format is unknown.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The program was built without an embedded data set, and none was given.
    #[cfg(not(feature = "embedded-mnist"))]
    #[error("--data: wanted a data set, because this program contains none; found no --data")]
    NoData,
    /// A file is missing or may not be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is not an experiment.
    #[error("cannot read {} as an experiment", path.display())]
    ExperimentFile { path: PathBuf, source: FileError },
    /// The file is not a scoreboard, or its tables do not make experiments.
    #[error("cannot read {} as a scoreboard", path.display())]
    ScoreboardFile {
        path: PathBuf,
        source: ScoreboardError,
    },
    /// A scoreboard has no event files.
    #[error("--tensorboard: wanted the directory of a run, found a scoreboard at {}", .0.display())]
    ScoreboardEvents(PathBuf),
    /// A table of a finished run is missing or has other content.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An experiment cannot be written as a file.
    #[error("experiment {name:?} cannot be written as TOML")]
    Toml {
        name: String,
        source: toml::ser::Error,
    },
    /// The varied fields do not form a grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A cell of a sweep cannot be run, or did not run to its end.
    #[error("cell {name}")]
    Cell { name: String, source: Box<Failure> },
    /// The scores file of a finished cell is not a table of scores.
    #[error("cannot read {} as a table of scores", path.display())]
    Scores { path: PathBuf, source: csv::Error },
    /// A table, a script or another file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A picture cannot be drawn or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A directory cannot be created.
    #[error("cannot create {}", path.display())]
    Make { path: PathBuf, source: io::Error },
    /// The system does not tell the path of this program or of the current directory.
    #[error("cannot find the path of this program or of the current directory")]
    Here(#[source] io::Error),
    /// A path cannot be written into a script.
    #[error(transparent)]
    NotPlain(#[from] NotPlain),
    /// Standard output does not take the results.
    #[error("cannot write the results to standard output")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Exit code: 2 if no machine could do what was asked, as for clap's own usage errors; 1 if this machine failed.
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

    /// Suggestion of another request, for the hint below the error.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Cell { source, .. } => source.hint(),
            Self::Directory(DirectoryError::HoldsRun { .. }) => {
                Some("--resume continues it, --out takes another directory".to_owned())
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

/// Writes the complete result of a subcommand at once, so that standard output stays empty on failure. A reader that stops
/// reading, such as `head`, is not a failure.
fn print(result: &str) -> Result<(), Failure> {
    print_bytes(result.as_bytes())
}

/// Writes bytes that may not be text; otherwise the same as [`print`].
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

    /// Failures of a machine exit with 1, and requests that no machine can meet exit with 2.
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
