//! `trainable info`: the adapters of this machine, what would be chosen, and how fast a training step is there.

use std::time::{Duration, Instant};

use clap::Args;
use trainable::gpu::{AdapterSummary, adapters};
use trainable::network::{Activation, Network};
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};
use trainable::{Backend, Compute, Trainer, wgpu};

use super::{Failure, backend_parser, print};

/// What is to be looked at.
#[derive(Args)]
pub(crate) struct Options {
    /// Where to compute; auto takes a real GPU if there is one and else the CPU
    #[arg(long, default_value = "auto", value_parser = backend_parser())]
    backend: Backend,
    /// Networks that are trained in the same dispatches while the step is timed
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    replicas: u32,
}

/// The paper's network and minibatch.
const WIDTHS: [u32; 4] = [784, 256, 256, 10];
const BATCH: u32 = 256;

/// How long steps are timed, at least.
const TIMED: Duration = Duration::from_millis(500);

/// Looks, times and prints.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut text = String::new();
    for (summary, adapter) in pollster::block_on(adapters(wgpu::Backends::all())) {
        text += &describe(&summary, &adapter.limits());
    }
    if text.is_empty() {
        text += "no adapter: neither Vulkan, Metal, DirectX 12 nor OpenGL is there\n";
    }
    let (compute, chosen) = Compute::open(options.backend)?;
    text += &format!("\n--backend {}: {chosen}\n", options.backend.name());
    let spec = spec(options.replicas)?;
    let fit = match compute.replicas_that_fit(&spec)? {
        usize::MAX => "any number of".to_owned(),
        fit => fit.to_string(),
    };
    text += &format!("{WIDTHS:?} at batch {BATCH}: {fit} networks fit into one batch\n");
    let seconds = time_step(&compute, spec)?.as_secs_f64();
    let parameters = Network::new(&WIDTHS, Activation::Relu)?.parameter_count() as f64;
    // Forward, and backward twice: 6 flop per sample and parameter.
    let flop = 6.0 * f64::from(BATCH * options.replicas) * parameters;
    text += &format!(
        "a training step of {} of them: {:.3} ms ({:.1} GFLOP/s)\n",
        options.replicas,
        1e3 * seconds,
        1e-9 * flop / seconds,
    );
    print(&text)
}

fn describe(summary: &AdapterSummary, limits: &wgpu::Limits) -> String {
    let kind = if summary.is_hardware() {
        "hardware"
    } else {
        "software"
    };
    let mib = |bytes: u64| bytes >> 20;
    format!(
        "{summary}: {kind}\n    \
         buffers to {} MiB, bindings to {} MiB, {} storage buffers a stage, {} invocations and {} KiB a workgroup\n",
        mib(limits.max_buffer_size),
        mib(limits.max_storage_buffer_binding_size),
        limits.max_storage_buffers_per_shader_stage,
        limits.max_compute_invocations_per_workgroup,
        limits.max_compute_workgroup_storage_size >> 10,
    )
}

/// Training on images of noise: what they show does not change how long a step takes.
fn spec(replicas: u32) -> Result<TrainingSpec, trainable::Error> {
    let bytes: Vec<u8> = (0..4 * BATCH * WIDTHS[0])
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    Ok(TrainingSpec {
        network: Network::new(&WIDTHS, Activation::Relu)?,
        batch: BATCH,
        replicas: (0..replicas).map(replica).collect(),
        stream: Some(TaskStream {
            images: ImageSet::new(&bytes, WIDTHS[0] as usize, 0.5, 0.29)?,
            subset: 4 * BATCH,
            epochs: 100,
            relabel_fraction: 1.0,
        }),
        probe: None,
    })
}

/// The mean over as many steps as fit into [`TIMED`], after one to warm up.
fn time_step(compute: &Compute, spec: TrainingSpec) -> Result<Duration, trainable::Error> {
    let mut trainer = Trainer::new(compute, spec)?;
    let mut timed = |steps| {
        let start = Instant::now();
        trainer.train(steps)?;
        trainer.progress()?;
        Ok::<_, trainable::Error>(start.elapsed())
    };
    timed(1)?;
    let mut steps = 1;
    loop {
        let elapsed = timed(steps)?;
        if elapsed >= TIMED {
            return Ok(elapsed / steps);
        }
        steps *= 2;
    }
}
