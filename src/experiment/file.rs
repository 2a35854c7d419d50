//! Experiment files: reads TOML into an experiment or a list of all faults, and writes an experiment as short TOML.
//!
//! - `fault`: one fault of a file, with its place.
//! - `repair`: a file without one of its faults, which is read again to find the next.
//! - `meant`: the name that a mistyped one was meant to be.
//! - `schema`: the JSON Schema of experiment files.
//! - `short`: the fields that differ from the defaults.

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

/// The largest number of errors that is reported for one file.
const MOST_ERRORS: usize = 40;

impl FromStr for Experiment {
    type Err = FileError;

    /// Reads the text of an experiment file.
    ///
    /// # Errors
    /// [`FileError`], with up to 40 faults in the order of the file. Where the text is not TOML, they are the faults of
    /// its syntax; otherwise they are the fields that are missing, unknown or of a wrong type. Numbers that are out of
    /// range are found by [`Experiment::check`].
    fn from_str(text: &str) -> Result<Self, FileError> {
        toml::from_str(text).map_err(|first| FileError::new(text, &all_errors(text, first)))
    }
}

/// The `first` error and those after it. Serde stops at the first error, so each is repaired and the file read again.
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
            // No error is left, or the repair did not help.
            _ => break,
        }
    }
    errors.retain(|error| !is_of_repair(text, error));
    errors
}

/// Whether the error is of a table that a repair has left empty.
fn is_of_repair(text: &str, error: &Error) -> bool {
    let table = error.span().and_then(|span| text.get(span));
    error.message() == fault::NONE_OF_ONE && table.is_some_and(|table| table.contains('='))
}

#[cfg(test)]
mod tests;
