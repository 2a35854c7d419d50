//! The tables of assets/reproduction, from which single figures are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trainable::record::TaskRow;
use trainable::statistics::student_interval;

/// A number, and its 95% interval where it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self {
            value,
            interval: None,
        }
    }
}

/// The directory of all folders of results.
pub(super) struct Rows(pub(super) PathBuf);

impl Rows {
    /// Returns a figure of the only row of `file` whose first fields are `keys`. `columns` names the figure's column, and
    /// the columns of both ends of its interval if it has one.
    pub(super) fn cell(
        &self,
        file: &str,
        keys: &[&str],
        columns: &[&str],
    ) -> Result<Figure, String> {
        let fault = |reason: &str| format!("{file}, {keys:?}, {columns:?}: {reason}");
        let mut table =
            csv::Reader::from_path(self.0.join(file)).map_err(|error| fault(&error.to_string()))?;
        let header = table
            .headers()
            .map_err(|error| fault(&error.to_string()))?
            .clone();
        let records: Result<Vec<_>, _> = table.records().collect();
        let mut records = records.map_err(|error| fault(&error.to_string()))?;
        records.retain(|record| keys.iter().zip(record).all(|(key, field)| *key == field));
        let [record] = &records[..] else {
            return Err(fault(&format!("wanted one row, found {}", records.len())));
        };
        let value = |column: &&str| {
            let index = header.iter().position(|name| name == *column);
            let field = index.and_then(|index| record.get(index));
            let number = field.and_then(|field| field.parse::<f64>().ok());
            number
                .filter(|number| number.is_finite())
                .ok_or_else(|| fault(&format!("wanted a number in {column}, found {field:?}")))
        };
        let values: Result<Vec<_>, _> = columns.iter().map(value).collect();
        match values?[..] {
            [value] => Ok(value.into()),
            [value, low, high] => Ok(Figure {
                value,
                interval: Some((low, high)),
            }),
            _ => Err(fault(
                "wanted a column, or one and both ends of its interval",
            )),
        }
    }

    /// Returns the online accuracy of `arm` at `task`, mean over seeds.
    pub(super) fn task(&self, folder: &str, arm: &str, task: u32) -> Result<Figure, String> {
        let rows = self.tasks(folder)?;
        let of_task = rows.iter().filter(|row| row.arm == arm && row.task == task);
        let accuracies: Vec<_> = of_task.map(|row| row.online_accuracy).collect();
        mean(&accuracies)
            .map(Figure::from)
            .ok_or_else(|| format!("{folder}, {arm}: no task {task}"))
    }

    /// Returns the mean online accuracy of the first arm less that of the second, seed by seed, with Student's t interval
    /// over seeds. Each argument is a folder and an arm; both arms must have the same seeds.
    pub(super) fn paired(
        &self,
        first: (&str, &str),
        second: (&str, &str),
    ) -> Result<Figure, String> {
        let (first_means, second_means) = (self.seeds(first)?, self.seeds(second)?);
        if first_means.is_empty() || !first_means.keys().eq(second_means.keys()) {
            return Err(format!("{first:?} and {second:?}: other seeds, or none"));
        }
        let pairs = first_means.values().zip(second_means.values());
        let differences: Vec<_> = pairs.map(|(a, b)| a - b).collect();
        let interval = student_interval(&differences, 0.95).map_err(|error| error.to_string())?;
        let value = mean(&differences).expect("there are some");
        Ok(Figure { value, interval })
    }

    /// Reads every row of a folder's tasks.csv.
    pub(super) fn tasks(&self, folder: &str) -> Result<Vec<TaskRow>, String> {
        read(&self.0.join(folder).join("tasks.csv"))
    }

    /// Returns each seed's mean over tasks.
    fn seeds(&self, (folder, arm): (&str, &str)) -> Result<BTreeMap<u32, f64>, String> {
        let mut seeds = BTreeMap::<u32, Vec<f64>>::new();
        for row in self.tasks(folder)? {
            if row.arm == arm {
                seeds.entry(row.seed).or_default().push(row.online_accuracy);
            }
        }
        let means = seeds.into_iter();
        Ok(means
            .filter_map(|(seed, values)| Some((seed, mean(&values)?)))
            .collect())
    }
}

/// Reads every row of a table.
pub(super) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    let fault = |error: csv::Error| format!("{}: {error}", path.display());
    let mut table = csv::Reader::from_path(path).map_err(fault)?;
    table.deserialize().collect::<Result<_, _>>().map_err(fault)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
