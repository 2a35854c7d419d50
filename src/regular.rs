//! Regular files of a bounded size: a pipe would wait for who writes to it, a device would never end.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Bytes of the largest table or network that is read: 16 GiB.
pub(crate) const LARGEST: u64 = 1 << 34;

/// The whole file, as large as it is now; of `most` bytes at most.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Before it is opened: to open a pipe is to wait.
    check(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    let size = metadata.len();
    if size > most {
        let found = format!("wanted {most} bytes at most, found {size}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, found));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX))?;
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
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

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn pipes_devices_directories_and_large_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let [file, pipe] = ["file", "pipe"].map(|name| directory.path().join(name));
        fs::write(&file, "seven b").unwrap();
        let made = Command::new("mkfifo").arg(&pipe).status();
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
