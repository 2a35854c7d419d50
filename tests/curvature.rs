//! Probes against PyTorch float64 (`assets/reference`), against a dense float64 Hessian and against
//! themselves, on the CPU executor and on every adapter.

mod common;
#[path = "common/oracle.rs"]
mod oracle;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/run.rs"]
mod run;

use common::{Tolerance, compare, computes, noise, read_buffer};
use reference::{CASES, Layer, SGD_CASES, activation, flat, parameters, read, single};
use run::Run;
use serde::Deserialize;
use trainable::cpu::CpuExecutor;
use trainable::gpu::Recorder;
use trainable::network::{Activation, LayerParameters, Network};
use trainable::plan::Program;
use trainable::probe::{IterateForm, LayerStats, ProbeMethod, ProbeSpec, ProbeStart, ProbeStats};
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::state::ProbeSlot;
use trainable::{Compute, Error, Trainer};

/// Of one layer, or of the network.
#[derive(Deserialize)]
struct Block {
    lambda: f64,
    second_abs: f64,
    g2: f64,
    g2_l2: f64,
    s: f64,
}

#[derive(Deserialize)]
struct Reference {
    activation: String,
    widths: Vec<u32>,
    batch: u32,
    l2: f64,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
    blocks: Vec<Block>,
    network: Block,
    v: Vec<Layer>,
    hv: Vec<Layer>,
}

/// What the file of training steps says about the state after five updates.
#[derive(Deserialize)]
struct AfterFive {
    step_size: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    after_5: Vec<Layer>,
    effective_step: Vec<f64>,
}

const FORMS: [IterateForm; 2] = [IterateForm::SampleGradients, IterateForm::Parameters];

/// One pass in float32.
const ONE_PASS: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 2e-5,
};
/// An eigenvalue after 70 iterations with momentum or 40 of LOBPCG; the next one is at most
/// 0.95 of it.
const EIGENVALUE: Tolerance = Tolerance {
    atol: 0.0,
    rtol: 1e-4,
};

fn curvature(name: &str) -> Reference {
    read(&format!("curvature_{name}"))
}

/// Everything about a point at which curvature is asked for.
struct Point {
    network: Network,
    batch: u32,
    l2: f32,
    x: Vec<f32>,
    y: Vec<u32>,
    parameters: Vec<LayerParameters>,
}

impl From<&Reference> for Point {
    fn from(case: &Reference) -> Self {
        Self {
            network: Network::mlp(&case.widths, activation(&case.activation)).unwrap(),
            batch: case.batch,
            l2: case.l2 as f32,
            x: single(&case.x),
            y: case.y.clone(),
            parameters: parameters(&case.layers),
        }
    }
}

impl Point {
    fn random(widths: &[u32], activation: Activation, batch: u32, seed: u32) -> Self {
        let network = Network::mlp(widths, activation).unwrap();
        let layer = |(l, layer): (u32, &trainable::network::Layer)| {
            let scale = (3.0 / layer.inputs as f32).sqrt();
            let count = (layer.inputs * layer.outputs) as usize;
            let weight = noise(seed + 10 * l, count);
            LayerParameters {
                weight: weight.iter().map(|w| scale * w).collect(),
                bias: noise(seed + 10 * l + 1, layer.outputs as usize),
            }
        };
        Self {
            batch,
            l2: 0.0,
            x: noise(seed + 1000, (batch * widths[0]) as usize),
            y: (0..batch)
                .map(|i| (i * 7 + seed) % network.classes())
                .collect(),
            parameters: (0..).zip(network.layers()).map(layer).collect(),
            network,
        }
    }

    /// `replicas` at this point, with its minibatch loaded.
    fn trainer(&self, compute: &Compute, probe: ProbeSpec, replicas: usize) -> Trainer {
        let replica = ReplicaSpec {
            l2: self.l2,
            ..ReplicaSpec::default()
        };
        self.trainer_of(compute, probe, vec![replica; replicas])
    }

    fn trainer_of(
        &self,
        compute: &Compute,
        probe: ProbeSpec,
        replicas: Vec<ReplicaSpec>,
    ) -> Trainer {
        let count = replicas.len();
        let spec = TrainingSpec {
            network: self.network.clone(),
            batch: self.batch,
            replicas,
            stream: None,
            probe: Some(probe),
        };
        let mut trainer = Trainer::new(compute, spec).unwrap();
        for replica in 0..count {
            trainer.write_parameters(replica, &self.parameters).unwrap();
            trainer.write_batch(replica, &self.x, &self.y).unwrap();
        }
        trainer
    }
}

/// Plain power iteration.
fn cold(iterations: u32, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        method: ProbeMethod::Power,
        iterations,
        tolerance: 0.0,
        start: ProbeStart::Cold,
        seed: 3,
        form,
        momentum: 0.0,
    }
}

fn with_momentum(iterations: u32, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        momentum: 0.9,
        ..cold(iterations, form)
    }
}

fn optimal(iterations: u32, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        method: ProbeMethod::Lobpcg,
        ..cold(iterations, form)
    }
}

/// Power iteration with momentum, and LOBPCG, with either form of the iterates.
fn swift(iterations: u32) -> [ProbeSpec; 4] {
    let [gradients, vectors] = FORMS;
    [
        with_momentum(iterations, gradients),
        with_momentum(iterations, vectors),
        optimal(iterations, gradients),
        optimal(iterations, vectors),
    ]
}

fn probe(trainer: &mut Trainer) -> Vec<ProbeStats> {
    let stats = trainer.probe().unwrap().into_iter();
    stats
        .map(|stats| stats.expect("everything is finite"))
        .collect()
}

/// The layers, then the network.
fn all(stats: &ProbeStats) -> Vec<LayerStats> {
    stats
        .layers
        .iter()
        .copied()
        .chain([stats.network])
        .collect()
}

fn eigenvalues(stats: &ProbeStats) -> Vec<f64> {
    let eigenvalue = |layer: LayerStats| layer.sharpness.expect("finite").eigenvalue;
    all(stats).into_iter().map(eigenvalue).collect()
}

fn check(what: &str, found: Vec<f64>, wanted: Vec<f64>, tolerance: Tolerance) {
    compare(found, wanted, tolerance).unwrap_or_else(|worst| panic!("{what}: {worst}"));
}

#[test]
fn a_probe_equals_pytorch() {
    for (device, compute) in computes() {
        let specs = swift(70).map(|spec| match spec.method {
            ProbeMethod::Power => spec,
            ProbeMethod::Lobpcg => optimal(40, spec.form),
        });
        for (name, spec) in CASES.iter().flat_map(|name| specs.map(|spec| (name, spec))) {
            let case = curvature(name);
            let mut trainer = Point::from(&case).trainer(&compute, spec, 2);
            let stats = probe(&mut trainer).remove(1);
            let what = format!("{name}, {:?}, {:?}, {device}", spec.method, spec.form);
            let blocks: Vec<_> = case.blocks.iter().chain([&case.network]).collect();
            let found = |f: fn(&LayerStats) -> f64| all(&stats).iter().map(f).collect();
            let wanted = |f: fn(&Block) -> f64| blocks.iter().map(|block| f(block)).collect();
            check(
                &format!("eigenvalues, {what}"),
                eigenvalues(&stats),
                wanted(|block| block.lambda),
                EIGENVALUE,
            );
            check(
                &format!("gradients, {what}"),
                found(|layer| layer.grad_norm_sq),
                wanted(|block| block.g2),
                ONE_PASS,
            );
            check(
                &format!("gradients with L2, {what}"),
                found(|layer| layer.objective_grad_norm_sq),
                wanted(|block| block.g2_l2),
                ONE_PASS,
            );
            check(
                &format!("variance, {what}"),
                found(|layer| layer.grad_variance),
                wanted(|block| block.s),
                ONE_PASS,
            );
            for layer in all(&stats) {
                let sharpness = layer.sharpness.expect("finite");
                assert!(sharpness.converged, "{what}: {sharpness:?}");
                match spec.method {
                    ProbeMethod::Power => assert_eq!(sharpness.iterations, 70, "{what}"),
                    ProbeMethod::Lobpcg => {
                        assert!(sharpness.residual <= 1e-5, "{what}: {sharpness:?}");
                        assert!(sharpness.iterations > 5, "{what}: {sharpness:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_comparison_notices_another_point_and_too_few_iterations() {
    let case = curvature("tanh");
    let wanted = || {
        let blocks = case.blocks.iter().chain([&case.network]);
        blocks.map(|block| block.lambda).collect::<Vec<_>>()
    };
    let mut point = Point::from(&case);
    let found =
        |point: &Point, spec| eigenvalues(&probe(&mut point.trainer(&Compute::Cpu, spec, 1))[0]);
    let [long, short, optimal_long, optimal_short] = [
        cold(300, IterateForm::Auto),
        cold(2, IterateForm::Auto),
        optimal(40, IterateForm::Auto),
        optimal(3, IterateForm::Auto),
    ];
    for (enough, too_few) in [(long, short), (optimal_long, optimal_short)] {
        assert!(compare(found(&point, enough), wanted(), EIGENVALUE).is_ok());
        assert!(compare(found(&point, too_few), wanted(), EIGENVALUE).is_err());
    }
    point.parameters[0].weight[0] += 0.01;
    for enough in [long, optimal_long] {
        assert!(compare(found(&point, enough), wanted(), EIGENVALUE).is_err());
    }
}

/// H v for the whole network and for all blocks, `v` in PyTorch's layout, as the first iteration of a
/// probe makes it. Of three replicas the middle one is looked at.
fn hessian_vector_product(
    compute: &Compute,
    point: &Point,
    v: &[LayerParameters],
) -> [Vec<LayerParameters>; 2] {
    let spec = TrainingSpec {
        network: point.network.clone(),
        batch: point.batch,
        replicas: vec![ReplicaSpec::default(); 3],
        stream: None,
        probe: Some(ProbeSpec {
            start: ProbeStart::Warm,
            ..cold(1, IterateForm::Parameters)
        }),
    };
    let program = Program::new(&spec).unwrap();
    let begin = &program.probe.as_ref().unwrap().begin;
    let own = program.names.probe.as_ref().unwrap();
    let pad = |values: &[f32], width: u32| -> Vec<f32> {
        let padded = width.next_multiple_of(4) as usize;
        let mut rows: Vec<f32> = values
            .chunks(width as usize)
            .flat_map(|row| {
                row.iter()
                    .copied()
                    .chain(std::iter::repeat(0.0))
                    .take(padded)
            })
            .collect();
        rows.resize(point.batch.next_multiple_of(8) as usize * padded, 0.0);
        rows
    };
    let mut labels = point.y.clone();
    labels.resize(point.batch.next_multiple_of(8) as usize, 0);
    let stored = point.network.pack(v).unwrap();
    let slot = ProbeSlot {
        has_vector: 1,
        ..bytemuck::Zeroable::zeroed()
    };
    let slots = vec![slot; point.network.blocks().len() + 1];
    let writes: [(_, Vec<u32>); 5] = [
        (
            own.vectors,
            bytemuck::cast_vec([stored.clone(), stored].concat()),
        ),
        (own.slots, bytemuck::cast_slice(&slots).to_vec()),
        (program.names.labels, labels),
        (
            program.names.activations[0],
            bytemuck::cast_vec(pad(&point.x, point.network.inputs())),
        ),
        (
            program.names.parameters,
            bytemuck::cast_vec(point.network.pack(&point.parameters).unwrap()),
        ),
    ];
    let words: Vec<u32> = match compute {
        Compute::Cpu => {
            let mut executor = CpuExecutor::new(&program);
            for (id, words) in &writes {
                executor.write(*id, 1, words);
            }
            executor.run(begin, 1);
            executor.read(own.products, 1).to_vec()
        }
        Compute::Gpu(gpu) => {
            let mut recorder = Recorder::new(&gpu.device, &program).unwrap();
            for (id, words) in &writes {
                let bytes: &[u8] = bytemuck::cast_slice(words);
                gpu.queue
                    .write_buffer(recorder.buffer(*id), bytes.len() as u64, bytes);
            }
            let plan = recorder.prepare(&gpu.device, begin).unwrap();
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            plan.encode(&mut encoder, 1);
            gpu.queue.submit([encoder.finish()]);
            let words = read_buffer(&gpu.device, &gpu.queue, recorder.buffer(own.products));
            words.chunks(words.len() / 3).nth(1).unwrap().to_vec()
        }
    };
    let products: &[f32] = bytemuck::cast_slice(&words);
    let (network, blocks) = products.split_at(products.len() / 2);
    [network, blocks].map(|stored| point.network.unpack(stored).unwrap())
}

fn numbers(layers: &[LayerParameters]) -> Vec<f64> {
    layers
        .iter()
        .flat_map(|layer| layer.weight.iter().chain(&layer.bias))
        .map(|number| f64::from(*number))
        .collect()
}

fn like(network: &Network, numbers: &[f64]) -> Vec<LayerParameters> {
    let mut rest = numbers.iter().map(|number| *number as f32);
    let mut take = |count: u32| rest.by_ref().take(count as usize).collect();
    network
        .layers()
        .iter()
        .map(|layer| LayerParameters {
            weight: take(layer.inputs * layer.outputs),
            bias: take(layer.outputs),
        })
        .collect()
}

fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(u, v)| u * v).sum()
}

/// Within this many times the norm of all of it, component by component.
fn relative_to_norm(reference: &[f64], factor: f64) -> Tolerance {
    Tolerance {
        atol: factor * dot(reference, reference).sqrt(),
        rtol: 0.0,
    }
}

#[test]
fn hessian_vector_products_equal_pytorch() {
    for (device, compute) in computes() {
        for name in CASES {
            let case = curvature(name);
            let v = parameters(&case.v);
            let [network, _] = hessian_vector_product(&compute, &Point::from(&case), &v);
            let wanted = flat(&case.hv);
            let tolerance = relative_to_norm(&wanted, 1e-6);
            check(
                &format!("{name}, {device}"),
                numbers(&network),
                wanted,
                tolerance,
            );
        }
    }
}

#[test]
fn hessian_vector_products_are_symmetric_and_linear() {
    for (device, compute) in computes() {
        for name in CASES {
            let point = Point::from(&curvature(name));
            let count = point.network.parameter_count();
            let vector =
                |seed| -> Vec<f64> { noise(seed, count).iter().map(|x| f64::from(*x)).collect() };
            let (u, v) = (vector(11), vector(12));
            let product = |v: &[f64]| {
                hessian_vector_product(&compute, &point, &like(&point.network, v))
                    .map(|product| numbers(&product))
            };
            let combination: Vec<_> = u.iter().zip(&v).map(|(u, v)| 0.5 * u - 2.0 * v).collect();
            let of_combination = product(&combination);
            for ((hu, hv), hw) in product(&u).iter().zip(product(&v)).zip(of_combination) {
                let scale = (dot(&u, &u) * dot(&hv, &hv)).sqrt();
                let asymmetry = (dot(&u, &hv) - dot(&v, hu)).abs();
                assert!(asymmetry <= 1e-6 * scale, "{name}, {device}: {asymmetry:e}");
                let wanted: Vec<_> = hu.iter().zip(&hv).map(|(u, v)| 0.5 * u - 2.0 * v).collect();
                let tolerance = relative_to_norm(&wanted, 1e-6);
                check(&format!("{name}, {device}"), hw, wanted, tolerance);
            }
        }
    }
}

impl Point {
    fn of_oracle(mlp: &oracle::Mlp, x: &[f64], y: &[u32]) -> Self {
        let widths: Vec<u32> = mlp.widths.iter().map(|width| *width as u32).collect();
        let activation = match mlp.activation {
            oracle::Activation::Identity => Activation::Identity,
            oracle::Activation::Relu => Activation::Relu,
            oracle::Activation::Crelu => Activation::Crelu,
            oracle::Activation::LeakyRelu => Activation::LeakyRelu,
            oracle::Activation::Tanh => Activation::Tanh,
        };
        let layer = |(weight, bias): &(Vec<f64>, Vec<f64>)| LayerParameters {
            weight: single(weight),
            bias: single(bias),
        };
        Self {
            network: Network::mlp(&widths, activation).unwrap(),
            batch: y.len() as u32,
            l2: 0.0,
            x: single(x),
            y: y.to_vec(),
            parameters: mlp.layers.iter().map(layer).collect(),
        }
    }
}

/// Networks of every activation and of one to four layers, none near a kink, each with a batch.
fn small_networks() -> Vec<(oracle::Mlp, Vec<f64>, Vec<u32>)> {
    use oracle::Activation::{Crelu, Identity, LeakyRelu, Relu, Tanh};
    let shapes: [&[usize]; 4] = [&[4, 3], &[5, 6, 3], &[3, 5, 4, 4], &[4, 5, 3, 4, 2]];
    let activations = [Identity, Relu, Crelu, LeakyRelu, Tanh];
    let cases = activations
        .into_iter()
        .flat_map(|activation| shapes.map(|widths| (activation, widths)));
    let network = |(activation, widths): (_, &[usize])| {
        let (inputs, classes) = (widths[0], widths[widths.len() - 1]);
        (1..)
            .map(|seed| {
                let (x, y) = oracle::batch(inputs, classes, 7, seed + 100);
                (oracle::Mlp::random(widths, activation, 1.0, seed), x, y)
            })
            .find(|(mlp, x, _)| oracle::kink_margin(mlp, x) > 1e-3)
            .expect("a seed away from kinks")
    };
    cases.map(network).collect()
}

fn describe(mlp: &oracle::Mlp) -> String {
    format!("{:?} {:?}", mlp.activation, mlp.widths)
}

#[test]
fn hessian_vector_products_equal_dense_hessians() {
    let devices = computes();
    for (mlp, x, y) in small_networks() {
        let hessian = oracle::hessian(&mlp, &x, &y);
        let v: Vec<f64> = noise(21, hessian.len())
            .iter()
            .map(|x| f64::from(*x))
            .collect();
        let blocks =
            mlp.ranges().into_iter().enumerate().flat_map(|(l, range)| {
                oracle::multiply(&oracle::block(&mlp, &hessian, l), &v[range])
            });
        let wanted = [oracle::multiply(&hessian, &v), blocks.collect()];
        let point = Point::of_oracle(&mlp, &x, &y);
        for (device, compute) in &devices {
            let found = hessian_vector_product(compute, &point, &like(&point.network, &v));
            for (found, wanted) in found.iter().zip(&wanted) {
                let tolerance = relative_to_norm(wanted, 2e-6);
                let what = format!("{}, {device}", describe(&mlp));
                check(&what, numbers(found), wanted.clone(), tolerance);
            }
        }
    }
}

#[test]
fn gradient_statistics_equal_per_sample_gradients() {
    for (mlp, x, y) in small_networks() {
        let gradient = oracle::gradient(&mlp, &x, &y);
        let norms = mlp.ranges().into_iter().map(|range| {
            let part = &gradient[range];
            dot(part, part)
        });
        let mut trainer =
            Point::of_oracle(&mlp, &x, &y).trainer(&Compute::Cpu, cold(1, IterateForm::Auto), 1);
        let stats = probe(&mut trainer).remove(0);
        let found = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect();
        let what = describe(&mlp);
        check(&what, found(|l| l.grad_norm_sq), norms.collect(), ONE_PASS);
        let variances = oracle::gradient_variance(&mlp, &x, &y);
        check(&what, found(|l| l.grad_variance), variances, ONE_PASS);
        let loss = oracle::loss(&mlp, &x, &y);
        check(&what, vec![stats.loss], vec![loss], ONE_PASS);
        let accuracy = f64::from(oracle::correct(&mlp, &x, &y)) / y.len() as f64;
        assert_eq!(stats.accuracy, accuracy, "{what}");
    }
}

/// The dense eigenvalues of every block and of the network, by size.
fn dense_eigenvalues(mlp: &oracle::Mlp, x: &[f64], y: &[u32]) -> Vec<Vec<f64>> {
    let hessian = oracle::hessian(mlp, x, y);
    let blocks = (0..mlp.layers.len()).map(|l| oracle::block(mlp, &hessian, l));
    blocks
        .chain([hessian.clone()])
        .map(|matrix| {
            oracle::eigen(&matrix)
                .iter()
                .map(|pair| pair.value)
                .collect()
        })
        .collect()
}

#[test]
fn eigenvalues_equal_a_dense_solver_also_where_they_are_negative() {
    let (negative, x, y, block) = oracle::negative_block();
    let mut cases = small_networks();
    cases.push((negative, x, y));
    let last = cases.len() - 1;
    for (number, (mlp, x, y)) in cases.iter().enumerate() {
        let dense = dense_eigenvalues(mlp, x, y);
        for spec in swift(2_000) {
            let point = Point::of_oracle(mlp, x, y);
            let stats = probe(&mut point.trainer(&Compute::Cpu, spec, 1)).remove(0);
            let what = format!("{}, {:?}, {:?}", describe(mlp), spec.method, spec.form);
            for (found, dense) in all(&stats).iter().zip(&dense) {
                let sharpness = found.sharpness.expect("finite");
                // Some dense eigenvalue lies within the residual; where the first stands out, it is it.
                assert!(sharpness.converged, "{what}: {sharpness:?}, {dense:?}");
                check(
                    &what,
                    vec![sharpness.eigenvalue],
                    vec![dense[0]],
                    EIGENVALUE,
                );
            }
            if number == last {
                assert!(dense[block][0] < -1.0 && eigenvalues(&stats)[block] < -1.0);
            }
        }
    }
}

/// Converged or not: at every product of the first two refreshes, of small networks and of a near tie.
#[test]
fn some_eigenvalue_lies_within_the_residual() {
    let mut cases: Vec<_> = small_networks().into_iter().step_by(3).collect();
    let (mlp, x, y, _) = oracle::near_tie();
    cases.push((mlp, x, y));
    let (mlp, x, y, _) = oracle::negative_block();
    cases.push((mlp, x, y));
    for (mlp, x, y) in &cases {
        let dense = dense_eigenvalues(mlp, x, y);
        let point = Point::of_oracle(mlp, x, y);
        for (form, iterations) in FORMS
            .into_iter()
            .flat_map(|form| (1..=35).map(move |iterations| (form, iterations)))
        {
            let spec = optimal(iterations, form);
            let stats = probe(&mut point.trainer(&Compute::Cpu, spec, 1)).remove(0);
            for (found, dense) in all(&stats).iter().zip(&dense) {
                let sharpness = found.sharpness.expect("finite");
                let distance = |value: &f64| (value - sharpness.eigenvalue).abs();
                let nearest = dense.iter().map(distance).fold(f64::INFINITY, f64::min);
                let allowed = (sharpness.residual + 3e-6) * sharpness.eigenvalue.abs();
                assert!(
                    nearest <= allowed
                        && sharpness.eigenvalue.abs() <= (1.0 + 3e-6) * dense[0].abs(),
                    "{}, {form:?}, {iterations}: {sharpness:?}, {dense:?}",
                    describe(mlp)
                );
            }
        }
    }
}

/// One sample of one input x and two classes: the Hessian has one eigenvalue that is not zero,
/// 2 p (1 - p) (x^2 + 1). So the first product is an eigenvector, and nothing is left to go on in; a warm start
/// begins there.
#[test]
fn one_dimension_is_enough() {
    let point = Point {
        network: Network::mlp(&[1, 2], Activation::Identity).unwrap(),
        batch: 1,
        l2: 0.0,
        x: vec![0.75],
        y: vec![1],
        parameters: vec![LayerParameters {
            weight: vec![0.5, -0.25],
            bias: vec![0.125, 0.5],
        }],
    };
    let p = 1.0 / (1.0 + f64::exp(0.125 + 0.5 * 0.75 - 0.5 + 0.25 * 0.75));
    let wanted = vec![2.0 * p * (1.0 - p) * (0.75 * 0.75 + 1.0); 2];
    let tolerance = Tolerance {
        atol: 0.0,
        rtol: 2e-6,
    };
    for (device, compute) in computes() {
        for form in FORMS {
            let spec = ProbeSpec {
                start: ProbeStart::Warm,
                ..optimal(40, form)
            };
            let mut trainer = point.trainer(&compute, spec, 1);
            for what in ["cold", "warm"] {
                let stats = probe(&mut trainer).remove(0);
                let what = format!("{device}, {form:?}, {what}");
                check(&what, eigenvalues(&stats), wanted.clone(), tolerance);
                for layer in all(&stats) {
                    let sharpness = layer.sharpness.expect("finite");
                    assert!(sharpness.residual <= 1e-6, "{what}: {sharpness:?}");
                    assert_eq!(sharpness.iterations, 3, "{what}");
                }
            }
        }
    }
}

/// The eigenvalue takes for granted that the start vector has norm 1.
#[test]
fn random_start_vectors_have_norm_1_and_differ() {
    for widths in [&[3_u32, 2][..], &[4, 5, 3], &[6, 7, 5, 4]] {
        let vectors = |seed, start_seed| {
            let spec = TrainingSpec {
                network: Network::mlp(widths, Activation::Crelu).unwrap(),
                batch: 2,
                replicas: vec![ReplicaSpec {
                    seed,
                    ..ReplicaSpec::default()
                }],
                stream: None,
                probe: Some(ProbeSpec {
                    seed: start_seed,
                    ..ProbeSpec::default()
                }),
            };
            let program = Program::new(&spec).unwrap();
            let mut plan = program.probe.clone().unwrap().begin;
            plan.dispatches
                .retain(|dispatch| dispatch.kernel.name == "probe_start");
            let mut executor = CpuExecutor::new(&program);
            executor.run(&plan, 1);
            let stored: &[f32] =
                bytemuck::cast_slice(executor.read(program.names.probe.unwrap().vectors, 0));
            let (blocks, network) = stored.split_at(stored.len() / 2);
            [blocks, network].map(|stored| spec.network.unpack(stored).unwrap())
        };
        for (seed, start_seed) in [(0, 0), (1, 0), (0, 1), (7, 9)] {
            let [blocks, network] = vectors(seed, start_seed);
            let norm_sq = |layers: &[LayerParameters]| dot(&numbers(layers), &numbers(layers));
            let norms = blocks
                .iter()
                .map(|block| norm_sq(std::slice::from_ref(block)));
            let found = norms.chain([norm_sq(&network)]).collect::<Vec<_>>();
            let wanted = vec![1.0; found.len()];
            let tolerance = Tolerance {
                atol: 1e-6,
                rtol: 0.0,
            };
            check(&format!("{widths:?}"), found, wanted, tolerance);
        }
        assert!(vectors(0, 0) == vectors(0, 0));
        assert!(vectors(0, 0) != vectors(1, 0) && vectors(0, 0) != vectors(0, 1));
        assert!(vectors(1, 0) != vectors(0, 1));
    }
}

#[test]
fn a_near_tie_of_opposite_signs_is_not_called_converged() {
    let (mlp, x, y, block) = oracle::near_tie();
    let tied = Point::of_oracle(&mlp, &x, &y);
    let dense = &dense_eigenvalues(&mlp, &x, &y)[block];
    assert!(dense[0] * dense[1] < 0.0 && (dense[1] / dense[0]).abs() > 0.9999);
    let (mlp, x, y, _) = oracle::negative_block();
    let untied = Point::of_oracle(&mlp, &x, &y);
    for (device, compute) in computes() {
        for form in FORMS {
            for spec in [cold(100, form), with_momentum(100, form)] {
                let sharpness = |point: &Point| {
                    let stats = probe(&mut point.trainer(&compute, spec, 1)).remove(0);
                    stats.layers[block].sharpness.expect("finite")
                };
                let (tied, untied) = (sharpness(&tied), sharpness(&untied));
                assert!(
                    !tied.converged && tied.residual > 1e-2,
                    "{device}: {tied:?}"
                );
                assert!(untied.converged, "{device}: {untied:?}");
            }
        }
    }
}

/// Where power iteration mixes the two, LOBPCG finds one of them.
#[test]
fn lobpcg_settles_a_near_tie_of_opposite_signs() {
    let (mlp, x, y, block) = oracle::near_tie();
    let point = Point::of_oracle(&mlp, &x, &y);
    let dense = &dense_eigenvalues(&mlp, &x, &y)[block];
    for (device, compute) in computes() {
        for form in FORMS {
            for iterations in [3, 4, 5, 6, 8, 40] {
                let spec = optimal(iterations, form);
                let stats = probe(&mut point.trainer(&compute, spec, 1)).remove(0);
                let found = stats.layers[block].sharpness.expect("finite");
                let what = format!("{device}, {form:?}, {iterations}: {found:?}, {dense:?}");
                let of_sign = if found.eigenvalue * dense[0] > 0.0 {
                    0
                } else {
                    1
                };
                let error = (found.eigenvalue / dense[of_sign] - 1.0).abs();
                assert!(!found.converged || error < 1e-5, "{what}");
                assert!(iterations < 40 || found.converged, "{what}");
            }
        }
    }
}

#[test]
fn both_forms_iterate_alike() {
    // Early iterates are far from any eigenvector: agreement there is not that of a common limit.
    for activation in [
        Activation::Relu,
        Activation::Crelu,
        Activation::Tanh,
        Activation::LeakyRelu,
    ] {
        let point = Point::random(&[37, 30, 21, 5], activation, 19, 40);
        let methods = [ProbeMethod::Power, ProbeMethod::Lobpcg];
        let numbers = [1, 2, 3, 7].into_iter();
        for (iterations, method) in numbers.flat_map(|number| methods.map(|m| (number, m))) {
            let [gradients, vectors] = FORMS.map(|form| {
                let spec = ProbeSpec {
                    method,
                    ..cold(iterations, form)
                };
                probe(&mut point.trainer(&Compute::Cpu, spec, 1)).remove(0)
            });
            let what = format!("{activation:?}, {method:?}, {iterations} iterations");
            let tolerance = Tolerance {
                atol: 0.0,
                rtol: 2e-4,
            };
            check(
                &what,
                eigenvalues(&gradients),
                eigenvalues(&vectors),
                tolerance,
            );
            let residuals = |stats: &ProbeStats| {
                let residual = |layer: LayerStats| layer.sharpness.expect("finite").residual;
                all(stats).into_iter().map(residual).collect()
            };
            let tolerance = Tolerance {
                atol: 1e-6,
                ..tolerance
            };
            check(&what, residuals(&gradients), residuals(&vectors), tolerance);
        }
    }
}

#[test]
fn a_tolerance_stops_early_and_a_warm_start_earlier() {
    for (device, compute) in computes() {
        let point = Point::random(&[20, 16, 12, 5], Activation::Relu, 24, 7);
        let exact = probe(&mut point.trainer(&compute, cold(1000, IterateForm::Auto), 1)).remove(0);
        for method in [ProbeMethod::Power, ProbeMethod::Lobpcg] {
            let spec = ProbeSpec {
                method,
                iterations: 300,
                tolerance: 0.02,
                ..ProbeSpec::default()
            };
            let mut trainer = point.trainer(&compute, spec, 1);
            let first = probe(&mut trainer).remove(0);
            trainer.update(1).unwrap();
            let second = probe(&mut trainer).remove(0);
            let pairs = all(&first).into_iter().zip(all(&second)).zip(all(&exact));
            for ((cold, warm), exact) in pairs {
                let [cold, warm, exact] = [cold, warm, exact].map(|s| s.sharpness.expect("finite"));
                let what = format!("{device}, {method:?}: {cold:?}, {warm:?}, {exact:?}");
                assert!(cold.converged && warm.converged, "{what}");
                assert!((3..300).contains(&cold.iterations), "{what}");
                assert!(2 * warm.iterations < cold.iterations, "{what}");
                let error = (cold.eigenvalue / exact.eigenvalue - 1.0).abs();
                assert!(error < 0.02, "{what}");
            }
        }
    }
}

#[test]
fn momentum_and_lobpcg_find_the_same_eigenvalues_sooner() {
    // Only close runners-up count: where there is none, plain power iteration is the faster one.
    let is_close = |block: &Block| block.second_abs > 0.8 * block.lambda.abs();
    let mut iterations = [0, 0, 0];
    let [plain, with_momentum, optimal] = [
        cold(400, IterateForm::Auto),
        with_momentum(400, IterateForm::Auto),
        optimal(400, IterateForm::Auto),
    ];
    for name in CASES {
        let case = curvature(name);
        let blocks: Vec<_> = case.blocks.iter().chain([&case.network]).collect();
        let wanted: Vec<_> = blocks.iter().map(|block| block.lambda).collect();
        let specs = [plain, with_momentum, optimal].into_iter();
        for (spec, iterations) in specs.zip(&mut iterations) {
            let spec = ProbeSpec {
                tolerance: 1e-3,
                ..spec
            };
            let stats = probe(&mut Point::from(&case).trainer(&Compute::Cpu, spec, 1)).remove(0);
            let what = format!("{name}, {spec:?}");
            check(&what, eigenvalues(&stats), wanted.clone(), EIGENVALUE);
            for (layer, block) in all(&stats).into_iter().zip(&blocks) {
                let sharpness = layer.sharpness.expect("finite");
                assert!(sharpness.converged, "{what}: {sharpness:?}");
                *iterations += u32::from(is_close(block)) * sharpness.iterations;
            }
        }
    }
    let [plain, with_momentum, optimal] = iterations;
    let what = format!("{plain} iterations, {with_momentum} with momentum, {optimal} optimal");
    assert!(with_momentum > 0 && 3 * with_momentum < 2 * plain, "{what}");
    assert!(optimal > 0 && 3 * optimal < 2 * with_momentum, "{what}");
}

#[test]
fn effective_steps_and_norms_equal_pytorch_after_five_updates() {
    for (device, compute) in computes() {
        for name in CASES {
            let case = curvature(name);
            let adam: AfterFive = read(&format!("step_{name}"));
            // The two files have the same point but for their batch's random draw: only the first's
            // parameters and batch are used, so the point is read from there.
            let point = Point::from(&read::<StepPoint>(&format!("step_{name}")));
            let replica = ReplicaSpec {
                step_size: adam.step_size as f32,
                optimiser: Optimiser::Adam {
                    beta1: adam.beta1 as f32,
                    beta2: adam.beta2 as f32,
                    epsilon: adam.epsilon as f32,
                },
                l2: case.l2 as f32,
                ..ReplicaSpec::default()
            };
            let mut trainer =
                point.trainer_of(&compute, cold(1, IterateForm::Auto), vec![replica; 2]);
            assert_eq!(probe(&mut trainer)[0].layers[0].effective_step, None);
            trainer.update(4).unwrap();
            let before = trainer.parameters().unwrap().remove(1);
            trainer.update(1).unwrap();
            let after = trainer.parameters().unwrap().remove(1);
            let stats = probe(&mut trainer).remove(1);
            let found = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect::<Vec<_>>();
            let norm = |layer: &[f64]| dot(layer, layer).sqrt();
            let what = format!("{name}, {device}");
            let tolerance = Tolerance {
                atol: 0.0,
                rtol: 1e-4,
            };
            check(
                &format!("effective step, {what}"),
                found(|layer| layer.effective_step.expect("updated")),
                adam.effective_step,
                tolerance,
            );
            let weight_norms = adam
                .after_5
                .iter()
                .map(|layer| norm(&[layer.weight.clone(), layer.bias.clone()].concat()));
            check(
                &format!("weight norm, {what}"),
                found(|layer| layer.weight_norm),
                weight_norms.collect(),
                tolerance,
            );
            let update_norms = before.into_iter().zip(after).map(|(before, after)| {
                let (before, after) = (numbers(&[before]), numbers(&[after]));
                let update: Vec<_> = before.iter().zip(after).map(|(b, a)| a - b).collect();
                norm(&update)
            });
            check(
                &format!("update norm, {what}"),
                found(|layer| layer.update_norm),
                update_norms.collect(),
                tolerance,
            );
            assert_eq!(stats.update, 5);
        }
    }
}

/// What the file of updates by SGD says about the state after five of them.
#[derive(Deserialize)]
struct AfterFiveSgd {
    step_size: f64,
    momentum: f64,
    l2: f64,
    effective_step: f64,
    update_norm: Vec<f64>,
}

#[test]
fn effective_steps_and_update_norms_of_sgd_equal_pytorch_and_the_geometric_series() {
    let tolerance = Tolerance {
        atol: 0.0,
        rtol: 1e-5,
    };
    for (device, compute) in computes() {
        for name in SGD_CASES {
            let what = format!("{name}, {device}");
            let sgd: AfterFiveSgd = read(&format!("sgd_{name}"));
            let point = Point::from(&read::<StepPoint>(&format!("sgd_{name}")));
            let replica = ReplicaSpec {
                step_size: sgd.step_size as f32,
                optimiser: Optimiser::Sgd {
                    momentum: sgd.momentum as f32,
                },
                l2: sgd.l2 as f32,
                ..ReplicaSpec::default()
            };
            // An Adam replica in front: each is measured by its own rule.
            let replicas = vec![ReplicaSpec::default(), replica];
            let mut trainer = point.trainer_of(&compute, cold(1, IterateForm::Auto), replicas);
            let before = probe(&mut trainer).remove(1);
            assert_eq!(before.layers[0].effective_step, None, "{what}");
            assert_eq!(before.network.update_norm, 0.0, "{what}");
            for update in 1..=5 {
                trainer.update(1).unwrap();
                let stats = probe(&mut trainer).remove(1);
                let series: f64 = (0..update).map(|k| sgd.momentum.powi(k)).sum();
                let found = all(&stats).into_iter();
                check(
                    &format!("effective step after {update}, {what}"),
                    found.map(|s| s.effective_step.expect("updated")).collect(),
                    vec![sgd.step_size * series; stats.layers.len() + 1],
                    tolerance,
                );
            }
            let stats = probe(&mut trainer).remove(1);
            let effective_step = stats.network.effective_step.expect("updated");
            check(
                &what,
                vec![effective_step],
                vec![sgd.effective_step],
                tolerance,
            );
            let network = dot(&sgd.update_norm, &sgd.update_norm).sqrt();
            check(
                &format!("update norm, {what}"),
                all(&stats).iter().map(|layer| layer.update_norm).collect(),
                [&sgd.update_norm[..], &[network]].concat(),
                Tolerance {
                    atol: 1e-6,
                    rtol: 1e-4,
                },
            );
        }
    }
}

#[test]
fn effective_steps_hold_for_every_momentum() {
    let point = Point::random(&[3, 4, 2], Activation::Tanh, 3, 5);
    let momenta = [0.0, 1e-30, 1e-9, 1e-7, 1e-4, 1e-2, 0.5, 0.99, 0.999];
    let replica = |momentum| ReplicaSpec {
        step_size: 0.0,
        optimiser: Optimiser::Sgd { momentum },
        ..ReplicaSpec::default()
    };
    // Of a step size of zero nothing diverges; probed is what the next update would use.
    for (device, compute) in computes() {
        let replicas = momenta.map(replica).to_vec();
        let mut trainer = point.trainer_of(&compute, cold(1, IterateForm::Auto), replicas);
        trainer.update(3).unwrap();
        for replica in 0..momenta.len() {
            trainer.set_step_sizes(replica, &[1.0; 2]).unwrap();
        }
        let found = probe(&mut trainer).into_iter();
        let found = found.map(|stats| stats.network.effective_step.expect("updated"));
        let wanted = momenta.map(|m| 1.0 + f64::from(m) + f64::from(m).powi(2));
        check(
            &device,
            found.collect(),
            wanted.to_vec(),
            Tolerance {
                atol: 0.0,
                rtol: 3e-4,
            },
        );
    }
}

#[test]
fn second_moments_are_means_over_all_parameters() {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let pixels = 10;
    let bytes: Vec<u8> = (0..40 * pixels).map(|i| (i * 37 % 251) as u8).collect();
    let replica = |seed, optimiser| ReplicaSpec {
        seed,
        optimiser,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::mlp(&[pixels, 9, 7, 3], Activation::Crelu).unwrap(),
        batch: 5,
        replicas: vec![
            replica(1, Optimiser::default()),
            replica(2, Optimiser::Sgd { momentum: 0.9 }),
            replica(3, Optimiser::default()),
        ],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels as usize, 0.5, 0.3).unwrap(),
            subset: 20,
            epochs: 3,
            relabel_fraction: 1.0,
        }),
        probe: Some(cold(1, IterateForm::Auto)),
    };
    let program = Program::new(&spec).unwrap();
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
        let mut run = Run::new(&compute, &program);
        assert!(
            probe(&mut trainer)
                .iter()
                .flat_map(all)
                .all(|layer| layer.second_moment == 0.0),
            "{device}: before the first update"
        );
        trainer.train(7).unwrap();
        run.steps(7);
        for (r, stats) in probe(&mut trainer).iter().enumerate() {
            let found: Vec<_> = all(stats).iter().map(|layer| layer.second_moment).collect();
            if r == 1 {
                assert_eq!(found, [0.0; 4], "{device}");
                continue;
            }
            let stored = run.words(program.names.second_moment, r);
            let moments = spec.network.unpack(bytemuck::cast_slice(&stored)).unwrap();
            let layers: Vec<_> = moments
                .iter()
                .map(|layer| numbers(std::slice::from_ref(layer)))
                .collect();
            let means = layers.iter().map(|layer| mean(layer));
            let wanted: Vec<_> = means.chain([mean(&layers.concat())]).collect();
            let tolerance = Tolerance {
                atol: 0.0,
                rtol: 1e-5,
            };
            check(
                &format!("{device}, replica {r}"),
                found.clone(),
                wanted,
                tolerance,
            );
            // The negative control: weights alone have another mean.
            let weights = numbers(&moments[..1])[..90].to_vec();
            assert!(compare([found[0]], [mean(&weights)], tolerance).is_err());
        }
    }
}

/// The point of a file of training steps.
#[derive(Deserialize)]
struct StepPoint {
    activation: String,
    widths: Vec<u32>,
    batch: u32,
    l2: f64,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
}

impl From<&StepPoint> for Point {
    fn from(point: &StepPoint) -> Self {
        Self {
            network: Network::mlp(&point.widths, activation(&point.activation)).unwrap(),
            batch: point.batch,
            l2: point.l2 as f32,
            x: single(&point.x),
            y: point.y.clone(),
            parameters: parameters(&point.layers),
        }
    }
}

/// Three replicas on a small stream of random labels.
fn on_a_stream(probe: Option<ProbeSpec>) -> TrainingSpec {
    let pixels = 12;
    let bytes: Vec<u8> = (0..40 * pixels).map(|i| (i * 37 % 251) as u8).collect();
    TrainingSpec {
        network: Network::mlp(&[pixels, 9, 7, 3], Activation::Crelu).unwrap(),
        batch: 5,
        replicas: (1..4)
            .map(|seed| ReplicaSpec {
                seed,
                l2: 1e-3,
                ..ReplicaSpec::default()
            })
            .collect(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels as usize, 0.5, 0.3).unwrap(),
            subset: 20,
            epochs: 3,
            relabel_fraction: 1.0,
        }),
        probe,
    }
}

#[test]
fn probing_leaves_training_untouched_and_repeats_itself() {
    // Products enough for a second refresh.
    let often = ProbeSpec {
        iterations: 35,
        tolerance: 1e-4,
        ..ProbeSpec::default()
    };
    for (device, compute) in computes() {
        let trained = |spec: Option<ProbeSpec>| {
            let mut trainer = Trainer::new(&compute, on_a_stream(spec)).unwrap();
            let mut stats = Vec::new();
            for _ in 0..6 {
                trainer.train(5).unwrap();
                if spec.is_some() {
                    stats.push(probe(&mut trainer));
                }
            }
            let scores = trainer.progress().unwrap();
            (trainer.parameters().unwrap(), scores, stats)
        };
        let (with, without) = (trained(Some(often)), trained(None));
        assert_eq!(with.0, without.0, "{device}");
        assert_eq!(with.1, without.1, "{device}");
        assert_eq!(with.2.len(), 6);
        assert!(
            with == trained(Some(often)),
            "{device}: other bits the second time"
        );
    }
}

/// The step after a probe takes the probe's gradients over, unless they are no longer those of the parameters.
#[test]
fn a_step_after_a_probe_takes_what_was_written_since() {
    type Change = fn(&mut Trainer);
    let nothing: Change = |_| {};
    let changes: [(&str, Change); 3] = [
        ("step sizes", |trainer| {
            trainer.set_step_sizes(1, &[3e-3, 2e-3, 0.0]).unwrap();
        }),
        ("parameters", |trainer| {
            let mut parameters = trainer.parameters().unwrap().swap_remove(0);
            parameters[1].weight[2] += 0.5;
            trainer.write_parameters(1, &parameters).unwrap();
        }),
        ("a snapshot", |trainer| {
            let before = trainer.snapshot().unwrap();
            trainer.train(2).unwrap();
            trainer.probe().unwrap();
            trainer.restore(&before).unwrap();
        }),
    ];
    for (device, compute) in computes() {
        let trained = |is_probed: bool, change: Change| {
            let spec = on_a_stream(Some(ProbeSpec::default()));
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            trainer.train(13).unwrap();
            if is_probed {
                probe(&mut trainer);
            }
            change(&mut trainer);
            trainer.train(2).unwrap();
            (trainer.parameters().unwrap(), trainer.progress().unwrap())
        };
        let unchanged = trained(false, nothing);
        for (what, change) in changes {
            let (probed, plain) = (trained(true, change), trained(false, change));
            assert!(probed == plain, "{device}: {what}");
            let has_changed = plain != unchanged;
            assert_eq!(has_changed, what != "a snapshot", "{device}: {what}");
        }
    }
}

#[test]
fn a_replica_is_probed_alone_as_among_others() {
    let point = Point::random(&[9, 8, 7, 4], Activation::Tanh, 6, 5);
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    for (device, compute) in computes() {
        for form in FORMS {
            let spec = optimal(36, form);
            let probed = |seeds: &[u32]| {
                let replicas = seeds.iter().copied().map(replica).collect();
                probe(&mut point.trainer_of(&compute, spec, replicas))
            };
            let together = probed(&[3, 4, 5]);
            assert!(together[1] == probed(&[4])[0], "{device}, {form:?}");
            assert!(
                together[1] != together[2],
                "{device}, {form:?}: seeds count"
            );
        }
    }
}

#[test]
fn a_network_that_is_not_finite_is_reported_and_leaves_no_trace() {
    for (device, compute) in computes() {
        let point = Point::random(&[6, 5, 3], Activation::Tanh, 4, 3);
        let spec = ProbeSpec {
            iterations: 200,
            tolerance: 1e-2,
            ..ProbeSpec::default()
        };
        let mut trainer = point.trainer(&compute, spec, 2);
        let before = probe(&mut trainer);
        let mut broken = point.parameters.clone();
        broken[1].weight[4] = f32::NAN;
        trainer.write_parameters(0, &broken).unwrap();
        let stats = trainer.probe().unwrap();
        let error = stats[0].as_ref().unwrap_err();
        assert_eq!((error.task, error.update), (0, 0), "{device}");
        assert!(stats[1].is_ok(), "{device}: the other replica is affected");
        trainer.write_parameters(0, &point.parameters).unwrap();
        let after = probe(&mut trainer);
        let tolerance = Tolerance {
            atol: 0.0,
            rtol: 1e-2,
        };
        check(
            &device,
            eigenvalues(&after[0]),
            eigenvalues(&before[0]),
            tolerance,
        );
        let iterations = after[0].network.sharpness.expect("finite").iterations;
        assert!(
            iterations <= 2,
            "{device}: the start vector was lost: {iterations}"
        );
    }
}

#[test]
fn a_dead_layer_has_no_curvature() {
    for (device, compute) in computes() {
        for spec in swift(5) {
            let mut point = Point::random(&[6, 5, 4, 3], Activation::Relu, 4, 3);
            point.parameters[0].bias.fill(-100.0);
            let stats = probe(&mut point.trainer(&compute, spec, 1)).remove(0);
            let dead = stats.layers[0].sharpness.expect("finite");
            assert_eq!((dead.eigenvalue, dead.residual), (0.0, 0.0), "{device}");
            assert!(dead.converged && dead.iterations == 1, "{device}: {dead:?}");
            let alive = stats.layers[2].sharpness.expect("finite");
            assert!(alive.eigenvalue > 1e-3, "{device}: {alive:?}");
        }
    }
}

#[test]
fn a_probe_must_be_asked_for_and_within_its_ranges() {
    let point = Point::random(&[4, 3, 2], Activation::Relu, 4, 3);
    let spec = |probe| TrainingSpec {
        network: point.network.clone(),
        batch: 4,
        replicas: vec![ReplicaSpec::default()],
        stream: None,
        probe,
    };
    let mut trainer = Trainer::new(&Compute::Cpu, spec(None)).unwrap();
    assert!(matches!(trainer.probe(), Err(Error::NoProbe)));
    let refused = |probe: ProbeSpec| spec(Some(probe)).check().unwrap_err().to_string();
    let of = |iterations, tolerance| ProbeSpec {
        iterations,
        tolerance,
        ..ProbeSpec::default()
    };
    assert_eq!(
        refused(of(0, 0.0)),
        "probe iterations: wanted 1 to 100,000, found 0"
    );
    for (tolerance, found) in [(-0.1, "-0.1"), (1.0, "1"), (f32::NAN, "NaN")] {
        assert_eq!(
            refused(of(5, tolerance)),
            format!("probe tolerance: wanted 0 or more, below 1, found {found}")
        );
    }
}
