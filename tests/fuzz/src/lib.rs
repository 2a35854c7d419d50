//! Feeds mutated files to everything in `trainable` that reads files. Each file is read and used, or refused, and nothing
//! panics.
//!
//! - `input`: the files that one input consists of.
//! - `mutate`: changes to files, made with `mutatis`.
//! - `campaign`: runs one input after another, and keeps an input that panics.
//! - `targets`: the readers of files, and the valid files from which mutations start.
//!
//! An input is a function of the campaign's seed, its target and its number.

mod campaign;
mod input;
mod mutate;
mod targets;

pub use campaign::{Campaign, Finding, Tally};
pub use input::Input;
pub use mutate::{bytes, text};
pub use targets::{TARGETS, Target};
