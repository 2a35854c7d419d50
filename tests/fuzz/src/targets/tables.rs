//! The tables of a finished run, from which pages, TensorBoard's files and observations are made.

use std::fs;
use std::path::Path;

use mutatis::Session;
use trainable::Compute;
use trainable::experiment::{Experiment, recorded_observations, run, write_tables};
use trainable::record::ProbeRow;
use trainable::report::{Foreign, write_event_files, write_page};

use super::Target;
use super::small::{as_toml, experiments, images};
use crate::mutate::below;
use crate::{Input, text};

const EXPERIMENT: &str = "experiment.toml";

pub(super) const TABLES: Target = Target {
    name: "tables",
    corpus,
    mutate,
    run: read,
};

/// A target of its own, because pictures take time.
pub(super) const PAGES: Target = Target {
    name: "pages",
    corpus,
    mutate,
    run: show,
};

fn corpus() -> Vec<Input> {
    let table = |experiment: Experiment| {
        let results = run(&experiment, &Compute::Cpu, &images(), |_| {}).expect("a small run");
        let directory = tempfile::tempdir().expect("a temporary directory");
        write_tables(directory.path(), &experiment, &results).expect("its tables");
        let input = Input::read(directory.path()).expect("its files");
        let tables = input
            .files
            .into_iter()
            .filter(|(name, _)| name.ends_with(".csv"));
        Input {
            files: tables.collect(),
        }
        .with(EXPERIMENT, as_toml(&experiment))
    };
    experiments().map(table).into()
}

fn mutate(input: &mut Input, session: &mut Session) {
    // Changes are made mostly to the tables.
    let names: Vec<_> = input.files.keys().cloned().collect();
    let name = &names[below(session, names.len())];
    if name != EXPERIMENT || below(session, 4) == 0 {
        text(session, input.files.get_mut(name).expect("one of them"));
    }
}

fn show(directory: &Path) -> bool {
    let page = directory.join("report.html");
    write_page(&[directory], &page, Foreign::Replace).is_ok()
}

fn read(directory: &Path) -> bool {
    let has_events = write_event_files(directory).is_ok();
    let text = fs::read_to_string(directory.join(EXPERIMENT)).unwrap_or_default();
    if let Ok(experiment) = toml::from_str::<Experiment>(&text)
        && let Ok(reader) = csv::Reader::from_path(directory.join("probes.csv"))
    {
        let rows: Vec<ProbeRow> = reader.into_deserialize().flatten().collect();
        for arm in &experiment.arms {
            for seed in experiment.seeds.iter().take(3) {
                let _ = recorded_observations(&experiment, arm, *seed, &rows);
            }
        }
    }
    has_events
}
