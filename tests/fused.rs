//! The gradient of the Wasserstein regulariser by the CPU executor's own function, against the dispatches that the function
//! replaces and against Rust's stable sort: the same bits, for parameters that are hard to sort by value.

mod common;

use common::noise;
use trainable::cpu::CpuExecutor;
use trainable::network::{Activation, Network, Tensor};
use trainable::plan::{Dispatch, FusedWork, Plan, Program};
use trainable::spec::{ReplicaSpec, TrainingSpec};

const FACTOR: f32 = 0.37;

/// The widths and the activation of a network.
type Size = (&'static [u32], Activation);

/// Sizes with padding, with a copy of the inputs, just past a tile, and with several pieces and many buckets.
const SIZES: [Size; 4] = [
    (&[1, 1, 2], Activation::Relu),
    (&[7, 17, 5, 3], Activation::Crelu),
    (&[17, 241, 17], Activation::Relu),
    (&[350, 203, 10], Activation::Crelu),
];

/// A function that gives an element's value from a random number in [-1, 1), its place, and the number of elements.
type Pattern = fn(random: f32, place: u32, count: u32) -> f32;

const PATTERNS: [(&str, Pattern); 14] = [
    ("even", |random, _, _| 0.1 * random),
    ("many near zero", |random, _, _| random.powi(9)),
    ("all equal", |_, _, _| 0.25),
    (
        "two zeros",
        |random, _, _| if random < 0.0 { -0.0 } else { 0.0 },
    ),
    ("few values", |random, _, _| (3.0 * random).round()),
    ("clipped", |random, _, _| random.clamp(-0.4, 0.6)),
    ("sorted", |_, place, count| place as f32 / count as f32),
    ("reversed", |_, place, count| (count - place) as f32),
    ("denormal", |random, _, _| random * 1e-39),
    (
        "one outlier",
        |random, place, _| if place == 3 { -1e30 } else { random },
    ),
    ("outliers in steps", |random, place, _| {
        if place.is_multiple_of(61) {
            1e6 * random
        } else {
            1e-3 * random
        }
    }),
    ("all exponents", |random, place, _| {
        random.signum() * f32::from_bits((random.abs() * 2.1e9) as u32 ^ (place & 1))
    }),
    ("infinite", |random, place, _| match place % 17 {
        0 => f32::INFINITY,
        1 => f32::NEG_INFINITY,
        2 => f32::MAX,
        3 => f32::MIN,
        _ => random,
    }),
    ("not a number", |random, place, _| match place % 13 {
        0 => f32::NAN,
        1 => -f32::NAN,
        2 => f32::from_bits(0x7f80_0001),
        3 => f32::INFINITY,
        _ => random,
    }),
];

/// Random numbers in [-1, 1), in an order that has nothing in common with that of another seed.
fn random(seed: u32, place: u32) -> f32 {
    noise(seed ^ place.wrapping_mul(0x9e37_79b9), 1)[0]
}

fn program((widths, activation): Size) -> (Network, Program) {
    let network = Network::mlp(widths, activation).unwrap();
    let replica = |wasserstein| ReplicaSpec {
        wasserstein,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: network.clone(),
        batch: 1,
        replicas: vec![replica(0.5 * FACTOR), replica(0.0)],
        stream: None,
        probe: None,
    };
    (network, Program::new(&spec).unwrap())
}

/// The elements of a tensor that are not padding, in stored order.
fn places(tensor: &Tensor) -> Vec<usize> {
    let mut places: Vec<_> = tensor.indices().collect();
    places.sort_unstable();
    places
}

fn parameters(network: &Network, seed: u32, pattern: Pattern) -> Vec<f32> {
    let mut stored = vec![0.0; network.parameter_stride()];
    for (tensor, number) in network.tensors().iter().zip(1..) {
        let places = places(tensor);
        let count = places.len() as u32;
        for (i, place) in places.iter().zip(0..) {
            stored[*i] = pattern(random(seed + 100 * number, place), place, count);
        }
    }
    stored
}

/// One case: the initial parameters, the present ones, and the gradients to which the regulariser adds.
struct Case {
    network: Network,
    program: Program,
    initial: Vec<f32>,
    present: Vec<f32>,
    gradients: Vec<f32>,
}

impl Case {
    fn new(size: Size, seed: u32, pattern: Pattern) -> Self {
        let (network, program) = program(size);
        let initial = parameters(&network, seed, |random, _, _| 0.1 * random);
        let present = parameters(&network, seed + 1, pattern);
        let gradient = |i: u32| {
            if i.is_multiple_of(5) {
                -0.0
            } else {
                random(seed + 2, i)
            }
        };
        let gradients = (0..network.parameter_stride() as u32).map(gradient);
        Self {
            gradients: gradients.collect(),
            network,
            program,
            initial,
            present,
        }
    }

    /// The dispatches that are fused in an update.
    fn dispatches(&self) -> Vec<Dispatch> {
        let update = &self.program.update.dispatches;
        let is_fused = |dispatch: &Dispatch| dispatch.fused.is_some();
        let first = update.iter().position(is_fused).expect("fused dispatches");
        let fused = update[first].fused.as_ref().expect("found");
        assert_eq!(fused.work, FusedWork::WassersteinGradient);
        let found = update[first..first + fused.dispatches].to_vec();
        assert!(!found[1..].iter().any(is_fused));
        found
    }

    /// Adds the regulariser's gradient to the gradients of both replicas.
    fn run(&self, dispatches: Vec<Dispatch>) -> [Vec<u32>; 2] {
        let buffers = &self.program.buffers;
        let mut cpu = CpuExecutor::new(&self.program);
        for replica in 0..2 {
            cpu.write(buffers.parameters, replica, &self.initial);
        }
        cpu.run(&self.program.store_reference, 1);
        for replica in 0..2 {
            cpu.write(buffers.parameters, replica, &self.present);
            cpu.write(buffers.gradients, replica, &self.gradients);
        }
        let name = "regulariser";
        cpu.run(&Plan { name, dispatches }, 1);
        [0, 1].map(|replica| cpu.read(buffers.gradients, replica).to_vec())
    }

    fn fused(&self) -> [Vec<u32>; 2] {
        self.run(self.dispatches())
    }

    fn by_dispatches(&self) -> [Vec<u32>; 2] {
        let mut dispatches = self.dispatches();
        dispatches[0].fused = None;
        self.run(dispatches)
    }

    /// The gradients by Rust's stable sort. `later` orders two elements with equal values.
    fn wanted(&self, later: fn(&usize, &usize) -> std::cmp::Ordering) -> Vec<u32> {
        let mut gradients = self.gradients.clone();
        for tensor in self.network.tensors() {
            let places = places(tensor);
            let mut initial: Vec<_> = places.iter().map(|i| self.initial[*i]).collect();
            initial.sort_by(f32::total_cmp);
            let mut ranked = places;
            let value = |i: &usize| self.present[*i];
            ranked.sort_by(|a, b| value(a).total_cmp(&value(b)).then(later(a, b)));
            for (i, initial) in ranked.iter().zip(initial) {
                gradients[*i] += FACTOR * (self.present[*i] - initial);
            }
        }
        gradients.iter().map(|g| g.to_bits()).collect()
    }
}

/// Compares bits; a NaN equals any other, because its payload has no meaning.
fn compare(found: &[u32], wanted: &[u32]) -> Result<(), String> {
    assert_eq!(found.len(), wanted.len());
    let is_nan = |bits: &u32| f32::from_bits(*bits).is_nan();
    let differs = |(a, b): (&u32, &u32)| a != b && !(is_nan(a) && is_nan(b));
    let Some(i) = found.iter().zip(wanted).position(differs) else {
        return Ok(());
    };
    let [a, b] = [found[i], wanted[i]].map(f32::from_bits);
    Err(format!("element {i}: {a:e} instead of {b:e}"))
}

#[test]
fn fused_dispatches_give_the_bits_of_the_dispatches_and_of_rusts_sort() {
    for size in SIZES {
        for (name, pattern) in PATTERNS {
            for seed in [10, 20, 30] {
                let case = Case::new(size, seed, pattern);
                let context = |difference| panic!("{size:?}, {name}, seed {seed}: {difference}");
                let [fused, left_alone] = case.fused();
                compare(&fused, &case.wanted(usize::cmp)).unwrap_or_else(context);
                let [dispatches, _] = case.by_dispatches();
                compare(&fused, &dispatches).unwrap_or_else(context);
                let before = case.gradients.iter().map(|g| g.to_bits());
                assert!(
                    left_alone.into_iter().eq(before),
                    "{name}: without the regulariser"
                );
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (name, pattern) in PATTERNS {
        let case = Case::new(SIZES[3], 40, pattern);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| case.fused())
        };
        let alone = with(1);
        for threads in [2, 5] {
            assert!(with(threads) == alone, "{name}, {threads} threads");
        }
    }
}

#[test]
fn the_comparison_notices_ties_ranks_and_padding() {
    let later_first = |a: &usize, b: &usize| b.cmp(a);
    for size in SIZES.into_iter().skip(1) {
        let case = Case::new(size, 10, PATTERNS[4].1);
        let [fused, before] = case.fused();
        compare(&fused, &case.wanted(usize::cmp)).unwrap();
        assert!(compare(&fused, &case.wanted(later_first)).is_err(), "ties");
        assert!(compare(&fused, &before).is_err(), "nothing added");
        let mut other = Case::new(size, 10, PATTERNS[4].1);
        other.initial.iter_mut().for_each(|x| *x *= 1.001);
        assert!(
            compare(&fused, &other.wanted(usize::cmp)).is_err(),
            "initial"
        );
        let mut signed = fused.clone();
        let zero = signed.iter().position(|bits| *bits == 1 << 31);
        if let Some(zero) = zero {
            signed[zero] = 0;
            assert!(compare(&fused, &signed).is_err(), "a zero's sign");
        } else {
            assert_eq!(size.0[1] % 4, 0, "padding keeps -0");
        }
    }
}

#[test]
fn patterns_hold_what_they_are_named_for() {
    let all = |pattern: Pattern| -> Vec<f32> {
        let value = |i| pattern(random(1, i), i, 5_000);
        (0..5_000).map(value).collect()
    };
    let of = |name: &str| {
        let found = PATTERNS.iter().find(|(other, _)| *other == name);
        all(found.expect("a pattern of this name").1)
    };
    let distinct = |name: &str| {
        let mut bits: Vec<_> = of(name).iter().map(|x| x.to_bits()).collect();
        bits.sort_unstable();
        bits.dedup();
        bits.len()
    };
    assert_eq!(distinct("all equal"), 1);
    assert_eq!(distinct("two zeros"), 2);
    assert!((5..=9).contains(&distinct("few values")));
    assert!(
        distinct("clipped") > 1_000 && of("clipped").iter().filter(|x| **x == 0.6).count() > 500
    );
    assert!(distinct("even") > 4_500 && distinct("all exponents") > 4_500);
    assert!(of("sorted").is_sorted() && of("reversed").iter().rev().is_sorted());
    assert!(of("denormal").iter().all(|x| x.is_subnormal() || *x == 0.0));
    assert_eq!(
        of("one outlier").iter().filter(|x| x.abs() > 1.0).count(),
        1
    );
    let (infinite, nan) = (of("infinite"), of("not a number"));
    assert!(infinite.contains(&f32::INFINITY) && infinite.contains(&f32::NEG_INFINITY));
    let signs: Vec<_> = nan
        .iter()
        .filter(|x| x.is_nan())
        .map(|x| x.is_sign_negative())
        .collect();
    assert!(signs.contains(&true) && signs.contains(&false));
}
