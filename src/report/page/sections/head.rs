//! The head of the page: its title, the state of unfinished runs, and a sentence on the scores.

use maud::{Markup, html};

use crate::record::ScoreRow;
use crate::report::page::comparison::{Comparison, Run};
use crate::report::page::numbers::number;
use crate::report::page::tables::{descending, interval};

/// Returns the title: the names of the runs, or of the sweep with its fields.
pub(super) fn title(comparison: &Comparison) -> String {
    if let Some(cells) = &comparison.cells {
        return format!("{} by {}", cells.experiment, cells.fields.join(", "));
    }
    match &comparison.runs[..] {
        [run] => run.record.experiment.name.clone(),
        runs => {
            let names: Vec<_> = runs.iter().map(|run| &run.name[..]).collect();
            names.join(", ")
        }
    }
}

/// Renders a note on the progress of an unfinished run.
pub(super) fn unfinished(comparison: &Comparison, run: &Run) -> Markup {
    let tasks = run.record.experiment.tasks;
    html! {
        @if let Some(so_far) = &run.record.unfinished {
            p.unfinished role="status" {
                b {
                    @if comparison.is_of_several() { (run.name) " is unfinished" } @else { "Unfinished" }
                    ": task " (so_far.newest) " of " (tasks) "."
                }
                " " (so_far.done) " of " (so_far.asked) " tasks are finished over all arms and seeds. The numbers on this "
                "page are of these tasks."
            }
        }
    }
}

/// Renders a sentence on the arms that learned best and worst.
pub(super) fn summary(comparison: &Comparison) -> Markup {
    let scored = comparison.scores.iter();
    let mut scored: Vec<_> = scored.filter(|row| row.mean.is_some()).collect();
    scored.sort_by(|a, b| descending(a.mean, b.mean));
    let score = comparison.subject().score;
    let told = |row: &ScoreRow| {
        html! {
            b { (row.arm) } " with " (number(row.mean, 3))
            @if let Some(ends) = row.t_interval() { " " (interval(ends, 3)) }
        }
    };
    html! {
        p.summary {
            @match &scored[..] {
                [] if comparison.is_unfinished() => "No task is finished yet.",
                [] => "No arm finished all tasks with any seed.",
                [one] => { "Mean " (score) ": " (told(one)) "." },
                [best, .., worst] => {
                    "Highest mean " (score) ": " (told(best)) ". Lowest: " (told(worst)) "."
                },
            }
        }
    }
}
