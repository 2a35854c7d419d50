//! The forward pass without training: its logits against a float64 network, and no effect on the training around it.

mod common;
#[path = "common/oracle.rs"]
mod oracle;

use common::{Tolerance, compare, computes, gpus, noise};
use oracle::Mlp;
use trainable::network::{Activation, Network, Parameters};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Engine, Error, Trainer, wgpu};

/// The distance allowed between float32 and float64 over three layers.
const ONE_PASS: Tolerance = Tolerance {
    atol: 2e-6,
    rtol: 1e-5,
};

/// Widths and a batch size that all need padding.
const WIDTHS: [u32; 4] = [7, 6, 5, 3];
const BATCH: u32 = 5;

const ACTIVATIONS: [(Activation, oracle::Activation); 8] = [
    (Activation::Relu, oracle::Activation::Relu),
    (Activation::Crelu, oracle::Activation::Crelu),
    (Activation::Tanh, oracle::Activation::Tanh),
    (Activation::LeakyRelu, oracle::Activation::LeakyRelu),
    (Activation::Identity, oracle::Activation::Identity),
    (Activation::Gelu, oracle::Activation::Gelu),
    (Activation::Silu, oracle::Activation::Silu),
    (Activation::Fourier, oracle::Activation::Fourier),
];

fn spec(activation: Activation, replicas: usize) -> TrainingSpec {
    TrainingSpec {
        network: Network::mlp(&WIDTHS, activation).unwrap(),
        batch: BATCH,
        replicas: vec![ReplicaSpec::default(); replicas],
        stream: None,
        probe: None,
    }
}

fn mlp(activation: oracle::Activation, seed: u64) -> Mlp {
    Mlp::random(&WIDTHS.map(|width| width as usize), activation, 1.0, seed)
}

fn parameters(mlp: &Mlp) -> Parameters {
    let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
    let layers = mlp.layers.iter();
    layers
        .flat_map(|(weight, bias)| [single(weight), single(bias)])
        .collect()
}

/// Returns the logits `[batch, classes]` in float64.
fn wanted(mlp: &Mlp, inputs: &[f32]) -> Vec<f64> {
    let inputs: Vec<f64> = inputs.iter().map(|x| f64::from(*x)).collect();
    let logits = |x| mlp.forward(x).pop().expect("a layer").1;
    inputs.chunks(WIDTHS[0] as usize).flat_map(logits).collect()
}

fn inputs(seed: u32) -> Vec<f32> {
    noise(seed, (BATCH * WIDTHS[0]) as usize)
}

fn double(values: &[f32]) -> impl Iterator<Item = f64> {
    values.iter().map(|value| f64::from(*value))
}

#[test]
fn logits_equal_a_float64_network() {
    for (device, compute) in computes() {
        for (activation, in_oracle) in ACTIVATIONS {
            let mut trainer = Trainer::new(&compute, spec(activation, 3)).unwrap();
            for replica in 0..3 {
                let mlp = mlp(in_oracle, replica as u64);
                let inputs = inputs(replica as u32);
                let labels = [0; BATCH as usize];
                trainer.write_batch(replica, &inputs, &labels).unwrap();
                trainer
                    .write_parameters(replica, &parameters(&mlp))
                    .unwrap();
            }
            let found = trainer.forward().unwrap();
            assert_eq!(found.len(), 3);
            for (replica, logits) in found.iter().enumerate() {
                let mlp = mlp(in_oracle, replica as u64);
                let right = wanted(&mlp, &inputs(replica as u32));
                let fit = |values: &[f32]| compare(double(values), right.clone(), ONE_PASS);
                let context = format!("{device}, {activation:?}, replica {replica}");
                fit(logits).unwrap_or_else(|worst| panic!("{context}: {worst}"));
                // The negative control: the comparison notices another replica, one wrong element and a NaN.
                fit(&found[(replica + 1) % 3]).expect_err(&context);
                for wrong in [logits[4] + 1e-3, f32::NAN] {
                    let mut corrupt = logits.clone();
                    corrupt[4] = wrong;
                    fit(&corrupt).expect_err(&context);
                }
            }
        }
    }
}

/// Returns a stream of two tasks of random labels, with one probe in each.
fn stream_spec() -> TrainingSpec {
    let bytes: Vec<u8> = (0..16 * 7).map(|i| (i * 37 % 251) as u8).collect();
    TrainingSpec {
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, 7, 0.5, 0.3).unwrap(),
            subset: 15,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec {
            iterations: 3,
            ..ProbeSpec::default()
        }),
        ..spec(Activation::Crelu, 2)
    }
}

#[test]
fn training_and_probes_go_on_as_if_there_had_been_none() {
    for (device, compute) in computes() {
        let run = |forward: &mut dyn FnMut(&mut Trainer)| {
            let mut trainer = Trainer::new(&compute, stream_spec()).unwrap();
            let mut found = Vec::new();
            for steps in [3, 1, 4] {
                forward(&mut trainer);
                trainer.train(steps).unwrap();
                forward(&mut trainer);
                let probed = trainer.probe().unwrap();
                forward(&mut trainer);
                let indicators = trainer.indicators().ok();
                found.push((probed, indicators.map(|mut all| all.remove(0).unwrap())));
            }
            forward(&mut trainer);
            trainer.train(1).unwrap();
            (found, trainer.snapshot().unwrap())
        };
        let without = run(&mut |_| {});
        let with = run(&mut |trainer| drop(trainer.forward().unwrap()));
        assert!(without.0.iter().all(|(_, indicators)| indicators.is_some()));
        assert_eq!(with, without, "{device}");
        // The negative control: training on another minibatch changes the result.
        let disturbed = run(&mut |trainer| {
            trainer
                .write_batch(1, &inputs(1), &[0; BATCH as usize])
                .unwrap();
            trainer.update(1).unwrap();
        });
        assert_ne!(disturbed.1, without.1, "{device}");
    }
}

#[test]
fn a_minibatch_of_the_hosts_can_be_looked_at_between_steps_of_the_stream() {
    for (device, compute) in computes() {
        let run = |look: bool| {
            let mut trainer = Trainer::new(&compute, stream_spec()).unwrap();
            trainer.train(2).unwrap();
            trainer.probe().unwrap();
            if look {
                let labels = [0; BATCH as usize];
                trainer.write_batch(0, &inputs(9), &labels).unwrap();
                trainer.forward().unwrap();
            }
            trainer.train(3).unwrap();
            trainer.snapshot().unwrap()
        };
        assert_eq!(run(true), run(false), "{device}");
    }
}

#[test]
fn an_engine_gives_the_logits_of_a_trainer() {
    for gpu in gpus() {
        let spec = stream_spec();
        let mut trainer = Trainer::new(&Compute::Gpu(gpu.clone()), spec.clone()).unwrap();
        trainer.train(3).unwrap();
        let wanted = trainer.forward().unwrap();
        let run = |record: &mut dyn FnMut(&mut Engine, &mut wgpu::CommandEncoder)| {
            let mut engine = Engine::new(&gpu.device, spec.clone()).unwrap();
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            engine.encode_initialise(&mut encoder);
            engine.encode_steps(&mut encoder, 3).unwrap();
            record(&mut engine, &mut encoder);
            let logits = engine.encode_logits(&gpu.device, &mut encoder);
            gpu.queue.submit([encoder.finish()]);
            logits.wait().unwrap()
        };
        let plain = run(&mut |engine, encoder| engine.encode_forward(encoder).unwrap());
        assert_eq!(plain, wanted, "{}", gpu.adapter);
        // Without the forward pass the buffer holds the logits of the latest step, computed before its update.
        assert_ne!(run(&mut |_, _| {}), wanted, "{}", gpu.adapter);
        let in_pass = run(&mut |engine, encoder| {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            engine.encode_forward_in(&mut pass).unwrap();
        });
        assert_eq!(in_pass, wanted, "{}", gpu.adapter);
    }
}

#[test]
fn a_forward_pass_needs_parameters() {
    for gpu in gpus() {
        let mut engine = Engine::new(&gpu.device, spec(Activation::Relu, 2)).unwrap();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        for replica in 0..2 {
            let refused = engine.encode_forward(&mut encoder);
            assert!(
                matches!(refused, Err(Error::NoParameters { replica: first }) if first == replica),
                "{refused:?}"
            );
            let first = parameters(&mlp(oracle::Activation::Relu, 1));
            engine
                .write_parameters(&gpu.queue, replica, &first)
                .unwrap();
        }
        engine.encode_forward(&mut encoder).unwrap();
    }
}
