//! The pictures that an experiment asks for.

use std::path::Path;

use super::ReportError;
use super::figures::{write_accuracies, write_diagnosis, write_layer_bounds, write_trajectories};
use super::panels::write_probe_chart;
use super::subject::Subject;
use crate::experiment::{Experiment, Figure, Results};

/// Draws each [`Figure`] of a finished experiment into `directory`, which exists, as SVG and PNG. There is none where every
/// replica diverged before its first task or probe was finished. Each file is whole, or as it was.
///
/// # Errors
/// A number that cannot be drawn, or a file that cannot be written.
pub fn write_figures(
    directory: &Path,
    experiment: &Experiment,
    results: &Results,
) -> Result<(), ReportError> {
    let (tasks, probes) = (&results.tasks, &results.probes);
    if tasks.is_empty() || probes.is_empty() {
        return Ok(());
    }
    let of = &Subject::of(&[experiment]);
    for figure in &experiment.figures {
        let base = &directory.join(figure.file_stem());
        match figure {
            Figure::Accuracies => write_accuracies(base, of, tasks),
            Figure::Diagnosis => write_diagnosis(base, of, tasks, probes),
            Figure::Probes => write_probe_chart(base, of, probes),
            Figure::LayerBounds => write_layer_bounds(base, of, tasks, probes),
            Figure::Trajectories => write_trajectories(base, of, tasks, probes),
        }?;
    }
    Ok(())
}
