//! The stream of tasks: its kind, its images and its lengths. `crate::tasks` has the formulas of each kind.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Loss, TrainingSpec};
use crate::data::ImageSet;
use crate::error::Error;
use crate::tasks::{
    MOST_PAIRED_CLASSES, TASKS_CLASS_PAIRS, TASKS_GRADUAL_SWITCHES, TASKS_GROWING_DATA,
    TASKS_HARD_EASY, TASKS_LABEL_PERMUTATION, TASKS_NOISY_LABELS, TASKS_PERMUTED_PIXELS,
    TASKS_RANDOM_LABELS, TASKS_RECURRING_TASKS, TASKS_REGRESSION, TEACHER_UNITS, TaskLengths,
    WHOLE_STRETCH, class_table,
};

/// The difference between one task of a stream and the next. Every replica has images of its own, the same in every
/// task unless the kind says otherwise, and tasks of its own. All kinds have tasks of `epochs * (subset / batch)` updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StreamKind {
    /// Random labels, as in the paper (arXiv 2509.19698): every task labels the images anew at random, and the network
    /// memorises them.
    #[default]
    RandomLabels,
    /// Permuted pixels (Goodfellow et al., arXiv 1312.6211): images have their true labels, and every
    /// task, the first too, permutes the pixels of all images by a permutation of its own.
    PermutedPixels,
    /// Label permutation: the label is `pi_k(y)`, where `y` is the true label, and `pi_k` a permutation of the network's
    /// classes that task k draws, the first too.
    LabelPermutation,
    /// Noisy labels: the true labels, except that every task draws images anew whose labels are uniform random ones. A
    /// random label can be the true one.
    NoisyLabels {
        /// The share of the images with random labels, 0 to 1; exactly so many, rounded to whole images.
        share: f32,
    },
    /// Class pairs, as in continual ImageNet (Dohare et al., Nature 632, 2024): every task draws two classes of the data
    /// set, and has their images, with the labels 0 and 1. The replica has equally many images of every class, `subset`
    /// divided by the number of classes. Passes over the images of the pair follow one another without a gap, so that a
    /// task has as many updates as on other streams, in more passes. In continual ImageNet no pair comes back and the output
    /// layer is reset; here pairs are drawn independently, and nothing is reset that the replica does not ask for.
    ClassPairs,
    /// Hard and easy tasks in turn: tasks 0, 2, 4 ... have random labels on all images, and in each task between them all
    /// images have one label, which the task draws. This is after the "5+1" of Kumar, Marklund and Van Roy (arXiv
    /// 2308.11958), where a hard task has the images and true labels of 5 classes of CIFAR-100, and an easy task those of
    /// one further class. Here all tasks have the same images, and hard tasks have random labels, so that they are hard on
    /// any data.
    HardEasy,
    /// Growing data, as in warm starts (Ash and Adams, arXiv 1910.08475): true labels, and task k has the first
    /// `floor(subset min(k + 1, stages) / stages)` images. Passes over them follow one another without a gap, so that
    /// a task has as many updates as on other streams.
    GrowingData {
        /// The number of tasks until all images are there, 1 to 65,535 and not more than images.
        stages: u32,
    },
    /// Recurring tasks: task k has the random labels of task `k mod period`. Orders of images do not come back.
    RecurringTasks {
        /// The number of different tasks, 1 or more.
        period: u32,
    },
    /// Gradual switches, after the task sampling of Liu and Mou (arXiv 2602.09234): random labels, of which those of the
    /// task before are replaced over a stretch of the task. At update s of a task of T updates, an image has its old label
    /// with the probability `max(0, 1 - s / (stretch T))`. Each image changes once. Task 0 has no old labels.
    GradualSwitches {
        /// The share of a task over which labels change, more than 0, and 1 at most; in parts of 1 / 65,536, and one
        /// update at least.
        stretch: f32,
    },
    /// Slowly changing regression, after Dohare et al. (Nature 632, 2024): the network learns the outputs of a random teacher,
    /// with squared error in place of cross-entropy. The teacher has a hidden layer of 64 threshold units
    /// ([`Teacher`](crate::tasks::Teacher)) and as many outputs as the network, and every task replaces some of its units. The
    /// mean square of a target is 1 over draws of the teacher. In place of the accuracy stands R^2 ([`Loss`]).
    Regression {
        /// The share of the teacher's units that a task replaces, more than 0, and 1 at most; rounded to whole units, and one
        /// at least.
        share: f32,
    },
}

/// The properties of a kind that messages and checks need.
struct Properties {
    /// The kind's number on the device.
    number: u32,
    /// The kind's name in messages, in the plural.
    name: &'static str,
    /// The name of its labels, where they are made of the true ones; `None` for random labels, and for targets.
    true_labels: Option<&'static str>,
}

impl StreamKind {
    fn properties(self) -> Properties {
        const THE_TRUE_ONES: Option<&str> = Some("the true ones");
        let (number, name, true_labels) = match self {
            Self::RandomLabels => (TASKS_RANDOM_LABELS, "random labels", None),
            Self::PermutedPixels => (TASKS_PERMUTED_PIXELS, "permuted pixels", THE_TRUE_ONES),
            Self::LabelPermutation => (
                TASKS_LABEL_PERMUTATION,
                "label permutations",
                Some("permuted true ones"),
            ),
            Self::NoisyLabels { .. } => (
                TASKS_NOISY_LABELS,
                "noisy labels",
                Some("the true ones but for a share of their own"),
            ),
            Self::ClassPairs => (
                TASKS_CLASS_PAIRS,
                "class pairs",
                Some("the places of true ones"),
            ),
            Self::HardEasy => (TASKS_HARD_EASY, "hard and easy tasks", None),
            Self::GrowingData { .. } => (TASKS_GROWING_DATA, "growing data", THE_TRUE_ONES),
            Self::RecurringTasks { .. } => (TASKS_RECURRING_TASKS, "recurring tasks", None),
            Self::GradualSwitches { .. } => (TASKS_GRADUAL_SWITCHES, "gradual switches", None),
            Self::Regression { .. } => (TASKS_REGRESSION, "regression", None),
        };
        Properties {
            number,
            name,
            true_labels,
        }
    }

    /// The kind's number on the device, `TASKS_*`.
    pub(crate) fn number(self) -> u32 {
        self.properties().number
    }

    /// Whether labels are made of the true ones.
    pub(crate) fn has_true_labels(self) -> bool {
        self.properties().true_labels.is_some()
    }

    /// The loss of the kind.
    pub fn loss(self) -> Loss {
        match self {
            Self::Regression { .. } => Loss::SquaredError,
            _ => Loss::CrossEntropy,
        }
    }

    /// The number of labels that a network can guess among, on data of so many classes; `None` without labels.
    #[cfg(feature = "report")]
    pub(crate) fn labels_among(self, classes: u32) -> Option<u32> {
        match self {
            Self::ClassPairs => Some(2),
            Self::Regression { .. } => None,
            _ => Some(classes),
        }
    }

    /// The name of the stream on a data set, for titles.
    #[cfg(feature = "report")]
    pub(crate) fn title(self, data: &str) -> String {
        match self {
            Self::RandomLabels => format!("random-label {data}"),
            Self::PermutedPixels => format!("permuted {data}"),
            Self::LabelPermutation => format!("label-permuted {data}"),
            Self::NoisyLabels { share } => format!("noisy-label {data} (share {share})"),
            Self::ClassPairs => format!("class-pair {data}"),
            Self::HardEasy => format!("hard-easy {data}"),
            Self::GrowingData { stages } => format!("growing {data} ({stages} stages)"),
            Self::RecurringTasks { period } => {
                format!("recurring random-label {data} (period {period})")
            }
            Self::GradualSwitches { stretch } => {
                format!("gradual random-label {data} (stretch {stretch})")
            }
            Self::Regression { share } => format!("regression on {data} (share {share})"),
        }
    }

    fn check(self, subset: u32) -> Result<(), Error> {
        match self {
            Self::NoisyLabels { share } if !(0.0..=1.0).contains(&share) => {
                Err(Error::invalid("share of noisy labels", "0 to 1", share))
            }
            Self::GrowingData { stages } if !(1..=subset.min(65_535)).contains(&stages) => {
                let wanted = format!("1 to {}", subset.min(65_535));
                Err(Error::invalid("stages of growing data", wanted, stages))
            }
            Self::RecurringTasks { period: 0 } => {
                Err(Error::invalid("period of tasks", "1 at least", 0))
            }
            Self::GradualSwitches { stretch } if !(stretch > 0.0 && stretch <= 1.0) => {
                let wanted = "more than 0, and 1 at most";
                Err(Error::invalid("stretch of a switch", wanted, stretch))
            }
            Self::Regression { share } if !(share > 0.0 && share <= 1.0) => {
                let (what, wanted) = ("share of the teacher", "more than 0, and 1 at most");
                Err(Error::invalid(what, wanted, share))
            }
            _ => Ok(()),
        }
    }
}

/// A stream of tasks, one after the other, on images that a replica draws once.
#[derive(Clone, Debug)]
pub struct TaskStream {
    /// The difference between tasks.
    pub kind: StreamKind,
    /// The data set that every replica draws its images from.
    pub images: ImageSet,
    /// Images per replica, drawn once and kept for the whole run.
    pub subset: u32,
    /// Passes over the images in one task, on average where lengths are random; each has `subset / batch` whole
    /// minibatches.
    pub epochs: u32,
    /// The share of the images that get fresh labels from one task of random labels to the next. It is 1 in the paper, and
    /// must be 1 for kinds whose labels are made of the true ones.
    pub relabel_fraction: f32,
    /// The seed of random task lengths: each task's length in updates is uniform from 0.5 to 1.5 times the mean, which is
    /// `epochs * (subset / batch)`. All replicas have the same lengths. `None` gives every task the mean length.
    pub switch_seed: Option<u32>,
}

impl TaskStream {
    /// Creates a stream of random-label tasks, each of `epochs` passes over `subset` of the `images`. Every task labels
    /// all of them anew.
    pub fn random_labels(images: ImageSet, subset: u32, epochs: u32) -> Self {
        Self {
            kind: StreamKind::RandomLabels,
            images,
            subset,
            epochs,
            relabel_fraction: 1.0,
            switch_seed: None,
        }
    }

    /// The labels that the device needs: the images by class for class pairs, other true labels as they are, and a
    /// placeholder for random ones and for targets.
    pub(crate) fn image_labels(&self) -> Arc<[u32]> {
        match self.kind {
            StreamKind::ClassPairs => class_table(self.images.labels()).into(),
            kind if kind.has_true_labels() => self.images.shared_labels().clone(),
            _ => Arc::from([0]),
        }
    }

    /// The number of images that a task relabels.
    pub(crate) fn relabelled(&self) -> u32 {
        self.share_of_images(self.relabel_fraction)
    }

    fn share_of_images(&self, share: f32) -> u32 {
        (f64::from(share) * f64::from(self.subset)).round() as u32
    }

    /// The kind's parameter on the device; 0 where it has none.
    pub(crate) fn parameter(&self) -> u32 {
        match self.kind {
            StreamKind::NoisyLabels { share } => self.share_of_images(share),
            StreamKind::ClassPairs => self.images_of_a_class(),
            StreamKind::GrowingData { stages } => stages,
            StreamKind::RecurringTasks { period } => period,
            StreamKind::GradualSwitches { stretch } => {
                let parts = f64::from(stretch) * f64::from(WHOLE_STRETCH);
                (parts.round() as u32).max(1)
            }
            StreamKind::Regression { share } => {
                ((share * TEACHER_UNITS as f32).round() as u32).max(1)
            }
            StreamKind::RandomLabels
            | StreamKind::PermutedPixels
            | StreamKind::LabelPermutation
            | StreamKind::HardEasy => 0,
        }
    }

    /// The number of images of each class that a replica has with class pairs.
    fn images_of_a_class(&self) -> u32 {
        let highest = self.images.labels().iter().max();
        highest.map_or(0, |highest| self.subset / (highest + 1))
    }

    /// Checks every number of the stream against those of the training.
    pub(super) fn check(&self, training: &TrainingSpec) -> Result<(), Error> {
        let (available, batch) = (self.images.count(), training.batch);
        if self.subset < batch || self.subset > available {
            let wanted = format!("{batch} (one batch) to {available} (the data set)");
            return Err(Error::invalid("images per task", wanted, self.subset));
        }
        if self.epochs == 0 {
            return Err(Error::invalid("epochs per task", "1 at least", 0));
        }
        let samples = TaskLengths {
            mean: u64::from(self.epochs) * u64::from(self.subset),
            switch_seed: self.switch_seed,
        };
        if samples.longest() > u64::from(u32::MAX) {
            let found = samples.longest();
            return Err(Error::invalid("samples per task", "fewer than 2^32", found));
        }
        if self.switch_seed.is_some() && training.steps_per_task() < 2 {
            let wanted = "2 or more with a switch_seed, which draws lengths around it";
            let found = training.steps_per_task();
            return Err(Error::invalid("steps per task", wanted, found));
        }
        if !(0.0..=1.0).contains(&self.relabel_fraction) {
            let found = self.relabel_fraction;
            return Err(Error::invalid("relabel fraction", "0 to 1", found));
        }
        let inputs = training.network.inputs();
        if self.images.pixels() != inputs {
            let wanted = format!("{} (the pixels of an image)", self.images.pixels());
            return Err(Error::invalid("network inputs", wanted, inputs));
        }
        self.kind.check(self.subset)?;
        let properties = self.kind.properties();
        match properties.true_labels {
            Some(labels) => self.check_true_labels(properties.name, labels, training),
            None if self.kind.loss() == Loss::SquaredError => {
                self.check_relabelling("1 with regression, which has no labels")
            }
            None => Ok(()),
        }
    }

    /// Checks that tasks relabel all images, as kinds want that do not draw labels.
    fn check_relabelling(&self, wanted: &str) -> Result<(), Error> {
        match self.relabel_fraction {
            1.0 => Ok(()),
            found => Err(Error::invalid("relabel fraction", wanted, found)),
        }
    }

    fn check_true_labels(
        &self,
        name: &str,
        labels: &str,
        training: &TrainingSpec,
    ) -> Result<(), Error> {
        self.check_relabelling(&format!("1 with {name}, whose labels are {labels}"))?;
        let Some(highest) = self.images.labels().iter().max() else {
            let wanted = format!("a label for each image, which {name} need");
            return Err(Error::invalid("labels of the images", wanted, "none"));
        };
        let classes = training.network.classes();
        if self.kind == StreamKind::ClassPairs {
            return self.check_pairs(*highest, classes);
        }
        if *highest >= classes {
            let wanted = format!("below {classes}, the network's outputs");
            return Err(Error::invalid("labels of the images", wanted, highest));
        }
        Ok(())
    }

    fn check_pairs(&self, highest: u32, outputs: u32) -> Result<(), Error> {
        if outputs < 2 {
            let what = "outputs for class pairs";
            return Err(Error::invalid(what, "2 or more", outputs));
        }
        // Before anything has the size of the number of classes.
        if !(1..MOST_PAIRED_CLASSES).contains(&highest) {
            let wanted = format!("2 to {MOST_PAIRED_CLASSES}");
            let found = u64::from(highest) + 1;
            return Err(Error::invalid("classes for class pairs", wanted, found));
        }
        let (classes, each) = (highest + 1, self.images_of_a_class());
        if each == 0 {
            let wanted = format!("{classes}, one of each class, at least");
            return Err(Error::invalid("images per task", wanted, self.subset));
        }
        let table = class_table(self.images.labels());
        let counts = table[1..=1 + classes as usize].windows(2);
        let short = counts.map(|ends| ends[1] - ends[0]).zip(0..);
        match short.min() {
            Some((count, class)) if count < each => {
                let wanted = format!("{each}, the images per task divided by {classes} classes");
                let found = format!("{count} of class {class}");
                Err(Error::invalid("images of each class", wanted, found))
            }
            _ => Ok(()),
        }
    }
}
