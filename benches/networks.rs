//! Times a training step and a warm probe of LeNet and of the small transformer, as `benches/peers.py --network` times them in
//! JAX and PyTorch, on the CPU executor: minibatches of 64, random labels, Adam. Each round prints a row for one replica and one
//! for eight: milliseconds of a step of each replica, those of a default probe after 40 steps, and their ratio. An argument
//! is the number of rounds, 1 without one.

mod common;

use std::time::Instant;

use self::common::{spec, time_steps};
use trainable::network::{Activation, Architecture};
use trainable::probe::ProbeSpec;
use trainable::spec::TrainingSpec;
use trainable::{Compute, Trainer};

const BATCH: u32 = 64;
const CLASSES: u32 = 10;
const STEPS: u32 = 40;
const PROBES: usize = 5;

fn trainer(architecture: &Architecture, replicas: u32) -> Trainer {
    let network = architecture.network([1, 28, 28], CLASSES, &[], Activation::Relu);
    let spec = TrainingSpec {
        network: network.unwrap(),
        batch: BATCH,
        ..spec(STEPS * BATCH, replicas, Some(ProbeSpec::default()))
    };
    Trainer::new(&Compute::Cpu, spec).unwrap()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let argument = std::env::args().find_map(|argument| argument.parse().ok());
    let rounds: u32 = argument.unwrap_or(1);
    let [lenet, _, transformer] = Architecture::named();
    println!(
        "round | network | replicas | step of each, ms | warm probe of each, ms | steps in a probe"
    );
    for round in 1..=rounds {
        for (name, architecture) in [("lenet", &lenet), ("vit-small", &transformer)] {
            for replicas in [1, 8] {
                let mut trainer = trainer(architecture, replicas);
                time_steps(&mut trainer, STEPS);
                trainer.probe().unwrap();
                let (mut steps, mut probes) = (Vec::new(), Vec::new());
                for _ in 0..PROBES {
                    let step = time_steps(&mut trainer, STEPS) / (STEPS * replicas);
                    steps.push(step.as_secs_f64() * 1e3);
                    let start = Instant::now();
                    let stats = trainer.probe().unwrap();
                    probes.push(start.elapsed().as_secs_f64() * 1e3 / f64::from(replicas));
                    assert!(stats.iter().all(Result::is_ok));
                }
                let (step, probe) = (median(steps), median(probes));
                let ratio = probe / step;
                println!("{round} | {name} | {replicas} | {step:.3} | {probe:.1} | {ratio:.1}");
            }
        }
    }
}
