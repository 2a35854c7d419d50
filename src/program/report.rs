//! `trainable report`: a page of one run or several, and event files.

use std::path::{Path, PathBuf};

use clap::Args;
use trainable::report::{Foreign, write_event_files, write_page};

use super::Failure;

/// Which runs, and where the page goes.
#[derive(Args)]
pub(crate) struct Options {
    /// Directories that `trainable run` has written
    #[arg(value_name = "DIR", required = true)]
    directories: Vec<PathBuf>,
    /// The page; without it, report.html in the directory, or here for several
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write TensorBoard's event files of each run too, to tensorboard/ in its directory
    #[arg(long)]
    tensorboard: bool,
    /// Replace FILE even if it is no report
    #[arg(long)]
    force: bool,
}

/// Writes the page and the files beside it.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let page = match (&options.out, &options.directories[..]) {
        (Some(page), _) => page.clone(),
        (None, [directory]) => page_in(directory),
        (None, _) => PathBuf::from("report.html"),
    };
    let foreign = if options.force {
        Foreign::Replace
    } else {
        Foreign::Keep
    };
    write_page(&options.directories, &page, foreign)?;
    eprintln!("report in {}", page.display());
    if options.tensorboard {
        for directory in &options.directories {
            write_event_files(directory)?;
        }
    }
    Ok(())
}

/// Writes the page of a run into its directory.
pub(crate) fn write(directory: &Path) -> Result<(), Failure> {
    Ok(write_page(
        &[directory],
        &page_in(directory),
        Foreign::Keep,
    )?)
}

fn page_in(directory: &Path) -> PathBuf {
    directory.join("report.html")
}
