//! Curvature and gradient noise of a PyTorch network, layer by layer, computed with the library.
//!
//! `train.py` beside this file trains a small network with PyTorch, and saves it with a minibatch:
//!
//!     pip install torch safetensors
//!     python examples/probe_pytorch/train.py
//!     cargo run --release --example probe_pytorch -- net.safetensors batch.safetensors
//!
//! `trainable probe` does the same on the command line, with options.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use trainable::network::Activation;
use trainable::probe::{LayerStats, ProbeSpec, ProbeStart};
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::tensors::{read_batch, read_network};
use trainable::{Backend, Compute, Trainer};

/// Probes a ReLU network on a minibatch.
#[derive(Parser)]
struct Options {
    /// The network: fc1.weight [out, in], fc1.bias [out], fc2.weight, ...
    network: PathBuf,
    /// The minibatch: inputs x [B, in] and labels y [B]
    batch: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let read = read_network(&options.network, Activation::Relu)?;
    let batch = read_batch(&options.batch, &read.network)?;
    let spec = TrainingSpec {
        network: read.network,
        batch: batch.size,
        replicas: vec![ReplicaSpec::default()],
        // There is no stream: nothing is trained, and the minibatch is given.
        stream: None,
        probe: Some(ProbeSpec {
            iterations: 1_000,
            tolerance: 1e-3,
            start: ProbeStart::Cold,
            ..ProbeSpec::default()
        }),
    };
    let (compute, chosen) = Compute::open(Backend::Auto)?;
    let mut trainer = Trainer::new(&compute, spec)?;
    trainer.write_parameters(0, &read.parameters)?;
    trainer.write_batch(0, &batch.inputs, &batch.labels)?;
    let stats = trainer.probe()?.swap_remove(0)?;

    println!("{chosen}");
    println!("loss {:.4}, accuracy {:.4}", stats.loss, stats.accuracy);
    for (name, layer) in read.names.iter().zip(&stats.layers) {
        print_row(name, layer, batch.size);
    }
    print_row("network", &stats.network, batch.size);
    Ok(())
}

fn print_row(name: &str, stats: &LayerStats, batch: u32) {
    let sharpness = match stats.sharpness {
        Some(found) => format!("{:.4} (residual {:.0e})", found.eigenvalue, found.residual),
        None => "not finite".to_owned(),
    };
    println!(
        "{name:8} sharpness {sharpness:26} gradient variance {:<10.4} noise bound {:.4}",
        stats.grad_variance,
        stats.noise_bound(batch),
    );
}
