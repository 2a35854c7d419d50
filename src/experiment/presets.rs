//! The paper's experiments (arXiv 2509.19698) and the same questions on other networks, each in a size for two CPU cores and
//! in the paper's.
//!
//! - `perceptrons`: the arms of the paper's experiments.
//! - `networks`: the arms of the experiments on other networks.

mod networks;
mod perceptrons;

use super::{Arm, Experiment, Figure};
use crate::probe::{ProbeMethod, ProbeSpec, ProbeStart};
use crate::scheduler::{Control, Scope, Signal};
use crate::spec::StreamKind;
use networks::{lenet, transformer};
use perceptrons::{
    ablation, collapse, controlled, controllers, diagnosis, l2, paper, per_layer_vs_global,
    remedies, trajectories,
};

/// The size of an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// A few minutes on two CPU cores: 1,280 images, minibatches of 64, 50 epochs (1,000 steps) a task,
    /// 8 tasks, 2 seeds.
    #[default]
    Small,
    /// The paper's size: 25,600 images, minibatches of 256, 100 epochs (10,000 steps) a task, 40 tasks; 5 seeds; 100
    /// power iterations at every probe, from random vectors. The small size has the default probe instead.
    Paper,
}

/// A named experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Two arms that take a few seconds, to see that everything works.
    Smoke,
    /// Shows how networks lose trainability, and what keeps it: plain ReLU, L2, L2 with the scheduler, CReLU. Its small
    /// size is larger than the others': 2,560 images, minibatches of 256, 100 epochs (1,000 steps) a task, 20 tasks,
    /// 5 seeds.
    Collapse,
    /// Compares bounds and indicators as early warnings that accuracy falls (the paper's Fig. 4).
    Diagnosis,
    /// Shows the effect of each signal alone (Fig. 7).
    Ablation,
    /// Compares a step size for each layer with one for all (Fig. 10).
    PerLayerVsGlobal,
    /// Compares the scheduler's step sizes with decays and placebos.
    Trajectories,
    /// Compares controllers where trainability is lost and where it is not.
    Controllers,
    /// Compares what keeps a ReLU network trainable, with the settings that a tournament of tuned methods chose.
    Remedies,
    /// Compares controllers on LeNet-5 with random labels. Its small size has 640 images, 40 epochs (400 steps) a task,
    /// 15 tasks, 5 seeds.
    Lenet,
    /// The same with permuted pixels and true labels, with 20 tasks of 10 epochs (100 steps).
    LenetPermuted,
    /// Compares controllers on a small transformer with random labels, in the sizes of `lenet`.
    Transformer,
    /// The same with permuted pixels and true labels, in the sizes of `lenet-permuted`.
    TransformerPermuted,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 12] = [
        Self::Smoke,
        Self::Collapse,
        Self::Diagnosis,
        Self::Ablation,
        Self::PerLayerVsGlobal,
        Self::Trajectories,
        Self::Controllers,
        Self::Remedies,
        Self::Lenet,
        Self::LenetPermuted,
        Self::Transformer,
        Self::TransformerPermuted,
    ];

    /// The preset's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Collapse => "collapse",
            Self::Diagnosis => "diagnosis",
            Self::Ablation => "ablation",
            Self::PerLayerVsGlobal => "per-layer-vs-global",
            Self::Trajectories => "trajectories",
            Self::Controllers => "controllers",
            Self::Remedies => "remedies",
            Self::Lenet => "lenet",
            Self::LenetPermuted => "lenet-permuted",
            Self::Transformer => "transformer",
            Self::TransformerPermuted => "transformer-permuted",
        }
    }

    /// The preset of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    fn stream(self) -> StreamKind {
        match self {
            Self::LenetPermuted | Self::TransformerPermuted => StreamKind::PermutedPixels,
            _ => StreamKind::RandomLabels,
        }
    }

    /// The whole experiment, with every number.
    pub fn experiment(self, scale: Scale) -> Experiment {
        let (question, figures, arms) = match self {
            Self::Smoke => return smoke(),
            Self::Collapse => (
                "How does a network lose its trainability, and what keeps it?",
                vec![Figure::Accuracies, Figure::LayerBounds],
                collapse(),
            ),
            Self::Diagnosis => (
                "Which bound or indicator foretells that a network's accuracy falls?",
                vec![Figure::Diagnosis],
                diagnosis(),
            ),
            Self::Ablation => (
                "What does the scheduler do with gradient noise alone, with curvature alone, with both?",
                vec![Figure::Accuracies],
                ablation(),
            ),
            Self::PerLayerVsGlobal => (
                "Does a step size for each layer do better than one for all of them?",
                vec![Figure::Trajectories],
                per_layer_vs_global(),
            ),
            Self::Trajectories => (
                "Are the step sizes that the scheduler finds more than a decay?",
                vec![Figure::Trajectories],
                trajectories(),
            ),
            Self::Controllers => (
                "Does a controller help where trainability is lost, and do no harm where it is not?",
                vec![Figure::Accuracies, Figure::Trajectories],
                controllers(),
            ),
            Self::Remedies => (
                "What keeps a network trainable, each method with its tuned settings?",
                vec![Figure::Accuracies],
                remedies(),
            ),
            Self::Lenet | Self::LenetPermuted => (
                "Does a convolutional network lose its trainability, and does a controller keep it?",
                vec![Figure::Accuracies, Figure::Trajectories],
                lenet(),
            ),
            Self::Transformer | Self::TransformerPermuted => (
                "Does a transformer lose its trainability, and does a controller keep it?",
                vec![Figure::Accuracies, Figure::Trajectories],
                transformer(),
            ),
        };
        Experiment {
            name: self.name().to_owned(),
            question: question.to_owned(),
            indicators_every: if self == Self::Diagnosis { 5 } else { 0 },
            figures,
            arms,
            stream: self.stream(),
            ..match (self, scale) {
                (Self::Collapse, Scale::Small) => medium(),
                (Self::Lenet | Self::Transformer, Scale::Small) => short(40, 15),
                (Self::LenetPermuted | Self::TransformerPermuted, Scale::Small) => short(10, 20),
                _ => sized(scale),
            }
        }
    }
}

/// A size for networks that cost more than the paper's perceptron, with five probes a task.
fn short(epochs: u32, tasks: u32) -> Experiment {
    Experiment {
        images: 640,
        epochs,
        tasks,
        seeds: (1..=5).collect(),
        interval: 2 * epochs,
        ..sized(Scale::Small)
    }
}

/// A size between the two, with the paper's minibatch.
fn medium() -> Experiment {
    Experiment {
        images: 2_560,
        tasks: 20,
        probe: ProbeSpec::default(),
        ..sized(Scale::Paper)
    }
}

/// The stream, the seeds and the probe of a size.
fn sized(scale: Scale) -> Experiment {
    let small = Experiment::default();
    match scale {
        Scale::Small => small,
        Scale::Paper => Experiment {
            images: 25_600,
            batch: 256,
            epochs: 100,
            tasks: 40,
            seeds: (1..=5).collect(),
            probe: ProbeSpec {
                method: ProbeMethod::Power,
                iterations: 100,
                tolerance: 0.0,
                start: ProbeStart::Cold,
                momentum: 0.0,
                ..ProbeSpec::default()
            },
            ..small
        },
    }
}

fn smoke() -> Experiment {
    let arms = vec![
        controlled(&l2(), "constant", Control::Constant),
        controlled(&l2(), "combined", paper(Signal::Combined, Scope::PerLayer)),
    ];
    Experiment {
        name: Preset::Smoke.name().to_owned(),
        question: "Does everything work?".to_owned(),
        images: 256,
        batch: 32,
        epochs: 10,
        tasks: 3,
        seeds: vec![1, 2],
        interval: 20,
        indicators_every: 0,
        figures: vec![Figure::Trajectories],
        arms: arms
            .into_iter()
            .map(|arm| Arm {
                hidden: vec![32, 32],
                ..arm
            })
            .collect(),
        ..sized(Scale::Small)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ImageSet;

    #[test]
    fn every_preset_can_be_run_in_every_size() {
        let images = ImageSet::new(&vec![0; 784 * 25_600], 784, 0.5, 0.25).unwrap();
        let images = images.with_labels(&vec![0; 25_600]).unwrap();
        for preset in Preset::ALL {
            for scale in [Scale::Small, Scale::Paper] {
                preset.experiment(scale).check(&images).unwrap();
            }
            assert_eq!(Preset::named(preset.name()), Some(preset));
        }
        assert_eq!(Preset::named("diagnoses"), None);
    }

    #[test]
    fn presets_survive_toml() {
        for preset in Preset::ALL {
            let experiment = preset.experiment(Scale::Paper);
            let text = toml::to_string(&experiment).unwrap();
            assert_eq!(
                toml::from_str::<Experiment>(&text).unwrap(),
                experiment,
                "{text}"
            );
        }
    }

    #[test]
    fn the_papers_probes_are_plain_power_iterations() {
        for preset in Preset::ALL {
            let [small, paper] = [Scale::Small, Scale::Paper].map(|s| preset.experiment(s).probe);
            assert_eq!(small, ProbeSpec::default());
            if preset != Preset::Smoke {
                assert_eq!((paper.method, paper.momentum), (ProbeMethod::Power, 0.0));
                assert_eq!((paper.iterations, paper.tolerance), (100, 0.0));
            }
        }
    }

    #[test]
    fn the_papers_size_is_the_papers() {
        let experiment = Preset::Ablation.experiment(Scale::Paper);
        assert_eq!(experiment.steps_per_task(), 10_000);
        assert_eq!((experiment.tasks, experiment.batch), (40, 256));
    }
}
