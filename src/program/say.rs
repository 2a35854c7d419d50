//! Messages on standard error. A line that cannot be written does not stop the program.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::Write;

use anstyle::{AnsiColor, Effects, Style};

/// Style of the word before an error, the same as clap's.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// Style of the word before a hint.
pub(crate) const HINT: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
/// Style of a message about a replica that diverged.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();

/// Prints a line to standard error. Unlike `eprintln!` it does not panic on failure, and it writes colours to terminals only.
macro_rules! say {
    ($($text:tt)*) => { $crate::program::say::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// Writes one line at once. A terminal with colours gets them, unless NO_COLOR is set.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let line = format!("{text}\n");
    let mut output = anstream::stderr().lock();
    // There is no other place to report this failure.
    let _ = output
        .write_all(line.as_bytes())
        .and_then(|()| output.flush());
}

/// Formats an error and its causes, separated by colons.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let chain = anyhow::Chain::new(error).map(ToString::to_string);
    chain.collect::<Vec<_>>().join(": ")
}

/// Formats `text` in a style.
pub(crate) fn styled(style: Style, text: impl Display) -> impl Display {
    format!("{style}{text}{style:#}")
}
