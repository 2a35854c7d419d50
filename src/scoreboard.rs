//! Scoreboards: tuned methods compared on held-out seeds.
//!
//! A [`Scoreboard`] is the content of a scoreboard file. In each setting, every method is tuned: all configurations of its
//! grid are trained on the seeds for tuning, and every method has the same number of them. The best configuration is
//! trained on held-out seeds, which nobody tuned on, and the methods are ranked by these runs. Every statement about a
//! method is thus about the configuration that the tuning chose; it may have chosen another with other seeds.
//!
//! - `experiments`: the experiments of a method in a setting, made of the tables of the file.
//! - `grid`: the configurations of a method.
//! - `check`: the faults of a file that no single experiment shows.
//! - `ranking`: the rows of the tables.

mod check;
mod experiments;
mod grid;
mod ranking;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use check::check_streams;
pub(crate) use experiments::directory_name;
pub use experiments::{Entry, Stage};
pub use ranking::{Outcome, rank, rank_table};

/// A comparison of tuned methods, as it stands in a scoreboard file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoreboard {
    /// The scoreboard's name, which is also the name of its directory.
    pub name: String,
    /// The seeds on which the configurations of a method are compared.
    pub tuning_seeds: Vec<u32>,
    /// The seeds on which the methods are compared. None of them is a seed for tuning.
    pub held_out_seeds: Vec<u32>,
    /// The settings in which the methods are compared.
    pub settings: Vec<Setting>,
    /// The methods.
    pub methods: Vec<Method>,
}

/// One of the settings of a scoreboard, such as a stream of tasks with an activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The setting's name.
    pub name: String,
    /// The fields of an experiment file that all methods have in this setting.
    #[serde(default)]
    pub experiment: Table,
    /// The fields of an arm that all methods have in this setting.
    #[serde(default)]
    pub arm: Table,
    /// The fields of an experiment file that the held-out seeds have in place of these, such as another `switch_seed`.
    #[serde(default)]
    pub held_out: Table,
}

/// One of the methods of a scoreboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The method's name.
    pub name: String,
    /// The fields of an experiment file that the method has in place of the setting's.
    #[serde(default)]
    pub experiment: Table,
    /// The fields of an arm that the method has in place of the setting's.
    #[serde(default)]
    pub arm: Table,
    /// The fields of an arm that are tuned, by their dotted paths, each with its values. Every combination is a
    /// configuration.
    #[serde(default)]
    pub grid: BTreeMap<String, Vec<Value>>,
}

/// The reason why a scoreboard cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreboardError {
    /// The text is not a scoreboard file.
    #[error(transparent)]
    File(#[from] toml::de::Error),
    /// A field has a wrong value.
    #[error("{what}: wanted {wanted}, found {found}")]
    Invalid {
        /// The field.
        what: String,
        /// What belongs there.
        wanted: &'static str,
        /// What was found there.
        found: String,
    },
    /// The fields of a setting and a method do not make an experiment.
    #[error("setting {setting:?}, method {method:?}")]
    Fields {
        /// The setting.
        setting: String,
        /// The method.
        method: String,
        /// The fault.
        source: Box<toml::de::Error>,
    },
}

impl FromStr for Scoreboard {
    type Err = ScoreboardError;

    /// Reads the text of a scoreboard file.
    ///
    /// # Errors
    /// Returns the first fault of the file.
    fn from_str(text: &str) -> Result<Self, ScoreboardError> {
        let scoreboard: Self = toml::from_str(text)?;
        scoreboard.check()?;
        Ok(scoreboard)
    }
}

impl Scoreboard {
    /// The entries of every setting, in the file's order, with the experiments that tune them.
    ///
    /// # Errors
    /// [`ScoreboardError::Fields`] for fields that an experiment file does not have, or of a wrong type;
    /// [`ScoreboardError::Invalid`] for methods that see other tasks than the others of their setting.
    pub fn entries(&self) -> Result<Vec<Entry>, ScoreboardError> {
        let methods = || self.methods.iter();
        let pairs = { self.settings.iter() }.flat_map(|s| methods().map(move |method| (s, method)));
        let entry = |(setting, method)| Entry::new(self, setting, method);
        let entries = pairs.map(entry).collect::<Result<Vec<_>, _>>()?;
        check_streams(&entries)?;
        Ok(entries)
    }
}
