//! The pictures that an experiment asks for.

use std::path::Path;

use super::ReportError;
use super::figures::{accuracies, diagnosis, layer_bounds, probe_chart, trajectories};
use super::run::Rows;
use super::subject::Subject;
use crate::experiment::{Experiment, Figure, Results};

/// Draws each [`Figure`] of a finished experiment into `directory`, which must exist, as SVG and PNG. There is no picture if
/// every replica diverged before it finished a task or a probe. Each file is replaced as a whole, or stays as it was.
///
/// # Errors
/// Returns an error for a number that cannot be drawn, or for a file that cannot be written.
pub fn write_figures(
    directory: &Path,
    experiment: &Experiment,
    results: &Results,
) -> Result<(), ReportError> {
    if results.tasks.is_empty() || results.probes.is_empty() {
        return Ok(());
    }
    let rows = Rows {
        subject: &Subject::of(&[experiment]),
        tasks: &results.tasks,
        probes: &results.probes,
    };
    for figure in &experiment.figures {
        let draw = match figure {
            Figure::Accuracies => accuracies,
            Figure::Diagnosis => diagnosis,
            Figure::Probes => probe_chart,
            Figure::LayerBounds => layer_bounds,
            Figure::Trajectories => trajectories,
        };
        draw(&directory.join(figure.file_stem()), rows)?.write()?;
    }
    Ok(())
}
