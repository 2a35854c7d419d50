//! Files: regular ones of a bounded size are read, and a file is written whole or not at all.
//!
//! A file appears under its name only when all of it is on the disk. Before that it stands beside its place under a temporary
//! name.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of the largest table or network that is read: 16 GiB.
pub(crate) const LARGEST: u64 = 1 << 34;

/// A file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// The file system's reason.
    pub source: io::Error,
}

impl WriteError {
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self { path, source }
    }
}

/// Reads the whole file at `path`, up to the size that it has when it is opened.
///
/// # Errors
/// A file that is not regular (a pipe would wait for its writer, a device would never end), or that has more than `most`
/// bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open(path, most)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX))?;
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens the file at `path`, and returns it with its size in bytes.
///
/// # Errors
/// The errors of [`read`].
pub(crate) fn open(path: &Path, most: u64) -> io::Result<(File, u64)> {
    // Checked before it is opened, because opening a pipe waits for its writer.
    check(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    let size = metadata.len();
    if size > most {
        let found = format!("wanted {most} bytes at most, found {size}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, found));
    }
    Ok((file, size))
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = match metadata.is_dir() {
        true => "wanted a regular file, found a directory",
        false => "wanted a regular file, found a pipe, a device or the like",
    };
    Err(io::Error::other(found))
}

/// Writes `bytes` to a temporary file in the same directory, syncs it and renames it to `path`. The file at `path` is the
/// whole new one or the one before. Only a regular file or a link is replaced, never a device or a pipe.
///
/// # Errors
/// [`WriteError`] when the file system refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let temporary = temporary_beside(path);
    check_replaceable(path)
        .and_then(|()| write_synced(&temporary, bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| {
            // The first error is the one to report; often there is nothing to remove.
            let _ = fs::remove_file(&temporary);
            WriteError::new(path, source)
        })
}

/// Fails where `path` is taken by something that a file must not replace.
fn check_replaceable(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() && !found.is_symlink() => {
            Err(io::Error::other("what is there is no regular file"))
        }
        _ => Ok(()),
    }
}

/// `.NAME.PROCESS.COUNT.tmp` in the directory of `path`; no two writers share it.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{count}.tmp", process::id()));
    path.with_file_name(name)
}

/// Removes the temporary files that killed writers left in `directory`. Nobody else may be writing there.
pub(crate) fn remove_temporaries(directory: &Path) -> io::Result<()> {
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let middle = name.to_str().and_then(|name| name.strip_prefix('.'));
        let Some(middle) = middle.and_then(|name| name.strip_suffix(".tmp")) else {
            continue;
        };
        let mut parts = middle.rsplit('.');
        if is_number(parts.next()) && is_number(parts.next()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    }

    #[test]
    fn a_file_replaces_the_one_before_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        write_whole(&path, b"first, and longer").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names_in(directory.path()), ["table.csv"]);
    }

    #[test]
    fn only_temporary_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        fs::write(&path, "kept").unwrap();
        fs::write(directory.path().join(".notes.tmp"), "kept").unwrap();
        fs::write(directory.path().join(".notes.1.tmp"), "kept").unwrap();
        fs::write(temporary_beside(&path), "cut o").unwrap();
        remove_temporaries(directory.path()).unwrap();
        let mut names = names_in(directory.path());
        names.sort();
        assert_eq!(names, [".notes.1.tmp", ".notes.tmp", "table.csv"]);
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/table.csv");
        let error = write_whole(&path, b"bytes").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", path.display())
        );
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
        assert!(names_in(directory.path()).is_empty());
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        fs::create_dir(&path).unwrap();
        write_whole(&path, b"bytes").unwrap_err();
        assert_eq!(names_in(directory.path()), ["table.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.csv");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        write_whole(&path, b"bytes").unwrap_err();
        assert!(!fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(names_in(directory.path()), ["table.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_directories_and_large_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let [file, pipe] = ["file", "pipe"].map(|name| directory.path().join(name));
        fs::write(&file, "seven b").unwrap();
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let refusal = |path: &Path, most| read(path, most).unwrap_err().to_string();

        assert_eq!(read(&file, 7).unwrap(), b"seven b");
        assert_eq!(refusal(&file, 6), "wanted 6 bytes at most, found 7");
        let wanted = "wanted a regular file, found a pipe, a device or the like";
        assert_eq!(refusal(&pipe, 7), wanted);
        assert_eq!(refusal(Path::new("/dev/zero"), 7), wanted);
        let wanted = "wanted a regular file, found a directory";
        assert_eq!(refusal(directory.path(), 7), wanted);
        let missing = read(&directory.path().join("none"), 7).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
