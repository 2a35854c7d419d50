//! The faults of a scoreboard file that no single experiment shows.

use std::collections::BTreeSet;

use toml::Table;

use super::experiments::directory_name;
use super::{Scoreboard, ScoreboardError};

/// The fields of an experiment that the scoreboard sets itself.
const OWN: [&str; 4] = ["name", "question", "seeds", "arms"];

impl Scoreboard {
    /// Checks names, seeds and budgets.
    ///
    /// # Errors
    /// [`ScoreboardError::Invalid`].
    pub(super) fn check(&self) -> Result<(), ScoreboardError> {
        check_names(
            "settings",
            self.settings.iter().map(|setting| &setting.name),
        )?;
        check_names("methods", self.methods.iter().map(|method| &method.name))?;
        self.check_seeds()?;
        for setting in &self.settings {
            check_own("settings", &setting.name, &setting.experiment, &setting.arm)?;
        }
        for method in &self.methods {
            check_own("methods", &method.name, &method.experiment, &method.arm)?;
            if let Some((field, _)) = method.grid.iter().find(|(_, values)| values.is_empty()) {
                let what = format!("methods, {:?}, grid.{field}", method.name);
                return Err(invalid(what, "one value or more", "an empty list"));
            }
        }
        self.check_budgets()
    }

    fn check_seeds(&self) -> Result<(), ScoreboardError> {
        let tuning = BTreeSet::from_iter(&self.tuning_seeds);
        if tuning.is_empty() {
            return Err(invalid("tuning_seeds", "one seed or more", "none"));
        }
        if self.held_out_seeds.len() < 2 {
            let found = self.held_out_seeds.len();
            return Err(invalid("held_out_seeds", "two seeds or more", found));
        }
        match self
            .held_out_seeds
            .iter()
            .find(|seed| tuning.contains(seed))
        {
            Some(seed) => Err(invalid(
                "held_out_seeds",
                "seeds that are not for tuning",
                format!("{seed} in both lists"),
            )),
            None => Ok(()),
        }
    }

    /// Fails unless all methods have the same number of configurations: with more of them, the best one is better by
    /// chance alone.
    fn check_budgets(&self) -> Result<(), ScoreboardError> {
        let (first, others) = self.methods.split_first().expect("there are methods");
        let wanted = first.configurations();
        match others.iter().find(|other| other.configurations() != wanted) {
            Some(other) => Err(invalid(
                format!("methods, {:?}, grid", other.name),
                "as many configurations as the other methods have",
                format!(
                    "{}, where {:?} has {wanted}",
                    other.configurations(),
                    first.name
                ),
            )),
            None => Ok(()),
        }
    }
}

impl super::Method {
    fn configurations(&self) -> usize {
        let counts = self.grid.values().map(Vec::len);
        counts.fold(1, usize::saturating_mul)
    }
}

/// Fails unless there are names, whose directories differ.
fn check_names<'a>(
    what: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), ScoreboardError> {
    let mut directories = BTreeSet::new();
    for name in names {
        let directory = directory_name(name);
        if directory.is_empty() {
            let wanted = "names with letters or digits";
            return Err(invalid(what, wanted, format!("{name:?}")));
        }
        if !directories.insert(directory) {
            let wanted = "names that differ in letters or digits";
            return Err(invalid(what, wanted, format!("a second {name:?}")));
        }
    }
    if directories.is_empty() {
        return Err(invalid(what, "one or more", "none"));
    }
    Ok(())
}

/// Fails if a table has a field that the scoreboard sets itself.
fn check_own(
    what: &str,
    name: &str,
    experiment: &Table,
    arm: &Table,
) -> Result<(), ScoreboardError> {
    let of = |table: &Table, kind, own: &[&str]| {
        let field = own.iter().find(|field| table.contains_key(**field))?;
        let wanted = "fields that the scoreboard does not set itself";
        Some(invalid(format!("{what}, {name:?}, {kind}"), wanted, field))
    };
    let fault = of(experiment, "experiment", &OWN).or_else(|| of(arm, "arm", &["name"]));
    fault.map_or(Ok(()), Err)
}

fn invalid(what: impl Into<String>, wanted: &'static str, found: impl ToString) -> ScoreboardError {
    ScoreboardError::Invalid {
        what: what.into(),
        wanted,
        found: found.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "
        name = 'short'
        tuning_seeds = [1, 2]
        held_out_seeds = [3, 4]
        settings = [{ name = 'relu' }, { name = 'l2', arm = { l2 = 1e-3 } }]
        methods = [
            { name = 'constant', grid = { step_size = [1e-3, 2e-3] } },
            { name = 'beta2', arm = { l2 = 0 }, grid = { 'optimiser.adam.beta2' = [0.9, 0.99] } },
        ]";

    #[test]
    fn a_whole_file_has_no_fault() {
        let scoreboard: Scoreboard = WHOLE.parse().unwrap();
        assert_eq!(scoreboard.settings.len(), 2);
        assert_eq!(scoreboard.methods[1].grid.len(), 1);
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        for (right, wrong, mentions) in [
            (
                "[1, 2]",
                "[]",
                "tuning_seeds: wanted one seed or more, found none",
            ),
            (
                "[3, 4]",
                "[3]",
                "held_out_seeds: wanted two seeds or more, found 1",
            ),
            ("[3, 4]", "[3, 2]", "found 2 in both lists"),
            (
                "'relu'",
                "'L2'",
                "settings: wanted names that differ in letters or digits, found a second \"l2\"",
            ),
            (
                "'relu'",
                "'--'",
                "settings: wanted names with letters or digits, found \"--\"",
            ),
            (
                "[0.9, 0.99]",
                "[0.9]",
                "methods, \"beta2\", grid: wanted as many configurations as the other methods have, found 1, where \"constant\" has 2",
            ),
            (
                "[0.9, 0.99]",
                "[]",
                "methods, \"beta2\", grid.optimiser.adam.beta2: wanted one value or more, found an empty list",
            ),
            (
                "{ l2 = 1e-3 }",
                "{ name = 'x' }",
                "settings, \"l2\", arm: wanted fields that the scoreboard does not set itself, found name",
            ),
            (
                "arm = { l2",
                "experiment = { seeds = [1], l2",
                "settings, \"l2\", experiment: wanted fields that the scoreboard does not set itself, found seeds",
            ),
            ("tuning_seeds", "seeds", "unknown field `seeds`"),
        ] {
            assert!(WHOLE.contains(right), "{right}");
            let error = WHOLE.replacen(right, wrong, 1).parse::<Scoreboard>();
            let error = error.unwrap_err().to_string();
            assert!(error.contains(mentions), "no {mentions:?} in {error}");
        }
    }
}
