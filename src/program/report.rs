//! `trainable report`: a page of one run or several, or of a scoreboard, and event files.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use trainable::record::{ScoreboardRow, TableRow, read_table};
use trainable::report::{Foreign, write_event_files, write_overview, write_page, write_scoreboard};

use super::Failure;
use super::say::say;

/// Name of the page in a directory.
const PAGE: &str = "report.html";

/// Longest name, in characters, of the directory for a page of several runs.
const LONGEST_NAME: usize = 100;

/// Options of `trainable report`.
#[derive(Args)]
pub(crate) struct Options {
    /// Directories that `trainable run` has written, of which a run may be interrupted or still running; or one that
    /// `trainable scoreboard` has written
    #[arg(value_name = "DIR", required = true)]
    directories: Vec<PathBuf>,
    /// Directory for report.html, or a name that ends in .html for the page itself
    ///
    /// Without it, the page of one run goes into its directory. The page of several runs goes into a directory in
    /// reports/ that is named after them, with the tables and the pictures beside it.
    #[arg(long, value_name = "DIR|FILE.html")]
    out: Option<PathBuf>,
    /// Also write TensorBoard's event files of each run, to tensorboard/ in its directory
    #[arg(long)]
    tensorboard: bool,
    /// Replace the file at the page's path even if it is not a report
    #[arg(long)]
    force: bool,
}

/// Writes the page and the files beside it.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let page = match (&options.out, &options.directories[..]) {
        (Some(page), _) if is_file_name(page) => page.clone(),
        (Some(directory), _) => page_in(directory),
        (None, [directory]) => page_in(directory),
        (None, directories) => page_in(&Path::new("reports").join(joined(directories))),
    };
    let foreign = if options.force {
        Foreign::Replace
    } else {
        Foreign::Keep
    };
    if let [directory] = &options.directories[..]
        && directory.join(ScoreboardRow::FILE).exists()
    {
        if options.tensorboard {
            return Err(Failure::ScoreboardEvents(directory.clone()));
        }
        let rows = read_table::<ScoreboardRow>(&directory.join(ScoreboardRow::FILE))?;
        write_scoreboard(&name(directory), &rows, &page, foreign)?;
        tell_page(&page);
        return Ok(());
    }
    write_page(&options.directories, &page, foreign)?;
    if options.tensorboard {
        for directory in &options.directories {
            write_event_files(directory)?;
        }
    }
    tell_page(&page);
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

/// Writes a page over the runs in `directories`, with its tables and pictures, to `place`.
pub(crate) fn write_over(directories: &[PathBuf], place: &Path) -> Result<(), Failure> {
    Ok(write_overview(directories, &page_in(place), Foreign::Keep)?)
}

pub(crate) fn page_in(directory: &Path) -> PathBuf {
    directory.join(PAGE)
}

/// Prints the last line: the path of the page to open.
pub(crate) fn tell_page(page: &Path) {
    if page.exists() {
        say!("{}", page.display());
    }
}

/// Returns whether the path names the page itself and not its directory.
fn is_file_name(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("html")) || path.exists() && !path.is_dir()
}

/// The name of a directory.
fn name(directory: &Path) -> String {
    let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let name = directory.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Name for a page of several runs: "A-B", or "A-and-3-others" if there are too many to name.
fn joined(directories: &[PathBuf]) -> String {
    let names: Vec<_> = { directories.iter() }.map(|one| name(one)).collect();
    let all = names.join("-");
    if all.chars().count() <= LONGEST_NAME {
        return all;
    }
    let first: String = names[0].chars().take(LONGEST_NAME).collect();
    format!("{first}-and-{}-others", names.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_several_runs_has_a_directory_of_a_bearable_name() {
        let names = |names: &[&str]| joined(&names.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["runs/a", "runs/b/"]), "a-b");
        let long = "x".repeat(60);
        assert_eq!(names(&[&long, &long, "c"]), format!("{long}-and-2-others"));
    }
}
