//! The experiments of a method in a setting.

use std::path::PathBuf;

use toml::{Table, Value};

use super::grid::{Configuration, axes, combinations};
use super::{Method, Scoreboard, ScoreboardError, Setting};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::record::ScoreRow;
use crate::spec::ImageSet;

/// One method in one setting.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The setting's name.
    pub setting: String,
    /// The method's name.
    pub method: String,
    /// Every configuration of the method as an arm, on the seeds for tuning.
    pub tuning: Experiment,
    /// The configurations, in the order of the arms.
    pub(super) configurations: Vec<Configuration>,
    /// Every configuration as an arm, on the held-out seeds.
    pub(super) held_out: Experiment,
}

/// A part of an entry's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// All configurations on the seeds for tuning.
    Tuning,
    /// The chosen configuration on the held-out seeds.
    HeldOut,
}

impl Stage {
    /// The name of the stage's directory.
    fn directory(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::HeldOut => "held-out",
        }
    }
}

impl Entry {
    pub(super) fn new(
        scoreboard: &Scoreboard,
        setting: &Setting,
        method: &Method,
    ) -> Result<Self, ScoreboardError> {
        let axes = axes(method);
        let (mut arms, mut configurations) = (Vec::new(), Vec::new());
        for values in combinations(&axes) {
            let configuration = Configuration::new(&axes, &values);
            let mut arm = over(&setting.arm, &method.arm);
            for (axis, value) in axes.iter().zip(values) {
                set(&mut arm, axis.path, value).map_err(|found| ScoreboardError::Invalid {
                    what: format!("methods, {:?}, grid.{}", method.name, axis.path),
                    wanted: "a path through tables",
                    found,
                })?;
            }
            arm.insert("name".to_owned(), configuration.arm(&method.name).into());
            arms.push(Value::Table(arm));
            configurations.push(configuration);
        }
        let name = format!("{}, {}, {}", scoreboard.name, setting.name, method.name);
        let experiment = |stage: &str, changes: &Table, seeds: &[u32], question: &str| {
            let file = over(&setting.experiment, &method.experiment);
            let mut file = over(&file, changes);
            file.insert("name".to_owned(), format!("{name}, {stage}").into());
            file.insert("question".to_owned(), question.into());
            file.insert("arms".to_owned(), arms.clone().into());
            let experiment: Experiment = file.try_into()?;
            Ok(Experiment {
                seeds: seeds.to_vec(),
                ..experiment
            })
        };
        let fields = |source: toml::de::Error| ScoreboardError::Fields {
            setting: setting.name.clone(),
            method: method.name.clone(),
            source: Box::new(source),
        };
        let question = "Which configuration is the best?";
        let tuning = experiment("tuning", &Table::new(), &scoreboard.tuning_seeds, question);
        let question = "How good is the best configuration?";
        let seeds = &scoreboard.held_out_seeds;
        let held_out = experiment("held-out", &setting.held_out, seeds, question);
        Ok(Self {
            setting: setting.name.clone(),
            method: method.name.clone(),
            tuning: tuning.map_err(fields)?,
            configurations,
            held_out: held_out.map_err(fields)?,
        })
    }

    /// The entry on the data of `images`; see [`Experiment::on`].
    #[must_use]
    pub fn on(self, images: &ImageSet) -> Self {
        Self {
            tuning: self.tuning.on(images),
            held_out: self.held_out.on(images),
            ..self
        }
    }

    /// The directory of a stage, below the scoreboard's: SETTING/METHOD/STAGE.
    pub fn directory(&self, stage: Stage) -> PathBuf {
        let entry = [&self.setting, &self.method].map(|name| directory_name(name));
        entry
            .iter()
            .map(|name| &name[..])
            .chain([stage.directory()])
            .collect()
    }

    /// The place of the best configuration among the rows of scores.csv of the tuning: the one with the fewest diverged
    /// seeds, and among those the highest mean, and among those the first.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is a row for each configuration.
    pub fn best(&self, scores: &[ScoreRow]) -> Result<usize, Error> {
        let wanted = self.configurations.len();
        if scores.len() != wanted {
            return Err(Error::Length {
                what: format!("scores.csv in {}", self.directory(Stage::Tuning).display()),
                wanted,
                found: scores.len(),
            });
        }
        let is_better = |a: &ScoreRow, b: &ScoreRow| {
            let mean = |row: &ScoreRow| row.mean.unwrap_or(f64::NEG_INFINITY);
            a.diverged < b.diverged || a.diverged == b.diverged && mean(a) > mean(b)
        };
        let better = |best, place| {
            if is_better(&scores[place], &scores[best]) {
                place
            } else {
                best
            }
        };
        Ok((1..scores.len()).fold(0, better))
    }

    /// The experiment of the held-out seeds, with the configuration at the place `best`.
    ///
    /// # Panics
    /// If the method has fewer configurations.
    pub fn held_out(&self, best: usize) -> Experiment {
        Experiment {
            arms: vec![self.held_out.arms[best].clone()],
            ..self.held_out.clone()
        }
    }
}

/// The fields of `base`, with those of `changes` in their place.
fn over(base: &Table, changes: &Table) -> Table {
    let (base, changes) = (base.clone(), changes.clone());
    base.into_iter().chain(changes).collect()
}

/// Sets the value at a dotted path, below tables that need not exist. Fails with the text of a value on the way that is
/// not a table.
fn set(table: &mut Table, path: &str, value: &Value) -> Result<(), String> {
    let Some((first, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value.clone());
        return Ok(());
    };
    let inner = table.entry(first).or_insert_with(|| Table::new().into());
    match inner {
        Value::Table(inner) => set(inner, rest, value),
        other => Err(format!("{first} = {other}")),
    }
}

/// A name for a directory: the letters and digits of `name` in lower case, with dashes between them.
pub(crate) fn directory_name(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::Control;
    use crate::spec::Optimiser;

    fn entries(text: &str) -> Result<Vec<Entry>, ScoreboardError> {
        let head = "name = 'short'\ntuning_seeds = [1, 2]\nheld_out_seeds = [3, 4]\n";
        format!("{head}{text}").parse::<Scoreboard>()?.entries()
    }

    #[test]
    fn a_method_is_laid_over_a_setting_and_every_combination_is_an_arm() {
        let entries = entries(
            "
            settings = [{ name = 'Small L2', experiment = { tasks = 3, interval = 7 }, arm = { l2 = 0.25, hidden = [8] } }]
            methods = [
                { name = 'beta2', experiment = { interval = 9 }, grid = { step_size = [1e-3, 2e-3, 4e-3], 'optimiser.adam.beta2' = [0.9, 0.99] } },
                { name = 'L2-init', arm = { l2 = 0 }, grid = { l2_init = [0.1, 0.2], control = ['paper', 'corrected', 'constant'] } },
            ]",
        )
        .unwrap();
        let [beta2, init] = &entries[..] else {
            panic!("{entries:?}")
        };
        assert_eq!(beta2.tuning.name, "short, Small L2, beta2, tuning");
        assert_eq!(
            beta2.directory(Stage::Tuning),
            PathBuf::from("small-l2/beta2/tuning")
        );
        assert_eq!((beta2.tuning.tasks, beta2.tuning.interval), (3, 9));
        assert_eq!((init.tuning.tasks, init.tuning.interval), (3, 7));
        assert_eq!(
            (&beta2.tuning.seeds[..], beta2.tuning.arms.len()),
            (&[1, 2][..], 6)
        );

        let arm = &beta2.tuning.arms[1];
        assert_eq!(arm.name, "beta2: beta2 0.9, step_size 0.002");
        assert_eq!(
            (arm.step_size, arm.l2, &arm.hidden[..]),
            (2e-3, 0.25, &[8][..])
        );
        let wanted: Optimiser = { toml::from_str::<Table>("adam.beta2 = 0.9").unwrap() }
            .try_into()
            .unwrap();
        assert_eq!(arm.optimiser, wanted);
        // The step size is inside its list; beta2 cannot be, in a list of two.
        assert_eq!(beta2.configurations[1].at_edge, ["beta2"]);
        assert_eq!(beta2.configurations[0].at_edge, ["beta2", "step_size"]);

        // Names of grid fields are in alphabetical order, and lists of names have no edge.
        let arm = &init.tuning.arms[3];
        assert_eq!(arm.name, "L2-init: control corrected, l2_init 0.2");
        assert_eq!((arm.l2, arm.l2_init), (0.0, 0.2));
        assert_ne!(arm.control, Control::Constant);
        assert_eq!(init.configurations[3].at_edge, ["l2_init"]);

        let held_out = beta2.held_out(4);
        assert_eq!((&held_out.seeds[..], held_out.arms.len()), (&[3, 4][..], 1));
        assert_eq!(held_out.arms[0], beta2.tuning.arms[4]);
        assert_eq!(held_out.interval, 9);
    }

    #[test]
    fn held_out_seeds_may_have_other_tasks_but_all_methods_have_the_same() {
        let board = |method: &str| {
            entries(&format!(
                "
                settings = [{{ name = 's', experiment = {{ switch_seed = 1 }}, held_out = {{ switch_seed = 2 }} }}]
                methods = [{{ name = 'a' }}, {{ name = 'b', experiment = {{ {method} }} }}]"
            ))
        };
        let entry = &board("interval = 9").unwrap()[1];
        let held_out = entry.held_out(0);
        assert_eq!(
            (entry.tuning.switch_seed, held_out.switch_seed),
            (Some(1), Some(2))
        );
        assert_eq!((entry.tuning.interval, held_out.interval), (9, 9));
        assert_eq!(
            (&entry.tuning.name[..], &held_out.name[..]),
            ("short, s, b, tuning", "short, s, b, held-out")
        );
        for other in [
            "tasks = 3",
            "epochs = 7",
            "relabel_fraction = 0.5",
            "images = 640",
        ] {
            let error = board(other).unwrap_err().to_string();
            let wanted = "methods, \"b\", experiment: wanted fields that leave the tasks as they are, found other tasks than \"a\" has";
            assert_eq!(error, wanted, "{other}");
        }
    }

    #[test]
    fn the_best_configuration_diverges_least_and_is_then_the_most_accurate() {
        let entries = entries(
            "settings = [{ name = 'a' }]
            methods = [{ name = 'm', grid = { step_size = [1.0, 2.0, 3.0, 4.0] } }]",
        );
        let entry = &entries.unwrap()[0];
        let best = |scores: &[(usize, Option<f64>)]| {
            let row = |(diverged, mean): &(usize, Option<f64>)| ScoreRow {
                arm: String::new(),
                seeds: 2 - diverged,
                diverged: *diverged,
                mean: *mean,
                mean_low: None,
                mean_high: None,
                last_five: None,
                slope: None,
                worst_task: None,
                mean_t_low: None,
                mean_t_high: None,
            };
            entry.best(&scores.iter().map(row).collect::<Vec<_>>())
        };
        let error = best(&[(0, Some(0.5)); 3]).unwrap_err().to_string();
        let wanted = "scores.csv in a/m/tuning: wanted 4 elements, found 3";
        assert_eq!(error, wanted);
        let best = |scores: &[_]| best(scores).unwrap();
        assert_eq!(
            best(&[
                (0, Some(0.5)),
                (0, Some(0.7)),
                (0, Some(0.7)),
                (1, Some(0.9))
            ]),
            1
        );
        assert_eq!(
            best(&[(2, None), (1, Some(0.1)), (2, None), (1, Some(0.3))]),
            3
        );
        assert_eq!(best(&[(2, None); 4]), 0);
    }

    #[test]
    fn fields_that_no_experiment_has_are_refused_with_their_place() {
        for (methods, mentions) in [
            ("{ name = 'm', arm = { l3 = 1 } }", "unknown field `l3`"),
            (
                "{ name = 'm', grid = { stepsize = [1.0] } }",
                "unknown field `stepsize`",
            ),
            (
                "{ name = 'm', experiment = { task = 1 } }",
                "unknown field `task`",
            ),
            (
                "{ name = 'm', grid = { l2 = ['a'] } }",
                "invalid type: string",
            ),
            (
                "{ name = 'm', arm = { optimiser = 'sgd' }, grid = { 'optimiser.adam.beta2' = [0.9] } }",
                "methods, \"m\", grid.optimiser.adam.beta2: wanted a path through tables, found optimiser = \"sgd\"",
            ),
        ] {
            let error = entries(&format!(
                "settings = [{{ name = 's' }}]\nmethods = [{methods}]"
            ));
            let error = error.unwrap_err();
            let text = match &error {
                ScoreboardError::Fields {
                    setting,
                    method,
                    source,
                } => {
                    assert_eq!((&setting[..], &method[..]), ("s", "m"));
                    source.to_string()
                }
                other => other.to_string(),
            };
            assert!(text.contains(mentions), "no {mentions:?} in {text}");
        }
    }
}
