//! What the numbers of a table can be, for tables that come from elsewhere.

use serde::de::DeserializeOwned;

use super::{IndicatorRow, ProbeRow, TaskRow};
use crate::experiment::ForesightRow;

/// A number that no run writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The column.
    pub(crate) column: &'static str,
    /// The range.
    pub(crate) wanted: &'static str,
    /// The number.
    pub(crate) found: String,
}

/// A row of a table that is read back.
pub(crate) trait TableRow: DeserializeOwned {
    /// The first number outside its range.
    fn check(&self) -> Result<(), Fault>;
}

fn ensure(
    column: &'static str,
    is_good: bool,
    wanted: &'static str,
    found: impl ToString,
) -> Result<(), Fault> {
    if is_good {
        return Ok(());
    }
    let found = found.to_string();
    Err(Fault {
        column,
        wanted,
        found,
    })
}

/// Rounding is all that can take a share beyond its ends.
const ROUNDING: f64 = 1e-6;

fn share(column: &'static str, found: f64) -> Result<(), Fault> {
    let is_good = (-ROUNDING..=1.0 + ROUNDING).contains(&found);
    ensure(column, is_good, "a number from 0 to 1", found)
}

fn share_or_none(column: &'static str, found: Option<f64>) -> Result<(), Fault> {
    found.map_or(Ok(()), |found| share(column, found))
}

fn number(column: &'static str, found: f64) -> Result<(), Fault> {
    ensure(column, !found.is_nan(), "a number", found)
}

fn step_size(column: &'static str, found: f64) -> Result<(), Fault> {
    let is_good = found >= 0.0 && found.is_finite();
    ensure(column, is_good, "a finite number, 0 or more", found)
}

fn task(found: u32) -> Result<(), Fault> {
    ensure("task", found >= 1, "1 or more", found)
}

impl TableRow for TaskRow {
    fn check(&self) -> Result<(), Fault> {
        task(self.task)?;
        share("online_accuracy", self.online_accuracy)?;
        share("final_accuracy", self.final_accuracy)?;
        number("online_loss", self.online_loss)?;
        number("final_loss", self.final_loss)
    }
}

impl TableRow for ProbeRow {
    fn check(&self) -> Result<(), Fault> {
        task(self.task)?;
        let is_layer = self.layer.parse::<u32>().is_ok_and(|layer| layer >= 1);
        let wanted = "a number from 1 on, or network";
        ensure("layer", is_layer || self.is_network(), wanted, &self.layer)?;
        share("accuracy", self.accuracy)?;
        number("loss", self.loss)?;
        step_size("step_size", self.step_size)?;
        step_size("next_step_size", self.next_step_size.unwrap_or(0.0))
    }
}

impl TableRow for IndicatorRow {
    fn check(&self) -> Result<(), Fault> {
        task(self.task)?;
        share_or_none("dead", self.dead)?;
        share_or_none("dormant", self.dormant)?;
        share_or_none("sign_entropy", self.sign_entropy)
    }
}

impl TableRow for ForesightRow {
    fn check(&self) -> Result<(), Fault> {
        share_or_none("auroc", self.auroc)?;
        part("drops", self.drops, self.pairs, "no more than pairs")?;
        let warned = self.warned.unwrap_or(0);
        part("warned", warned, self.drops, "no more than drops")?;
        let alarms = self.false_alarms.unwrap_or(0);
        let others = self.pairs - self.drops;
        part(
            "false_alarms",
            alarms,
            others,
            "no more than pairs less drops",
        )
    }
}

/// A count of some of `whole` things.
fn part(
    column: &'static str,
    found: usize,
    whole: usize,
    wanted: &'static str,
) -> Result<(), Fault> {
    ensure(column, found <= whole, wanted, found)
}
