//! The section on replicas that stopped before their last task.

use maud::{Markup, html};

use crate::report::page::comparison::{Comparison, Run};
use crate::report::page::tables::table;

/// A replica that has fewer tasks than the experiment asks for.
struct Stopped<'a> {
    arm: &'a str,
    seed: u32,
    finished: usize,
    tasks: u32,
    /// The number of updates before its last probe.
    probed: Option<u32>,
}

/// Renders the table of replicas that have fewer tasks than their experiment asks for.
pub(super) fn diverged(comparison: &Comparison) -> Markup {
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
