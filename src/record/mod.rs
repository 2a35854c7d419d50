//! Rows: the numbers that a run leaves, in tables and in TensorBoard's event files.
//!
//! - `task`, `probe`, `indicator`: measurements during a run; rows of tasks.csv, probes.csv and indicators.csv.
//! - `task_indicator`, `score`, `early_warning`: results computed from these at the end; rows of task_indicators.csv, of
//!   scores.csv and differences.csv, and of early_warning.csv.
//! - `scoreboard`: rows of a scoreboard's tables, configurations.csv, held_out.csv and scoreboard.csv.
//! - `table`: rows as CSV; `range`: the ranges of their numbers.
//! - `event_files`: rows as TensorBoard's event files; `events`: the format of these files.
//!
//! Event files grow during a run. A table appears under its name only when all of it is on the disk.

mod early_warning;
mod event_files;
mod events;
#[cfg(test)]
pub(crate) mod fixtures;
mod indicator;
mod probe;
mod range;
mod score;
mod scoreboard;
mod table;
mod task;
mod task_indicator;

pub(crate) use early_warning::ALL_ARMS;
pub use early_warning::EarlyWarningRow;
pub(crate) use event_files::{EventFiles, Replicas};
pub use indicator::IndicatorRow;
pub use probe::ProbeRow;
pub(crate) use probe::{NETWORK, probe_rows};
pub use range::OutOfRange;
pub use score::{DifferenceRow, ScoreRow};
pub use scoreboard::{ConfigurationRow, HeldOutRow, ScoreboardRow};
pub use table::{TableError, TableRow, read_table, text_cell, write_table};
pub(crate) use table::{encode, parse_table, read_bytes};
pub use task::TaskRow;
pub use task_indicator::TaskIndicatorRow;
