//! Repairs one fault of a file, so that reading it again finds the next.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error};

use super::meant;

/// Values that stand in for required fields: table, field, value. An optional field with a fault is removed.
pub(super) const STAND_INS: [(&str, &str, &str); 32] = [
    ("", "name", "''"),
    ("", "arms", "[]"),
    ("arms", "name", "''"),
    ("data", "name", "'x'"),
    ("data", "shape", "[1, 1, 1]"),
    ("data", "classes", "2"),
    ("noisy-labels", "share", "0"),
    ("growing-data", "stages", "1"),
    ("recurring-tasks", "period", "1"),
    ("gradual-switches", "stretch", "1"),
    ("regression", "share", "1"),
    ("placebo", "of", "''"),
    ("placebo", "kind", "'replay'"),
    ("host_control", "name", "''"),
    ("control", "profile", "'paper'"),
    ("bound", "signal", "'combined'"),
    ("bound", "scope", "'global'"),
    ("bound", "safety", "0"),
    ("bound", "cool", "0"),
    ("bound", "warm", "0"),
    ("bound", "warm_share", "0"),
    ("bound", "warm_margin", "0"),
    ("bound", "estimator", "{}"),
    ("schedule", "shape", "'linear'"),
    ("warmup-stable-decay", "warmup", "0"),
    ("warmup-stable-decay", "decay", "0"),
    ("always-cool", "rate", "0"),
    ("random-cool", "rate", "0"),
    ("random-cool", "probability", "0"),
    ("replay", "points", "[]"),
    ("points", "update", "0"),
    ("points", "step_sizes", "[]"),
];

/// The place of a value: keys and indices from the top.
type Path = Vec<Step>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Changes `file` so that reading it no longer fails with `error`; `false` where no repair is known.
pub(super) fn mend(file: &mut DeTable<'_>, error: &Error) -> bool {
    let span = error.span().unwrap_or_default();
    let place = find(file, &span);
    if let Some(field) = missing(error.message()) {
        return add(file, &place.unwrap_or_default(), field);
    }
    let Some(place) = place else {
        return false;
    };
    let message = error.message();
    let meant = meant::for_message(message).filter(|_| message.starts_with("unknown field"));
    meant.is_some_and(|meant| rename(file, &place, meant)) || replace(file, &place)
}

/// The field that serde reports as missing.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The innermost entry whose key or value is at `span`.
fn find(table: &DeTable<'_>, span: &Range<usize>) -> Option<Path> {
    table.iter().find_map(|(key, value)| {
        let is_here = key.span() == *span || value.span() == *span;
        let inner = find_inside(value.get_ref(), span);
        let inner = inner.or(is_here.then(Path::new))?;
        Some([vec![Step::Key(key.get_ref().to_string())], inner].concat())
    })
}

fn find_inside(value: &DeValue<'_>, span: &Range<usize>) -> Option<Path> {
    match value {
        DeValue::Table(table) => find(table, span),
        DeValue::Array(array) => array.iter().enumerate().find_map(|(index, entry)| {
            let is_here = entry.span() == *span;
            let inner = find_inside(entry.get_ref(), span);
            let inner = inner.or(is_here.then(Path::new))?;
            Some([vec![Step::Index(index)], inner].concat())
        }),
        _ => None,
    }
}

/// Puts a stand-in for `field` into the table at `place`, or removes the table where there is none.
fn add(file: &mut DeTable<'_>, place: &[Step], field: &str) -> bool {
    let stand_in = stand_in(table_name(place), field);
    match (table_at(file, place), stand_in) {
        (Some(table), Some(value)) => {
            let key = Spanned::new(NOWHERE, field.to_owned().into());
            table.insert(key, Spanned::new(NOWHERE, value));
            true
        }
        _ => replace(file, place),
    }
}

/// Gives the field at `place` the name that was meant; `false` where the table has a field of that name.
fn rename(file: &mut DeTable<'_>, place: &[Step], meant: &str) -> bool {
    let Some((Step::Key(key), above)) = place.split_last() else {
        return false;
    };
    let table = table_at(file, above).filter(|table| !table.contains_key(meant));
    let Some((table, value)) = table.and_then(|table| {
        let value = table.remove(&key[..])?;
        Some((table, value))
    }) else {
        return false;
    };
    table.insert(Spanned::new(NOWHERE, meant.to_owned().into()), value);
    true
}

/// Replaces the value at `place` by a stand-in, or removes it where there is none.
fn replace(file: &mut DeTable<'_>, place: &[Step]) -> bool {
    let Some((last, above)) = place.split_last() else {
        return false;
    };
    match last {
        Step::Key(key) => {
            let stand_in = stand_in(table_name(above), key);
            let Some(table) = table_at(file, above) else {
                return false;
            };
            match (stand_in, table.get_mut(&key[..])) {
                (Some(stand_in), Some(value)) => *value = Spanned::new(value.span(), stand_in),
                _ => drop(table.remove(&key[..])),
            }
            true
        }
        Step::Index(index) => {
            let Some(DeValue::Array(array)) = value_at(file, above) else {
                return false;
            };
            let others = array.iter().enumerate().filter(|(other, _)| other != index);
            *array = others
                .map(|(_, entry)| entry.clone())
                .collect::<DeArray<'_>>();
            true
        }
    }
}

/// A span that is in no file.
const NOWHERE: Range<usize> = usize::MAX..usize::MAX;

pub(super) fn stand_in(table: &str, field: &str) -> Option<DeValue<'static>> {
    let row = STAND_INS
        .iter()
        .find(|row| (row.0, row.1) == (table, field));
    let value = DeValue::parse(row?.2).ok()?;
    Some(value.into_inner())
}

/// The last key of `place`, or an empty name.
fn table_name(place: &[Step]) -> &str {
    let mut keys = place.iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(&key[..]),
        Step::Index(_) => None,
    });
    keys.next().unwrap_or_default()
}

fn table_at<'t, 'i>(file: &'t mut DeTable<'i>, place: &[Step]) -> Option<&'t mut DeTable<'i>> {
    if place.is_empty() {
        return Some(file);
    }
    match value_at(file, place) {
        Some(DeValue::Table(table)) => Some(table),
        _ => None,
    }
}

fn value_at<'t, 'i>(file: &'t mut DeTable<'i>, place: &[Step]) -> Option<&'t mut DeValue<'i>> {
    let (last, above) = place.split_last()?;
    match last {
        Step::Key(key) => Some(table_at(file, above)?.get_mut(&key[..])?.get_mut()),
        Step::Index(index) => match value_at(file, above)? {
            DeValue::Array(array) => Some(array.get_mut(*index)?.get_mut()),
            _ => None,
        },
    }
}
