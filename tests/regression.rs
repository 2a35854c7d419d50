//! Squared error on a regression stream, against central differences of a loss that is computed directly in float64: the loss,
//! the gradient of a step, the gradient's variance, and the eigenvalues of the dense Hessian; on the CPU executor and on every
//! adapter.

mod common;
#[path = "common/oracle.rs"]
mod oracle;

use common::{Tolerance, compare, computes};
use oracle::{dot, eigen, mean};
use trainable::network::{Activation, Network};
use trainable::probe::{IterateForm, LayerStats, ProbeMethod, ProbeSpec, ProbeStart};
use trainable::spec::{
    ImageSet, Loss, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec,
};
use trainable::tasks::{Teacher, epoch_image, subset_image};
use trainable::{Compute, Trainer};

const WIDTHS: [usize; 4] = [6, 5, 4, 3];
const TOTAL: u32 = 40;
const SUBSET: u32 = 21;
const BATCH: u32 = 7;
const SEEDS: [u32; 3] = [1, 2, 3];
/// Two epochs of three minibatches.
const STEPS_PER_TASK: u32 = 6;
const STEP_SIZE: f32 = 0.05;
const MEAN: f32 = 0.5;
const DEVIATION: f32 = 0.25;

fn bytes() -> Vec<u8> {
    let noise = common::noise(9, TOTAL as usize * WIDTHS[0]);
    noise.iter().map(|x| (x * 127.0 + 128.0) as u8).collect()
}

fn spec() -> TrainingSpec {
    let replica = |seed| ReplicaSpec {
        seed,
        step_size: STEP_SIZE,
        optimiser: Optimiser::Sgd { momentum: 0.0 },
        ..ReplicaSpec::default()
    };
    TrainingSpec {
        network: Network::mlp(&WIDTHS.map(|width| width as u32), Activation::Tanh).unwrap(),
        batch: BATCH,
        replicas: SEEDS.map(replica).to_vec(),
        stream: Some(TaskStream {
            kind: StreamKind::Regression { share: 0.125 },
            images: ImageSet::new(&bytes(), WIDTHS[0], MEAN, DEVIATION).unwrap(),
            subset: SUBSET,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec {
            method: ProbeMethod::Power,
            iterations: 400,
            tolerance: 1e-4,
            start: ProbeStart::Cold,
            seed: 3,
            form: IterateForm::Parameters,
            momentum: 0.0,
        }),
    }
}

/// A sample: standardised pixels and targets.
type Sample = (Vec<f64>, Vec<f64>);

/// The minibatch of a replica after `updates` updates.
fn minibatch(seed: u32, updates: u32) -> Vec<Sample> {
    let (task, step) = (updates / STEPS_PER_TASK, updates % STEPS_PER_TASK);
    let (epoch, batch) = (step / 3, step % 3);
    let teacher = Teacher::new(seed, task, 8, WIDTHS[0] as u32, WIDTHS[3] as u32);
    let sample = |row| {
        let index = epoch_image(seed, task, epoch, SUBSET, batch * BATCH + row);
        let image = subset_image(seed, TOTAL, index) as usize;
        let bytes = &bytes()[image * WIDTHS[0]..][..WIDTHS[0]];
        let standardised =
            |byte: &u8| (f64::from(*byte) / 255.0 - f64::from(MEAN)) / f64::from(DEVIATION);
        let mut targets = [0.0; WIDTHS[3]];
        teacher.write_targets(bytes, &mut targets);
        let inputs = bytes.iter().map(standardised).collect();
        (inputs, targets.map(f64::from).to_vec())
    };
    (0..BATCH).map(sample).collect()
}

/// The squared error of one sample, averaged over outputs. `parameters` are weight `[out, in]`, bias, weight, bias and so on.
fn loss(parameters: &[f64], (inputs, targets): &Sample) -> f64 {
    let mut values = inputs.clone();
    let mut rest = parameters;
    for (layer, width) in WIDTHS.into_iter().enumerate().skip(1) {
        let (weight, after) = rest.split_at(width * values.len());
        let (bias, after) = after.split_at(width);
        let rows = weight.chunks(values.len()).zip(bias);
        let outputs = rows.map(|(row, bias)| dot(row, &values) + bias);
        values = match layer + 1 == WIDTHS.len() {
            true => outputs.collect(),
            false => outputs.map(f64::tanh).collect(),
        };
        rest = after;
    }
    assert!(rest.is_empty());
    let errors = values.iter().zip(targets).map(|(z, y)| (z - y).powi(2));
    errors.sum::<f64>() / targets.len() as f64
}

/// The central difference of `f` in every parameter.
fn differences<T>(
    parameters: &[f64],
    step: f64,
    f: impl Fn(&[f64]) -> T,
    subtract: impl Fn(T, T) -> T,
) -> Vec<T> {
    let moved = |index: usize, by: f64| {
        let mut moved = parameters.to_vec();
        moved[index] += by;
        f(&moved)
    };
    let indices = 0..parameters.len();
    indices
        .map(|index| subtract(moved(index, step), moved(index, -step)))
        .collect()
}

fn gradient(parameters: &[f64], of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    differences(parameters, STEP, of, |a, b| (a - b) / (2.0 * STEP))
}

fn hessian(parameters: &[f64], of: impl Fn(&[f64]) -> f64) -> Vec<Vec<f64>> {
    const STEP: f64 = 1e-4;
    let gradient = |at: &[f64]| gradient(at, &of);
    let rows: Vec<Vec<f64>> = differences(parameters, STEP, gradient, |a, b| {
        let pairs = a.into_iter().zip(b);
        pairs.map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
    });
    let symmetric = |i: usize| {
        (0..rows.len())
            .map(|j| 0.5 * (rows[i][j] + rows[j][i]))
            .collect()
    };
    (0..rows.len()).map(symmetric).collect()
}

fn flat(parameters: &[Vec<f32>]) -> Vec<f64> {
    parameters.iter().flatten().map(|x| f64::from(*x)).collect()
}

/// The places of every layer's parameters.
fn blocks() -> Vec<std::ops::Range<usize>> {
    let mut begin = 0;
    let pairs = WIDTHS.windows(2);
    pairs
        .map(|pair| {
            let end = begin + (pair[0] + 1) * pair[1];
            std::mem::replace(&mut begin, end)..end
        })
        .collect()
}

const LOOSE: Tolerance = Tolerance {
    atol: 1e-5,
    rtol: 1e-3,
};

fn agree(what: &str, found: &[f64], wanted: &[f64], tolerance: Tolerance) {
    let copied = |values: &[f64]| values.to_vec();
    compare(copied(found), copied(wanted), tolerance).unwrap_or_else(|e| panic!("{what}: {e}"));
}

#[test]
fn a_probe_measures_the_curvature_of_the_squared_error() {
    assert_eq!(spec().loss(), Loss::SquaredError);
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec()).unwrap();
        // In the second task: a teacher some units of which are replaced.
        trainer.train(STEPS_PER_TASK + 2).unwrap();
        let probed = trainer.probe().unwrap();
        let parameters = trainer.parameters().unwrap();
        for (replica, seed) in SEEDS.into_iter().enumerate() {
            let what = |name: &str| format!("{device}, seed {seed}: {name}");
            let stats = probed[replica].as_ref().unwrap();
            let parameters = flat(&parameters[replica]);
            let samples = minibatch(seed, STEPS_PER_TASK + 2);
            let mean_loss = |at: &[f64]| {
                let losses = samples.iter().map(|sample| loss(at, sample));
                losses.sum::<f64>() / samples.len() as f64
            };
            let wanted = mean_loss(&parameters);
            agree(&what("loss"), &[stats.loss], &[wanted], LOOSE);
            let score = (1.0 - stats.loss).max(0.0);
            assert_eq!(stats.accuracy, score, "{}", what("score"));
            let gradients: Vec<Vec<f64>> = samples
                .iter()
                .map(|sample| gradient(&parameters, |at| loss(at, sample)))
                .collect();
            let centre = mean(&gradients);
            let hessian = hessian(&parameters, mean_loss);
            let whole = std::iter::once(0..parameters.len());
            let all = std::iter::once(&stats.network).chain(&stats.layers);
            for (stats, range) in all.zip(whole.chain(blocks())) {
                let square = |v: &[f64]| dot(&v[range.clone()], &v[range.clone()]);
                let deviations = gradients.iter().map(|own| {
                    let pairs = own.iter().zip(&centre);
                    square(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>())
                });
                let variance = deviations.sum::<f64>() / samples.len() as f64;
                let rows = hessian[range.clone()].iter();
                let block: Vec<Vec<f64>> = rows.map(|row| row[range.clone()].to_vec()).collect();
                let largest = eigen(&block).into_iter().map(|pair| pair.value);
                let largest = largest.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
                let LayerStats {
                    grad_norm_sq,
                    grad_variance,
                    sharpness,
                    ..
                } = stats;
                let found = [*grad_norm_sq, *grad_variance, sharpness.unwrap().eigenvalue];
                let wanted = [square(&centre), variance, largest];
                agree(&what(&format!("{range:?}")), &found, &wanted, LOOSE);
            }
            // The negative control: the teacher of the task before.
            let other = minibatch(seed, 2);
            let others = other.iter().map(|sample| loss(&parameters, sample));
            let others = others.sum::<f64>() / f64::from(BATCH);
            assert!((others - stats.loss).abs() > 1e-2, "{}", what("control"));
        }
    }
}

#[test]
fn a_step_follows_the_gradient_and_a_task_is_scored_by_its_loss() {
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec()).unwrap();
        let mut losses = vec![Vec::new(); SEEDS.len()];
        for updates in 0..STEPS_PER_TASK {
            let before = trainer.parameters().unwrap();
            trainer.train(1).unwrap();
            let after = trainer.parameters().unwrap();
            for (replica, seed) in SEEDS.into_iter().enumerate() {
                let samples = minibatch(seed, updates);
                let mean_loss = |at: &[f64]| {
                    let losses = samples.iter().map(|sample| loss(at, sample));
                    losses.sum::<f64>() / samples.len() as f64
                };
                let (before, after) = (flat(&before[replica]), flat(&after[replica]));
                losses[replica].push(mean_loss(&before));
                let gradient = gradient(&before, mean_loss);
                let stepped = before.iter().zip(&gradient);
                let wanted: Vec<f64> = stepped.map(|(x, g)| x - f64::from(STEP_SIZE) * g).collect();
                let what = format!("{device}, seed {seed}, update {updates}");
                let tolerance = Tolerance {
                    atol: 1e-6,
                    rtol: 1e-5,
                };
                agree(&what, &after, &wanted, tolerance);
            }
        }
        for (progress, losses) in trainer.progress().unwrap().iter().zip(&losses) {
            let score = progress.score(0).unwrap();
            let wanted = losses.iter().sum::<f64>() / losses.len() as f64;
            let last = losses[3..].iter().sum::<f64>() / 3.0;
            let found = [score.online_loss, score.final_loss];
            agree(&device, &found, &[wanted, last], LOOSE);
            assert_eq!(score.online_accuracy, (1.0 - score.online_loss).max(0.0));
            assert_eq!(score.final_accuracy, (1.0 - score.final_loss).max(0.0));
            assert_eq!(progress.batch_correct, 0);
        }
    }
}

#[test]
fn a_network_learns_the_teacher_and_again_after_every_change() {
    let mut spec = spec();
    for replica in &mut spec.replicas {
        replica.optimiser = Optimiser::default();
        replica.step_size = 1e-2;
    }
    spec.network = Network::mlp(&[6, 32, 3], Activation::Relu).unwrap();
    spec.stream.as_mut().unwrap().epochs = 200;
    let mut trainer = Trainer::new(&Compute::Cpu, spec).unwrap();
    trainer.train(3 * 600).unwrap();
    for progress in trainer.progress().unwrap() {
        for score in &progress.finished {
            assert!(score.final_accuracy > 0.9, "{score:?}");
        }
        // It begins nearer to a teacher of which it knows seven eighths.
        let [first, second] = [0, 1].map(|task| progress.finished[task].online_loss);
        assert!(second < first, "{second}, {first}");
    }
}

#[test]
fn a_host_cannot_load_labels_where_there_are_targets() {
    let mut trainer = Trainer::new(&Compute::Cpu, spec()).unwrap();
    let inputs = vec![0.0; BATCH as usize * WIDTHS[0]];
    let error = trainer.write_batch(0, &inputs, &[0; BATCH as usize]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "minibatch of the host: wanted a stream with labels, found regression, whose targets the device computes"
    );
}
