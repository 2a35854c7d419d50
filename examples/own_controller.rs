//! Training steered by a controller of one's own.
//!
//! A controller decides the step size of every layer from what a probe measured. This one holds each layer's effective
//! step times its sharpness below about 2, where gradient descent on a quadratic becomes unstable: above 2 it lowers the
//! layer's step size, and below 2 it lets the step size recover.
//!
//! The host owns the device and submits the work. `Trainer` is steered the same way, and `experiment::run_with` takes
//! controllers for experiment files.
//!
//!     cargo run --release --example own_controller

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use trainable::gpu::{Gpu, present_adapters};
use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::scheduler::{Context, Controller, Observation, Scheduler, Statistics};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Engine, Error};

const STEP_SIZE: f32 = 1e-2;

/// The state is serialised with the scheduler, so that an interrupted run can go on.
#[derive(Default, Serialize, Deserialize)]
struct EdgeOfStability {
    /// Moving average of the effective step times the sharpness, by layer.
    products: Vec<f64>,
}

impl Controller for EdgeOfStability {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        self.products.resize(observation.layers.len(), 0.0);
        let layers = observation.layers.iter().zip(&mut self.products);
        let next = |((layer, product), eta): ((&Statistics, &mut f64), &f64)| {
            let alpha = layer.effective_step.unwrap_or(0.0);
            let sharpness = layer.sharpness.unwrap_or(0.0);
            *product += 0.5 * (alpha * sharpness - *product);
            let factor = if *product > 2.0 { 0.9 } else { 1.02 };
            (factor * eta).min(context.base_step_size)
        };
        layers.zip(context.step_sizes).map(next).collect()
    }
}

fn main() -> Result<()> {
    let adapters = pollster::block_on(present_adapters());
    let (name, adapter) = adapters.first().context("there is no GPU adapter")?;
    println!("on {name}");
    let gpu = pollster::block_on(Gpu::open(adapter))?;
    let mut engine = Engine::new(&gpu.device, training()?)?;
    let mut scheduler = Scheduler::new(EdgeOfStability::default(), STEP_SIZE.into(), 2, 0)?;
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    engine.encode_initialise(&mut encoder);
    for _ in 0..20 {
        engine.encode_steps(&mut encoder, 10)?;
        engine.encode_probe(&mut encoder)?;
        let readback = engine.encode_probe_stats(&gpu.device, &mut encoder)?;
        gpu.queue.submit([encoder.finish()]);
        encoder = gpu.device.create_command_encoder(&Default::default());
        // One result per replica: an error where the replica diverged.
        let stats = readback.wait()?.remove(0)?;
        let decision = scheduler.observe(&Observation::new(&stats, engine.spec(), 0)?)?;
        engine.set_step_sizes(&gpu.queue, 0, &decision.device_step_sizes())?;
        let (update, loss, next) = (stats.update, stats.loss, decision.step_sizes());
        println!("update {update:3}   loss {loss:.3}   step sizes {next:.5?}");
    }
    let saved = serde_json::to_string(scheduler.controller())?;
    println!("the controller's state: {saved}");
    Ok(())
}

/// A small network on random labels of noise.
fn training() -> Result<TrainingSpec, Error> {
    let pixels: Vec<u8> = (0..64 * 64_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    Ok(TrainingSpec {
        network: Network::mlp(&[64, 32, 10], Activation::Relu)?,
        batch: 32,
        replicas: vec![ReplicaSpec {
            step_size: STEP_SIZE,
            ..ReplicaSpec::default()
        }],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&pixels, 64, 0.5, 0.3)?,
            subset: 64,
            epochs: 50,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec::default()),
    })
}
