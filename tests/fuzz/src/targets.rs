//! The readers of files, and the valid files from which mutations start.

mod checkpoint;
mod data;
mod experiment;
mod network;
mod small;
mod tables;

use std::path::Path;

use mutatis::Session;

use crate::Input;

/// A reader of files.
pub struct Target {
    /// The target's name.
    pub name: &'static str,
    /// Returns valid files.
    pub corpus: fn() -> Vec<Input>,
    /// Changes an input a little.
    pub mutate: fn(&mut Input, &mut Session),
    /// Reads the input in a directory, and returns whether it is accepted. It must not panic.
    pub run: fn(&Path) -> bool,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    data::TARGET,
    network::TARGET,
    experiment::TARGET,
    checkpoint::TARGET,
    tables::TABLES,
    tables::PAGES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_every_corpus_is_accepted() {
        let place = tempfile::tempdir().unwrap();
        for target in TARGETS {
            let corpus = (target.corpus)();
            assert!(corpus.len() > 1, "{}", target.name);
            for (number, input) in corpus.iter().enumerate() {
                let directory = place.path().join(format!("{}-{number}", target.name));
                input.write(&directory).unwrap();
                assert!((target.run)(&directory), "{} {number}", target.name);
            }
        }
    }
}
