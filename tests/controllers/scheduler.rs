//! A scheduler that a host drives by itself.

use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::scheduler::{BoundControl, Control, Observation, Scheduler, Statistics};
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Trainer};

fn two_optimisers() -> TrainingSpec {
    let adam = Optimiser::Adam {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-3,
    };
    let replica = |optimiser| ReplicaSpec {
        optimiser,
        ..ReplicaSpec::default()
    };
    let pixels: Vec<u8> = (0..20 * 13).map(|i| (i * 89 % 256) as u8).collect();
    TrainingSpec {
        network: Network::mlp(&[13, 9, 3], Activation::Relu).unwrap(),
        batch: 5,
        replicas: vec![replica(adam), replica(Optimiser::Sgd { momentum: 0.5 })],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&pixels, 13, 0.5, 0.3).unwrap(),
            subset: 20,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec::default()),
    }
}

#[test]
fn a_scheduler_of_a_replica_starts_from_its_specification() {
    let mut spec = two_optimisers();
    spec.replicas[1].step_size = 0.25;
    spec.replicas[1].seed = 7;
    let control = || Control::Bound(BoundControl::paper());
    let scheduler = Scheduler::for_replica(control(), &spec, 1).unwrap();
    let wanted = Scheduler::new(control(), 0.25, 2, 7).unwrap();
    assert_eq!(scheduler, wanted);
    assert_ne!(
        scheduler,
        Scheduler::for_replica(control(), &spec, 0).unwrap()
    );
    let error = Scheduler::for_replica(control(), &spec, 2).unwrap_err();
    assert_eq!(error.to_string(), "replica: wanted below 2, found 2");
}

#[test]
fn an_observation_has_what_the_probe_measured() {
    let mut trainer = Trainer::new(&Compute::Cpu, two_optimisers()).unwrap();
    // A task has 2 * 20 / 5 = 8 steps, so 3 steps of the second task are done.
    trainer.train(11).unwrap();
    let probes = trainer.probe().unwrap();
    for (replica, (stats, epsilon)) in probes
        .into_iter()
        .zip([f64::from(1e-3_f32), 1.0])
        .enumerate()
    {
        let stats = stats.unwrap();
        let found = Observation::new(&stats, trainer.spec(), replica).unwrap();
        found.check(2).unwrap();
        assert_eq!(
            (found.task, found.update, found.progress),
            (1, 11, 3.0 / 8.0)
        );
        assert_eq!((found.batch, found.epsilon), (5, epsilon));
        assert_eq!(found.layers.len(), 2);
        let pairs = found.layers.iter().zip(&stats.layers);
        for (found, stats) in pairs.chain([(&found.network, &stats.network)]) {
            let wanted = Statistics {
                parameters: stats.parameters,
                step_size: stats.step_size,
                effective_step: stats.effective_step,
                sharpness: stats.sharpness.map(|sharpness| sharpness.eigenvalue),
                grad_norm_sq: stats.grad_norm_sq,
                objective_grad_norm_sq: stats.objective_grad_norm_sq,
                grad_variance: stats.grad_variance,
                second_moment: stats.second_moment,
            };
            assert_eq!(*found, wanted);
            assert!(found.grad_variance > 0.0 && found.sharpness.is_some());
        }
        let error = Observation::new(&stats, trainer.spec(), 2).unwrap_err();
        assert_eq!(error.to_string(), "replica: wanted below 2, found 2");
    }
    // The trainer has no stream, so its task never ends.
    let stream = None;
    let spec = TrainingSpec {
        stream,
        ..two_optimisers()
    };
    let mut trainer = Trainer::new(&Compute::Cpu, spec).unwrap();
    trainer
        .write_batch(0, &[0.5; 65], &[0, 1, 2, 0, 1])
        .unwrap();
    trainer.update(3).unwrap();
    let stats = trainer.probe().unwrap().remove(0).unwrap();
    let found = Observation::new(&stats, trainer.spec(), 0).unwrap();
    assert!(found.task == 0 && found.progress < 1e-8, "{found:?}");
}
