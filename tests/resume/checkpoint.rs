//! The contents of a checkpoint: parameters by PyTorch's names.

use std::fs;

use crate::case::{CHECKPOINT, experiment};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use trainable::experiment::{Arm, Event, Experiment, RunDirectory, run, run_in};
use trainable::network::Network;
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};
use trainable::{Compute, Trainer, data};

/// Names, shapes and numbers are those of PyTorch.
#[test]
fn a_checkpoint_holds_parameters_by_their_pytorch_names() {
    let place = tempfile::tempdir().unwrap();
    let images = ImageSet::training(&data::embedded().unwrap()).unwrap();
    let arms = experiment().arms;
    let experiment = Experiment {
        arms: arms.into_iter().take(2).collect(),
        ..experiment()
    };
    let directory =
        RunDirectory::create(place.path(), &experiment, &Compute::Cpu, &images).unwrap();
    let quiet = |_: Event<'_>| {};
    let kept = run_in(directory, &experiment, &Compute::Cpu, &images, quiet).unwrap();
    let in_memory = run(&experiment, &Compute::Cpu, &images, quiet).unwrap();
    assert!(in_memory.probes.len() > 50);
    assert_eq!(kept.unwrap().0, in_memory);
    let bytes = fs::read(place.path().join(CHECKPOINT)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: String, shape: &[usize]| -> Vec<f32> {
        let tensor = file.tensor(&name).unwrap_or_else(|_| panic!("no {name}"));
        assert_eq!(
            (tensor.dtype(), tensor.shape()),
            (Dtype::F32, shape),
            "{name}"
        );
        let numbers = tensor.data().chunks(4);
        numbers
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    };

    // No controller steers the second arm: it trains without the first as it does beside it.
    let mut alone = alone(&experiment.arms[1], &images);
    alone.train(60).unwrap();
    for (seed, tensors) in [1, 2].iter().zip(alone.parameters().unwrap()) {
        let layers = tensors.chunks(2);
        for ((k, layer), [inputs, outputs]) in (1..).zip(layers).zip([[784, 8], [8, 10]]) {
            let name = |what: &str| format!("regularised/{seed}/fc{k}.{what}");
            assert_eq!(floats(name("weight"), &[outputs, inputs]), layer[0]);
            assert_eq!(floats(name("bias"), &[outputs]), layer[1]);
            assert!(layer[0].iter().all(|w| w.is_finite()));
            assert_eq!(
                floats(name("weight.momentum_buffer"), &[outputs, inputs]).len(),
                inputs * outputs
            );
            assert!(file.tensor(&name("weight.exp_avg")).is_err());
        }
    }
    for what in ["weight.exp_avg", "weight.exp_avg_sq"] {
        let moment = floats(format!("bound, \"quoted\"/1/fc1.{what}"), &[8, 784]);
        assert!(moment.iter().any(|x| *x != 0.0), "{what}");
    }
    let names: Vec<_> = file
        .names()
        .into_iter()
        .filter(|name| name.contains("training/"))
        .collect();
    assert!(names.contains(&"training/task log"), "{names:?}");
}

/// A trainer of one arm of [`experiment`] alone.
fn alone(arm: &Arm, images: &ImageSet) -> Trainer {
    let experiment = experiment();
    let replica = |seed: &u32| ReplicaSpec {
        seed: *seed,
        step_size: arm.step_size as f32,
        l2: arm.l2,
        l2_init: arm.l2_init,
        wasserstein: arm.wasserstein,
        spectral: arm.spectral,
        optimiser: arm.optimiser,
        update_clipping: arm.update_clipping,
        gradient_clipping: arm.gradient_clipping,
        at_task_switch: arm.at_task_switch,
        interventions: arm.interventions.clone(),
    };
    let spec = TrainingSpec {
        network: Network::mlp(&[784, 8, 10], arm.activation).unwrap(),
        batch: experiment.batch,
        replicas: experiment.seeds.iter().map(replica).collect(),
        stream: Some(TaskStream {
            kind: experiment.stream,
            images: images.clone(),
            subset: experiment.images,
            epochs: experiment.epochs,
            relabel_fraction: experiment.relabel_fraction,
            switch_seed: experiment.switch_seed,
        }),
        probe: None,
    };
    Trainer::new(&Compute::Cpu, spec).unwrap()
}
