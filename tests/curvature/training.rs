//! Probes beside training: neither changes the other, and faults are reported.

use crate::common::{Tolerance, computes};
use crate::point::Point;
use crate::probes::{FORMS, check, eigenvalues, optimal, probe};
use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Error, Trainer};

/// Three replicas on a small stream of random labels.
fn on_a_stream(probe: Option<ProbeSpec>) -> TrainingSpec {
    let pixels = 12;
    let bytes: Vec<u8> = (0..40 * pixels).map(|i| (i * 37 % 251) as u8).collect();
    TrainingSpec {
        network: Network::mlp(&[pixels, 9, 7, 3], Activation::Crelu).unwrap(),
        batch: 5,
        replicas: (1..4)
            .map(|seed| ReplicaSpec {
                seed,
                l2: 1e-3,
                ..ReplicaSpec::default()
            })
            .collect(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels as usize, 0.5, 0.3).unwrap(),
            subset: 20,
            epochs: 3,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe,
    }
}

#[test]
fn probing_leaves_training_untouched_and_repeats_itself() {
    // Enough products for a second refresh.
    let often = ProbeSpec {
        iterations: 35,
        tolerance: 1e-4,
        ..ProbeSpec::default()
    };
    for (device, compute) in computes() {
        let trained = |spec: Option<ProbeSpec>| {
            let mut trainer = Trainer::new(&compute, on_a_stream(spec)).unwrap();
            let mut stats = Vec::new();
            for _ in 0..6 {
                trainer.train(5).unwrap();
                if spec.is_some() {
                    stats.push(probe(&mut trainer));
                }
            }
            let scores = trainer.progress().unwrap();
            (trainer.parameters().unwrap(), scores, stats)
        };
        let (with, without) = (trained(Some(often)), trained(None));
        assert_eq!(with.0, without.0, "{device}");
        assert_eq!(with.1, without.1, "{device}");
        assert_eq!(with.2.len(), 6);
        assert!(
            with == trained(Some(often)),
            "{device}: other bits the second time"
        );
    }
}

/// The step after a probe reuses the probe's gradients, unless the parameters have changed since.
#[test]
fn a_step_after_a_probe_takes_what_was_written_since() {
    type Change = fn(&mut Trainer);
    let nothing: Change = |_| {};
    let changes: [(&str, Change); 3] = [
        ("step sizes", |trainer| {
            trainer.set_step_sizes(1, &[3e-3, 2e-3, 0.0]).unwrap();
        }),
        ("parameters", |trainer| {
            let mut parameters = trainer.parameters().unwrap().swap_remove(0);
            parameters[2][2] += 0.5;
            trainer.write_parameters(1, &parameters).unwrap();
        }),
        ("a snapshot", |trainer| {
            let before = trainer.snapshot().unwrap();
            trainer.train(2).unwrap();
            trainer.probe().unwrap();
            trainer.restore(&before).unwrap();
        }),
    ];
    for (device, compute) in computes() {
        let trained = |is_probed: bool, change: Change| {
            let spec = on_a_stream(Some(ProbeSpec::default()));
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            trainer.train(13).unwrap();
            if is_probed {
                probe(&mut trainer);
            }
            change(&mut trainer);
            trainer.train(2).unwrap();
            (trainer.parameters().unwrap(), trainer.progress().unwrap())
        };
        let unchanged = trained(false, nothing);
        for (what, change) in changes {
            let (probed, plain) = (trained(true, change), trained(false, change));
            assert!(probed == plain, "{device}: {what}");
            let has_changed = plain != unchanged;
            assert_eq!(has_changed, what != "a snapshot", "{device}: {what}");
        }
    }
}

#[test]
fn a_replica_is_probed_alone_as_among_others() {
    let point = Point::random(&[9, 8, 7, 4], Activation::Tanh, 6, 5);
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    for (device, compute) in computes() {
        for form in FORMS {
            let spec = optimal(36, form);
            let probed = |seeds: &[u32]| {
                let replicas = seeds.iter().copied().map(replica).collect();
                probe(&mut point.trainer_of(&compute, spec, replicas))
            };
            let together = probed(&[3, 4, 5]);
            assert!(together[1] == probed(&[4])[0], "{device}, {form:?}");
            assert!(
                together[1] != together[2],
                "{device}, {form:?}: seeds count"
            );
        }
    }
}

#[test]
fn a_network_that_is_not_finite_is_reported_and_leaves_no_trace() {
    for (device, compute) in computes() {
        let point = Point::random(&[6, 5, 3], Activation::Tanh, 4, 3);
        let spec = ProbeSpec {
            iterations: 200,
            tolerance: 1e-2,
            ..ProbeSpec::default()
        };
        let mut trainer = point.trainer(&compute, spec, 2);
        let before = probe(&mut trainer);
        let mut broken = point.parameters.clone();
        broken[2][4] = f32::NAN;
        trainer.write_parameters(0, &broken).unwrap();
        let stats = trainer.probe().unwrap();
        let error = stats[0].as_ref().unwrap_err();
        assert_eq!((error.task, error.update), (0, 0), "{device}");
        assert!(stats[1].is_ok(), "{device}: the other replica is affected");
        trainer.write_parameters(0, &point.parameters).unwrap();
        let after = probe(&mut trainer);
        let tolerance = Tolerance {
            atol: 0.0,
            rtol: 1e-2,
        };
        check(
            &device,
            eigenvalues(&after[0]),
            eigenvalues(&before[0]),
            tolerance,
        );
        let iterations = after[0].network.sharpness.expect("finite").iterations;
        assert!(
            iterations <= 2,
            "{device}: the start vector was lost: {iterations}"
        );
    }
}

#[test]
fn a_probe_must_be_asked_for_and_within_its_ranges() {
    let point = Point::random(&[4, 3, 2], Activation::Relu, 4, 3);
    let spec = |probe| TrainingSpec {
        network: point.network.clone(),
        batch: 4,
        replicas: vec![ReplicaSpec::default()],
        stream: None,
        probe,
    };
    let mut trainer = Trainer::new(&Compute::Cpu, spec(None)).unwrap();
    assert!(matches!(trainer.probe(), Err(Error::NoProbe)));
    let refused = |probe: ProbeSpec| spec(Some(probe)).check().unwrap_err().to_string();
    let of = |iterations, tolerance| ProbeSpec {
        iterations,
        tolerance,
        ..ProbeSpec::default()
    };
    assert_eq!(
        refused(of(0, 0.0)),
        "probe iterations: wanted 1 to 100,000, found 0"
    );
    for (tolerance, found) in [(-0.1, "-0.1"), (1.0, "1"), (f32::NAN, "NaN")] {
        assert_eq!(
            refused(of(5, tolerance)),
            format!("probe tolerance: wanted 0 or more, below 1, found {found}")
        );
    }
}
