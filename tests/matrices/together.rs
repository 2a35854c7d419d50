//! Every method beside others, cut into pieces, resumed and halted.

use trainable::Trainer;
use trainable::network::Network;
use trainable::spec::{ReplicaSpec, TaskSwitch};

use crate::adam_o::adam_o;
use crate::common::computes;
use crate::fire::fired;
use crate::muon::muon;
use crate::norm_projection::projected;
use crate::spectral::regularised;
use crate::{STEPS_PER_TASK, networks, replica, spec};

/// One replica of each method, by name, and one without any.
fn methods(seed: u32) -> Vec<(&'static str, ReplicaSpec)> {
    vec![
        ("plain", replica(seed)),
        ("norm projection", projected(seed)),
        ("spectral", regularised(seed)),
        ("FIRE", fired(seed, 10)),
        ("AdamO", adam_o(seed)),
        ("Muon", muon(seed)),
    ]
}

fn specs(seed: u32) -> Vec<ReplicaSpec> {
    let methods = methods(seed).into_iter();
    methods.map(|(_, replica)| replica).collect()
}

/// Alone, beside other replicas, in one piece, in several and resumed, a method has the same bits; and no two have the same.
#[test]
fn methods_have_the_same_bits_in_any_company_and_in_pieces() {
    const STEPS: u32 = STEPS_PER_TASK + 2;
    for (device, compute) in computes() {
        for (network, seed) in networks().into_iter().zip([1, 2]) {
            let new = |replicas: &[ReplicaSpec]| {
                Trainer::new(&compute, spec(network.clone(), replicas.to_vec())).unwrap()
            };
            let all = specs(seed);
            let mut together = new(&all);
            together.train(STEPS).unwrap();
            let wanted = together.parameters().unwrap();
            for ((name, replica), wanted) in methods(seed).iter().zip(&wanted) {
                let mut alone = new(std::slice::from_ref(replica));
                alone.train(STEPS).unwrap();
                assert!(
                    alone.parameters().unwrap()[0] == *wanted,
                    "{device}: {name}"
                );
                assert!(
                    wanted.iter().flatten().all(|x| x.is_finite()),
                    "{device}: {name}"
                );
            }
            for (number, one) in wanted.iter().enumerate() {
                assert!(!wanted[..number].contains(one), "{device}: method {number}");
            }
            let mut in_pieces = new(&all);
            in_pieces.train(4).unwrap();
            let snapshot = in_pieces.snapshot().unwrap();
            in_pieces.train(3).unwrap();
            in_pieces.train(STEPS - 7).unwrap();
            let mut resumed = new(&all);
            resumed.train(2).unwrap();
            resumed.restore(&snapshot).unwrap();
            resumed.train(STEPS - 4).unwrap();
            let whole = together.snapshot().unwrap();
            assert!(
                whole == in_pieces.snapshot().unwrap(),
                "{device}: in pieces"
            );
            assert!(whole == resumed.snapshot().unwrap(), "{device}: resumed");
            assert!(whole != snapshot, "{device}: it trained");
        }
    }
}

#[test]
fn a_halted_replica_is_left_alone() {
    let bits = |network: &Network, trainer: &mut Trainer| -> Vec<Vec<u32>> {
        let parameters = trainer.parameters().unwrap().into_iter();
        parameters
            .map(|own| {
                network
                    .pack(&own)
                    .unwrap()
                    .iter()
                    .map(|x| x.to_bits())
                    .collect()
            })
            .collect()
    };
    for (device, compute) in computes() {
        let network = networks()[0].clone();
        let methods = methods(1);
        let replicas: Vec<_> = specs(1)
            .into_iter()
            .flat_map(|own| [own.clone(), own])
            .collect();
        let mut trainer = Trainer::new(&compute, spec(network.clone(), replicas)).unwrap();
        let mut broken = trainer.parameters().unwrap().remove(0);
        broken[0][3] = f32::NAN;
        for number in 0..methods.len() {
            trainer.write_parameters(2 * number, &broken).unwrap();
        }
        let before = bits(&network, &mut trainer);
        trainer.train(STEPS_PER_TASK + 1).unwrap();
        let after = bits(&network, &mut trainer);
        let progress = trainer.progress().unwrap();
        for (number, (name, _)) in methods.iter().enumerate() {
            let [halted, training] = [2 * number, 2 * number + 1];
            assert!(progress[halted].halted.is_some(), "{device}: {name}");
            assert!(progress[training].halted.is_none(), "{device}: {name}");
            assert!(before[halted] == after[halted], "{device}: {name}");
            // The negative control.
            assert!(before[training] != after[training], "{device}: {name}");
        }
    }
}

/// A task switch that draws a fresh network or resets the moments, beside each method.
#[test]
fn task_switches_leave_every_method_finite_and_are_noticed() {
    for (device, compute) in computes() {
        for (name, own) in methods(3) {
            let switches = [
                TaskSwitch::Carry,
                TaskSwitch::ResetOptimiser,
                TaskSwitch::RelativeTime,
            ];
            let replicas = switches.map(|at_task_switch| ReplicaSpec {
                at_task_switch,
                ..own.clone()
            });
            let spec = spec(networks()[0].clone(), replicas.to_vec());
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            trainer.train(STEPS_PER_TASK + 3).unwrap();
            let found = trainer.parameters().unwrap();
            assert!(
                found.iter().flatten().flatten().all(|x| x.is_finite()),
                "{device}: {name}"
            );
            assert!(
                found[0] != found[1] && found[1] != found[2],
                "{device}: {name}"
            );
        }
    }
}
