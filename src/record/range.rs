//! Range checks for the numbers in a table that this program may not have written.

/// A number in a table that no run writes, because it is outside its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The column.
    pub column: &'static str,
    /// The range.
    pub wanted: &'static str,
    /// The number.
    pub found: String,
}

/// Fails unless `is_good` is true.
pub(super) fn ensure(
    column: &'static str,
    is_good: bool,
    wanted: &'static str,
    found: impl ToString,
) -> Result<(), OutOfRange> {
    if is_good {
        return Ok(());
    }
    let found = found.to_string();
    Err(OutOfRange {
        column,
        wanted,
        found,
    })
}

/// The distance by which rounding can take a share beyond its ends.
const ROUNDING: f64 = 1e-6;

/// Checks a share, 0 to 1.
pub(super) fn share(column: &'static str, found: f64) -> Result<(), OutOfRange> {
    let is_good = (-ROUNDING..=1.0 + ROUNDING).contains(&found);
    ensure(column, is_good, "a number from 0 to 1", found)
}

/// Checks a share, if there is one.
pub(super) fn share_or_none(column: &'static str, found: Option<f64>) -> Result<(), OutOfRange> {
    found.map_or(Ok(()), |found| share(column, found))
}

/// Checks a number, which may be infinite but not NaN.
pub(super) fn number(column: &'static str, found: f64) -> Result<(), OutOfRange> {
    ensure(column, !found.is_nan(), "a number", found)
}

/// Checks a step size.
pub(super) fn step_size(column: &'static str, found: f64) -> Result<(), OutOfRange> {
    let is_good = found >= 0.0 && found.is_finite();
    ensure(column, is_good, "a finite number, 0 or more", found)
}

/// Checks the number of a task.
pub(super) fn task(found: u32) -> Result<(), OutOfRange> {
    ensure("task", found >= 1, "1 or more", found)
}

/// Checks a count that is a part of `whole`.
pub(super) fn part(
    column: &'static str,
    found: usize,
    whole: usize,
    wanted: &'static str,
) -> Result<(), OutOfRange> {
    ensure(column, found <= whole, wanted, found)
}
