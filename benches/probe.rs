//! Times probes of the paper's network, 784-256-256-10 at batch 256, on random-label MNIST, on the CPU executor and on every
//! adapter.
//!
//! `probe_cold_100` measures gradient norms and variances, and runs 100 power iterations from random vectors for each of the
//! three blocks and for the whole network. `probe_warm` uses the default settings, every 40 steps of training. Before it is
//! timed, a line states how far its eigenvalues are from converged ones.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use trainable::network::{Activation, Network};
use trainable::probe::{LayerStats, ProbeMethod, ProbeSpec, ProbeStart, ProbeStats};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Backend, Compute, Trainer, data};

const COLD: ProbeSpec = ProbeSpec {
    method: ProbeMethod::Power,
    iterations: 100,
    tolerance: 0.0,
    start: ProbeStart::Cold,
    seed: 0,
    momentum: 0.0,
    form: trainable::probe::IterateForm::Auto,
};

/// Training steps between two probes.
const INTERVAL: u32 = 40;

/// Number of probes of one network, over two and a half tasks. A new network follows, because after many tasks this
/// network is dead and its probes are easy.
const PROBES: u32 = 25;

fn trainer(compute: &Compute, images: &ImageSet, probe: ProbeSpec) -> Trainer {
    let spec = TrainingSpec {
        network: Network::mlp(&[784, 256, 256, 10], Activation::Relu).unwrap(),
        batch: 256,
        replicas: vec![ReplicaSpec {
            seed: 1,
            ..ReplicaSpec::default()
        }],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: images.clone(),
            subset: 2_560,
            epochs: 40, // 400 steps a task
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(probe),
    };
    Trainer::new(compute, spec).unwrap()
}

fn probe(trainer: &mut Trainer) -> ProbeStats {
    trainer.probe().unwrap().remove(0).expect("finite")
}

/// Times warm probes of networks in training, one after the other.
struct WarmProbes<'a> {
    compute: &'a Compute,
    images: &'a ImageSet,
    trainer: Trainer,
    done: u32,
}

impl<'a> WarmProbes<'a> {
    fn new(compute: &'a Compute, images: &'a ImageSet) -> Self {
        let mut trainer = trainer(compute, images, ProbeSpec::default());
        trainer.train(INTERVAL).unwrap();
        probe(&mut trainer);
        Self {
            compute,
            images,
            trainer,
            done: 1,
        }
    }

    fn time_next(&mut self) -> Duration {
        if self.done == PROBES {
            *self = Self::new(self.compute, self.images);
        }
        self.done += 1;
        self.trainer.train(INTERVAL).unwrap();
        time_probe(&mut self.trainer)
    }
}

fn time_probe(trainer: &mut Trainer) -> Duration {
    let start = Instant::now();
    probe(trainer);
    start.elapsed()
}

/// Trains two replicas of the same run and prints how their probes differ. One has warm probes, the other long cold ones.
fn compare_with_converged(compute: &Compute, images: &ImageSet) {
    let converged = ProbeSpec {
        iterations: 3_000,
        tolerance: 1e-4,
        momentum: 0.94,
        ..COLD
    };
    let mut warm = trainer(compute, images, ProbeSpec::default());
    let mut cold = trainer(compute, images, converged);
    let all = |stats: &ProbeStats| -> Vec<LayerStats> {
        stats
            .layers
            .iter()
            .copied()
            .chain([stats.network])
            .collect()
    };
    let (mut errors, mut iterations) = (Vec::new(), 0);
    for number in 0..PROBES {
        warm.train(INTERVAL).unwrap();
        cold.train(INTERVAL).unwrap();
        for (warm, cold) in all(&probe(&mut warm)).iter().zip(all(&probe(&mut cold))) {
            if number == 0 {
                continue; // the first probe has no earlier vector to start from
            }
            let [warm, cold] = [warm, &cold].map(|stats| stats.sharpness.expect("finite"));
            errors.push((warm.eigenvalue / cold.eigenvalue - 1.0).abs());
            iterations += warm.iterations;
        }
    }
    errors.sort_by(f64::total_cmp);
    println!(
        "warm against converged: error {:.2}% at the median, {:.2}% at the ninth decile, {:.2}% at worst; \
         {:.1} iterations a block",
        100.0 * errors[errors.len() / 2],
        100.0 * errors[errors.len() * 9 / 10],
        100.0 * errors[errors.len() - 1],
        f64::from(iterations) / errors.len() as f64,
    );
}

fn probes(criterion: &mut Criterion) {
    let images = ImageSet::training(&data::embedded().unwrap()).unwrap();
    let mut group = criterion.benchmark_group("probe");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3));
    for (name, backend) in [
        ("cpu", Backend::Cpu),
        ("vulkan", Backend::Vulkan),
        ("metal", Backend::Metal),
        ("dx12", Backend::Dx12),
        ("gl", Backend::Gl),
    ] {
        let Ok((compute, chosen)) = Compute::open(backend) else {
            continue;
        };
        println!("{name}: {chosen}");
        if backend == Backend::Cpu {
            compare_with_converged(&compute, &images);
        }
        let mut cold = trainer(&compute, &images, COLD);
        group.bench_function(BenchmarkId::new("cold_100", name), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| time_probe(&mut cold)).sum());
        });
        let mut warm = WarmProbes::new(&compute, &images);
        group.bench_function(BenchmarkId::new("warm", name), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| warm.time_next()).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, probes);
criterion_main!(benches);
