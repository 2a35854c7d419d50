//! Experiment files: TOML in, an experiment or all that is wrong out; and back to TOML, as short as it can be.
//!
//! - `fault`: one thing that is wrong, with its place.
//! - `repair`: what a file would be without a fault.
//! - `meant`: what somebody who mistyped a name may have meant.
//! - `schema`: the JSON Schema of experiment files.
//! - `short`: what differs from the defaults.

mod fault;
mod meant;
mod repair;
mod schema;
mod short;

use std::str::FromStr;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer, Error};

pub use fault::{Fault, FileError};
pub use schema::schema;

use super::Experiment;

/// Errors of one file that are told.
const MOST_ERRORS: usize = 40;

impl FromStr for Experiment {
    type Err = FileError;

    /// The experiment in a file's text.
    ///
    /// # Errors
    /// [`FileError`], with up to 40 faults in the order of the file: all that TOML forbids; where it is TOML, the fields
    /// that are missing, unknown or of a wrong type. Numbers that are out of range are
    /// [`Experiment::check`]'s.
    fn from_str(text: &str) -> Result<Self, FileError> {
        toml::from_str(text).map_err(|first| FileError::new(text, &all_errors(text, first)))
    }
}

/// The `first` error and those that come to light once it is mended, and so on. Serde stops at the first.
fn all_errors(text: &str, first: Error) -> Vec<Error> {
    let (mut file, mut errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        errors.truncate(MOST_ERRORS);
        return errors;
    }
    errors.push(first);
    while let Some(error) = errors.last()
        && errors.len() < MOST_ERRORS
        && repair::mend(file.get_mut(), error)
    {
        match Experiment::deserialize(Deserializer::from(file.clone())) {
            Err(next) if !errors.contains(&next) => errors.push(next),
            // Nothing is left, or nothing that a repair reaches.
            _ => break,
        }
    }
    errors
}

#[cfg(test)]
mod tests;
