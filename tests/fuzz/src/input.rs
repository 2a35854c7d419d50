//! The files that one input consists of.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Files, by their paths in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The content of each file, by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Input {
    /// Creates an input of one file.
    pub fn of(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::default().with(name, bytes)
    }

    /// Adds another file.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.to_owned(), bytes.into());
        self
    }

    /// Reads the files that a directory holds, without those of its subdirectories.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let mut input = Self::default();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                input.files.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(input)
    }

    /// Writes these files to `directory` and removes everything else in it.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        for (name, bytes) in &self.files {
            fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }
}
