//! Placebos change step sizes as they say, and only where there are probes.

use crate::{arm, paper, rows_of, small, train};
use trainable::experiment::{Arm, Experiment, Placebo, PlaceboKind};
use trainable::scheduler::{Action, AlwaysCool, Control};

#[test]
fn placebos_keep_what_they_say() {
    let original = arm("original", Control::Bound(paper()));
    let placebo = |name: &str, kind| Arm {
        placebo: Some(Placebo {
            of: "original".to_owned(),
            kind,
        }),
        ..arm(name, Control::Constant)
    };
    let results = train(&small(vec![
        original,
        placebo("always", PlaceboKind::AlwaysCool),
        placebo("random", PlaceboKind::RandomCool),
        placebo("replay", PlaceboKind::Replay),
    ]));
    let next = |arm: &str, seed, layer| -> Vec<f64> {
        let rows = rows_of(&results, arm, seed, layer);
        rows.iter().map(|row| row.next_step_size.unwrap()).collect()
    };
    for layer in ["1", "2", "3"] {
        assert_eq!(next("replay", 1, layer), next("original", 2, layer));
        assert_eq!(next("replay", 2, layer), next("original", 1, layer));
    }
    // The seeds' step sizes differ, so the replay is not what the arm would have done by itself.
    assert_ne!(
        ["1", "2", "3"].map(|layer| next("original", 1, layer)),
        ["1", "2", "3"].map(|layer| next("original", 2, layer)),
    );
    let log_end = |arm: &str| -> f64 {
        let ends = [1, 2].into_iter().flat_map(|seed| {
            ["1", "2", "3"].map(|layer| next(arm, seed, layer).last().unwrap().ln())
        });
        ends.sum::<f64>() / 6.0
    };
    // Each of the 26 probes rounds to f32, an error of 6e-8.
    assert!((log_end("always") - log_end("original")).abs() < 2e-6);
    assert!(log_end("original") < 1e-3_f64.ln() - 0.1);
    let cooled = |arm: &str| {
        let of_arm = results.probes.iter().filter(|row| row.arm == arm);
        of_arm
            .filter(|row| row.action == Some(Action::Cool))
            .count()
    };
    let (random, original) = (cooled("random") as f64, cooled("original") as f64);
    // There are 156 draws; the test allows four standard deviations.
    assert!(
        (random - original).abs() <= 4.0 * (156.0_f64 * 0.25).sqrt(),
        "{random} {original}"
    );
    assert!(random > 0.0 && cooled("always") == 156);
}

/// The device's step sizes are f32: those of this arm become zero after 21 of its 26 probes, and the controller's do not.
#[test]
fn a_placebo_keeps_a_decay_that_the_device_cannot_hold() {
    let cool = AlwaysCool { rate: 0.01 };
    let placebo = Arm {
        placebo: Some(Placebo {
            of: "original".to_owned(),
            kind: PlaceboKind::AlwaysCool,
        }),
        ..arm("always", Control::Constant)
    };
    let original = arm("original", Control::AlwaysCool(cool));
    let results = train(&small(vec![original, placebo]));
    let original = rows_of(&results, "original", 1, "1");
    assert_eq!(original.last().unwrap().step_size, 0.0);
    for row in rows_of(&results, "always", 1, "1") {
        let wanted = original.iter().find(|other| other.update == row.update);
        let [found, wanted] = [row, wanted.unwrap()].map(|row| row.next_step_size.unwrap().ln());
        assert!((found - wanted).abs() < 1e-5, "{found} {wanted}");
    }
}

/// An arm that was never probed leaves nothing to imitate: its placebos keep their step size.
#[test]
fn placebos_of_an_arm_without_probes_leave_step_sizes_alone() {
    let kinds = [
        PlaceboKind::AlwaysCool,
        PlaceboKind::RandomCool,
        PlaceboKind::Replay,
    ];
    let placebos = kinds.map(|kind| Arm {
        placebo: Some(Placebo {
            of: "original".to_owned(),
            kind,
        }),
        ..arm(&format!("{kind:?}"), Control::Constant)
    });
    let original = arm("original", Control::Bound(paper()));
    let arms = [&[original][..], &placebos].concat();
    let results = train(&Experiment {
        interval: 100_000,
        ..small(arms)
    });
    let accuracies = |arm: &str| -> Vec<f64> {
        let own = results.tasks.iter().filter(|row| row.arm == arm);
        own.map(|row| row.online_accuracy).collect()
    };
    for arm in placebos {
        assert_eq!(
            accuracies(&arm.name),
            accuracies("original"),
            "{}",
            arm.name
        );
    }
}
