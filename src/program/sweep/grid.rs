//! Cells of a sweep: every combination of the values of the varied fields.
//!
//! - `names`: values as text, and the names of the cells' directories.
//! - `error`: the reasons for which there is no grid.

mod error;
mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use itertools::Itertools;
use toml::Value;
use trainable::experiment::Experiment;

use super::super::cells::Cell;
use super::field::{Field, Lost};
pub(crate) use error::GridError;
use names::{directory_name, in_table, label, shown};

/// Largest number of cells; more are taken for a mistake.
const MOST_CELLS: usize = 10_000;

/// All cells of a sweep.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Varied fields, in the order of the options.
    pub(super) fields: Vec<String>,
    /// Cells; the last field varies fastest. A cell's name has fields and values, in the order of the fields' names.
    pub(super) cells: Vec<Cell>,
    /// Values of the varied fields in each cell, as cells of a table, in the order of [`Grid::fields`].
    pub(super) values: Vec<Vec<String>>,
}

/// A field and its values.
struct Axis {
    field: Field,
    values: Vec<Value>,
}

/// Value of one field in one cell.
type Setting<'a> = (&'a Field, &'a Value);

impl Grid {
    /// Builds the grid of `varied`, each FIELD=VALUE,VALUE, around the experiment whose file is `text`.
    pub(super) fn new(text: &str, varied: &[String]) -> Result<Self, GridError> {
        let file: Value = toml::from_str(text).expect("what toml has written it reads");
        let mut axes: Vec<Axis> = Vec::new();
        for one in varied {
            let axis = Axis::parse(one, &file)?;
            if let Some(other) = axes.iter().find(|other| other.field.touches(&axis.field)) {
                return Err(GridError::SameField {
                    field: axis.field.to_string(),
                    other: other.field.to_string(),
                });
            }
            axes.push(axis);
        }
        let counts = axes.iter().map(|axis| axis.values.len());
        let count = counts.fold(1, usize::saturating_mul);
        if count > MOST_CELLS {
            return Err(GridError::TooMany { count });
        }
        let combinations = combinations(&axes);
        let cells = combinations.iter().map(|settings| cell(&file, settings));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        check_names(&cells, &axes)?;
        Ok(Self {
            fields: axes.iter().map(|axis| axis.field.to_string()).collect(),
            cells,
            values: combinations.iter().map(|settings| row(settings)).collect(),
        })
    }
}

impl Axis {
    fn parse(varied: &str, file: &Value) -> Result<Self, GridError> {
        let Some((field, values)) = varied.split_once('=') else {
            let found = varied.to_owned();
            return Err(GridError::Form { found });
        };
        let field = Field::parse(field);
        let name = field.to_string();
        field.all(file).map_err(|lost| match lost {
            Lost::Index { index, count } => GridError::Index {
                field: name.clone(),
                index,
                count,
            },
            Lost::Key => {
                let nearest = field.nearest(file).map(|field| field.to_string());
                GridError::NoField {
                    field: name.clone(),
                    nearest: nearest.unwrap_or_default(),
                }
            }
        })?;
        let values = listed(&name, values)?.into_iter();
        let values: Result<Vec<_>, _> = values.map(|value| as_shown(file, &field, value)).collect();
        let values = values?;
        for (place, value) in values.iter().enumerate() {
            // Compared as text, in which nan equals nan.
            if values[..place].iter().any(|v| shown(v) == shown(value)) {
                return Err(GridError::SameValue {
                    field: name,
                    value: shown(value),
                });
            }
        }
        Ok(Self { field, values })
    }
}

/// Parses the values in `list`, a list without its brackets.
fn listed(field: &str, list: &str) -> Result<Vec<Value>, GridError> {
    let values = |source| GridError::Values {
        field: field.to_owned(),
        found: list.to_owned(),
        source: Box::new(source),
    };
    match format!("[{list}]").parse().map_err(values)? {
        Value::Array(list) if !list.is_empty() => Ok(list),
        _ => {
            let field = field.to_owned();
            Err(GridError::NoValue { field })
        }
    }
}

/// Returns `value` in the form that an experiment file has for it in `field`: 1, 1.0 and 1.00 have one form. A value that
/// is a name, such as the profile of a control, stays a name.
fn as_shown(file: &Value, field: &Field, value: Value) -> Result<Value, GridError> {
    let experiment = with(file, &[(field, &value)])?;
    let text = toml::to_string(&experiment).ok();
    let file: Option<Value> = text.and_then(|text| toml::from_str(&text).ok());
    let shown = file.and_then(|file| Some((*field.all(&file).ok()?.first()?).clone()));
    let is_named = value.is_str() || value.get("profile").is_some();
    let shown = shown.filter(|shown| !(is_named && shown.is_table()));
    Ok(shown.unwrap_or(value))
}

/// Builds the experiment whose file is `file` with these settings.
fn with(file: &Value, settings: &[Setting<'_>]) -> Result<Experiment, GridError> {
    let mut file = file.clone();
    for (field, value) in settings {
        field.set(&mut file, value);
    }
    file.try_into().map_err(|source| GridError::Cell {
        cell: label(settings),
        source: Box::new(source),
    })
}

fn combinations(axes: &[Axis]) -> Vec<Vec<Setting<'_>>> {
    fn settings(axis: &Axis) -> impl Iterator<Item = Setting<'_>> + Clone {
        axis.values.iter().map(|value| (&axis.field, value))
    }
    let axes = axes.iter().map(settings);
    axes.multi_cartesian_product().collect()
}

/// Returns the cell with these settings.
fn cell(file: &Value, settings: &[Setting<'_>]) -> Result<Cell, GridError> {
    let name = directory_name(settings);
    let mut experiment = with(file, settings)?;
    if settings
        .iter()
        .all(|(field, _)| field.to_string() != "name")
    {
        experiment.name = format!("{}, {name}", experiment.name);
    }
    Ok(Cell { name, experiment })
}

/// Returns the values of settings as cells of a table.
fn row(settings: &[Setting<'_>]) -> Vec<String> {
    settings.iter().map(|(_, value)| in_table(value)).collect()
}

/// Fails if two names are equal when case is ignored: some file systems ignore it.
fn check_names(cells: &[Cell], axes: &[Axis]) -> Result<(), GridError> {
    let mut names: BTreeMap<String, Vec<Setting<'_>>> = BTreeMap::new();
    for (cell, settings) in cells.iter().zip(combinations(axes)) {
        if let Some(other) = names.insert(cell.name.to_lowercase(), settings.clone()) {
            return Err(GridError::SameName {
                cell: label(&other),
                other: label(&settings),
                name: cell.name.clone(),
            });
        }
    }
    Ok(())
}
