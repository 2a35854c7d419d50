//! `trainable scoreboard`: tuned methods compared on held-out seeds.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use trainable::experiment::{Experiment, read_text, score_name};
use trainable::record::{
    ConfigurationRow, HeldOutRow, ScoreRow, ScoreboardRow, TableRow, TaskRow, read_table,
    write_table,
};
use trainable::report::{Foreign, check_page, write_scoreboard};
use trainable::scoreboard::{Entry, Outcome, Scoreboard, ScoreboardError, Stage, rank, rank_table};
use trainable::spec::ImageSet;

use super::cells::{self, Cell};
use super::run::{Means, Session};
use super::say::say;
use super::signals::{INTERRUPTED, Signals};
use super::slurm::leave_cells;
use super::{Failure, print, report};

/// Names of the tables: ranks, tuning, held-out seeds.
const TABLES: [&str; 3] = [
    ScoreboardRow::FILE,
    ConfigurationRow::FILE,
    HeldOutRow::FILE,
];

/// Options of `trainable scoreboard`.
#[derive(Args)]
#[command(
    after_help = "Every method has the same number of configurations. All of them are trained on the seeds for tuning, and \
    the best one of each method on the held-out seeds. The methods are ranked by the latter. Each part is an ordinary run \
    in DIR/SETTING/METHOD/tuning or held-out; the same command again skips finished parts and goes on with interrupted \
    ones. With --slurm, a cluster runs the parts: the command writes the script of the tuning, the same command after that writes \
    the script of the held-out seeds, and without --slurm it then writes the tables. DIR/report.html is a heat map of the ranks, with the tables scoreboard.csv, configurations.csv (the tuning) and \
    held_out.csv (the held-out seeds) beside it, and DIR/SETTING/report.html shows the held-out runs of a setting side by side."
)]
pub(crate) struct Options {
    /// A scoreboard file: seeds, settings and methods
    #[arg(value_name = "SCOREBOARD.toml")]
    file: PathBuf,
    #[command(flatten)]
    means: Means,
    /// Directory for everything; by default, runs/ followed by the scoreboard's name
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Train nothing; write tuning.sbatch, with which SLURM runs the tuning of each method as a job, or held-out.sbatch
    /// where all of them are finished
    #[arg(long)]
    slurm: bool,
}

/// Tunes and compares the methods of each setting, one setting after the other.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let signals = Signals::listen().map_err(Failure::Signals)?;
    let images = options.means.images()?;
    let scoreboard = read(&options.file)?;
    let entries = scoreboard.entries().map_err(of_file(&options.file))?;
    let entries: Vec<_> = { entries.into_iter() }
        .map(|entry| entry.on(&images))
        .collect();
    let default = || Path::new("runs").join(&scoreboard.name);
    let place = options.out.clone().unwrap_or_else(default);

    let tuning = tuning(&entries);
    cells::check(&tuning, &images)?;
    for part in by_setting(&entries) {
        check_page(&page_of(part, &place), Foreign::Keep)?;
    }
    // Faults are found before anything is trained, as far as that does not wait for the best configurations.
    let held_out = entries.iter().map(|entry| entry.held_out(0));
    cells::check(&cells(&entries, Stage::HeldOut, held_out), &images)?;
    cells::unfinished(&tuning, &place, &images)?;
    check_page(&report::page_in(&place), Foreign::Keep)?;
    for table in TABLES {
        cells::check_table(&place.join(table), "setting")?;
    }
    if options.slurm {
        return leave_to_slurm(&scoreboard.name, &entries, options, &images, &place);
    }
    let session = Session::open(&options.means, images.clone(), signals)?;
    let work = Work {
        scoreboard: &scoreboard,
        session,
        options,
        images,
        place,
    };
    let mut outcomes = Vec::new();
    for part in by_setting(&entries) {
        let Some(ended) = work.setting(part)? else {
            say!("stopped; the same command continues from there");
            return Ok(ExitCode::from(INTERRUPTED));
        };
        outcomes.push(ended);
        work.write(&outcomes)?;
    }
    if !options.means.progress.is_json() {
        let score = |setting: &str| {
            let of_setting = entries.iter().filter(|entry| entry.setting == setting);
            score_name(of_setting.map(|entry| &entry.tuning))
        };
        print(&rank_table(&ranks(&outcomes)?, score))?;
    }
    say!("results in {}", work.place.display());
    report::tell_page(&report::page_in(&work.place));
    Ok(ExitCode::SUCCESS)
}

/// Writes the script that runs the next cells: the tuning of all entries, or their best configurations on the held-out seeds
/// where all of the tuning is finished.
fn leave_to_slurm(
    name: &str,
    entries: &[Entry],
    options: &Options,
    images: &ImageSet,
    place: &Path,
) -> Result<ExitCode, Failure> {
    let tuning = tuning(entries);
    let is_tuned = cells::unfinished(&tuning, place, images)?.cells.is_empty();
    let (part, cells, next) = if is_tuned {
        let held_out = held_out(entries, &tuning_scores(entries, place)?)?;
        cells::check(&held_out, images)?;
        let next = "the same command without --slurm writes the tables";
        ("held-out", held_out, next)
    } else {
        ("tuning", tuning, "the same command writes held-out.sbatch")
    };
    let unfinished = cells::unfinished(&cells, place, images)?;
    let (finished, count) = (unfinished.finished, cells.len());
    if finished > 0 {
        say!("{part}: {finished} of {count} cells are finished already");
    }
    if finished == count {
        say!("{next}");
        return Ok(ExitCode::SUCCESS);
    }
    let script = leave_cells(name, part, &cells, &options.means, place)?;
    say!("to run the cells: sbatch {}", script.display());
    say!("when they are finished, {next}");
    Ok(ExitCode::SUCCESS)
}

/// The device, the data and the directory that the runs of all settings share.
struct Work<'a> {
    scoreboard: &'a Scoreboard,
    session: Session,
    options: &'a Options,
    images: ImageSet,
    place: PathBuf,
}

impl Work<'_> {
    /// Tunes the methods of one setting and trains the best configurations on the held-out seeds. Returns `None` if a
    /// signal stopped it.
    fn setting<'e>(&self, entries: &'e [Entry]) -> Result<Option<Vec<Outcome<'e>>>, Failure> {
        let tuning = tuning(entries);
        if !self.train(&tuning)? {
            return Ok(None);
        }
        let scores = tuning_scores(entries, &self.place)?;
        let held_out = held_out(entries, &scores)?;
        if !self.train(&held_out)? {
            return Ok(None);
        }
        let directories: Vec<_> = { held_out.iter() }
            .map(|cell| self.place.join(&cell.name))
            .collect();
        let page = page_of(entries, &self.place);
        report::write_over(&directories, page.parent().expect("a directory"))?;
        let outcome = |((entry, scores), cell): ((&'e Entry, _), &Cell)| {
            let tasks = read_table(&self.place.join(&cell.name).join(TaskRow::FILE))?;
            let dispatches = cell.experiment.step_dispatches(&self.images)?[0];
            Ok(Outcome::new(entry, scores, &tasks, dispatches)?)
        };
        let outcomes = entries.iter().zip(scores).zip(&held_out).map(outcome);
        outcomes.collect::<Result<Vec<_>, Failure>>().map(Some)
    }

    /// Runs the cells that are not finished; returns whether all of them are now.
    fn train(&self, cells: &[Cell]) -> Result<bool, Failure> {
        cells::check(cells, &self.images)?;
        let unfinished = cells::unfinished(cells, &self.place, &self.images)?;
        unfinished.run(&self.session, self.options.means.progress, &self.place)
    }

    /// Writes the tables of the settings that are finished.
    fn write(&self, outcomes: &[Vec<Outcome<'_>>]) -> Result<(), Failure> {
        let all = || outcomes.iter().flatten();
        let configurations: Vec<_> = all().flat_map(Outcome::configurations).collect();
        let [ranked, tuned, by_seed] = TABLES.map(|table| self.place.join(table));
        write_table(&tuned, &configurations)?;
        let held_out: Vec<_> = all().flat_map(Outcome::held_out).collect();
        write_table(&by_seed, &held_out)?;
        let rows = ranks(outcomes)?;
        write_table(&ranked, &rows)?;
        let page = report::page_in(&self.place);
        Ok(write_scoreboard(
            &self.scoreboard.name,
            &rows,
            &page,
            Foreign::Keep,
        )?)
    }
}

fn ranks(outcomes: &[Vec<Outcome<'_>>]) -> Result<Vec<ScoreboardRow>, Failure> {
    let ranks = outcomes.iter().map(|setting| rank(setting));
    Ok(ranks.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Entries of each setting.
fn by_setting(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    entries.chunk_by(|a, b| a.setting == b.setting)
}

/// Cells that tune each entry.
fn tuning(entries: &[Entry]) -> Vec<Cell> {
    let experiments = entries.iter().map(|entry| entry.tuning.clone());
    cells(entries, Stage::Tuning, experiments)
}

/// Rows of scores.csv of each entry's tuning, which is finished.
fn tuning_scores(entries: &[Entry], place: &Path) -> Result<Vec<Vec<ScoreRow>>, Failure> {
    let scores = |entry: &Entry| {
        let directory = place.join(entry.directory(Stage::Tuning));
        Ok(read_table(&directory.join(ScoreRow::FILE))?)
    };
    entries.iter().map(scores).collect()
}

/// Cells that train the best configuration of each entry on the held-out seeds.
fn held_out(entries: &[Entry], scores: &[Vec<ScoreRow>]) -> Result<Vec<Cell>, Failure> {
    let best = |(entry, scores): (&Entry, &Vec<_>)| Ok(entry.held_out(entry.best(scores)?));
    let best = entries.iter().zip(scores).map(best);
    let best = best.collect::<Result<Vec<_>, Failure>>()?;
    Ok(cells(entries, Stage::HeldOut, best))
}

/// Cells of one stage, with the experiment of each entry.
fn cells(
    entries: &[Entry],
    stage: Stage,
    experiments: impl IntoIterator<Item = Experiment>,
) -> Vec<Cell> {
    let cell = |(entry, experiment): (&Entry, _)| Cell {
        name: entry.directory(stage).display().to_string(),
        experiment,
    };
    entries.iter().zip(experiments).map(cell).collect()
}

/// Page over the held-out runs of a setting.
fn page_of(entries: &[Entry], place: &Path) -> PathBuf {
    let directory = entries[0].directory(Stage::HeldOut);
    let setting = directory.iter().next().expect("the setting's directory");
    report::page_in(&place.join(setting))
}

fn read(path: &Path) -> Result<Scoreboard, Failure> {
    let text = read_text(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    text.parse().map_err(of_file(path))
}

fn of_file(path: &Path) -> impl FnOnce(ScoreboardError) -> Failure {
    let path = path.to_owned();
    move |source| Failure::ScoreboardFile { path, source }
}
