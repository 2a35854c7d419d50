//! The sum of two values: `z = a + b`.

use super::Activation;
use super::build::Builder;
use super::input::describe;
use super::value::{Value, ValueId};
use crate::error::Error;

/// A sum of two values. It has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Add {
    /// Adds the value that a sum of `terms` makes, which hold one copy of their units each.
    ///
    /// # Errors
    /// Two terms that are one value, or that have different shapes.
    pub(super) fn add(
        network: &mut Builder,
        terms: [ValueId; 2],
        activation: Activation,
    ) -> Result<ValueId, Error> {
        let [left, right] = terms.map(|id| network.value(id));
        if terms[0] == terms[1] {
            return Err(Error::invalid(
                "terms of a sum",
                "two values",
                "one value twice",
            ));
        }
        if (left.units, left.grid) != (right.units, right.grid) {
            let wanted = "values of one shape";
            let found = format!("{} and {}", describe(&left), describe(&right));
            return Err(Error::invalid("terms of a sum", wanted, found));
        }
        Ok(network.add_value(Value { activation, ..left }))
    }
}
