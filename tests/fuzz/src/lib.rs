//! Mutated files against everything in `trainable` that reads one: each is read, used, or refused, and nothing panics.
//!
//! - `input`: the files that one input consists of.
//! - `mutate`: how files are changed, by `mutatis`.
//! - `campaign`: inputs one after the other, and what is kept of one that panics.
//! - `targets`: what reads them, and the valid files that mutations begin with.
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
