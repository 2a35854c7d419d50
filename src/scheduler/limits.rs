//! Ranges that several controllers check.

use crate::error::Error;

/// The largest step size that the device can hold.
pub(super) const LARGEST: f64 = f32::MAX as f64;

/// Fails unless `value` is a step size that the device can hold: 0 or more, and finite as f32.
pub(super) fn check_step_size(what: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=LARGEST).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(what, format!("0 to {LARGEST:e}"), value))
}

/// Fails unless `value` is 0 to 1.
pub(super) fn check_share(what: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(what, "0 to 1", value))
}
