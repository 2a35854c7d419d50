//! The radix sort of parameter tensors against Rust's stable sort, on the CPU executor and on every adapter: the order,
//! stability, and completeness, at lengths around those of a workgroup and of a tile.

mod common;

use bytemuck::cast_slice;
use common::{gpus, noise, read_buffer};
use trainable::cpu::CpuExecutor;
use trainable::gpu::{Gpu, Recorder};
use trainable::network::{Activation, Network, Tensor};
use trainable::plan::{BufferId, Program, SortBuffers};
use trainable::spec::{ReplicaSpec, TrainingSpec};

const LENGTHS: [u32; 9] = [1, 2, 255, 256, 257, 4095, 4096, 4097, 70_000];

/// A function that gives an element's value from its place among `count` elements of a tensor.
type Pattern = fn(place: u32, count: u32) -> f32;

const PATTERNS: [Pattern; 5] = [many_ties, specials, random, sorted, reversed];

/// Returns the patterns for a length. The longest tensors have fewer of them, because software rasterisers are slow.
fn patterns(length: u32) -> &'static [Pattern] {
    if length > 10_000 {
        &PATTERNS[..2]
    } else {
        &PATTERNS
    }
}

fn random(place: u32, count: u32) -> f32 {
    noise(place ^ count, 1)[0]
}

fn many_ties(place: u32, _: u32) -> f32 {
    (random(place, 3) * 2.5).round()
}

fn specials(place: u32, _: u32) -> f32 {
    const SPECIALS: [f32; 12] = [
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-40,
        -1e-40,
        f32::from_bits(1),
        -f32::from_bits(1),
        1.0,
    ];
    SPECIALS[(random(place, 7).to_bits() >> 3) as usize % SPECIALS.len()]
}

fn sorted(place: u32, count: u32) -> f32 {
    place as f32 - 0.5 * count as f32
}

fn reversed(place: u32, count: u32) -> f32 {
    sorted(count - 1 - place, count)
}

/// Builds a program with tensors of `length`, `length`, `2 length` and 2 elements. Each pattern has a replica, and a last
/// replica is not sorted.
fn program(length: u32) -> (Network, Program) {
    let network = Network::mlp(&[1, length, 2], Activation::Identity).unwrap();
    let replica = |wasserstein| ReplicaSpec {
        wasserstein,
        ..ReplicaSpec::default()
    };
    let mut replicas = vec![replica(1.0); patterns(length).len()];
    replicas.push(replica(0.0));
    let spec = TrainingSpec {
        network: network.clone(),
        batch: 1,
        replicas,
        stream: None,
        probe: None,
    };
    (network, Program::new(&spec).unwrap())
}

/// Returns the places of a tensor's stored range that are not padding, in ascending order.
fn places(tensor: &Tensor) -> Vec<usize> {
    let mut places: Vec<_> = tensor.indices().collect();
    places.sort_unstable();
    places
}

fn parameters(network: &Network, pattern: Pattern) -> Vec<f32> {
    let mut stored = vec![0.0; network.parameter_stride()];
    for tensor in network.tensors() {
        let places = places(tensor);
        let count = places.len() as u32;
        for (place, number) in places.iter().zip(0..) {
            stored[*place] = pattern(number, count);
        }
    }
    stored
}

/// The keys and payloads of one replica.
#[derive(Clone)]
struct Sorted {
    keys: Vec<u32>,
    payloads: Vec<u32>,
}

fn key_of(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 31
    }
}

/// Compares every tensor with Rust's stable sort. Padding comes last, in its old order.
fn check(network: &Network, parameters: &[f32], found: &Sorted) -> Result<(), String> {
    for (number, tensor) in network.tensors().iter().enumerate() {
        let places = places(tensor);
        let mut wanted = places.clone();
        wanted.sort_by(|a, b| parameters[*a].total_cmp(&parameters[*b]));
        let keys = wanted.iter().map(|place| key_of(parameters[*place]));
        let padding: Vec<_> = tensor
            .stored()
            .filter(|place| places.binary_search(place).is_err())
            .collect();
        let keys: Vec<_> = keys.chain(padding.iter().map(|_| u32::MAX)).collect();
        wanted.extend(&padding);
        for (rank, i) in tensor.stored().enumerate() {
            let (key, place) = (found.keys[i], found.payloads[i] as usize);
            if (key, place) != (keys[rank], wanted[rank]) {
                let (wanted_key, wanted) = (keys[rank], wanted[rank]);
                return Err(format!(
                    "tensor {number}, rank {rank}: element {place} with key {key:x} instead of \
                     {wanted} with {wanted_key:x}"
                ));
            }
        }
    }
    Ok(())
}

fn sort_buffers(program: &Program) -> &SortBuffers {
    let own = &program.buffers.regularisers.wasserstein;
    &own.as_ref().expect("replicas with the regulariser").sort
}

/// Sorts every pattern by the plan that initialises reference parameters, and returns one entry per replica.
fn sort(network: &Network, program: &Program, gpu: Option<&Gpu>) -> Vec<Sorted> {
    let buffers = sort_buffers(program);
    let patterns = patterns(network.widths()[1]);
    let last = patterns.len() - 1;
    let all: Vec<_> = (0..=patterns.len())
        .map(|r| parameters(network, patterns[r.min(last)]))
        .collect();
    let split = |words: Vec<u32>| -> Vec<Vec<u32>> {
        let replicas = words.chunks(network.parameter_stride());
        replicas.map(<[u32]>::to_vec).collect()
    };
    let read: Box<dyn Fn(BufferId) -> Vec<Vec<u32>>> = match gpu {
        None => {
            let mut cpu = CpuExecutor::new(program);
            for (replica, stored) in all.iter().enumerate() {
                cpu.write(program.buffers.parameters, replica, stored);
            }
            cpu.run(&program.store_reference, 1);
            let replicas = all.len();
            Box::new(move |id| (0..replicas).map(|r| cpu.read(id, r).to_vec()).collect())
        }
        Some(gpu) => {
            let mut recorder = Recorder::new(&gpu.device, program).unwrap();
            let target = recorder.buffer(program.buffers.parameters);
            gpu.queue.write_buffer(target, 0, cast_slice(&all.concat()));
            let plan = recorder
                .prepare(&gpu.device, &program.store_reference)
                .unwrap();
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            plan.encode(&mut encoder, 1);
            gpu.queue.submit([encoder.finish()]);
            Box::new(move |id| split(read_buffer(&gpu.device, &gpu.queue, recorder.buffer(id))))
        }
    };
    let (keys, payloads) = (read(buffers.keys[0]), read(buffers.payloads[0]));
    keys.into_iter()
        .zip(payloads)
        .map(|(keys, payloads)| Sorted { keys, payloads })
        .collect()
}

fn check_all(gpu: Option<&Gpu>) {
    let device = gpu.map_or("CPU executor".to_owned(), |gpu| gpu.adapter.to_string());
    for length in LENGTHS {
        let (network, program) = program(length);
        let mut found = sort(&network, &program, gpu);
        let unsorted = found.pop().expect("the last replica");
        for (number, (found, pattern)) in found.iter().zip(patterns(length)).enumerate() {
            check(&network, &parameters(&network, *pattern), found).unwrap_or_else(|difference| {
                panic!("{device}, length {length}, pattern {number}, {difference}")
            });
        }
        let untouched = [unsorted.keys, unsorted.payloads].concat();
        assert!(untouched.iter().all(|word| *word == 0), "{device}");
    }
}

#[test]
fn the_cpu_executor_sorts_like_rust() {
    check_all(None);
}

#[test]
fn every_adapter_sorts_like_rust() {
    for gpu in gpus() {
        check_all(Some(&gpu));
    }
}

#[test]
fn patterns_hold_what_they_are_named_for() {
    let all = |pattern: Pattern| -> Vec<f32> { (0..257).map(|i| pattern(i, 257)).collect() };
    let mut distinct: Vec<_> = all(many_ties).iter().map(|x| key_of(*x)).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert!((3..=7).contains(&distinct.len()), "{distinct:?}");
    let specials = all(specials);
    let has = |wanted: f32| specials.iter().any(|x| x.to_bits() == wanted.to_bits());
    assert!(has(-0.0) && has(0.0) && has(f32::from_bits(1)) && has(f32::NEG_INFINITY));
    assert!(all(sorted).is_sorted() && !all(random).is_sorted());
    assert!(all(reversed).iter().rev().is_sorted());
}

#[test]
fn the_comparison_notices_exchanged_ties_and_lost_elements() {
    let (network, program) = program(257);
    let found = sort(&network, &program, None).swap_remove(0);
    let parameters = parameters(&network, many_ties);
    check(&network, &parameters, &found).unwrap();
    let first = network.tensors()[0].stored().start;
    assert_eq!(found.keys[first], found.keys[first + 1], "a tie");
    let mut unstable = found.clone();
    unstable.payloads.swap(first, first + 1);
    assert!(check(&network, &parameters, &unstable).is_err());
    let mut lost = found.clone();
    lost.payloads[first] = lost.payloads[first + 1];
    assert!(check(&network, &parameters, &lost).is_err());
    let mut changed = found;
    changed.keys[first] -= 1;
    assert!(check(&network, &parameters, &changed).is_err());
}
