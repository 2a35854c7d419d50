//! Hessian-vector products against PyTorch float64, against dense float64 Hessians, and on their own terms.

use crate::common::{Tolerance, computes, noise, read_buffer};
use crate::oracle;
use crate::point::{Point, curvature};
use crate::probes::{check, cold, dot, numbers};
use crate::reference::{CASES, flat, parameters};
use crate::small_networks::{describe, small_networks};
use trainable::Compute;
use trainable::cpu::CpuExecutor;
use trainable::gpu::Recorder;
use trainable::network::{Network, Parameters};
use trainable::plan::Program;
use trainable::probe::{IterateForm, ProbeSpec, ProbeStart};
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::state::ProbeSlot;

/// Computes H v for the whole network and for all blocks, `v` in PyTorch's layout, by the first iteration of a
/// probe. The program has three replicas, and the middle one is read.
pub(crate) fn hessian_vector_product(
    compute: &Compute,
    point: &Point,
    v: &[Vec<f32>],
) -> [Parameters; 2] {
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
    let own = program.buffers.probe.as_ref().unwrap();
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
        (program.buffers.labels, labels),
        (
            program.buffers.activations[0],
            bytemuck::cast_vec(pad(&point.x, point.network.inputs())),
        ),
        (
            program.buffers.parameters,
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

pub(crate) fn like(network: &Network, numbers: &[f64]) -> Parameters {
    let mut rest = numbers.iter().map(|number| *number as f32);
    let tensors = network.tensors().iter();
    tensors
        .map(|tensor| rest.by_ref().take(tensor.count()).collect())
        .collect()
}

/// A tolerance for each component: `factor` times the norm of the reference.
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
