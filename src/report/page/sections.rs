//! The page from top to bottom.

use std::cmp::Ordering;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::comparison::{Comparison, Run};
use super::numbers::{Ruler, number, signed};
use super::pictures::{Gallery, Picture, RunGallery};
use crate::data::CLASSES;
use crate::experiment::foresight::ALL_ARMS;
use crate::experiment::{DifferenceRow, ForesightRow, ScoreRow};
use crate::report::ACCURACY_DROP;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const STYLE: &str = include_str!("page.css");
const METHOD: &str = "https://arxiv.org/abs/2509.19698";
/// Of an area under a ROC curve.
const CHANCE: f64 = 0.5;
/// With fewer, a bootstrap interval is too short to be taken at its word.
const FEW_SEEDS: usize = 5;

/// The share of its own size down to which a picture shrinks before it scrolls.
const SMALLEST: f64 = 0.75;

/// A part of the page: what a link to it says, its place, and itself.
type Section = (&'static str, &'static str, Markup);

pub(super) fn page(comparison: &Comparison, gallery: &Gallery) -> Markup {
    let title = title(comparison);
    let sections: [Section; 9] = [
        ("What was asked", "asked", asked(comparison)),
        ("Scores", "scores", scores(comparison)),
        ("Paired differences", "differences", differences(comparison)),
        ("Accuracy by task", "accuracy", accuracy(gallery)),
        (
            "Bounds, layer by layer",
            "bounds",
            of_runs(comparison, gallery, bounds),
        ),
        (
            "Step sizes",
            "steps",
            of_runs(comparison, gallery, trajectories),
        ),
        (
            "What foretold a drop",
            "foresight",
            of_runs(comparison, gallery, |run, _| foresight(run)),
        ),
        ("Diverged replicas", "diverged", diverged(comparison)),
        (
            "The experiment, and how to repeat it",
            "experiment",
            of_runs(comparison, gallery, |run, _| experiment(run)),
        ),
    ];
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content={ "trainable " (VERSION) };
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kicker { "Loss of trainability on random-label MNIST" }
                    h1 { (title) }
                    @if let [run] = &comparison.runs[..] {
                        p.question { (run.record.experiment.question) }
                    }
                    (summary(comparison))
                }
                nav aria-label="Contents" {
                    ol { @for (name, id, _) in &sections { li { a href={ "#" (id) } { (name) } } } }
                }
                main {
                    @for (name, id, content) in &sections {
                        section id=(id) { h2 { (name) } (content) }
                    }
                }
                footer {
                    p {
                        "Made by trainable " (VERSION) ". The method: "
                        a href=(METHOD) { "A Unified Noise-Curvature View of Loss of Trainability" } "."
                    }
                }
            }
        }
    }
}

fn title(comparison: &Comparison) -> String {
    match &comparison.runs[..] {
        [run] => run.record.experiment.name.clone(),
        runs => {
            let names: Vec<_> = runs.iter().map(|run| &run.name[..]).collect();
            names.join(", ")
        }
    }
}

/// The part that each run has, under its name where there are several.
fn of_runs(
    comparison: &Comparison,
    gallery: &Gallery,
    part: impl Fn(&Run, &RunGallery) -> Markup,
) -> Markup {
    html! {
        @for (run, pictures) in comparison.runs.iter().zip(&gallery.runs) {
            @if comparison.is_of_several() { h3 { (run.name) } }
            (part(run, pictures))
        }
    }
}

/// Which arm learned best and which worst, in a sentence.
fn summary(comparison: &Comparison) -> Markup {
    let scored = comparison.scores.iter();
    let mut scored: Vec<_> = scored.filter(|row| row.mean.is_some()).collect();
    scored.sort_by(|a, b| descending(a.mean, b.mean));
    let told = |row: &ScoreRow| {
        html! {
            b { (row.arm) } " with " (number(row.mean, 3))
            @if let Some(ends) = row.mean_low.zip(row.mean_high) { " " (interval(ends, 3)) }
        }
    };
    html! {
        p.summary {
            @match &scored[..] {
                [] => "No arm finished all tasks with any seed.",
                [one] => { "Mean online accuracy: " (told(one)) "." },
                [best, .., worst] => {
                    "Highest mean online accuracy: " (told(best)) ". Lowest: " (told(worst)) "."
                },
            }
        }
    }
}

/// Largest first, none last.
fn descending(a: Option<f64>, b: Option<f64>) -> Ordering {
    let key = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    key(b).total_cmp(&key(a))
}

fn asked(comparison: &Comparison) -> Markup {
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
        let steps = asked.steps_per_task();
        html! {
            (asked.tasks) " tasks of " (steps) " steps: " (asked.images) " images, "
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
                (row("Probes", &measured))
            }
        }))
    }
}

/// "1, 2, 3"; "1 to 40 (40 seeds)" where they are many.
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

/// A table that scrolls sideways where it is too wide.
fn table(class: &str, content: Markup) -> Markup {
    html! { div.scroll tabindex="0" { table class=(class) { (content) } } }
}

fn interval((low, high): (f64, f64), decimals: usize) -> Markup {
    html! { span.ends { "[" (number(Some(low), decimals)) ", " (number(Some(high), decimals)) "]" } }
}

/// The head of a column of intervals.
fn axis(from: &str, to: &str) -> Markup {
    html! { th { div.axis { span { (from) } span { (to) } } } }
}

fn scores(comparison: &Comparison) -> Markup {
    let chance = 1.0 / CLASSES as f64;
    let ruler = Ruler::new(0.0, 1.0, chance);
    let row = |row: &ScoreRow| {
        let ends = row.mean_low.zip(row.mean_high);
        html! {
            tr {
                th scope="row" { (row.arm) }
                td { (number(row.mean, 3)) }
                td { @if let Some(ends) = ends { (interval(ends, 3)) } @else { "\u{2013}" } }
                td.picture { (ruler.interval(row.mean, ends)) }
                td { (number(row.last_five, 3)) }
                td { (signed(row.slope, 4)) }
                td { (number(row.worst_task, 3)) }
                td { (row.seeds) }
                td { (row.diverged) }
            }
        }
    };
    html! {
        p {
            "Online accuracy is that of each minibatch before its update, averaged over a task. Scores are means over "
            "tasks and seeds, with 95% bootstrap intervals over seeds. The line marks chance, " (chance) "."
        }
        (few_seeds(comparison.scores.iter().map(|row| row.seeds)))
        (table("numbers", html! {
            thead {
                tr {
                    th { "Arm" } th { "Online accuracy" } th { "95% interval" }
                    (axis("0", "1"))
                    th { "Last five tasks" } th { "Slope per task" } th { "Worst task" } th { "Seeds" } th { "Diverged" }
                }
            }
            tbody { @for score in &comparison.scores { (row(score)) } }
        }))
        (tables_note(comparison, "scores.csv"))
    }
}

fn tables_note(comparison: &Comparison, name: &str) -> Markup {
    html! {
        p.files {
            "All digits: " code { (name) }
            @if comparison.is_of_several() { " of each run, and together in the one named after this page" }
            "."
        }
    }
}

/// What is to be kept in mind where one of `counts` is small.
fn few_seeds(counts: impl Iterator<Item = usize>) -> Markup {
    let least = counts.filter(|count| *count > 0).min();
    html! {
        @match least {
            Some(1) => p.caution { "A single seed has no interval, and shows a direction at most." },
            Some(least) if least < FEW_SEEDS => p.caution {
                "With " (least) " seeds a bootstrap interval is too short: it only spans what these seeds did. Take it "
                "as a direction."
            },
            _ => {},
        }
    }
}

fn differences(comparison: &Comparison) -> Markup {
    let all = comparison.all_differences();
    let ruler = Ruler::around_zero(all.iter().flat_map(|row| [row.low, row.high]));
    let row = |row: &DifferenceRow| {
        html! {
            tr {
                th scope="row" { (row.arm) }
                td.name { (verdict(row)) }
                td { (signed(Some(row.difference), 3)) }
                td { (interval((row.low, row.high), 3)) }
                td.picture { (ruler.interval(Some(row.difference), Some((row.low, row.high)))) }
                td { (row.seeds) }
            }
        }
    };
    html! {
        @if all.is_empty() {
            p { "None: no two arms of a group have two seeds that finished all tasks in both." }
        } @else {
            p {
                "Mean online accuracy of an arm less that of another, seed by seed: both see the same images, labels and "
                "orders. An arm is compared with the first of its group."
                @if !comparison.across.is_empty() {
                    " Runs with the same seeds and the same stream are compared too: an arm with its namesake in the "
                    "first run, or else with that run's first arm."
                }
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
            (tables_note(comparison, "differences.csv"))
        }
    }
}

/// What the interval says.
fn verdict(row: &DifferenceRow) -> Markup {
    let against = html! { span.arm { (row.against) } };
    html! {
        @if row.low > 0.0 {
            "higher than " (against)
        } @else if row.high < 0.0 {
            "lower than " (against)
        } @else {
            "no difference from " (against) " that " (row.seeds) " seeds show"
        }
    }
}

/// A picture at its own size or somewhat smaller; where it is wider still, it scrolls.
fn figure(picture: Option<&Picture>, what: &str) -> Markup {
    html! {
        @match picture {
            None => p { "There is nothing to draw: no task was finished, or nothing was probed." },
            Some(Picture { name, svg, width }) => {
                figure {
                    div.scroll tabindex="0" role="img" aria-label=(what) {
                        div.plot style={ "min-width:" (SMALLEST * width) "px;max-width:" (width) "px" } {
                            (PreEscaped(svg))
                        }
                    }
                    figcaption {
                        "As files: "
                        a href={ (name) ".svg" } { (name) ".svg" } ", "
                        a href={ (name) ".png" } { (name) ".png" } "."
                    }
                }
            },
        }
    }
}

fn accuracy(gallery: &Gallery) -> Markup {
    figure(
        gallery.accuracies.as_ref(),
        "Online accuracy by task, a curve per arm",
    )
}

fn bounds(_: &Run, pictures: &RunGallery) -> Markup {
    let what = "Accuracy, and each layer's effective step size with its bounds, a column per arm";
    figure(pictures.bounds.as_ref(), what)
}

fn trajectories(_: &Run, pictures: &RunGallery) -> Markup {
    html! {
        (figure(pictures.trajectories.as_ref(), "Accuracy and each layer's step sizes, a curve per arm"))
        @if pictures.probes.is_some() {
            (figure(pictures.probes.as_ref(), "Each layer's sharpness and effective step size"))
        }
    }
}

fn foresight(run: &Run) -> Markup {
    let rows = &run.record.foresight;
    let mut arms: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.arm != ALL_ARMS) {
        if !arms.contains(&&row.arm[..]) {
            arms.push(&row.arm);
        }
    }
    html! {
        @if rows.is_empty() {
            p { "Nothing: accuracy never dropped by more than " (ACCURACY_DROP) " from one task to the next." }
        } @else {
            p {
                "How well an indicator, averaged over a task, tells that online accuracy is lower by more than "
                (ACCURACY_DROP) " in the next: the area under the ROC curve, with 95% bootstrap intervals over seeds, best "
                "first. Chance is one half."
            }
            (few_seeds([run.record.experiment.seeds.len()].into_iter()))
            (foresight_table(rows, ALL_ARMS))
            @for arm in arms {
                details { summary { (arm) } (foresight_table(rows, arm)) }
            }
            p.files { "All digits, and the thresholds: " code { "foresight.csv" } "." }
        }
    }
}

fn foresight_table(rows: &[ForesightRow], arm: &str) -> Markup {
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
                    (axis("0", "1")) th { "Drops warned of" } th { "Median lead in tasks" }
                }
            }
            tbody {
                @for row in better { (foresight_row(row)) }
                tr.chance { th scope="row" { "chance" } td { (number(Some(CHANCE), 3)) } td colspan="4" {} }
                @for row in worse { (foresight_row(row)) }
            }
        }))
    }
}

fn foresight_row(row: &ForesightRow) -> Markup {
    let ends = row.auroc_low.zip(row.auroc_high);
    let is_clear = ends.is_some_and(|(low, high)| low > CHANCE || high < CHANCE);
    html! {
        tr class=[(!is_clear).then_some("faint")] {
            th scope="row" { (row.indicator) }
            td { (number(row.auroc, 3)) }
            td { @if let Some(ends) = ends { (interval(ends, 3)) } @else { "\u{2013}" } }
            td.picture { (Ruler::new(0.0, 1.0, CHANCE).interval(row.auroc, ends)) }
            td { @if let Some(warned) = row.warned { (warned) " of " (row.drops) } @else { "\u{2013}" } }
            td { (number(row.median_lead, 1)) }
        }
    }
}

/// A replica that has fewer tasks than were asked.
struct Stopped<'a> {
    arm: &'a str,
    seed: u32,
    finished: usize,
    tasks: u32,
    /// Updates done before its last probe.
    probed: Option<u32>,
}

fn diverged(comparison: &Comparison) -> Markup {
    let stopped: Vec<_> = comparison.runs.iter().flat_map(stopped_replicas).collect();
    html! {
        @if stopped.is_empty() {
            p { "None: every replica finished all of its tasks." }
        } @else {
            p { "A replica stops where one of its numbers is no longer finite; the others go on." }
            (table("numbers", html! {
                thead {
                    tr { th { "Arm" } th { "Seed" } th { "Tasks finished" } th { "Last probe after update" } }
                }
                tbody {
                    @for replica in stopped {
                        tr {
                            th scope="row" { (replica.arm) }
                            td { (replica.seed) }
                            td { (replica.finished) " of " (replica.tasks) }
                            td { @if let Some(update) = replica.probed { (update) } @else { "\u{2013}" } }
                        }
                    }
                }
            }))
        }
    }
}

fn stopped_replicas(run: &Run) -> Vec<Stopped<'_>> {
    let record = &run.record;
    let asked = &record.experiment;
    let replicas =
        { record.arms() }.flat_map(|arm| asked.seeds.iter().map(move |seed| (arm, *seed)));
    let replica = |(arm, seed)| {
        let tasks = record.tasks.iter();
        let probes = record.probes.iter();
        let probes = probes.filter(|row| row.arm == arm && row.seed == seed);
        Stopped {
            arm: run.name_of(arm),
            seed,
            finished: { tasks.filter(|row| row.arm == arm && row.seed == seed) }.count(),
            tasks: asked.tasks,
            probed: probes.map(|row| row.update).max(),
        }
    };
    let replicas = replicas.map(replica);
    replicas
        .filter(|replica| replica.finished < replica.tasks as usize)
        .collect()
}

fn experiment(run: &Run) -> Markup {
    html! {
        p { "Save this as " code { "experiment.toml" } ":" }
        pre.file tabindex="0" { code { (run.record.file) } }
        p { "and run it again, for the same numbers on the same kind of device and driver:" }
        pre tabindex="0" { code { "trainable run experiment.toml --out again" } }
    }
}
