//! Tables: rows as CSV, which are written whole and checked when they are read.

use std::io;
use std::path::{Path, PathBuf};

use csv::{DeserializeErrorKind, ErrorKind, StringRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::range::OutOfRange;
use crate::files::{self, LARGEST, WriteError, write_whole};

/// A row of a table.
pub trait TableRow: Serialize + DeserializeOwned {
    /// The name of the table's file in a directory of results.
    const FILE: &str;

    /// The columns, which are the fields in their order.
    const COLUMNS: &[&str];

    /// The number of columns that every table has. A table has the other columns only where a row has a value in them, so
    /// that tables of older versions can be read.
    const ALWAYS: usize = Self::COLUMNS.len();

    /// Whether the row has a value in a column that not every table has.
    fn is_wide(&self) -> bool {
        false
    }

    /// Fails with the first number that is outside its range.
    ///
    /// # Errors
    /// Returns the number, with its column and its range.
    fn check(&self) -> Result<(), OutOfRange> {
        Ok(())
    }
}

/// The reason why a table cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file does not exist or cannot be opened.
    #[error("cannot read {}: wanted a table of a run", path.display())]
    Read {
        /// The table.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// A column is missing.
    #[error("{}: wanted a column {column}, found only {found}", path.display())]
    Column {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that the table has.
        found: String,
    },
    /// A row cannot be read.
    #[error("{}, line {line}: wanted {wanted}, found {found}", path.display())]
    Row {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The value that belongs there.
        wanted: String,
        /// The text that was found there.
        found: String,
    },
}

/// Writes `rows` to `path`, in their order, under a header of [`TableRow::COLUMNS`].
///
/// A cell is empty where there is no value. Numbers read back exactly. Those that are not finite are `NaN`, `inf` and
/// `-inf`, which [`str::parse`] also reads. The file is replaced as a whole, or stays as it was.
///
/// # Errors
/// Returns [`WriteError`] where the file system refuses.
pub fn write_table<T: TableRow>(path: &Path, rows: &[T]) -> Result<(), WriteError> {
    let columns = if rows.iter().any(T::is_wide) {
        T::COLUMNS.len()
    } else {
        T::ALWAYS
    };
    let table = encode(rows, true, columns).map_err(|source| WriteError::new(path, source))?;
    write_whole(path, &table)
}

/// Encodes the first `columns` columns of `rows` as CSV, with or without their header.
pub(crate) fn encode<T: TableRow>(
    rows: &[T],
    with_header: bool,
    columns: usize,
) -> io::Result<Vec<u8>> {
    // The header is written here, so that a table without rows has one too.
    let mut table = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    if with_header {
        table.write_record(&T::COLUMNS[..columns])?;
    }
    for row in rows {
        if columns == T::COLUMNS.len() {
            table.serialize(row)?;
        } else {
            table.write_byte_record(&first_columns(row, columns)?)?;
        }
    }
    table.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// The cells of a row in the first `columns` columns.
fn first_columns<T: TableRow>(row: &T, columns: usize) -> io::Result<csv::ByteRecord> {
    let line = encode(std::slice::from_ref(row), false, T::COLUMNS.len())?;
    let mut reader = csv::ReaderBuilder::new();
    let mut cells = csv::ByteRecord::new();
    reader
        .has_headers(false)
        .from_reader(&line[..])
        .read_byte_record(&mut cells)?;
    cells.truncate(columns);
    Ok(cells)
}

/// Returns a text from outside as the cell of a table. Spreadsheets treat a text that begins with `=`, `+`, `-` or `@` as a
/// formula, so an apostrophe is put before it. Control characters become spaces.
pub fn text_cell(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text
    }
}

/// Reads the rows of the table at `path`, whose columns may be in any order.
///
/// # Errors
/// Returns [`TableError`] with the first line and column that is not what it has to be.
pub fn read_table<T: TableRow>(path: &Path) -> Result<Vec<T>, TableError> {
    parse_table(path, &read_bytes(path)?)
}

/// Reads the bytes of the table at `path`.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, TableError> {
    files::read(path, LARGEST).map_err(|source| TableError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Parses the rows in `bytes`, the content of the file `path`.
pub(crate) fn parse_table<T: TableRow>(path: &Path, bytes: &[u8]) -> Result<Vec<T>, TableError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let found = reader.headers().map_err(|error| broken(path, &error))?;
    let found = found.clone();
    let is_missing = |name: &&&str| !found.iter().any(|column| column == **name);
    if let Some(column) = T::COLUMNS[..T::ALWAYS].iter().find(is_missing) {
        return Err(TableError::Column {
            path: path.to_owned(),
            column: (*column).to_owned(),
            found: found.iter().collect::<Vec<_>>().join(", "),
        });
    }
    let row = |record: Result<StringRecord, csv::Error>| {
        let record = record.map_err(|error| broken(path, &error))?;
        let row = record.deserialize(Some(&found));
        let row: T = row.map_err(|error| wrong_field(path, &found, &record, &error))?;
        match row.check() {
            Ok(()) => Ok(row),
            Err(fault) => Err(TableError::Row {
                path: path.to_owned(),
                line: record.position().map_or(1, csv::Position::line),
                wanted: format!("{} as its {}", fault.wanted, fault.column),
                found: fault.found,
            }),
        }
    };
    reader.records().map(row).collect()
}

/// Returns the error for a line that is not a row.
fn broken(path: &Path, error: &csv::Error) -> TableError {
    TableError::Row {
        path: path.to_owned(),
        line: error.position().map_or(1, csv::Position::line),
        wanted: "a row of as many fields as the header has, in UTF-8".to_owned(),
        found: match error.kind() {
            ErrorKind::UnequalLengths { len, .. } => format!("{len} fields"),
            _ => error.to_string(),
        },
    }
}

/// Returns the error for a row with a field that is not of its column's type.
fn wrong_field(
    path: &Path,
    header: &StringRecord,
    record: &StringRecord,
    error: &csv::Error,
) -> TableError {
    let (field, wanted) = match error.kind() {
        ErrorKind::Deserialize { err, .. } => (err.field(), wanted_by(err.kind())),
        _ => (None, error.to_string()),
    };
    let field = field.and_then(|field| usize::try_from(field).ok());
    let text = |of: &StringRecord| field.and_then(|field| of.get(field)).map(str::to_owned);
    let column = text(header).map_or(String::new(), |column| format!(" as its {column}"));
    TableError::Row {
        path: path.to_owned(),
        line: record.position().map_or(1, csv::Position::line),
        wanted: wanted + &column,
        found: text(record).map_or("another row".to_owned(), |found| format!("{found:?}")),
    }
}

fn wanted_by(kind: &DeserializeErrorKind) -> String {
    match kind {
        DeserializeErrorKind::ParseFloat(_) => "a number".to_owned(),
        DeserializeErrorKind::ParseInt(_) => "a whole number".to_owned(),
        DeserializeErrorKind::ParseBool(_) => "true or false".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::super::fixtures::task_row;
    use super::*;

    pub(in super::super) fn written<T: TableRow>(rows: &[T]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        write_table(&path, rows).unwrap();
        fs::read_to_string(path).unwrap()
    }

    /// Reads the rows with the csv crate alone, without checks of their ranges.
    pub(in super::super) fn read_back<T: TableRow>(table: &str) -> Vec<T> {
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }

    #[test]
    fn no_text_is_a_formula_or_moves_the_cursor() {
        for (text, wanted) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\u{1b}[2J\t", " [2J "),
            ("L2: a = b", "L2: a = b"),
        ] {
            assert_eq!(text_cell(text), wanted);
        }
    }

    #[test]
    fn an_unwritable_directory_is_a_typed_error_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let not_a_directory = directory.path().join("file");
        fs::write(&not_a_directory, "kept").unwrap();
        let error = write_table(
            &not_a_directory.join("tasks.csv"),
            &[task_row("relu", 1, 1, 0.5)],
        )
        .unwrap_err();
        assert_eq!(error.path, not_a_directory.join("tasks.csv"));
        assert_eq!(error.source.kind(), io::ErrorKind::NotADirectory);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(not_a_directory).unwrap(), "kept");
    }
}
