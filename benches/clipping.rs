//! Compares a training step with update clipping to one without, on the CPU executor and on every adapter. Both run in turns in
//! one process. Prints a CSV table with a row for each round, and the median of the ratios on standard error.
//!
//!     cargo bench --bench clipping

mod common;

use std::time::{Duration, Instant};

use trainable::spec::{TrainingSpec, UpdateClipping};
use trainable::{Backend, Compute, Trainer};

const ROUNDS: usize = 15;

fn main() {
    println!("device,replicas,round,plain_ms,clipped_ms");
    for (backend, steps) in [
        (Backend::Cpu, 100),
        (Backend::Vulkan, 10),
        (Backend::Metal, 10),
    ] {
        let Ok((compute, chosen)) = Compute::open(backend) else {
            continue;
        };
        for replicas in [1, 8] {
            let trainer = |spec| Trainer::new(&compute, spec).expect("the device fits");
            let mut plain = trainer(common::spec(replicas, None));
            let mut clipped = trainer(with_clipping(common::spec(replicas, None)));
            for trainer in [&mut plain, &mut clipped] {
                time(trainer, 3);
            }
            let mut ratios: Vec<f64> = (0..ROUNDS)
                .map(|round| {
                    let [plain, clipped] = [&mut plain, &mut clipped]
                        .map(|trainer| 1e3 * time(trainer, steps).as_secs_f64() / f64::from(steps));
                    println!("\"{chosen}\",{replicas},{round},{plain:.4},{clipped:.4}");
                    clipped / plain
                })
                .collect();
            ratios.sort_by(f64::total_cmp);
            eprintln!(
                "{chosen}, {replicas} replicas: {:.3} times",
                ratios[ROUNDS / 2]
            );
        }
    }
}

fn with_clipping(mut spec: TrainingSpec) -> TrainingSpec {
    for replica in &mut spec.replicas {
        replica.update_clipping = Some(UpdateClipping::default());
    }
    spec
}

/// Trains `steps` steps, waits for them, and returns the time.
fn time(trainer: &mut Trainer, steps: u32) -> Duration {
    let start = Instant::now();
    trainer.train(steps).expect("steps");
    trainer.progress().expect("the device answers");
    start.elapsed()
}
