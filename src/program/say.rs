//! Standard error, which somebody may read or not: a line that cannot be written is no reason to stop.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::Write;

use anstyle::{AnsiColor, Effects, Style};

/// The word before an error, as clap has it.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// The word before a hint.
pub(crate) const HINT: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
/// A replica that went wrong.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();

/// As `eprintln!`, but a standard error that cannot be written is no panic, and colours are only for terminals.
macro_rules! say {
    ($($text:tt)*) => { $crate::program::say::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// Writes one line at once. Colours go where it is a terminal that has them, unless NO_COLOR is set.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let line = format!("{text}\n");
    let mut output = anstream::stderr().lock();
    // There is nowhere else to tell of it.
    let _ = output
        .write_all(line.as_bytes())
        .and_then(|()| output.flush());
}

/// An error and its causes, after colons.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let chain = anyhow::Chain::new(error).map(ToString::to_string);
    chain.collect::<Vec<_>>().join(": ")
}

/// `text` in a style.
pub(crate) fn styled(style: Style, text: impl Display) -> impl Display {
    format!("{style}{text}{style:#}")
}
