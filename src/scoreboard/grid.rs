//! The grid of a method: fields with lists of values, and their combinations.

use std::fmt;

use itertools::Itertools;
use toml::Value;

use super::Method;

/// One combination of values of a method's grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Configuration {
    /// The fields with their values, for people.
    pub(super) label: String,
    /// The fields whose value is the smallest or the largest of its list.
    pub(super) at_edge: Vec<String>,
}

/// A field of a method's grid: its path, its name for people, and its values.
pub(super) struct Axis<'a> {
    pub(super) path: &'a str,
    name: &'a str,
    values: &'a [Value],
}

impl Configuration {
    pub(super) fn new(axes: &[Axis<'_>], values: &[&Value]) -> Self {
        let pairs = || axes.iter().zip(values);
        let label = pairs().map(|(axis, value)| format!("{} {}", axis.name, Shown(value)));
        let at_edge = pairs().filter(|(axis, value)| axis.has_at_edge(value));
        Self {
            label: label.collect::<Vec<_>>().join(", "),
            at_edge: at_edge.map(|(axis, _)| axis.name.to_owned()).collect(),
        }
    }

    /// The name of the configuration's arm.
    pub(super) fn arm(&self, method: &str) -> String {
        if self.label.is_empty() {
            return method.to_owned();
        }
        format!("{method}: {}", self.label)
    }
}

impl Axis<'_> {
    /// Whether `value` is the smallest or the largest of several numbers.
    fn has_at_edge(&self, value: &Value) -> bool {
        let numbers: Option<Vec<f64>> = self.values.iter().map(number).collect();
        let (Some(numbers), Some(value)) = (numbers, number(value)) else {
            return false;
        };
        let is_inside = numbers.iter().any(|n| *n < value) && numbers.iter().any(|n| *n > value);
        numbers.len() > 1 && !is_inside
    }
}

/// A value for people: numbers as short as possible, strings without quotes.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(text),
            Value::Float(number) => write!(f, "{number:?}"),
            other => write!(f, "{other}"),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| Some(value.as_integer()? as f64))
}

/// The fields of a method's grid. A name for people is the last part of the path where no other path ends so.
pub(super) fn axes<'a>(method: &'a Method) -> Vec<Axis<'a>> {
    let last = |path: &'a str| path.rsplit_once('.').map_or(path, |(_, last)| last);
    let is_unique = |name: &str| method.grid.keys().filter(|path| last(path) == name).count() == 1;
    let axis = |(path, values): (&'a String, &'a Vec<Value>)| Axis {
        path,
        name: Some(last(path))
            .filter(|name| is_unique(name))
            .unwrap_or(path),
        values,
    };
    method.grid.iter().map(axis).collect()
}

/// Every combination of the values of all axes; the last axis varies fastest.
pub(super) fn combinations<'a>(axes: &[Axis<'a>]) -> impl Iterator<Item = Vec<&'a Value>> {
    let values = axes.iter().map(|axis| axis.values.iter());
    values.multi_cartesian_product()
}
