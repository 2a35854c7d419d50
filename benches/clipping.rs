//! Compares a training step with update clipping to one without, on the CPU executor and on every adapter. Both run in turns in
//! one process, without L2 and with it. Prints a CSV table with a row for each round, and the median of the ratios on standard
//! error.
//!
//!     cargo bench --bench clipping

mod common;

use self::common::{IMAGES, spec, time_steps};
use trainable::spec::{TrainingSpec, UpdateClipping};
use trainable::{Backend, Compute, Trainer};

const ROUNDS: usize = 15;

fn main() {
    println!("device,l2,replicas,round,plain_ms,clipped_ms");
    for (backend, steps) in [
        (Backend::Cpu, 100),
        (Backend::Vulkan, 10),
        (Backend::Metal, 10),
    ] {
        let Ok((compute, chosen)) = Compute::open(backend) else {
            continue;
        };
        for (l2, replicas) in [(0.0, 1), (0.0, 8), (1e-3, 1), (1e-3, 8)] {
            let trainer = |spec| Trainer::new(&compute, spec).expect("the device fits");
            let mut plain = trainer(with_l2(spec(IMAGES, replicas, None), l2));
            let mut clipped = trainer(with_clipping(with_l2(spec(IMAGES, replicas, None), l2)));
            for trainer in [&mut plain, &mut clipped] {
                time_steps(trainer, 3);
            }
            let mut ratios: Vec<f64> = (0..ROUNDS)
                .map(|round| {
                    let [plain, clipped] = [&mut plain, &mut clipped].map(|trainer| {
                        1e3 * time_steps(trainer, steps).as_secs_f64() / f64::from(steps)
                    });
                    println!("\"{chosen}\",{l2},{replicas},{round},{plain:.4},{clipped:.4}");
                    clipped / plain
                })
                .collect();
            ratios.sort_by(f64::total_cmp);
            eprintln!(
                "{chosen}, L2 {l2}, {replicas} replicas: {:.3} times",
                ratios[ROUNDS / 2]
            );
        }
    }
}

fn with_l2(mut spec: TrainingSpec, l2: f32) -> TrainingSpec {
    for replica in &mut spec.replicas {
        replica.l2 = l2;
    }
    spec
}

fn with_clipping(mut spec: TrainingSpec) -> TrainingSpec {
    for replica in &mut spec.replicas {
        replica.update_clipping = Some(UpdateClipping::default());
    }
    spec
}
