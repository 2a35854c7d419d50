//! Tables that grow while an experiment runs: `NAME.part.csv`, with rows in the order in which they were measured.
//!
//! A checkpoint states how much of each table is valid. Rows after that part were written after the checkpoint, and are
//! removed before the run continues.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};

use super::directory::DirectoryError;
use crate::files::{self, LARGEST};
use crate::record::{TableRow, encode};

/// The valid part of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extent {
    rows: usize,
    bytes: u64,
    /// The CRC-32 of the valid bytes.
    checksum: u32,
}

/// A table to which rows are appended.
#[derive(Debug)]
pub(super) struct RowLog {
    path: PathBuf,
    file: File,
    extent: Extent,
    hasher: Hasher,
    /// The number of columns in the table's header; `None` while there is none.
    columns: Option<usize>,
}

impl RowLog {
    /// Opens the table at `path`, or creates it, and cuts it to `extent`, which [`read`] has checked.
    pub(super) fn open(path: PathBuf, extent: Extent) -> Result<Self, DirectoryError> {
        let open = || {
            let mut options = File::options();
            let mut file = options
                .create(true)
                .write(true)
                .truncate(false)
                .open(&path)?;
            file.set_len(extent.bytes)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(|source| DirectoryError::write(&path, source))?;
        let columns =
            columns(&path).map_err(|error| DirectoryError::damaged(&path, error.to_string()))?;
        Ok(Self {
            file,
            path,
            extent,
            hasher: Hasher::new_with_initial_len(extent.checksum, extent.bytes),
            columns: (extent.rows > 0).then_some(columns),
        })
    }

    /// Appends the rows that the table does not have yet. `rows` is all rows so far. The rows are on the disk when this
    /// returns. A table that an older version began keeps its columns, because no row of its run has others.
    pub(super) fn append<T: TableRow>(&mut self, rows: &[T]) -> Result<Extent, DirectoryError> {
        let new = &rows[self.extent.rows..];
        if !new.is_empty() {
            let columns = *self.columns.get_or_insert(T::COLUMNS.len());
            let bytes = encode(new, self.extent.rows == 0, columns);
            let bytes = bytes
                .and_then(|bytes| {
                    self.file.write_all(&bytes)?;
                    self.file.sync_data()?;
                    Ok(bytes)
                })
                .map_err(|source| DirectoryError::write(&self.path, source))?;
            self.hasher.update(&bytes);
            self.extent = Extent {
                rows: rows.len(),
                bytes: self.extent.bytes + bytes.len() as u64,
                checksum: self.hasher.clone().finalize(),
            };
        }
        Ok(self.extent)
    }
}

/// The number of columns in the header of the table at `path`.
fn columns(path: &Path) -> Result<usize, csv::Error> {
    Ok(csv::Reader::from_path(path)?.headers()?.len())
}

/// Reads the valid rows of the table at `path`. It changes nothing.
pub(super) fn read<T: TableRow>(path: &Path, extent: Extent) -> Result<Vec<T>, DirectoryError> {
    let bytes = files::read(path, LARGEST);
    let bytes = bytes.map_err(|source| DirectoryError::read(path, source))?;
    let damaged = |reason: String| DirectoryError::damaged(path, reason);
    let valid = usize::try_from(extent.bytes).ok();
    let valid = valid
        .and_then(|length| bytes.get(..length))
        .ok_or_else(|| {
            let (wanted, found) = (extent.bytes, bytes.len());
            damaged(format!("wanted {wanted} bytes at least, found {found}"))
        })?;
    if crc32fast::hash(valid) != extent.checksum {
        return Err(damaged("its checksum is another".to_owned()));
    }
    let rows: Result<Vec<T>, _> = csv::Reader::from_reader(valid).deserialize().collect();
    let rows = rows.map_err(|error| damaged(error.to_string()))?;
    if rows.len() != extent.rows {
        let (wanted, found) = (extent.rows, rows.len());
        return Err(damaged(format!("wanted {wanted} rows, found {found}")));
    }
    for (row, number) in rows.iter().zip(1..) {
        row.check().map_err(|fault| {
            let (column, wanted, found) = (fault.column, fault.wanted, fault.found);
            damaged(format!(
                "row {number}: {column}: wanted {wanted}, found {found}"
            ))
        })?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::record::fixtures::probe_row;
    use crate::record::{ProbeRow, TaskRow};

    fn row(task: u32) -> TaskRow {
        TaskRow {
            arm: "a, \"b\"\n: c".to_owned(),
            seed: 7,
            task,
            online_accuracy: 0.1 + 0.2,
            online_loss: f64::MIN_POSITIVE / 3.0,
            final_accuracy: 1.0 / 3.0,
            final_loss: -0.0,
        }
    }

    #[test]
    fn what_stands_behind_the_valid_rows_is_cut() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.part.csv");
        let rows: Vec<_> = (1..=4).map(row).collect();
        let mut log = RowLog::open(path.clone(), Extent::default()).unwrap();
        assert_eq!(log.append(&rows[..0]).unwrap(), Extent::default());
        let two = log.append(&rows[..2]).unwrap();
        let four = log.append(&rows).unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(read::<TaskRow>(&path, two).unwrap(), rows[..2]);
        assert_eq!(read::<TaskRow>(&path, four).unwrap(), rows);

        let mut log = RowLog::open(path.clone(), two).unwrap();
        assert_eq!(fs::read(&path).unwrap().len() as u64, two.bytes);
        assert_eq!(log.append(&rows).unwrap(), four);
        assert_eq!(fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_table_of_an_older_version_keeps_its_columns() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("probes.part.csv");
        let rows = ["1", "2", "network"].map(|layer| probe_row("a, b", 7, 300, layer));
        let older = encode(&rows[..1], true, ProbeRow::ALWAYS).unwrap();
        fs::write(&path, &older).unwrap();
        let extent = Extent {
            rows: 1,
            bytes: older.len() as u64,
            checksum: crc32fast::hash(&older),
        };
        let mut log = RowLog::open(path.clone(), extent).unwrap();
        let extent = log.append(&rows).unwrap();
        assert_eq!(read::<ProbeRow>(&path, extent).unwrap(), rows);
        let whole = encode(&rows, true, ProbeRow::ALWAYS).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.part.csv");
        let mut log = RowLog::open(path.clone(), Extent::default()).unwrap();
        let extent = log.append(&[row(1), row(2)]).unwrap();
        let whole = fs::read(&path).unwrap();
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let error = read::<TaskRow>(&path, extent).unwrap_err().to_string();
            assert!(error.ends_with("its checksum is another"), "{error}");
            fs::write(&path, &whole[..position]).unwrap();
            let error = read::<TaskRow>(&path, extent).unwrap_err().to_string();
            assert!(error.contains("bytes at least, found"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        let error = read::<TaskRow>(&path, extent).unwrap_err().to_string();
        assert!(error.starts_with("cannot read "), "{error}");
    }
}
