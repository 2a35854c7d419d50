//! Notices about what a test leaves untested.

use std::io::Write;

/// Writes a notice that names the calling test.
///
/// libtest captures what `println!` and `eprintln!` write and drops it when the test passes. A notice goes to the
/// standard error handle itself, so that it is seen beside a passing test. It is one write: notices of tests that run
/// at the same time do not mix.
pub(crate) fn notice(text: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let binary = env!("CARGO_CRATE_NAME");
    let line = format!("\n*** {binary}::{test}: {text} ***\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("standard error can be written");
}
