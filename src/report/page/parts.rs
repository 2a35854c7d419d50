//! The rows so far of an unfinished run, and the scores computed from them.

use std::io;
use std::path::Path;

use super::PageError;
use crate::error::Error;
use crate::experiment::{Experiment, PARTS, Results, differences, scores};
use crate::record::{
    DifferenceRow, ScoreRow, TableError, TableRow, TaskRow, parse_table, read_bytes,
};

/// The progress of a run.
pub(super) struct Unfinished {
    /// The number of finished tasks, over all replicas.
    pub(super) done: usize,
    /// The number of tasks asked for, over all replicas.
    pub(super) asked: usize,
    /// The latest finished task of any replica; 0 if there is none.
    pub(super) newest: u32,
    /// The number of tasks in each arm's score; 0 if there are none.
    pub(super) scored: Vec<u32>,
}

impl Unfinished {
    pub(super) fn new(experiment: &Experiment, rows: &[TaskRow], scored: Vec<u32>) -> Self {
        let replicas = experiment.arms.len() * experiment.seeds.len();
        Self {
            done: rows.len(),
            asked: replicas * experiment.tasks as usize,
            newest: rows.iter().map(|row| row.task).max().unwrap_or(0),
            scored,
        }
    }
}

/// Reads the rows so far in `directory`, ordered by arm, seed and time. Returns `None` if there are no such tables. An
/// incomplete last line is left out, because a process may be appending to the table.
pub(super) fn read(
    directory: &Path,
    experiment: &Experiment,
) -> Result<Option<Results>, PageError> {
    let [tasks, probes, indicators] = PARTS.map(|name| directory.join(name));
    let tasks = read_part(&tasks)?;
    let probes = read_part(&probes)?;
    let indicators = read_part(&indicators)?;
    let Some(((tasks, probes), indicators)) = tasks.zip(probes).zip(indicators) else {
        return Ok(None);
    };
    let mut results = Results {
        tasks,
        probes,
        indicators,
    };
    results.sort(experiment);
    Ok(Some(results))
}

/// Reads the rows so far in one table; `None` if there is no such file.
fn read_part<T: TableRow>(path: &Path) -> Result<Option<Vec<T>>, TableError> {
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(TableError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match whole_lines(&bytes) {
        // The header is written with the first row.
        [] => Ok(Some(Vec::new())),
        lines => parse_table(path, lines).map(Some),
    }
}

/// Returns the bytes up to the last line end that is not within quotes.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let (mut is_quoted, mut end) = (false, 0);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => end = place + 1,
            _ => {}
        }
    }
    &bytes[..end]
}

/// Scores and differences of the rows so far.
pub(super) struct Summary {
    /// The score of each arm, over the tasks that its most advanced seed has finished.
    pub(super) scores: Vec<ScoreRow>,
    /// The number of these tasks for each arm; 0 if there are none.
    pub(super) scored: Vec<u32>,
    /// Differences over the tasks that two seeds or more have finished in both arms.
    pub(super) differences: Vec<DifferenceRow>,
}

/// Computes scores and differences of the rows so far, as if the experiment had only as many tasks as each arm has finished.
pub(super) fn summary(experiment: &Experiment, rows: &[TaskRow]) -> Result<Summary, Error> {
    let newest = |arm: &str| {
        let own = rows.iter().filter(|row| row.arm == arm);
        own.map(|row| row.task).max().unwrap_or(0)
    };
    let scored: Vec<_> = experiment
        .arms
        .iter()
        .map(|arm| newest(&arm.name))
        .collect();
    let mut all = scores(experiment, &[])?;
    let mut pairs: Vec<Option<DifferenceRow>> = vec![None; all.len()];
    let mut counts: Vec<_> = scored.iter().copied().filter(|count| *count > 0).collect();
    counts.sort_unstable();
    counts.dedup();
    // The largest number of tasks comes first, so that the first difference found is over the most tasks.
    for tasks in counts.into_iter().rev() {
        let asked = Experiment {
            tasks,
            ..experiment.clone()
        };
        let rows: Vec<_> = { rows.iter() }
            .filter(|row| row.task <= tasks)
            .cloned()
            .collect();
        for (place, score) in scores(&asked, &rows)?.into_iter().enumerate() {
            if scored[place] == tasks {
                all[place] = score;
            }
        }
        for row in differences(&asked, &rows)? {
            let place = experiment.arms.iter().position(|arm| arm.name == row.arm);
            if let Some(place) = place {
                pairs[place].get_or_insert(row);
            }
        }
    }
    for score in &mut all {
        // A seed with fewer tasks may be behind, and need not have diverged.
        score.diverged = 0;
    }
    Ok(Summary {
        scores: all,
        scored,
        differences: pairs.into_iter().flatten().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Arm;
    use crate::experiment::presets::{Preset, Scale};

    #[test]
    fn a_line_that_is_not_whole_is_left_out() {
        for (bytes, whole) in [
            ("", ""),
            ("arm,se", ""),
            ("arm\na", "arm\n"),
            ("arm\na\n", "arm\na\n"),
            ("arm\n\"a\nb\"\n", "arm\n\"a\nb\"\n"),
            // The text is cut within a name of two lines, and within a doubled quote.
            ("arm\nx\n\"a\n", "arm\nx\n"),
            ("arm\nx\n\"a\"\"\n", "arm\nx\n"),
        ] {
            assert_eq!(whole_lines(bytes.as_bytes()), whole.as_bytes(), "{bytes:?}");
        }
    }

    #[test]
    fn scores_are_of_the_tasks_that_are_finished() {
        let arm = |name: &str, l2| Arm {
            name: name.to_owned(),
            l2,
            ..Arm::default()
        };
        let experiment = Experiment {
            tasks: 40,
            seeds: vec![1, 2],
            arms: vec![arm("first", 0.0), arm("later", 0.1), arm("not yet", 0.2)],
            ..Preset::Smoke.experiment(Scale::Small)
        };
        let row = |arm: &str, seed, task, online_accuracy| TaskRow {
            arm: arm.to_owned(),
            seed,
            task,
            online_accuracy,
            online_loss: 0.0,
            final_accuracy: 0.0,
            final_loss: 0.0,
        };
        let rows = [
            row("first", 1, 1, 0.5),
            row("first", 1, 2, 0.7),
            row("first", 2, 1, 0.3),
            row("later", 1, 1, 0.75),
            row("later", 2, 1, 0.5),
        ];
        let found = summary(&experiment, &rows).unwrap();
        assert_eq!(found.scored, [2, 1, 0]);
        let scores: Vec<_> = { found.scores.iter() }
            .map(|row| (row.seeds, row.diverged, row.mean))
            .collect();
        let close =
            |found: Option<f64>, wanted: f64| found.is_some_and(|f| (f - wanted).abs() < 1e-12);
        assert_eq!((scores[0].0, scores[0].1), (1, 0));
        assert!(close(scores[0].2, 0.6), "{scores:?}");
        assert_eq!((scores[1].0, scores[1].1), (2, 0));
        assert!(close(scores[1].2, 0.625), "{scores:?}");
        assert_eq!(scores[2], (0, 0, None));
        // The difference is over task 1, which both arms have: 0.75 - 0.5 and 0.5 - 0.3.
        let [pair] = &found.differences[..] else {
            panic!("{:?}", found.differences)
        };
        assert_eq!(
            (&pair.arm[..], &pair.against[..], pair.seeds),
            ("later", "first", 2)
        );
        assert!(close(Some(pair.difference), 0.225), "{pair:?}");

        let nothing = summary(&experiment, &[]).unwrap();
        assert!(nothing.scores.iter().all(|row| row.mean.is_none()));
        assert!(nothing.differences.is_empty());
    }
}
