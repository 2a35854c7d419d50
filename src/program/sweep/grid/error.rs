//! The reasons for which there is no grid.

use thiserror::Error;

use super::MOST_CELLS;

/// Reason for which there is no grid.
#[derive(Debug, Error)]
pub(crate) enum GridError {
    /// The text is not FIELD=VALUE,VALUE.
    #[error("--vary {found:?}: wanted FIELD=VALUE,VALUE,..., found no =")]
    Form { found: String },
    /// The right side is not a list.
    #[error(
        "--vary {field}: wanted values as in a list of the file, strings in quotes, found {found}"
    )]
    Values {
        field: String,
        found: String,
        source: Box<toml::de::Error>,
    },
    /// The list is empty.
    #[error("--vary {field}: wanted one value or more, found none")]
    NoValue { field: String },
    /// Two values are the same.
    #[error("--vary {field}: wanted different values, found {value} twice")]
    SameValue { field: String, value: String },
    /// Two fields share a value.
    #[error("--vary {field}: wanted a field that no other --vary sets, found --vary {other}")]
    SameField { field: String, other: String },
    /// The path leads to nothing.
    #[error("--vary {field}: wanted a field that the experiment file shows{}, found none", such_as(.nearest))]
    NoField { field: String, nearest: String },
    /// A list has fewer entries.
    #[error("--vary {field}: wanted an index below {count}, found {index}")]
    Index {
        field: String,
        index: usize,
        count: usize,
    },
    /// There are too many combinations.
    #[error("wanted {most} cells or fewer, found {count}", most = MOST_CELLS)]
    TooMany { count: usize },
    /// A value does not suit its field.
    #[error("cell {cell} is not an experiment")]
    Cell {
        cell: String,
        source: Box<toml::de::Error>,
    },
    /// Two cells would use one directory.
    #[error("cells {cell} and {other}: wanted different directories, found {name} for both")]
    SameName {
        cell: String,
        other: String,
        name: String,
    },
}

fn such_as(nearest: &str) -> String {
    match nearest {
        "" => String::new(),
        nearest => format!(", such as {nearest}"),
    }
}
