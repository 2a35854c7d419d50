//! The section on what was asked: a column per run, from its experiment file.

use maud::{Markup, html};

use super::VERSION;
use crate::report::page::comparison::{Comparison, Run};
use crate::report::page::tables::table;
use crate::report::subject::Subject;
use crate::tasks::TaskLengths;

/// Renders the table of the experiments' settings.
pub(super) fn asked(comparison: &Comparison) -> Markup {
    let row = |name: &str, value: &dyn Fn(&Run) -> Markup| {
        html! {
            tr {
                th scope="row" { (name) }
                @for run in &comparison.runs { td { (value(run)) } }
            }
        }
    };
    let stream = |run: &Run| {
        let asked = &run.record.experiment;
        let lengths = asked.task_lengths();
        html! {
            (Subject::of(&[asked]).stream) ", " (asked.tasks) " tasks of " (steps_of(&lengths)) ": " (asked.images) " images, "
            "minibatches of " (asked.batch) ", " (asked.epochs) " epochs"
            @if asked.relabel_fraction < 1.0 { "; " (asked.relabel_fraction) " of the labels are new" }
        }
    };
    let measured = |run: &Run| {
        let asked = &run.record.experiment;
        html! {
            "every " (asked.interval) " steps"
            @if asked.indicators_every > 0 { "; other indicators at one probe in " (asked.indicators_every) }
        }
    };
    html! {
        (table("facts", html! {
            @if comparison.is_of_several() {
                thead { tr { th { "Run" } @for run in &comparison.runs { th { (run.name) } } } }
            }
            tbody {
                (row("Experiment", &|run| html! { (run.record.experiment.name) }))
                (row("Question", &|run| html! { (run.record.experiment.question) }))
                (row("Arms", &|run| html! { (run.record.arms().collect::<Vec<_>>().join("; ")) }))
                (row("Seeds", &|run| html! { (list(&run.record.experiment.seeds)) }))
                (row("Stream", &stream))
                (row("Data", &|run| html! { (run.record.experiment.data()) }))
                (row("Probes", &measured))
                tr {
                    th scope="row" { "Program" }
                    td colspan=(comparison.runs.len()) { "trainable " (VERSION) " made this page" }
                }
            }
        }))
    }
}

/// Returns the range of the lengths of tasks, such as "1000 steps".
fn steps_of(lengths: &TaskLengths) -> String {
    match lengths.switch_seed {
        None => format!("{} steps", lengths.mean),
        Some(seed) => format!(
            "{} to {} steps, drawn with switch seed {seed}",
            lengths.shortest(),
            lengths.longest()
        ),
    }
}

/// Returns a list of seeds, such as "1, 2, 3". Many consecutive seeds become "1 to 40 (40 seeds)".
fn list(seeds: &[u32]) -> String {
    let ascends = seeds
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match seeds {
        [first, .., last] if ascends && seeds.len() > 3 => {
            format!("{first} to {last} ({} seeds)", seeds.len())
        }
        seeds => seeds
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_seeds_in_a_row_are_told_by_their_ends() {
        assert_eq!(list(&[1, 2, 3, 4]), "1 to 4 (4 seeds)");
        assert_eq!(list(&[1, 2, 3]), "1, 2, 3");
        assert_eq!(list(&[1, 2, 4, 5]), "1, 2, 4, 5");
        assert_eq!(list(&[u32::MAX]), "4294967295");
    }
}
