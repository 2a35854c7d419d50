//! The sections of the page, from top to bottom.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::comparison::{Comparison, Run};
use super::numbers::number;
use super::pictures::{Extent, Gallery, Picture, RunGallery};
use super::tables::{descending, differences, foresight, interval, scores, table};
use crate::record::ScoreRow;
use crate::report::subject::Subject;
use crate::tasks::TaskLengths;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const STYLE: &str = include_str!("page.css");
const METHOD: &str = "https://arxiv.org/abs/2509.19698";

/// The smallest scale of a picture; if it needs more room, it scrolls.
const SMALLEST: f64 = 0.75;

/// A section of the page: the text of the link to it, its anchor, and its content.
type Section = (&'static str, &'static str, Markup);

/// The sections of an overview.
const OF_OVERVIEW: [&str; 5] = ["cells", "scores", "differences", "accuracy", "diverged"];

pub(super) fn page(comparison: &Comparison, gallery: &Gallery, extent: Extent) -> Markup {
    let title = title(comparison);
    let mut sections: Vec<Section> = vec![
        ("The runs", "cells", cells(comparison, gallery)),
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
    sections.retain(|(_, id, _)| match extent {
        Extent::Whole => *id != "cells",
        Extent::Overview => OF_OVERVIEW.contains(id),
    });
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
                    p.kicker { "Loss of trainability on " (comparison.subject().stream) }
                    h1 { (title) }
                    @if let [run] = &comparison.runs[..] && !run.record.experiment.question.is_empty() {
                        p.question { (run.record.experiment.question) }
                    }
                    @for run in &comparison.runs { (unfinished(comparison, run)) }
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
                        "The method: "
                        a href=(METHOD) { "A Unified Noise-Curvature View of Loss of Trainability" } "."
                    }
                }
            }
        }
    }
}

fn title(comparison: &Comparison) -> String {
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

/// Renders `part` for each run, below the run's name if there are several.
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

/// Renders a note on the progress of an unfinished run.
fn unfinished(comparison: &Comparison, run: &Run) -> Markup {
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

/// Renders the list of runs, with links to their own pages.
fn cells(comparison: &Comparison, gallery: &Gallery) -> Markup {
    html! {
        ul.cells {
            @for (run, pictures) in comparison.runs.iter().zip(&gallery.runs) {
                li {
                    @match &pictures.own_page {
                        Some(steps) => {
                            @let steps: Vec<_> = steps.iter().map(|step| encoded(step)).collect();
                            a href=(steps.join("/")) { (run.name) }
                        },
                        None => (run.name),
                    }
                }
            }
        }
    }
}

/// Renders a sentence on the arms that learned best and worst.
fn summary(comparison: &Comparison) -> Markup {
    let scored = comparison.scores.iter();
    let mut scored: Vec<_> = scored.filter(|row| row.mean.is_some()).collect();
    scored.sort_by(|a, b| descending(a.mean, b.mean));
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
                [one] => { "Mean online accuracy: " (told(one)) "." },
                [best, .., worst] => {
                    "Highest mean online accuracy: " (told(best)) ". Lowest: " (told(worst)) "."
                },
            }
        }
    }
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

/// Renders a picture at its own size or somewhat smaller. If it is still too wide, it scrolls.
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
                    @if let Some(name) = name {
                        figcaption { "As files: " (link(name, "svg")) ", " (link(name, "png")) "." }
                    }
                }
            },
        }
    }
}

/// Renders a link to a file beside the page.
fn link(name: &str, extension: &str) -> Markup {
    html! { a href={ (encoded(name)) "." (extension) } { (name) "." (extension) } }
}

/// Encodes a name as part of an address: all but letters, digits and "-._~" become `%XX` (RFC 3986, 2.1).
fn encoded(name: &str) -> String {
    let part = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(part).collect()
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

/// A replica that has fewer tasks than the experiment asks for.
struct Stopped<'a> {
    arm: &'a str,
    seed: u32,
    finished: usize,
    tasks: u32,
    /// The number of updates before its last probe.
    probed: Option<u32>,
}

fn diverged(comparison: &Comparison) -> Markup {
    let stopped: Vec<_> = comparison.runs.iter().flat_map(stopped_replicas).collect();
    html! {
        @if comparison.is_unfinished() {
            p {
                "Of an unfinished run these are the replicas with tasks still to do: they train on, wait for their turn, "
                "or have stopped where one of their numbers is no longer finite."
            }
        }
        @if stopped.is_empty() {
            p { "None: every replica finished all of its tasks." }
        } @else {
            @if !comparison.is_unfinished() {
                p { "A replica stops where one of its numbers is no longer finite; the others go on." }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_name_can_be_linked() {
        assert_eq!(encoded("report-accuracies"), "report-accuracies");
        assert_eq!(
            encoded("a: 50% #1 (2)β"),
            "a%3A%2050%25%20%231%20%282%29%CE%B2"
        );
        let link = link("a<b", "svg").into_string();
        assert_eq!(link, "<a href=\"a%3Cb.svg\">a&lt;b.svg</a>");
    }

    #[test]
    fn many_seeds_in_a_row_are_told_by_their_ends() {
        assert_eq!(list(&[1, 2, 3, 4]), "1 to 4 (4 seeds)");
        assert_eq!(list(&[1, 2, 3]), "1, 2, 3");
        assert_eq!(list(&[1, 2, 4, 5]), "1, 2, 4, 5");
        assert_eq!(list(&[u32::MAX]), "4294967295");
    }
}
