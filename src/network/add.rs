//! The sum of two values: `z = a + b`.

use super::Activation;
use super::build::Builder;
use super::value::{Value, ValueId};
use crate::error::Error;

/// A sum of two values. It has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Add {
    /// Adds the value that a sum of `terms` makes.
    ///
    /// # Errors
    /// Two terms that are one value, that have different shapes, or that hold two copies of their units.
    pub(super) fn add(
        network: &mut Builder,
        terms: [ValueId; 2],
        activation: Activation,
    ) -> Result<ValueId, Error> {
        let shape = |value: Value| match value.grid {
            [1, 1] => format!("{} x {}", value.copies(), value.units),
            [height, width] => {
                format!("{} x {} x {height} x {width}", value.copies(), value.units)
            }
        };
        let [left, right] = terms.map(|id| network.value(id));
        if terms[0] == terms[1] {
            return Err(Error::invalid(
                "terms of a sum",
                "two values",
                "one value twice",
            ));
        }
        if left.copies() != 1 || shape(left) != shape(right) {
            let wanted = "values of one shape, of one copy each (copies x units)";
            let found = format!("{} and {}", shape(left), shape(right));
            return Err(Error::invalid("terms of a sum", wanted, found));
        }
        Ok(network.add_value(Value { activation, ..left }))
    }
}
