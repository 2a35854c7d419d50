//! The programs that are compared: sizes that no tile divides, every activation, stream and kind of image.

use crate::common::noise;
use trainable::data::{Dataset, Pixels, Split};
use trainable::network::{Activation, Item, Network};
use trainable::plan::Program;
use trainable::probe::{IterateForm, ProbeMethod, ProbeSpec};
use trainable::spec::{
    ImageSet, Intervention, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch,
    TrainingSpec, UpdateClipping,
};

pub(crate) struct Case {
    pub(crate) widths: &'static [u32],
    pub(crate) activation: Activation,
    pub(crate) batch: u32,
    pub(crate) replicas: u32,
    pub(crate) kind: StreamKind,
    pub(crate) relabel_fraction: f32,
    pub(crate) images: Images,
}

/// The format of the images.
#[derive(Clone, Copy)]
pub(crate) enum Images {
    Bytes,
    /// Bytes in three channels.
    ColouredBytes,
    /// Floats in three channels.
    ColouredFloats,
}

/// Sizes that are no multiple of any tile: less than a vec4, a prime, just past a tile.
pub(crate) const CASES: [Case; 11] = [
    Case {
        widths: &[1, 1, 2],
        activation: Activation::Relu,
        batch: 1,
        replicas: 1,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[7, 17, 5, 3],
        activation: Activation::Crelu,
        batch: 7,
        replicas: 7,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 0.5,
        images: Images::Bytes,
    },
    Case {
        widths: &[17, 7, 65, 10],
        activation: Activation::LeakyRelu,
        batch: 17,
        replicas: 4,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 0.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[65, 33, 17],
        activation: Activation::Tanh,
        batch: 65,
        replicas: 1,
        kind: StreamKind::Regression { share: 0.3 },
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[9, 130, 129, 4],
        activation: Activation::Relu,
        batch: 9,
        replicas: 3,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 0.3,
        images: Images::ColouredBytes,
    },
    Case {
        widths: &[5, 3],
        activation: Activation::Identity,
        batch: 130,
        replicas: 1,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[66, 5, 10],
        activation: Activation::Relu,
        batch: 9,
        replicas: 3,
        kind: StreamKind::PermutedPixels,
        relabel_fraction: 1.0,
        images: Images::ColouredFloats,
    },
    Case {
        widths: &[1, 3],
        activation: Activation::Identity,
        batch: 2,
        replicas: 1,
        kind: StreamKind::PermutedPixels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[6, 33, 9, 3],
        activation: Activation::Gelu,
        batch: 9,
        replicas: 2,
        kind: StreamKind::GradualSwitches { stretch: 0.5 },
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[17, 7, 66, 4],
        activation: Activation::Silu,
        batch: 17,
        replicas: 2,
        kind: StreamKind::ClassPairs,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[7, 17, 5, 3],
        activation: Activation::Fourier,
        batch: 7,
        replicas: 4,
        kind: StreamKind::NoisyLabels { share: 0.5 },
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
];

/// The size of the second network of [`graphs`].
const SUM_CASE: Case = Case {
    widths: &[6, 6, 4],
    activation: Activation::Silu,
    batch: 9,
    replicas: 2,
    kind: StreamKind::Regression { share: 0.5 },
    relabel_fraction: 1.0,
    images: Images::ColouredFloats,
};

/// The size of the third network of [`graphs`].
const NORM_CASE: Case = Case {
    widths: &[7, 5, 4],
    activation: Activation::Gelu,
    batch: 9,
    replicas: 2,
    kind: StreamKind::RandomLabels,
    relabel_fraction: 1.0,
    images: Images::Bytes,
};

/// Every case with either form of the probe's iterates, each form with either method in turn, numbered.
pub(crate) fn cases() -> impl Iterator<Item = (u32, Program)> {
    let forms = [IterateForm::SampleGradients, IterateForm::Parameters];
    let methods = [ProbeMethod::Power, ProbeMethod::Lobpcg];
    let cases = CASES.iter().enumerate().flat_map(move |(number, case)| {
        let method = |form| methods[(number + form) % 2];
        [0, 1].map(|form| program(case, forms[form], method(form)))
    });
    let graphs = (0..GRAPHS).flat_map(move |number| {
        let method = |form| methods[(number + form) % 2];
        [0, 1].map(|form| program_of_graph(number, forms[form], method(form)))
    });
    let images = [0, 1, 2].into_iter().flat_map(move |number| {
        let method = |form| methods[(number + form) % 2];
        [0, 1].map(|form| program_of_images(number, forms[form], method(form)))
    });
    (0..).zip(cases.chain(graphs).chain(images))
}

/// The number of networks of [`graphs`].
pub(crate) const GRAPHS: usize = 3;

/// Networks with sums: values that two nodes read, terms that fewer slots reach, and every kind of activation of a term. The
/// third has normalisations and position embeddings, of every kind of value, too.
fn graphs() -> [Vec<Item>; GRAPHS] {
    use Activation::{Crelu, Gelu, Relu, Silu, Tanh};
    use Item::{Activation as F, Add, LayerNorm, Linear, PositionEmbedding};
    [
        vec![
            Linear(7),
            F(Gelu),
            Linear(7),
            Add(2),
            F(Tanh),
            Linear(7),
            Add(5),
            F(Crelu),
            Linear(5),
            Linear(5),
            Add(9),
            F(Relu),
            Linear(3),
        ],
        vec![
            Linear(6),
            Add(0),
            F(Activation::Fourier),
            Linear(6),
            Add(0),
            F(Activation::Silu),
            Linear(4),
        ],
        vec![
            LayerNorm,
            F(Gelu),
            Linear(70),
            F(Tanh),
            LayerNorm,
            F(Crelu),
            Linear(6),
            PositionEmbedding,
            LayerNorm,
            F(Silu),
            Linear(6),
            LayerNorm,
            Add(8),
            PositionEmbedding,
            F(Gelu),
            PositionEmbedding,
            LayerNorm,
            F(Relu),
            Linear(4),
        ],
    ]
}

/// The program of one of the networks of [`graphs`]: they have 7, 6 and 7 inputs, and 3, 4 and 4 classes.
pub(crate) fn program_of_graph(number: usize, form: IterateForm, method: ProbeMethod) -> Program {
    let case = [&CASES[1], &SUM_CASE, &NORM_CASE][number];
    let network = Network::sequence(case.widths[0], &graphs()[number]).unwrap();
    program_of(case, network, form, method)
}

/// The sizes of the networks of [`images`].
const IMAGE_CASES: [Case; 3] = [
    Case {
        widths: &[2 * 3 * 5],
        activation: Activation::Tanh,
        batch: 3,
        replicas: 2,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[4 * 3],
        activation: Activation::Relu,
        batch: 9,
        replicas: 3,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
    Case {
        widths: &[2 * 10],
        activation: Activation::Gelu,
        batch: 3,
        replicas: 2,
        kind: StreamKind::RandomLabels,
        relabel_fraction: 1.0,
        images: Images::Bytes,
    },
];

/// Networks of images: windows that overlap, that leave elements out and that reach into the border; copies as channels; an
/// image that two nodes read; activations with f'', with z, and with two copies before patches. The
/// third has attention that reads values with and without an activation, also such that another node reads.
fn images() -> [([u32; 3], Vec<&'static str>); 3] {
    [
        (
            [2, 3, 5],
            vec![
                "conv 5 kernel 3 stride 2 padding 1",
                "fourier",
                "conv 3 kernel 2 padding 1",
                "tanh",
                "conv 3 kernel 3 padding 1",
                "add 4",
                "crelu",
                "conv 4 kernel 1",
                "gelu",
                "max-pool 2 stride 1 padding 1",
                "fourier",
                "average-pool 2 stride 1",
                "relu",
                "flatten",
                "linear 3",
            ],
        ),
        (
            [1, 4, 3],
            vec![
                "linear 2",
                "conv 3 kernel 2",
                "crelu",
                "max-pool 2",
                "tanh",
                "linear 3",
            ],
        ),
        (
            [1, 2, 10],
            vec![
                "conv 18 kernel 2 stride 2",
                "gelu",
                "attention 2",
                "crelu",
                "linear 18",
                "add 2",
                "attention 3",
                "silu",
                "linear 18",
                "add 6",
                "tanh",
                "attention 1",
                "flatten",
                "linear 3",
            ],
        ),
    ]
}

/// The program of one of the networks of [`images`].
pub(crate) fn program_of_images(number: usize, form: IterateForm, method: ProbeMethod) -> Program {
    let (shape, items) = &images()[number];
    let items: Vec<Item> = items.iter().map(|item| item.parse().unwrap()).collect();
    let network = Network::sequence(*shape, &items).unwrap();
    program_of(&IMAGE_CASES[number], network, form, method)
}

/// One of the methods that renew units, due after 10 updates, which is the number in the fillings.
fn renewal(number: u32) -> Intervention {
    match number % 3 {
        0 => Intervention::Redo { tau: 0.5, every: 5 },
        1 => Intervention::ContinualBackprop {
            rate: 0.4,
            maturity: 2,
            eta: 0.75,
        },
        _ => Intervention::SelfNormalisedResets {
            eta: 0.3,
            window: 3,
        },
    }
}

fn is_fresh(seed: u32) -> bool {
    matches!(seed, 1 | 3)
}

pub(crate) fn program(case: &Case, form: IterateForm, method: ProbeMethod) -> Program {
    let network = Network::mlp(case.widths, case.activation).unwrap();
    program_of(case, network, form, method)
}

fn program_of(case: &Case, network: Network, form: IterateForm, method: ProbeMethod) -> Program {
    let pixels = case.widths[0] as usize;
    let bytes: Vec<u8> = noise(5, 400 * pixels)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    let classes = case.widths[case.widths.len() - 1];
    let labels: Vec<u8> = (0..400).map(|i| (i * 7 % classes) as u8).collect();
    let coloured = |pixels| {
        let shape = [3, 1, case.widths[0] / 3].into();
        let labels = labels.iter().map(|label| u32::from(*label)).collect();
        ImageSet::training(&Dataset {
            name: "noise".to_owned(),
            classes,
            train: Split {
                shape,
                pixels,
                labels,
            },
            test: None,
        })
    };
    // Each channel has its own scale and mean.
    let float = |(i, x): (usize, f32)| {
        let channel = i % pixels / (pixels / 3);
        (x + channel as f32) * (1.0 + 3.0 * channel as f32)
    };
    let images = match case.images {
        Images::Bytes => {
            ImageSet::new(&bytes, pixels, 0.5, 0.25).and_then(|set| set.with_labels(&labels))
        }
        Images::ColouredBytes => coloured(Pixels::Bytes(bytes)),
        Images::ColouredFloats => {
            let values = noise(5, 400 * pixels).into_iter().enumerate();
            coloured(Pixels::Floats(values.map(float).collect()))
        }
    };
    let perceptron = Network::mlp(case.widths, case.activation);
    let renews_units = case.widths.len() > 2 && perceptron.is_ok_and(|mlp| mlp == network);
    let replica = |seed| ReplicaSpec {
        seed,
        l2: 1e-2 * seed as f32,
        l2_init: if seed == 2 { 0.0 } else { 1e-2 },
        wasserstein: if seed == 2 { 0.0 } else { 1e-2 },
        spectral: if seed == 2 { 0.0 } else { 1e-2 },
        optimiser: match seed {
            2 | 4 => Optimiser::Sgd { momentum: 0.75 },
            0 if case.batch == 9 => Optimiser::Muon {
                momentum: 0.75,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                adam_share: 0.5,
            },
            0 if case.batch == 7 => Optimiser::Upgd {
                beta: 0.9,
                noise: 0.1,
                weight_decay: 30.0,
            },
            0 => Optimiser::Lion {
                beta1: 0.9,
                beta2: 0.99,
                weight_decay: 30.0,
            },
            1 => Optimiser::AdamW {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 30.0,
            },
            3 => Optimiser::AmsGrad {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
            },
            5 => Optimiser::AdamMax {
                beta1: 0.9,
                beta2: 0.999,
                fast_beta2: 0.9,
                epsilon: 1e-8,
            },
            6 => Optimiser::AdamO {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                isometry: 30.0,
            },
            _ => Optimiser::default(),
        },
        update_clipping: (seed % 2 == 0).then(UpdateClipping::default),
        gradient_clipping: (seed % 3 == 0).then_some(0.5),
        interventions: if seed == 2 {
            Vec::new()
        } else {
            let always = [
                Intervention::ShrinkPerturb {
                    shrink: 0.5,
                    perturb: 0.25,
                },
                Intervention::WeightClipping { kappa: 0.5 },
                Intervention::NormProjection,
            ];
            let method = renews_units.then(|| renewal(case.batch + seed));
            let method = method.filter(|_| !is_fresh(seed));
            let iterations = if seed == 5 { 1 } else { 2 };
            let fire = (seed % 2 == 0 || seed == 5).then_some(Intervention::Fire { iterations });
            always.into_iter().chain(method).chain(fire).collect()
        },
        at_task_switch: match seed {
            seed if is_fresh(seed) => TaskSwitch::FreshNetwork,
            4 => TaskSwitch::ResetOptimiser,
            5 => TaskSwitch::RelativeTime,
            _ => TaskSwitch::Carry,
        },
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network,
        batch: case.batch,
        replicas: (0..case.replicas).map(replica).collect(),
        stream: Some(TaskStream {
            kind: case.kind,
            images: images.unwrap(),
            subset: 3 * case.batch,
            epochs: 2,
            relabel_fraction: case.relabel_fraction,
            // With this seed, the second task is as long as equal ones, so that the first filling ends it.
            switch_seed: (case.batch == 9).then_some(11),
        }),
        probe: Some(ProbeSpec {
            form,
            method,
            tolerance: 1e-3,
            ..ProbeSpec::default()
        }),
    };
    Program::new(&spec).unwrap()
}
