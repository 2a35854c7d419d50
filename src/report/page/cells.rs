//! Names for the cells of a sweep, made from the fields that vary.

use std::collections::BTreeSet;
use std::fs;

use toml::Value;

use super::record::Record;

/// The largest number of characters in a name that readers can take in at a glance.
const LONGEST: usize = 80;

/// The runs of one sweep.
pub(super) struct Cells {
    /// The name of the experiment that is varied.
    pub(super) experiment: String,
    /// The fields that vary.
    pub(super) fields: Vec<String>,
    /// The name of each run, such as "l2=0.5, batch=64".
    pub(super) names: Vec<String>,
}

/// A field, and its value in each run.
type Column = (String, Vec<String>);

impl Cells {
    /// Creates names for the cells `records`. Returns `None` if they are not cells of one sweep, or if their names would be
    /// too long or not distinct.
    pub(super) fn new(records: &[Record]) -> Option<Self> {
        let (first, later) = records.split_first()?;
        let experiment = experiment_of(first)?;
        let is_sibling = |record| experiment_of(record).as_deref() == Some(&experiment[..]);
        if later.is_empty() || !later.iter().all(is_sibling) {
            return None;
        }
        // The conversion goes through text, in which an f32 keeps its own digits.
        let file =
            |record: &Record| toml::from_str(&toml::to_string(&record.experiment).ok()?).ok();
        let files: Option<Vec<Value>> = records.iter().map(file).collect();
        let columns = columns(files?, first.experiment.arms.len());
        let name = |run: usize| {
            let values = columns
                .iter()
                .map(|(field, values)| format!("{field}={}", values[run]));
            values.collect::<Vec<_>>().join(", ")
        };
        let names: Vec<_> = (0..records.len()).map(name).collect();
        let is_short = names.iter().all(|name| name.chars().count() <= LONGEST);
        let are_distinct = names.iter().collect::<BTreeSet<_>>().len() == names.len();
        (is_short && are_distinct).then(|| Self {
            experiment,
            fields: columns.into_iter().map(|(field, _)| field).collect(),
            names,
        })
    }
}

/// Returns the name of the experiment that the sweep varies. A cell's own name is "NAME, DIRECTORY".
fn experiment_of(record: &Record) -> Option<String> {
    let directory = fs::canonicalize(&record.directory).ok()?;
    let directory = directory.file_name()?.to_str()?;
    let name = record.experiment.name.strip_suffix(directory)?;
    Some(name.strip_suffix(", ")?.to_owned())
}

/// Returns the fields that differ between experiment files. A field that differs in the same way in all `arms` arms has no
/// arm in its name.
fn columns(mut files: Vec<Value>, arms: usize) -> Vec<Column> {
    for file in &mut files {
        if let Value::Table(fields) = file {
            fields.remove("name");
        }
    }
    let mut columns = Vec::new();
    differ("", &files.iter().collect::<Vec<_>>(), &mut columns);
    let mut named: Vec<Column> = Vec::new();
    for (field, values) in &columns {
        let of_arm = field.strip_prefix("arms.0.").filter(|rest| {
            let others = (1..arms).map(|arm| (format!("arms.{arm}.{rest}"), values.clone()));
            others.into_iter().all(|other| columns.contains(&other))
        });
        let column = (of_arm.unwrap_or(field).to_owned(), values.clone());
        let is_told = named.iter().any(|(told, values)| {
            let rest = field
                .strip_prefix("arms.")
                .and_then(|rest| rest.split_once('.'));
            *values == column.1 && rest.is_some_and(|(_, rest)| rest == told)
        });
        if !is_told {
            named.push(column);
        }
    }
    named
}

/// Adds the fields below `path` in which `values` differ.
fn differ(path: &str, values: &[&Value], columns: &mut Vec<Column>) {
    let Some((first, later)) = values.split_first() else {
        return;
    };
    if later.iter().all(|value| value == first) {
        return;
    }
    let inner = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    if let Some(tables) = all(values, Value::as_table)
        && tables
            .windows(2)
            .all(|pair| pair[0].keys().eq(pair[1].keys()))
    {
        for key in tables[0].keys() {
            let values: Vec<_> = tables.iter().map(|table| &table[key]).collect();
            differ(&inner(key), &values, columns);
        }
    } else if let Some(lists) = all(values, Value::as_array)
        && lists.windows(2).all(|pair| pair[0].len() == pair[1].len())
        && lists[0].iter().any(Value::is_table)
    {
        for index in 0..lists[0].len() {
            let values: Vec<_> = lists.iter().map(|list| &list[index]).collect();
            differ(&inner(&index.to_string()), &values, columns);
        }
    } else {
        columns.push((
            path.to_owned(),
            values.iter().map(|value| shown(value)).collect(),
        ));
    }
}

/// Converts all of `values` to one kind; `None` where one has another kind.
fn all<'a, T>(
    values: &[&'a Value],
    kind: impl Fn(&'a Value) -> Option<&'a T>,
) -> Option<Vec<&'a T>> {
    values.iter().copied().map(kind).collect()
}

/// Returns a short text for a value. A table with a single entry is a choice, and is shown by the entry's name.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => format!("{number:?}"),
        Value::Array(entries) => {
            let entries: Vec<_> = entries.iter().map(shown).collect();
            format!("[{}]", entries.join(", "))
        }
        Value::Table(table) if table.len() == 1 => table.keys().cloned().collect(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(files: &[&str], arms: usize) -> Vec<Column> {
        let parsed = files.iter().map(|file| toml::from_str(file).unwrap());
        columns(parsed.collect(), arms)
    }

    fn column(field: &str, values: [&str; 2]) -> Column {
        (field.to_owned(), values.map(str::to_owned).into())
    }

    #[test]
    fn fields_that_differ_are_found_wherever_they_are() {
        let file = |name: &str, batch: u32, l2: [f64; 2], gate: f64, hidden: &str| {
            let arm = |l2| {
                format!(
                    "[[arms]]\nl2 = {l2:?}\nhidden = {hidden}\ncontrol = {{ bound = {{ gate = {gate:?}, cool = 1 }} }}\n"
                )
            };
            format!(
                "name = {name:?}\nbatch = {batch}\ntasks = 3\n{}{}",
                arm(l2[0]),
                arm(l2[1])
            )
        };
        let one = file("a", 16, [0.0, 0.0], 0.5, "[8]");
        let same = file("b", 16, [0.0, 0.0], 0.5, "[8]");
        assert_eq!(named(&[&one, &same], 2), []);
        let other = file("b", 32, [0.5, 0.5], 0.25, "[8, 4]");
        assert_eq!(
            named(&[&one, &other], 2),
            [
                column("control.bound.gate", ["0.5", "0.25"]),
                column("hidden", ["[8]", "[8, 4]"]),
                column("l2", ["0.0", "0.5"]),
                column("batch", ["16", "32"]),
            ]
        );
        // The field differs in one arm only, or differs in another way in each.
        let other = file("b", 16, [0.0, 0.5], 0.5, "[8]");
        assert_eq!(
            named(&[&one, &other], 2),
            [column("arms.1.l2", ["0.0", "0.5"])]
        );
        let other = file("b", 16, [0.25, 0.5], 0.5, "[8]");
        assert_eq!(
            named(&[&one, &other], 2),
            [
                column("arms.0.l2", ["0.0", "0.25"]),
                column("arms.1.l2", ["0.0", "0.5"]),
            ]
        );
    }

    #[test]
    fn a_choice_is_told_by_its_name() {
        let files = [
            "control = \"constant\"",
            "control = { bound = { gate = 0.5 } }",
        ];
        assert_eq!(named(&files, 0), [column("control", ["constant", "bound"])]);
    }
}
