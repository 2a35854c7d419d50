//! The identity of a run: a checkpoint describes its run, and only the same run can continue from it.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::difference::difference;
use super::DirectoryError;
use crate::compute::Compute;
use crate::experiment::Experiment;
use crate::spec::ImageSet;

/// The fields of [`description`] that do not describe the experiment.
const VERSION: &str = "version";
const BACKEND: &str = "backend";
/// The field that holds the experiment.
const EXPERIMENT: &str = "experiment";

/// Fails unless `found`, the experiment in `file`, equals `wanted`.
///
/// # Errors
/// Returns [`DirectoryError::OtherRun`] with the first field that differs.
pub fn check_same(
    wanted: &Experiment,
    found: &Experiment,
    file: &Path,
) -> Result<(), DirectoryError> {
    check_run(&as_json(wanted), &as_json(found), file)
}

/// Fails unless `found`, the description in a checkpoint, describes the run `wanted`.
pub(super) fn check_description(
    wanted: &Value,
    found: &Value,
    checkpoint: &Path,
) -> Result<(), DirectoryError> {
    check_run(wanted, &resolved(found.clone()), checkpoint)
}

/// Fails unless `found`, the description in a checkpoint, describes a run of `experiment` on `images`. The version of the
/// program and the backend are not compared.
pub(super) fn check_subject(
    experiment: &Experiment,
    images: &ImageSet,
    found: Value,
    checkpoint: &Path,
) -> Result<(), DirectoryError> {
    let mut found = resolved(found);
    if let Value::Object(fields) = &mut found {
        fields.retain(|name, _| ![VERSION, BACKEND].contains(&&name[..]));
    }
    check_run(&subject(experiment, images), &found, checkpoint)
}

/// Fails unless both descriptions are equal.
fn check_run(wanted: &Value, found: &Value, file: &Path) -> Result<(), DirectoryError> {
    let Some(first) = difference(wanted, found) else {
        return Ok(());
    };
    Err(DirectoryError::OtherRun {
        path: file.to_owned(),
        what: first.what.trim_start_matches('.').to_owned(),
        wanted: first.wanted,
        found: first.found,
    })
}

/// Describes everything that must be equal for a run to continue with the same bits: the program, the backend, the
/// experiment and the images.
pub(super) fn description(experiment: &Experiment, compute: &Compute, images: &ImageSet) -> Value {
    let mut run = subject(experiment, images);
    run[VERSION] = json!(env!("CARGO_PKG_VERSION"));
    run[BACKEND] = json!(compute.name());
    run
}

/// Describes the experiment and the data. The data are identified by the CRC-32 of the images, including their labels where
/// the network trains on them.
fn subject(experiment: &Experiment, images: &ImageSet) -> Value {
    let mut subject = json!({
        EXPERIMENT: as_json(experiment),
        "images": crc32fast::hash(bytemuck::cast_slice(images.words())),
    });
    if experiment.stream.has_true_labels() {
        subject["labels"] = json!(crc32fast::hash(bytemuck::cast_slice(images.labels())));
    }
    subject
}

/// Returns the description in a checkpoint, with defaults for the fields that are newer than the checkpoint.
fn resolved(mut run: Value) -> Value {
    if let Some(experiment) = run.get_mut(EXPERIMENT)
        && let Ok(read) = Experiment::deserialize(&*experiment)
    {
        *experiment = as_json(&read);
    }
    run
}

/// Converts the experiment to JSON through text, so that an f32 keeps its own digits and not those of the nearest f64.
fn as_json(experiment: &Experiment) -> Value {
    let text = serde_json::to_string(experiment);
    let value = text.and_then(|text| serde_json::from_str(&text));
    value.expect("an experiment has names, numbers and lists")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::presets::{Preset, Scale};
    use crate::spec::StreamKind;

    fn images(labels: &[u8]) -> ImageSet {
        let images = ImageSet::new(&[0; 4], 2, 0.0, 1.0).unwrap();
        images.with_labels(labels).unwrap()
    }

    #[test]
    fn a_checkpoint_older_than_a_field_means_the_fields_default() {
        for preset in Preset::ALL {
            let mut experiment = Experiment {
                stream: StreamKind::RandomLabels,
                ..preset.experiment(Scale::Paper)
            };
            let mut old = subject(&experiment, &images(&[0, 1]));
            old[EXPERIMENT].as_object_mut().unwrap().remove("stream");
            let file = Path::new("file");
            let wanted = subject(&experiment, &images(&[0, 1]));
            check_run(&wanted, &resolved(old.clone()), file).unwrap();

            experiment.stream = StreamKind::PermutedPixels;
            let wanted = subject(&experiment, &images(&[0, 1]));
            let error = check_run(&wanted, &resolved(old), file).unwrap_err();
            assert_eq!(
                error.to_string(),
                "file is of another run: experiment.stream: wanted \"permuted-pixels\", found \
                 \"random-labels\""
            );
        }
    }

    #[test]
    fn labels_tell_runs_apart_where_they_are_trained_on() {
        let mut experiment = Preset::Smoke.experiment(Scale::Small);
        let same = |experiment: &Experiment| {
            subject(experiment, &images(&[0, 1])) == subject(experiment, &images(&[1, 0]))
        };
        assert!(same(&experiment));
        experiment.stream = StreamKind::GradualSwitches { stretch: 0.5 };
        assert!(same(&experiment));
        for stream in [StreamKind::PermutedPixels, StreamKind::ClassPairs] {
            experiment.stream = stream;
            assert!(!same(&experiment));
        }
    }
}
