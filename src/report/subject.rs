//! The subject that pictures and pages name: the stream of tasks, its score and its chance level.

use std::collections::BTreeMap;

use crate::experiment::{Arm, Experiment, score_name};
use crate::record::NETWORK;
use crate::spec::Loss;

/// The streams of tasks behind the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// The name of the stream, such as "random-label MNIST". Several names are listed one after another.
    pub(super) stream: String,
    /// The number of classes that a task tells apart; `None` where it has none, or several runs differ in it.
    pub(super) classes: Option<u32>,
    /// The loss; `None` where several runs differ in it.
    pub(super) loss: Option<Loss>,
    /// The name of the score of a task.
    pub(super) score: &'static str,
    /// The names of the networks' blocks; empty where arms differ in them.
    pub(super) blocks: Vec<String>,
    /// The number of the run of each arm; empty where all arms are of one run.
    pub(super) runs: BTreeMap<String, usize>,
}

impl Subject {
    /// Returns the subject of one or several experiments.
    pub(super) fn of(experiments: &[&Experiment]) -> Self {
        let name = |experiment: &&Experiment| experiment.stream.title(&experiment.data().name);
        let mut names: Vec<_> = experiments.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        let arms = experiments
            .iter()
            .flat_map(|one| one.arms.iter().map(|arm| block_names(one, arm)));
        Self {
            stream: names.join(" and "),
            classes: common(experiments.iter().map(|one| one.guessed_classes())).flatten(),
            loss: common(experiments.iter().map(|one| one.stream.loss())),
            score: score_name(experiments.iter().copied()),
            blocks: common(arms).flatten().unwrap_or_default(),
            runs: BTreeMap::new(),
        }
    }

    /// Returns "Layer 1", "Layer 2 (conv2)" or "Network". A perceptron's blocks have no names but their numbers.
    pub(super) fn place(&self, layer: &str) -> String {
        if layer == NETWORK {
            return "Network".to_owned();
        }
        let number = layer.parse::<usize>().ok();
        let name = number.and_then(|number| self.blocks.get(number.checked_sub(1)?));
        match name {
            Some(name) if *name != format!("fc{layer}") => format!("Layer {layer} ({name})"),
            _ => format!("Layer {layer}"),
        }
    }

    /// Returns the number of the run that an arm is of.
    pub(super) fn run_of(&self, arm: &str) -> usize {
        self.runs.get(arm).copied().unwrap_or_default()
    }

    /// Returns the accuracy of guessing.
    pub(super) fn chance(&self) -> Option<f64> {
        self.classes.map(|classes| 1.0 / f64::from(classes))
    }

    /// Returns a picture's title, which names the streams.
    pub(super) fn title(&self, what: &str) -> String {
        format!("{what}: {}", self.stream)
    }

    #[cfg(test)]
    pub(super) fn mnist() -> Self {
        Self {
            stream: "random-label MNIST".to_owned(),
            classes: Some(10),
            loss: Some(Loss::CrossEntropy),
            score: score_name([]),
            blocks: Vec::new(),
            runs: BTreeMap::new(),
        }
    }
}

/// Returns the names of the blocks of an arm's network; `None` where it has no network.
fn block_names(experiment: &Experiment, arm: &Arm) -> Option<Vec<String>> {
    let network = experiment.network(arm).ok()?;
    let names = network.blocks().iter().map(|block| block.name.clone());
    Some(names.collect())
}

/// Returns the value that all of `values` are; `None` where they differ, or there are none.
fn common<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Description, Shape};
    use crate::experiment::presets::{Preset, Scale};
    use crate::spec::StreamKind;

    #[test]
    fn a_layer_has_the_name_of_its_block_where_all_arms_agree() {
        let mlp = Preset::Smoke.experiment(Scale::Small);
        let lenet = Preset::Lenet.experiment(Scale::Small);
        let place =
            |experiments: &[&Experiment], layer: &str| Subject::of(experiments).place(layer);
        assert_eq!(place(&[&lenet], "2"), "Layer 2 (conv2)");
        assert_eq!(place(&[&lenet, &lenet], "3"), "Layer 3 (fc1)");
        assert_eq!(place(&[&lenet], NETWORK), "Network");
        assert_eq!(place(&[&mlp], "2"), "Layer 2");
        assert_eq!(place(&[&lenet, &mlp], "2"), "Layer 2");
        assert_eq!(place(&[&lenet], "9"), "Layer 9");
    }

    #[test]
    fn runs_on_different_data_have_no_chance_in_common() {
        let mnist = Preset::Smoke.experiment(Scale::Small);
        let on = |name: &str, classes| Experiment {
            data: Some(Description {
                name: name.to_owned(),
                shape: Shape::from([3, 32, 32]),
                classes,
            }),
            ..mnist.clone()
        };
        let (ten, hundred) = (on("ten", 10), on("hundred", 100));
        let of = |experiments: &[&Experiment]| {
            let subject = Subject::of(experiments);
            (subject.stream.clone(), subject.chance())
        };
        assert_eq!(of(&[&mnist]), ("random-label MNIST".to_owned(), Some(0.1)));
        assert_eq!(
            of(&[&hundred]),
            ("random-label hundred".to_owned(), Some(0.01))
        );
        let both = "random-label MNIST and random-label ten".to_owned();
        assert_eq!(of(&[&ten, &mnist, &ten]), (both, Some(0.1)));
        let all = "random-label hundred and random-label ten".to_owned();
        assert_eq!(of(&[&ten, &hundred]), (all, None));
    }

    #[test]
    fn every_stream_has_a_name_of_its_own_and_pairs_are_guessed_among_two() {
        let mut names = std::collections::BTreeSet::new();
        let kinds = [
            StreamKind::RandomLabels,
            StreamKind::PermutedPixels,
            StreamKind::LabelPermutation,
            StreamKind::NoisyLabels { share: 0.1 },
            StreamKind::NoisyLabels { share: 0.2 },
            StreamKind::ClassPairs,
            StreamKind::HardEasy,
            StreamKind::GrowingData { stages: 4 },
            StreamKind::RecurringTasks { period: 4 },
            StreamKind::GradualSwitches { stretch: 0.5 },
        ];
        for stream in kinds {
            let experiment = Experiment {
                stream,
                ..Preset::Smoke.experiment(Scale::Small)
            };
            let subject = Subject::of(&[&experiment]);
            let is_of_pairs = stream == StreamKind::ClassPairs;
            let chance = if is_of_pairs { 0.5 } else { 0.1 };
            assert_eq!(subject.chance(), Some(chance), "{}", subject.stream);
            assert!(subject.stream.contains("MNIST"), "{}", subject.stream);
            assert_eq!(subject.score, "online accuracy");
            names.insert(subject.stream);
        }
        assert_eq!(names.len(), kinds.len(), "{names:?}");
        assert!(names.contains("noisy-label MNIST (share 0.1)"), "{names:?}");
    }

    #[test]
    fn regression_has_no_chance_and_another_score() {
        let labels = Preset::Smoke.experiment(Scale::Small);
        let regression = Experiment {
            stream: StreamKind::Regression { share: 0.25 },
            ..labels.clone()
        };
        let subject = Subject::of(&[&regression]);
        assert_eq!((subject.chance(), subject.score), (None, "online R\u{b2}"));
        assert_eq!(subject.stream, "regression on MNIST (share 0.25)");
        assert_eq!(regression.chance(), 0.0);
        let both = Subject::of(&[&labels, &regression]);
        assert_eq!((both.chance(), both.score), (None, "online score"));
    }
}
