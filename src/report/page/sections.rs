//! The sections of the page, from top to bottom.
//!
//! - `head`: the title, the state of unfinished runs, and a sentence on the scores.
//! - `asked`: the settings of the experiments.
//! - `figure`: pictures, and links to files.
//! - `diverged`: replicas that stopped early.

mod asked;
mod diverged;
mod figure;
mod head;

use maud::{Markup, html};

use super::comparison::{Comparison, Run};
use super::document::{VERSION, document};
use super::pictures::{Extent, Gallery, RunGallery};
use super::tables::{differences, early_warning, scores};
use crate::report::captions::capitalised;
use asked::asked;
use diverged::diverged;
use figure::{encoded, figure};
use head::{summary, title, unfinished};

/// A section of the page: the text of the link to it, its anchor, and its content.
type Section = (&'static str, &'static str, Markup);

/// The sections of an overview.
const OF_OVERVIEW: [&str; 5] = ["cells", "scores", "differences", "tasks", "diverged"];

pub(super) fn page(comparison: &Comparison, gallery: &Gallery, extent: Extent) -> Markup {
    let title = title(comparison);
    let mut sections: Vec<Section> = vec![
        ("The runs", "cells", cells(comparison, gallery)),
        ("What was asked", "asked", asked(comparison)),
        ("Scores", "scores", scores(comparison)),
        ("Paired differences", "differences", differences(comparison)),
        ("Task by task", "tasks", curves(comparison, gallery)),
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
            "Early warning of drops",
            "early-warning",
            of_runs(comparison, gallery, |run, _| early_warning(run)),
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
    let content = html! {
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
    };
    document(&title, content)
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

fn curves(comparison: &Comparison, gallery: &Gallery) -> Markup {
    let score = capitalised(comparison.subject().score);
    figure(
        gallery.accuracies.as_ref(),
        &format!("{score} by task, a curve per arm"),
    )
}

fn bounds(_: &Run, pictures: &RunGallery) -> Markup {
    let what = "The score, and each layer's effective step size with its bounds, a column per arm";
    html! {
        @for picture in pictures.diagnosis.iter().chain(&pictures.bounds) {
            (figure(Some(picture), what))
        }
    }
}

fn trajectories(_: &Run, pictures: &RunGallery) -> Markup {
    html! {
        (figure(pictures.trajectories.as_ref(), "The score and each layer's step sizes, a curve per arm"))
        @if pictures.probes.is_some() {
            (figure(pictures.probes.as_ref(), "Each layer's sharpness and effective step size"))
        }
    }
}

fn experiment(run: &Run) -> Markup {
    html! {
        p { "Save this as " code { "experiment.toml" } ":" }
        pre.file tabindex="0" { code { (run.record.file) } }
        p { "and run it again, for the same numbers on the same kind of device and driver:" }
        pre tabindex="0" { code { "trainable run experiment.toml --out again" } }
    }
}
