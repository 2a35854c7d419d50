//! Times one training step of the paper's network, 784-256-256-10 at batch 256, with 1, 2 and 8 replicas, on the CPU
//! executor and on every adapter. Criterion's throughput is nominal: 6 flop per sample and parameter for each replica. Its
//! unit "elem/s" stands for flop/s.

mod common;

use std::time::Duration;

use self::common::{BATCH, IMAGES, spec, time_steps};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use trainable::{Backend, Compute, Trainer};

fn train_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train_step");
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
        for replicas in [1, 2, 8] {
            let mut trainer = Trainer::new(&compute, spec(IMAGES, replicas, None)).unwrap();
            let parameters = trainer.spec().network.parameter_count() as u64;
            let flop = 6 * u64::from(BATCH) * parameters * u64::from(replicas);
            time_steps(&mut trainer, 3);
            group.throughput(Throughput::Elements(flop));
            group.bench_function(BenchmarkId::new(name, replicas), |bencher| {
                bencher.iter_custom(|steps| time_steps(&mut trainer, steps as u32));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, train_step);
criterion_main!(benches);
