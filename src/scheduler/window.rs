//! The moving window over a series of values.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

#[cfg(feature = "report")]
use crate::error::Error;

/// The newest values of a series, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    length: usize,
    values: VecDeque<f64>,
}

impl Window {
    /// Checks a window that was read from a file: it has room for `length` values and holds no more, and their squares
    /// are finite.
    #[cfg(feature = "report")]
    pub(super) fn check(&self, length: u32) -> Result<(), Error> {
        let length = length as usize;
        if self.length != length || self.values.len() > length {
            let found = format!("{} of {}", self.values.len(), self.length);
            let wanted = format!("{length} at most of {length}");
            return Err(Error::invalid("values of a window", wanted, found));
        }
        match self.values.iter().find(|x| !(**x * **x).is_finite()) {
            Some(value) => Err(Error::invalid(
                "value of a window",
                "a finite square",
                value,
            )),
            None => Ok(()),
        }
    }

    pub(super) fn new(length: u32) -> Self {
        Self {
            length: length as usize,
            values: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, value: f64) {
        if self.values.len() == self.length {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    pub(super) fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The unbiased variance; 0 with one value.
    pub(super) fn variance(&self) -> f64 {
        if self.values.len() < 2 {
            return 0.0;
        }
        let mean = self.mean();
        let squares = self.values.iter().map(|value| (value - mean).powi(2));
        squares.sum::<f64>() / (self.values.len() - 1) as f64
    }
}
