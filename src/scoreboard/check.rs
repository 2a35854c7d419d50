//! The faults of a scoreboard file that no single experiment shows.

use std::collections::BTreeSet;

use toml::Table;

use super::experiments::{Entry, directory_name};
use super::{Scoreboard, ScoreboardError};
use crate::experiment::{LONGEST_NAME, is_name};

/// The fields of an experiment that the scoreboard sets itself.
const OWN: [&str; 4] = ["name", "question", "seeds", "arms"];
const NOT_OWN: &str = "fields that the scoreboard does not set itself";

/// The largest number of configurations of a method; more are taken for a mistake.
const MOST_CONFIGURATIONS: usize = 1_000;

impl Scoreboard {
    /// Checks names, seeds and budgets.
    ///
    /// # Errors
    /// [`ScoreboardError::Invalid`].
    pub(super) fn check(&self) -> Result<(), ScoreboardError> {
        check_names("name", std::iter::once(&self.name))?;
        check_names(
            "settings",
            self.settings.iter().map(|setting| &setting.name),
        )?;
        check_names("methods", self.methods.iter().map(|method| &method.name))?;
        self.check_seeds()?;
        for setting in &self.settings {
            let of = |part| format!("settings, {:?}, {part}", setting.name);
            check_own(of("experiment"), &setting.experiment, &OWN)?;
            check_own(of("held_out"), &setting.held_out, &OWN)?;
            check_own(of("arm"), &setting.arm, &["name"])?;
        }
        for method in &self.methods {
            let of = |part| format!("methods, {:?}, {part}", method.name);
            check_own(of("experiment"), &method.experiment, &OWN)?;
            check_own(of("arm"), &method.arm, &["name"])?;
            let what = |field: &str| format!("methods, {:?}, grid{field}", method.name);
            if let Some((field, _)) = method.grid.iter().find(|(_, values)| values.is_empty()) {
                let wanted = "one value or more";
                return Err(invalid(what(&format!(".{field}")), wanted, "an empty list"));
            }
            for (field, values) in &method.grid {
                let again = values.iter().enumerate();
                let mut again = again.filter(|(place, value)| values[..*place].contains(value));
                if let Some((_, value)) = again.next() {
                    let found = format!("{value} twice");
                    return Err(invalid(
                        what(&format!(".{field}")),
                        "different values",
                        found,
                    ));
                }
            }
            if method.grid.contains_key("name") {
                return Err(invalid(what(""), NOT_OWN, "name"));
            }
            if method.configurations() > MOST_CONFIGURATIONS {
                let found = method.configurations();
                return Err(invalid(what(""), "at most 1,000 configurations", found));
            }
        }
        self.check_joined_names()?;
        self.check_budgets()
    }

    /// Fails if the name of a cell, which has all three names in it, is longer than an experiment's may be.
    fn check_joined_names(&self) -> Result<(), ScoreboardError> {
        const BESIDES: usize = ", , , held-out".len();
        let settings = self.settings.iter().map(|setting| setting.name.len());
        let methods = self.methods.iter().map(|method| method.name.len());
        let longest = [settings.max(), methods.max()].map(Option::unwrap_or_default);
        let found = self.name.len() + longest.iter().sum::<usize>() + BESIDES;
        if found > LONGEST_NAME {
            let wanted = "186 bytes or fewer for the name, the longest of settings and the longest of methods together";
            return Err(invalid("names", wanted, found - BESIDES));
        }
        Ok(())
    }

    fn check_seeds(&self) -> Result<(), ScoreboardError> {
        let tuning = BTreeSet::from_iter(&self.tuning_seeds);
        if tuning.is_empty() {
            return Err(invalid("tuning_seeds", "one seed or more", "none"));
        }
        for (what, seeds) in [
            ("tuning_seeds", &self.tuning_seeds),
            ("held_out_seeds", &self.held_out_seeds),
        ] {
            let mut seen = BTreeSet::new();
            if let Some(seed) = seeds.iter().find(|seed| !seen.insert(**seed)) {
                return Err(invalid(what, "different seeds", format!("{seed} twice")));
            }
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

/// Fails if a method sees other tasks than the first one of its setting: they could not be compared seed by seed.
pub(super) fn check_streams(entries: &[Entry]) -> Result<(), ScoreboardError> {
    for of_setting in entries.chunk_by(|a, b| a.setting == b.setting) {
        let first = &of_setting[0];
        let differs = |other: &&Entry| {
            !first.tuning.has_stream_of(&other.tuning)
                || !first.held_out.has_stream_of(&other.held_out)
        };
        if let Some(other) = of_setting.iter().find(differs) {
            return Err(invalid(
                format!("methods, {:?}, experiment", other.method),
                "fields that leave the tasks as they are",
                format!("other tasks than {:?} has", first.method),
            ));
        }
    }
    Ok(())
}

/// Fails unless there are names, whose directories differ.
fn check_names<'a>(
    what: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), ScoreboardError> {
    let mut directories = BTreeSet::new();
    for name in names {
        let directory = directory_name(name);
        if directory.is_empty() || !is_name(name) || name.contains(['/', '\\']) {
            let wanted = "names of 1 to 200 bytes with letters or digits, without slashes and control characters, not with \
                          =, +, - or @ at the beginning";
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
fn check_own(what: String, table: &Table, own: &[&str]) -> Result<(), ScoreboardError> {
    match own.iter().find(|field| table.contains_key(**field)) {
        Some(field) => Err(invalid(what, NOT_OWN, field)),
        None => Ok(()),
    }
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
    fn names_that_are_too_long_together_are_refused() {
        let with = |length: usize| {
            let setting = format!("'{}'", "s".repeat(length));
            WHOLE.replacen("'relu'", &setting, 1).parse::<Scoreboard>()
        };
        // The names of the scoreboard and of its longest method have 13 bytes.
        with(173).unwrap();
        let error = with(174).unwrap_err().to_string();
        assert!(
            error.contains("names: wanted 186 bytes or fewer"),
            "{error}"
        );
        assert!(error.ends_with("found 187"), "{error}");
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
            (
                "[3, 4]",
                "[3, 3]",
                "held_out_seeds: wanted different seeds, found 3 twice",
            ),
            (
                "'short'",
                "'..'",
                "name: wanted names of 1 to 200 bytes with letters or digits",
            ),
            (
                "'relu'",
                "'=relu'",
                "settings: wanted names of 1 to 200 bytes",
            ),
            (
                "step_size = [1e-3, 2e-3]",
                "name = ['a', 'b']",
                "methods, \"constant\", grid: wanted fields that the scoreboard does not set itself, found name",
            ),
            ("[3, 4]", "[3, 2]", "found 2 in both lists"),
            (
                "'relu'",
                "'L2'",
                "settings: wanted names that differ in letters or digits, found a second \"l2\"",
            ),
            ("'relu'", "'--'", "settings: wanted names of 1 to 200 bytes"),
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
            (
                "arm = { l2",
                "held_out = { seeds = [1] }, arm = { l2",
                "settings, \"l2\", held_out: wanted fields that the scoreboard does not set itself, found seeds",
            ),
            (
                "'relu'",
                "'L2 / x'",
                "settings: wanted names of 1 to 200 bytes with letters or digits, without slashes",
            ),
            (
                "[1e-3, 2e-3]",
                "[1e-3, 1e-3]",
                "methods, \"constant\", grid.step_size: wanted different values, found 0.001 twice",
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
