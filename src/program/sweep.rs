//! `trainable sweep`: a grid of experiments. Each one is an ordinary run in its own directory.
//!
//! - `field`: fields of an experiment file, by their paths.
//! - `grid`: the cells, with their names and experiments.

mod field;
pub(super) mod grid;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use trainable::experiment::{score_name, score_table};
use trainable::files::write_whole;
use trainable::record::{ScoreRow, TableRow};
use trainable::report::{Foreign, check_page};

use super::run::{Means, Session, Source, as_toml};
use super::say::say;
use super::signals::{INTERRUPTED, Signals};
use super::slurm::leave_cells;
use super::{Failure, cells, print, report};
use grid::Grid;

/// Name of the table that joins scores.csv of all cells.
const TABLE: &str = "sweep.csv";

/// Options of `trainable sweep`.
#[derive(Args)]
#[command(
    after_help = "The same command again skips finished cells and goes on with interrupted ones. \
    At the end, DIR/sweep.csv and DIR/report.html are of all cells."
)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,
    /// A field of the experiment file, by its path, and its values
    ///
    /// Examples: batch=16,32 or arms.0.l2=0.0,0.001 or probe.iterations=10,30. A * stands for every index:
    /// arms.*.hidden=[64, 64],[256, 256]. Values are written as in a list of the file, with strings in quotes. Several
    /// --vary options give a cell for every combination. Only fields that the complete file shows can be varied:
    /// `trainable presets NAME --full` prints the fields of a preset.
    #[arg(long, value_name = "FIELD=VALUE,VALUE", required = true)]
    vary: Vec<String>,
    #[command(flatten)]
    means: Means,
    /// Directory for the cells' directories and sweep.csv; by default, runs/ followed by the experiment's name and -sweep
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Train nothing; write sweep.sbatch, with which SLURM runs each cell as a job
    #[arg(long)]
    slurm: bool,
}

/// Runs the cells that are not finished, one after the other.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let signals = Signals::listen().map_err(Failure::Signals)?;
    let experiment = options.source.experiment()?;
    let images = options.means.images()?;
    let experiment = experiment.on(&images);
    let grid = Grid::new(&as_toml(&experiment)?, &options.vary)?;
    let default = || Path::new("runs").join(format!("{}-sweep", experiment.name));
    let place = options.out.clone().unwrap_or_else(default);

    cells::check(&grid.cells, &images)?;
    cells::check_table(&place.join(TABLE), "arm")?;
    check_page(&report::page_in(&place), Foreign::Keep)?;
    let unfinished = cells::unfinished(&grid.cells, &place, &images)?;
    if unfinished.finished > 0 {
        let (finished, count) = (unfinished.finished, grid.cells.len());
        say!("{finished} of {count} cells are finished already");
    }
    if options.slurm {
        let script = leave_cells(
            &experiment.name,
            "sweep",
            &grid.cells,
            &options.means,
            &place,
        )?;
        say!("to run the cells: sbatch {}", script.display());
        say!("when they are finished, the same command without --slurm writes sweep.csv");
        return Ok(ExitCode::SUCCESS);
    }
    if !unfinished.cells.is_empty() {
        let session = Session::open(&options.means, images.clone(), signals)?;
        cells::prepare(&grid.cells, &place)?;
        if !unfinished.run(&session, options.means.progress, &place)? {
            say!("stopped; the same command continues from there");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    let scores = write_table(&grid, &place)?;
    let cells: Vec<_> = { grid.cells.iter() }
        .map(|cell| place.join(&cell.name))
        .collect();
    report::write_over(&cells, &place)?;
    if !options.means.progress.is_json() {
        let experiments = grid.cells.iter().map(|cell| &cell.experiment);
        print(&score_table(&scores, score_name(experiments)))?;
    }
    say!("results in {}", place.display());
    report::tell_page(&report::page_in(&place));
    Ok(ExitCode::SUCCESS)
}

/// Writes sweep.csv. Each row has the values of the varied fields and then the columns of scores.csv, for one cell and
/// arm. Returns the scores, with the cells in the names of the arms.
fn write_table(grid: &Grid, place: &Path) -> Result<Vec<ScoreRow>, Failure> {
    let path = place.join(TABLE);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::Scores { path, source }
    };
    let mut builder = csv::WriterBuilder::new();
    let mut table = builder.has_headers(false).from_writer(Vec::new());
    let mut scores = Vec::new();
    for (number, cell) in grid.cells.iter().enumerate() {
        let own = place.join(&cell.name).join(ScoreRow::FILE);
        if number == 0 {
            let header = grid.fields.iter().map(String::as_str);
            let header = header.chain(ScoreRow::COLUMNS.iter().copied());
            table.write_record(header).map_err(failed(&path))?;
        }
        for mut row in read_scores(&own).map_err(failed(&own))? {
            let record = (&grid.values[number], &row);
            table.serialize(record).map_err(failed(&path))?;
            row.arm = format!("{} / {}", cell.name, row.arm);
            scores.push(row);
        }
    }
    let table = table.into_inner();
    let table = table.map_err(|error| failed(&path)(error.into_error().into()))?;
    write_whole(&path, &table)?;
    Ok(scores)
}

/// Rows of a cell. An earlier version may have written them, with fewer columns.
fn read_scores(path: &Path) -> Result<Vec<ScoreRow>, csv::Error> {
    csv::Reader::from_path(path)?.deserialize().collect()
}
