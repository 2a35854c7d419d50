//! Faults of an experiment file, with their places.

use std::error::Error;
use std::fmt;

use toml::de;

use super::meant;

/// The reason why a text is not an experiment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    faults: Vec<Fault>,
}

/// One fault of an experiment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the line, from 1.
    pub line: usize,
    /// The number of the character in the line, from 1.
    pub column: usize,
    /// The description of the fault.
    pub message: String,
    /// The name that was probably meant, in backquotes, with its place where it is another: `` `network` in an arm ``.
    pub meant: Option<String>,
    /// The line at fault; `None` for a fault of the file as a whole.
    excerpt: Option<Excerpt>,
}

impl FileError {
    /// The faults, at least one, in the order of the file.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(super) fn new(text: &str, errors: &[de::Error]) -> Self {
        let mut faults: Vec<_> = errors.iter().map(|error| Fault::new(text, error)).collect();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        faults.dedup_by(|later, first| later == first || first.takes_in(later));
        Self { faults }
    }
}

impl Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.faults[..] {
            [fault] => write!(f, "{fault}"),
            faults => {
                write!(f, "{} faults", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n{fault}"))
            }
        }
    }
}

impl Fault {
    fn new(text: &str, error: &de::Error) -> Self {
        let span = error.span().unwrap_or_default();
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[line_start..].chars().count() + 1;
        let line = text[line_start..].lines().next().unwrap_or_default();
        let is_whole = span == (0..0) || span.len() >= text.trim_end().len();
        let wrong = text.get(span).unwrap_or_default();
        let wrong = wrong.lines().next().unwrap_or_default();
        let meant = meant::suggestion(error.message());
        Self {
            line: before.matches('\n').count() + 1,
            column,
            message: printable(&plain(error.message(), meant.is_some()), LONGEST_MESSAGE),
            meant,
            excerpt: (!is_whole).then(|| Excerpt::new(line, column, wrong.chars().count())),
        }
    }

    /// Merges `other` into this fault if both are about fields that the same table lacks.
    fn takes_in(&mut self, other: &Self) -> bool {
        let is_same_place = (self.line, self.column) == (other.line, other.column);
        match other.message.strip_prefix(MISSING) {
            Some(field) if is_same_place && self.message.starts_with(MISSING) => {
                self.message += &format!(", {field}");
                true
            }
            _ => false,
        }
    }
}

/// The message about a table without an element where there must be one.
pub(super) const NONE_OF_ONE: &str = "wanted exactly 1 element, found 0 elements";

/// The message about a table with several elements where there must be one.
const SEVERAL_OF_ONE: &str = "wanted exactly 1 element, more than 1 element";

/// The beginning of serde's message about a missing field.
const MISSING: &str = "missing field ";

/// Serde's message in the words of a file. It drops the list of known names where a similar one `is_meant`.
fn plain(message: &str, is_meant: bool) -> String {
    if message == SEVERAL_OF_ONE {
        return "wanted exactly 1 element, found more".to_owned();
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let wrong = found.strip_prefix("invalid type: ");
    match wrong.or(found.strip_prefix("invalid value: ")) {
        Some(found) => format!("wanted {}, found {}", kind(expected), kind(found)),
        None if is_meant => found.to_owned(),
        None => message.to_owned(),
    }
}

/// The word of a file for the type that serde calls `name`.
fn kind(name: &str) -> &str {
    match name {
        "f32" | "f64" => "a number",
        "u32" => "a whole number, 0 to 4294967295",
        "a boolean" => "true or false",
        "a sequence" | "sequence" => "a list",
        "map" => "a table",
        "unit variant" => "a name alone",
        other if other.starts_with("struct variant") => "a table with its settings",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column, message) = (self.line, self.column, &self.message);
        write!(f, "line {line}, column {column}: {message}")?;
        if let Some(meant) = &self.meant {
            write!(f, "; did you mean {meant}?")?;
        }
        let Some(Excerpt {
            text,
            indent,
            width,
        }) = &self.excerpt
        else {
            return Ok(());
        };
        let number = line.to_string();
        let (margin, carets) = (" ".repeat(number.len()), "^".repeat(*width));
        let indent = " ".repeat(*indent);
        write!(f, "\n  {number} | {text}\n  {margin} | {indent}{carets}")
    }
}

/// The largest number of characters in a message, which may quote the file.
const LONGEST_MESSAGE: usize = 400;

/// The largest number of characters of a line that are shown.
const LONGEST_LINE: usize = 100;

/// The part of a line around a fault, with the fault underlined.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// The number of characters before the fault.
    indent: usize,
    /// The number of characters of the fault.
    width: usize,
}

impl Excerpt {
    /// Shows `line`, and underlines `width` characters from `column` on.
    fn new(line: &str, column: usize, width: usize) -> Self {
        const BEFORE: usize = 40;
        let is_long = line.chars().nth(LONGEST_LINE).is_some();
        let skipped = if is_long {
            (column - 1).saturating_sub(BEFORE)
        } else {
            0
        };
        let rest: String = line.chars().skip(skipped).collect();
        let text = printable(&rest, LONGEST_LINE);
        let indent = column - 1 - skipped;
        let room = text.chars().count().saturating_sub(indent);
        Self {
            text,
            indent,
            width: width.min(room).max(1),
        }
    }
}

/// The first `longest` characters of `text`, with control characters replaced.
fn printable(text: &str, longest: usize) -> String {
    let visible = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut shown: String = visible.take(longest).collect();
    if text.chars().nth(longest).is_some() {
        shown += "...";
    }
    shown
}
