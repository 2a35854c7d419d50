//! The subject that pictures and pages name: the stream of tasks and its chance level.

use crate::data::Description;
use crate::experiment::Experiment;
use crate::spec::StreamKind;

/// The streams of tasks behind the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// The name of the stream, such as "random-label MNIST". Several names are listed one after another.
    pub(super) stream: String,
    /// The number of classes of the data set; `None` where several data sets differ in it.
    pub(super) classes: Option<u32>,
}

impl Subject {
    /// Returns the subject of one or several experiments.
    pub(super) fn of(experiments: &[&Experiment]) -> Self {
        let name = |experiment: &&Experiment| stream_name(experiment.stream, &experiment.data());
        let mut names: Vec<_> = experiments.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        let mut classes = experiments.iter().map(|one| one.data().classes);
        let first = classes.next();
        Self {
            stream: names.join(" and "),
            classes: first.filter(|first| classes.all(|other| other == *first)),
        }
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
        let data = Description::mnist();
        Self {
            stream: stream_name(StreamKind::RandomLabels, &data),
            classes: Some(data.classes),
        }
    }
}

fn stream_name(kind: StreamKind, data: &Description) -> String {
    match kind {
        StreamKind::RandomLabels => format!("random-label {}", data.name),
        StreamKind::PermutedPixels => format!("permuted {}", data.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::experiment::presets::{Preset, Scale};

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
}
