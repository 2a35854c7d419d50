//! What reads files, and the valid files that mutations begin with.

mod checkpoint;
mod data;
mod experiment;
mod network;
mod small;
mod tables;

use std::path::Path;

use mutatis::Session;

use crate::Input;

/// Something that reads files.
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Valid files.
    pub corpus: fn() -> Vec<Input>,
    /// Changes an input a little.
    pub mutate: fn(&mut Input, &mut Session),
    /// Reads the input that lies in a directory; whether it is accepted. Nothing may panic.
    pub run: fn(&Path) -> bool,
}

/// All of them.
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
