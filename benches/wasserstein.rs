//! Times a training step of the paper's network, 784-256-256-10 at batch 256, without and with the Wasserstein
//! regulariser, on the CPU executor. Each round prints a row for one replica and one for a replica on each core: the
//! medians of chunks of steps, which take turns, and their ratio. An argument is the number of rounds, 1 without one.
//!
//! At last it prints how far one step moves the ranks of the first layer's weights, on which it depends whether the order
//! of the step before could be repaired.

mod common;

use self::common::{BATCH, spec, time_steps};
use trainable::{Compute, Trainer};

const CHUNKS: usize = 15;
const STEPS: u32 = 20;

fn trainer(replicas: u32, wasserstein: f32) -> Trainer {
    let mut spec = spec(4 * BATCH, replicas, None);
    for replica in &mut spec.replicas {
        replica.wasserstein = wasserstein;
    }
    let mut trainer = Trainer::new(&Compute::Cpu, spec).unwrap();
    time_step(&mut trainer);
    trainer
}

/// Trains some steps, and returns the milliseconds of one.
fn time_step(trainer: &mut Trainer) -> f64 {
    time_steps(trainer, STEPS).as_secs_f64() * 1e3 / f64::from(STEPS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The ranks of the first layer's weights.
fn ranks(trainer: &mut Trainer) -> Vec<usize> {
    let weights = trainer.parameters().unwrap().swap_remove(0).swap_remove(0);
    let mut order: Vec<_> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*a].total_cmp(&weights[*b]));
    let mut ranks = vec![0; weights.len()];
    for (rank, i) in order.into_iter().enumerate() {
        ranks[i] = rank;
    }
    ranks
}

/// Prints, after some numbers of steps, how many ranks the next step moves a weight of the first layer.
fn print_moved_ranks() {
    let mut trainer = trainer(1, 5e-4);
    for _ in 0..5 {
        trainer.train(100).unwrap();
        let before = ranks(&mut trainer);
        trainer.train(1).unwrap();
        let pairs = ranks(&mut trainer).into_iter().zip(&before);
        let mut moved: Vec<_> = pairs.map(|(rank, before)| rank.abs_diff(*before)).collect();
        moved.sort_unstable();
        let quantile = |tenths: usize| moved[(moved.len() - 1) * tenths / 10];
        let (median, ninth, count) = (quantile(5), quantile(9), moved.len());
        println!("ranks of {count} weights moved: median {median}, ninth decile {ninth}");
    }
}

fn main() {
    let argument = std::env::args().find_map(|argument| argument.parse().ok());
    let rounds: u32 = argument.unwrap_or(1);
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u32);
    let mut pairs = [1, cores].map(|replicas| {
        let pair = [0.0, 5e-4].map(|wasserstein| trainer(replicas, wasserstein));
        (replicas, pair)
    });
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
    print_moved_ranks();
}
