//! Training steered by a controller of one's own.
//!
//! The controller holds each layer's effective step times its sharpness below about 2, where gradient descent on a
//! quadratic becomes unstable: above 2 it lowers the layer's step size, and below 2 it lets the step size recover.
//! `Trainer` is steered the same way, and `experiment::run_with` takes controllers for experiment files.
//!
//!     cargo run --release --example own_controller

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use trainable::gpu::{Gpu, present_adapters};
use trainable::network::{Activation, Network};
use trainable::scheduler::{Context, Controller, Observation, Scheduler};
use trainable::spec::{ImageSet, ProbeSpec, ReplicaSpec, TaskStream, TrainingSpec};
use trainable::{Engine, data};

/// The state is serialised with the scheduler, so that an interrupted run can go on.
#[derive(Default, Serialize, Deserialize)]
struct EdgeOfStability {
    /// Moving average of the effective step times the sharpness, by layer.
    products: Vec<f64>,
}

impl Controller for EdgeOfStability {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        self.products.resize(observation.layers.len(), 0.0);
        let mut next = context.step_sizes.to_vec();
        for (k, layer) in observation.layers.iter().enumerate() {
            let product = layer.effective_step.unwrap_or(0.0) * layer.sharpness.unwrap_or(0.0);
            self.products[k] += 0.5 * (product - self.products[k]);
            let factor = if self.products[k] > 2.0 { 0.9 } else { 1.02 };
            next[k] = (factor * next[k]).min(context.base_step_size);
        }
        next
    }
}

fn main() -> Result<()> {
    let adapters = pollster::block_on(present_adapters());
    let (name, adapter) = adapters.first().context("no graphics adapter found")?;
    println!("on {name}");
    let gpu = pollster::block_on(Gpu::open(adapter))?;
    let images = ImageSet::training(&data::embedded()?)?;
    let spec = TrainingSpec {
        network: Network::mlp(&[images.pixels(), 32, 10], Activation::Relu)?,
        batch: 32,
        replicas: vec![ReplicaSpec {
            step_size: 1e-2,
            ..ReplicaSpec::default()
        }],
        stream: Some(TaskStream::random_labels(images, 64, 50)),
        probe: Some(ProbeSpec::default()),
    };
    let mut engine = Engine::new(&gpu.device, spec)?;
    let mut scheduler = Scheduler::for_replica(EdgeOfStability::default(), engine.spec(), 0)?;
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
