//! Times a training step of the paper's network, 784-256-256-10 at batch 256, without and with the Wasserstein
//! regulariser, on the CPU executor. Each round prints a row for one replica and one for a replica on each core: the
//! medians of chunks of steps, which take turns, and their ratio. An argument is the number of rounds, 1 without one.

use std::time::Instant;

use trainable::network::{Activation, Network};
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};
use trainable::{Compute, Trainer};

const BATCH: u32 = 256;
const CHUNKS: usize = 15;
const STEPS: u32 = 20;

fn trainer(replicas: u32, wasserstein: f32) -> Trainer {
    let bytes: Vec<u8> = (0..4 * BATCH * 784)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let images = ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap();
    let replica = |seed| ReplicaSpec {
        seed,
        wasserstein,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::mlp(&[784, 256, 256, 10], Activation::Relu).unwrap(),
        batch: BATCH,
        replicas: (0..replicas).map(replica).collect(),
        stream: Some(TaskStream::random_labels(images, 4 * BATCH, 100)),
        probe: None,
    };
    let mut trainer = Trainer::new(&Compute::Cpu, spec).unwrap();
    time_step(&mut trainer);
    trainer
}

/// Trains some steps, and returns the milliseconds of one.
fn time_step(trainer: &mut Trainer) -> f64 {
    let start = Instant::now();
    trainer.train(STEPS).unwrap();
    let progress = trainer.progress().unwrap();
    let elapsed = start.elapsed();
    assert!(progress.iter().all(|replica| replica.halted.is_none()));
    elapsed.as_secs_f64() * 1e3 / f64::from(STEPS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let argument = std::env::args().find_map(|argument| argument.parse().ok());
    let rounds: u32 = argument.unwrap_or(1);
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u32);
    let pairs = [1, cores].map(|replicas| {
        let pair = [0.0, 5e-4].map(|wasserstein| trainer(replicas, wasserstein));
        (replicas, pair)
    });
    let mut pairs = pairs;
    for round in 1..=rounds {
        for (replicas, pair) in &mut pairs {
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..CHUNKS {
                for (trainer, times) in pair.iter_mut().zip(&mut times) {
                    times.push(time_step(trainer));
                }
            }
            let [plain, wasserstein] = times.map(median);
            let ratio = wasserstein / plain;
            println!("{round} | {replicas} | {plain:.3} | {wasserstein:.3} | {ratio:.2} |");
        }
    }
}
