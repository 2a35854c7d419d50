//! Script with which SLURM runs cells on a cluster, one cell a job: those of a sweep or of a scoreboard.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf, absolute};

use clap::ValueEnum;
use thiserror::Error;
use trainable::files::write_whole;

use super::Failure;
use super::cells::{self, Cell};
use super::run::Means;

/// Writes the cells' experiments below `place`, and `place`/`part`.sbatch, with which SLURM runs them. Returns the script's
/// path.
pub(super) fn leave_cells(
    name: &str,
    part: &str,
    cells: &[Cell],
    means: &Means,
    place: &Path,
) -> Result<PathBuf, Failure> {
    let directory = absolute(place).map_err(Failure::Here)?;
    let array = Array {
        name,
        part,
        program: &env::current_exe().map_err(Failure::Here)?,
        directory: &directory,
        cells: cells.iter().map(|cell| &cell.name[..]).collect(),
        arguments: arguments(means)?,
    };
    let script = array.script()?;
    cells::prepare(cells, place)?;
    let path = place.join(format!("{part}.sbatch"));
    write_whole(&path, script.as_bytes())?;
    Ok(path)
}

/// The options of `trainable run` that say how to run a cell.
fn arguments(means: &Means) -> Result<Vec<OsString>, Failure> {
    let progress = means.progress.to_possible_value();
    let progress = progress.map_or(String::new(), |value| value.get_name().to_owned());
    let mut arguments: Vec<OsString> = vec![
        "--backend".into(),
        means.backend.name().into(),
        "--progress".into(),
        progress.into(),
    ];
    if let Some(data) = &means.data {
        arguments.extend([
            "--data".into(),
            absolute(data).map_err(Failure::Here)?.into(),
        ]);
    }
    if means.tensorboard {
        arguments.push("--tensorboard".into());
    }
    Ok(arguments)
}

/// Content of the script.
struct Array<'a> {
    /// Name of the jobs.
    name: &'a str,
    /// Name of the cells together, with which the names of the logs begin.
    part: &'a str,
    /// Absolute path of this program.
    program: &'a Path,
    /// Absolute path of the directory of all cells.
    directory: &'a Path,
    /// Directories of the cells in this directory; one or more.
    cells: Vec<&'a str>,
    /// Further options of `trainable run`.
    arguments: Vec<OsString>,
}

/// Error: a path cannot be written into a script.
#[derive(Debug, Error)]
#[error("{}: wanted a path in UTF-8 without control characters, because a script names it; found another", path.display())]
pub(crate) struct NotPlain {
    path: PathBuf,
}

impl Array<'_> {
    /// Formats the script for `sbatch`. The program replaces the shell of its job, so that signals reach it.
    fn script(&self) -> Result<String, NotPlain> {
        let name: String = self.name.chars().filter(|c| !c.is_control()).collect();
        let directory = plain(self.directory)?;
        let log = format!("{}/{}-%a.log", directory.replace('%', "%%"), self.part);
        let arguments = self.arguments.iter();
        let arguments: Result<Vec<_>, _> = arguments
            .map(|one| plain(Path::new(one)).map(in_shell))
            .collect();
        let cells: Vec<_> = self.cells.iter().map(|cell| in_shell(cell)).collect();
        Ok(format!(
            r#"#!/bin/sh
# Cells, one a job. Submitted again, it goes on with those that were interrupted; those that are finished
# end at once. Further options go on sbatch's command line or below, such as --time=, --partition=, --gres=gpu:1.
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --output={log}
#SBATCH --open-mode=append
#SBATCH --requeue
# Two minutes ahead of the time limit, so that there is a checkpoint to go on from.
#SBATCH --signal=B:TERM@120
set -eu
directory={directory}
set -- \
  {cells}
shift "$SLURM_ARRAY_TASK_ID"
echo "cell $1"
exec {program} run "$directory/$1/experiment.toml" --out "$directory/$1" --resume {arguments}
"#,
            name = in_option(&name),
            last = self.cells.len().saturating_sub(1),
            log = in_option(&log),
            directory = in_shell(directory),
            cells = cells.join(" \\\n  "),
            program = in_shell(plain(self.program)?),
            arguments = arguments?.join(" "),
        ))
    }
}

fn plain(path: &Path) -> Result<&str, NotPlain> {
    let text = path.to_str();
    let plain = text.filter(|text| !text.contains(char::is_control));
    plain.ok_or_else(|| NotPlain {
        path: path.to_owned(),
    })
}

/// Quotes text as one word of a shell.
fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Quotes text as one value on a line of `#SBATCH`.
fn in_option(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array<'a>(directory: &'a str, cells: &[&'a str]) -> Array<'a> {
        Array {
            name: "a \"name\"\n",
            part: "sweep",
            program: Path::new("/bin/trainable it's"),
            directory: Path::new(directory),
            cells: cells.to_vec(),
            arguments: vec!["--data".into(), "/d a".into()],
        }
    }

    #[test]
    fn names_are_quoted_for_sbatch_and_for_the_shell() {
        let script = array("/50% \"x\" it's", &["a=1", "a=2"]).script().unwrap();
        for line in [
            r#"#SBATCH --job-name="a \"name\"""#,
            "#SBATCH --array=0-1",
            r#"#SBATCH --output="/50%% \"x\" it's/sweep-%a.log""#,
            r#"directory='/50% "x" it'\''s'"#,
        ] {
            assert!(script.lines().any(|l| l == line), "no {line} in {script}");
        }
        assert!(script.ends_with(" --resume '--data' '/d a'\n"), "{script}");
        let error = array("/new\nline", &["a=1"]).script().unwrap_err();
        assert!(error.to_string().contains("without control characters"));
    }

    /// Expands the script with a shell, as a job does.
    #[cfg(unix)]
    #[test]
    fn each_job_runs_its_cell() {
        let mut array = array("/50% \"x\" it's $HOME", &["a=1", "a=2", "a=3"]);
        array.program = Path::new("printf");
        let script = array.script().unwrap();
        // printf's first argument, `run`, is its format.
        let script = script.replace("'printf' run", "'printf' '%s|'");
        for index in 0..3 {
            let shell = std::process::Command::new("sh")
                .args(["-c", &script])
                .env("SLURM_ARRAY_TASK_ID", index.to_string())
                .output()
                .unwrap();
            let cell = format!("a={}", index + 1);
            let own = format!("/50% \"x\" it's $HOME/{cell}");
            let wanted =
                format!("cell {cell}\n{own}/experiment.toml|--out|{own}|--resume|--data|/d a|");
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), wanted);
        }
    }
}
