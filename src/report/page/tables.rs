//! The page's tables of results: scores, paired differences, early warning.

use std::cmp::Ordering;

use maud::{Markup, html};

use super::comparison::{Comparison, Run};
use super::numbers::{Ruler, number, signed};
use crate::experiment::score_name;
use crate::record::{ALL_ARMS, DifferenceRow, EarlyWarningRow, ScoreRow, TableRow};
use crate::report::captions::capitalised;
use crate::spec::Loss;
use crate::statistics::ACCURACY_DROP;

/// The area under the ROC curve of a score without information.
const CHANCE: f64 = 0.5;
/// An interval over fewer seeds than this shows only a direction.
const FEW_SEEDS: usize = 5;

/// Orders two values with the largest first, and missing ones last.
pub(super) fn descending(a: Option<f64>, b: Option<f64>) -> Ordering {
    let key = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    key(b).total_cmp(&key(a))
}

/// Renders a table that scrolls sideways if it is too wide.
pub(super) fn table(class: &str, content: Markup) -> Markup {
    html! { div.scroll tabindex="0" { table class=(class) { (content) } } }
}

pub(super) fn interval((low, high): (f64, f64), decimals: usize) -> Markup {
    html! { span.ends { "[" (number(Some(low), decimals)) ", " (number(Some(high), decimals)) "]" } }
}

/// Renders the head of a column of intervals.
fn axis(from: &str, to: &str) -> Markup {
    html! { th { div.axis { span { (from) } span { (to) } } } }
}

/// Returns a sentence on the line of chance across the scores, or on chance in each run where there is no line.
fn chance(comparison: &Comparison) -> String {
    let subject = comparison.subject();
    if let Some(chance) = subject.chance() {
        return format!("The line marks chance, {}.", rounded(chance));
    }
    if subject.loss == Some(Loss::SquaredError) {
        return "Outputs that are all zero have an R\u{b2} of 0.".to_owned();
    }
    let runs = comparison.runs.iter().map(|run| {
        let chance = run.record.experiment.chance();
        format!("{} in {}", rounded(chance), run.name)
    });
    format!("Chance is {}.", runs.collect::<Vec<_>>().join(", "))
}

/// Returns `value` rounded to four decimals.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The score of streams with squared error.
const REGRESSION: &str = "On regression streams the loss is squared error, and R\u{b2} stands in place of accuracy: 1 less the \
    mean loss of the minibatches before their updates, and 0 where that is negative. Targets have a mean square of 1.";

pub(super) fn scores(comparison: &Comparison) -> Markup {
    let subject = comparison.subject();
    let ruler = Ruler::new(0.0, 1.0, subject.chance());
    let is_unfinished = comparison.is_unfinished();
    let row = |row: &ScoreRow, tasks: Option<u32>| {
        let ends = row.t_interval();
        html! {
            tr {
                th scope="row" { (row.arm) }
                @if is_unfinished { td { @if let Some(tasks) = tasks { (tasks) } @else { "all" } } }
                td { (number(row.mean, 3)) }
                td { @if let Some(ends) = ends { (interval(ends, 3)) } @else { "\u{2013}" } }
                td.picture { (ruler.interval(row.mean, ends)) }
                td { (number(row.last_five, 3)) }
                td { (signed(row.slope, 4)) }
                td { (number(row.worst_task, 3)) }
                td { (row.seeds) }
                td { @if tasks.is_some() { "\u{2013}" } @else { (row.diverged) } }
            }
        }
    };
    html! {
        p {
            @match subject.loss {
                Some(Loss::CrossEntropy) => {
                    "Online accuracy is that of each minibatch before its update, averaged over a task."
                },
                Some(Loss::SquaredError) => (REGRESSION),
                None => {
                    "The online score is the accuracy of each minibatch before its update, averaged over a task. "
                    (REGRESSION)
                },
            }
            " Scores are means over "
            "tasks and seeds, with 95% intervals by Student's t over seeds; the worst task is each seed's own. "
            (chance(comparison))
        }
        @if is_unfinished {
            p {
                "In an unfinished run an arm's score is of the tasks in the second column: those that the furthest of its "
                "seeds have finished, and of these seeds only."
            }
        }
        (few_seeds(comparison.scores.iter().map(|row| row.seeds)))
        (table("numbers", html! {
            thead {
                tr {
                    th { "Arm" }
                    @if is_unfinished { th { "Tasks" } }
                    th { (capitalised(subject.score)) } th { "95% interval" }
                    (axis("0", "1"))
                    th { "Last five tasks" } th { "Slope per task" } th { "Worst task" } th { "Seeds" } th { "Diverged" }
                }
            }
            tbody {
                @for (score, tasks) in comparison.scores.iter().zip(comparison.scored_tasks()) {
                    (row(score, tasks))
                }
            }
        }))
        (tables_note(comparison, ScoreRow::FILE))
    }
}

/// Renders a note that names the table with all digits. An unfinished run has none.
fn tables_note(comparison: &Comparison, name: &str) -> Markup {
    let is_of_several = comparison.is_of_several();
    html! {
        @if is_of_several || !comparison.is_unfinished() {
            p.files {
                "All digits, and bootstrap intervals: " code { (name) }
                @if is_of_several { " of each run, and together in the one named after this page" }
                "."
            }
        }
    }
}

/// Renders a caution if one of `counts` is small.
fn few_seeds(counts: impl Iterator<Item = usize>) -> Markup {
    let least = counts.filter(|count| *count > 0).min();
    html! {
        @match least {
            Some(1) => p.caution { "A single seed has no interval, and shows a direction at most." },
            Some(least) if least < FEW_SEEDS => p.caution {
                "With " (least) " seeds an interval says little: take it as a direction. Those of early warnings, by bootstrap, "
                "are too short as well."
            },
            _ => {},
        }
    }
}

pub(super) fn differences(comparison: &Comparison) -> Markup {
    let all = comparison.all_differences();
    let ruler = Ruler::around_zero(all.iter().flat_map(|row| [row.t_low, row.t_high]));
    let row = |row: &DifferenceRow| {
        html! {
            tr {
                th scope="row" { (row.arm) }
                td.name { (verdict(row)) }
                td { (signed(Some(row.difference), 3)) }
                td { (interval((row.t_low, row.t_high), 3)) }
                td.picture { (ruler.interval(Some(row.difference), Some((row.t_low, row.t_high)))) }
                td { (row.seeds) }
            }
        }
    };
    html! {
        @if all.is_empty() {
            p { "None: no two arms of a group have two seeds that finished all tasks in both." }
        } @else {
            p {
                "Mean " (comparison.subject().score) " of an arm less that of another, seed by seed: both see the same images, labels and "
                "orders; 95% intervals by Student's t over seeds. An arm is compared with the one that differs from it only in a constant step size, \
                 or else with the first of its group."
                @if !comparison.across.is_empty() {
                    " Runs with the same seeds and the same stream are compared too: an arm with its namesake in the "
                    "first run, or else with that run's first arm."
                }
            }
            @if comparison.is_unfinished() {
                p { "In an unfinished run they are over the tasks that both arms have finished." }
            }
            @if comparison.is_of_several() && comparison.across.is_empty() {
                p { "Between these runs there are none, as their seeds or streams differ or too few seeds finished." }
            }
            (few_seeds(all.iter().map(|row| row.seeds)))
            (table("numbers", html! {
                thead {
                    tr {
                        th { "Arm" } th.name { "In a word" } th { "Difference" } th { "95% interval" }
                        (axis("lower", "higher")) th { "Seeds" }
                    }
                }
                tbody { @for difference in &all { (row(difference)) } }
            }))
            (tables_note(comparison, DifferenceRow::FILE))
        }
    }
}

/// Renders the interval in words.
fn verdict(row: &DifferenceRow) -> Markup {
    let against = html! { span.arm { (row.against) } };
    html! {
        @if row.t_low > 0.0 {
            "higher than " (against)
        } @else if row.t_high < 0.0 {
            "lower than " (against)
        } @else {
            "no difference from " (against) " that " (row.seeds) " seeds show"
        }
    }
}

pub(super) fn early_warning(run: &Run) -> Markup {
    let rows = &run.record.early_warning;
    let score = score_name([&run.record.experiment]);
    let mut arms: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.arm != ALL_ARMS) {
        if !arms.contains(&&row.arm[..]) {
            arms.push(&row.arm);
        }
    }
    html! {
        @if rows.is_empty() {
            p { "Nothing: " (score) " never dropped by more than " (ACCURACY_DROP) " from one task to the next." }
        } @else {
            p {
                "How well an indicator, averaged over a task, tells that " (score) " is lower by more than "
                (ACCURACY_DROP) " in the next, where it can be: the area under the ROC curve, with 95% bootstrap intervals over seeds, best "
                "first. Chance is one half."
            }
            (few_seeds([run.record.experiment.seeds.len()].into_iter()))
            (early_warning_table(rows, ALL_ARMS))
            @for arm in arms {
                details { summary { (arm) } (early_warning_table(rows, arm)) }
            }
            @if run.record.unfinished.is_none() {
                p.files { "All digits, and the thresholds: " code { (run.record.early_warning_table) } "." }
            }
        }
    }
}

fn early_warning_table(rows: &[EarlyWarningRow], arm: &str) -> Markup {
    let mut rows: Vec<_> = rows.iter().filter(|row| row.arm == arm).collect();
    rows.sort_by(|a, b| descending(a.auroc, b.auroc));
    let better = rows.iter().filter(|row| row.auroc > Some(CHANCE)).count();
    let (better, worse) = rows.split_at(better);
    let clear = better.iter().filter(|row| row.auroc_low > Some(CHANCE));
    html! {
        @if let Some(row) = rows.first() {
            p {
                (row.drops) " of " (row.pairs) " pairs of neighbouring tasks are drops. " (clear.count()) " of "
                (rows.len()) " indicators lie above chance with all of their interval."
            }
        }
        (table("numbers", html! {
            thead {
                tr {
                    th { "Indicator" } th { "AUROC" } th { "95% interval" }
                    (axis("0", "1")) th { "Drops warned of" } th { "False alarms" } th { "Median lead in tasks" }
                }
            }
            tbody {
                @for row in better { (early_warning_row(row)) }
                tr.chance { th scope="row" { "chance" } td { (number(Some(CHANCE), 3)) } td colspan="5" {} }
                @for row in worse { (early_warning_row(row)) }
            }
        }))
    }
}

fn early_warning_row(row: &EarlyWarningRow) -> Markup {
    let ends = row.auroc_low.zip(row.auroc_high);
    let is_clear = ends.is_some_and(|(low, high)| low > CHANCE || high < CHANCE);
    html! {
        tr class=[(!is_clear).then_some("faint")] {
            th scope="row" { (row.indicator) }
            td { (number(row.auroc, 3)) }
            td { @if let Some(ends) = ends { (interval(ends, 3)) } @else { "\u{2013}" } }
            td.picture { (Ruler::new(0.0, 1.0, Some(CHANCE)).interval(row.auroc, ends)) }
            td { @if let Some(warned) = row.warned { (warned) " of " (row.drops) } @else { "\u{2013}" } }
            td {
                @if let Some(alarms) = row.false_alarms { (alarms) " of " (row.pairs - row.drops) } @else { "\u{2013}" }
            }
            td { (number(row.median_lead, 1)) }
        }
    }
}
