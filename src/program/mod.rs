//! The command line program's subcommands.

pub(crate) mod probe;
mod tensors;

use std::io::{self, Write};
use std::path::PathBuf;

use thiserror::Error;
use trainable::probe::NotFinite;

use tensors::TensorError;

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
    /// Nobody takes the results.
    #[error("standard output: wanted to write the results, found that they cannot be written")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 where what was asked cannot be had from any machine, as for clap's own usage errors; 1 where
    /// this one failed.
    pub(crate) fn exit_code(&self) -> u8 {
        use trainable::Error::{Device, Limit, NoAdapter, NoDevice};
        match self {
            Self::Engine(Limit { .. } | NoAdapter { .. } | NoDevice { .. } | Device { .. })
            | Self::Output(_) => 1,
            Self::Tensors(_) | Self::Engine(_) | Self::NotFinite { .. } => 2,
        }
    }
}

/// Writes a subcommand's whole result at once: on failure, standard output stays empty.
fn print(result: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(result.as_bytes())?;
    Ok(output.flush()?)
}
