//! The check, before training, that a directory can take the files of a run.

use std::fs;
use std::path::Path;

use super::Figure;
use super::directory::{DirectoryError, LOCK, OF_A_RUN};
use crate::record::{
    DifferenceRow, EarlyWarningRow, IndicatorRow, ProbeRow, ScoreRow, TableRow, TaskIndicatorRow,
    TaskRow,
};

/// The tables that a finished run writes.
const TABLES: [&str; 7] = [
    TaskRow::FILE,
    ProbeRow::FILE,
    IndicatorRow::FILE,
    TaskIndicatorRow::FILE,
    ScoreRow::FILE,
    DifferenceRow::FILE,
    EarlyWarningRow::FILE,
];

impl Figure {
    /// All pictures that a run may write.
    const ALL: [Self; 5] = [
        Self::Accuracies,
        Self::Diagnosis,
        Self::Probes,
        Self::LayerBounds,
        Self::Trajectories,
    ];

    /// The name of the picture's file in the directory of a run, without extension.
    pub(crate) fn file_stem(self) -> &'static str {
        match self {
            Self::Accuracies => "accuracies",
            Self::Diagnosis => "diagnosis",
            Self::Probes => "probes",
            Self::LayerBounds => "bounds",
            Self::Trajectories => "trajectories",
        }
    }
}

/// Fails where a run in `directory` would overwrite a file that no run has written. It changes nothing and takes no lock. A
/// directory that does not exist passes, and so does one with unrelated files. The page is not checked here.
///
/// # Errors
/// - [`DirectoryError::NotAFile`] where something other than a file is in the place of a file that the run writes.
/// - [`DirectoryError::HoldsRun`] where the directory holds a run and `may_resume` is false.
/// - [`DirectoryError::Taken`] where the directory holds no run, but a file with the name of a result.
pub fn check_place(directory: &Path, may_resume: bool) -> Result<(), DirectoryError> {
    let pictures = Figure::ALL.map(Figure::file_stem);
    let pictures = pictures
        .iter()
        .flat_map(|stem| ["svg", "png"].map(|extension| format!("{stem}.{extension}")));
    let results = TABLES.iter().map(|name| (*name).to_owned());
    let results: Vec<String> = results.chain(pictures).collect();
    let own = OF_A_RUN
        .iter()
        .chain([&LOCK])
        .map(|name| (*name).to_owned());
    let mut is_run = false;
    let mut taken = None;
    for name in own.chain(results.iter().cloned()) {
        let path = directory.join(&name);
        // A path that cannot be inspected passes here; writing to it fails later, with the reason.
        let Ok(found) = fs::metadata(&path) else {
            continue;
        };
        if !found.is_file() {
            return Err(DirectoryError::NotAFile { path });
        }
        is_run |= OF_A_RUN.contains(&&name[..]);
        if results.contains(&name) {
            taken.get_or_insert(path);
        }
    }
    match taken {
        _ if is_run && !may_resume => Err(DirectoryError::HoldsRun {
            path: directory.to_owned(),
        }),
        Some(path) if !is_run => Err(DirectoryError::Taken { path }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_found_and_others_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for may_resume in [false, true] {
            check_place(&path.join("missing"), may_resume).unwrap();
            check_place(path, may_resume).unwrap();
        }
        // Version 0.1.0 wrote foresight.csv. No run writes it now, so it is not in the way.
        for name in ["notes.txt", "foresight.csv"] {
            fs::write(path.join(name), "kept").unwrap();
            check_place(path, false).unwrap();
        }

        for name in [
            "scores.csv",
            "early_warning.csv",
            "accuracies.svg",
            "bounds.png",
        ] {
            let file = path.join(name);
            fs::write(&file, "of somebody").unwrap();
            for may_resume in [false, true] {
                let error = check_place(path, may_resume).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!(
                        "{}: wanted no file where the run writes its results, found one",
                        file.display()
                    )
                );
            }
            // A run that was killed while it wrote its results leaves this file.
            fs::write(path.join("tasks.part.csv"), "").unwrap();
            check_place(path, true).unwrap();
            let error = check_place(path, false).unwrap_err();
            assert!(matches!(error, DirectoryError::HoldsRun { .. }), "{error}");
            fs::remove_file(path.join("tasks.part.csv")).unwrap();
            fs::remove_file(file).unwrap();
        }
    }

    #[test]
    fn what_is_no_file_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for name in [
            "probes.csv",
            "trajectories.png",
            ".lock",
            "checkpoint.safetensors",
        ] {
            fs::create_dir(path.join(name)).unwrap();
            for may_resume in [false, true] {
                let error = check_place(path, may_resume).unwrap_err();
                assert!(matches!(error, DirectoryError::NotAFile { .. }), "{error}");
            }
            fs::remove_dir(path.join(name)).unwrap();
        }
    }
}
