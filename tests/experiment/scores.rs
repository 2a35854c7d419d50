//! Scores and differences against sums by hand.

use crate::{arm, paper, small, train};
use trainable::experiment::{Arm, differences, scores};
use trainable::scheduler::Control;

#[test]
fn scores_and_differences_are_those_computed_by_hand() {
    let experiment = small(vec![
        arm("L2: constant", Control::Constant),
        arm("L2: per layer", Control::Bound(paper())),
    ]);
    let results = train(&experiment);
    let of = |arm: &str, seed: u32| -> Vec<f64> {
        let rows = results.tasks.iter();
        rows.filter(|row| row.arm == arm && row.seed == seed)
            .map(|row| row.online_accuracy)
            .collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means = |arm: &str| [1, 2].map(|seed| mean(&of(arm, seed)));
    let scores = scores(&experiment, &results.tasks).unwrap();
    assert_eq!(scores.len(), 2);
    for score in &scores {
        let [a, b] = means(&score.arm);
        assert!((score.mean.unwrap() - (a + b) / 2.0).abs() < 1e-12);
        // With two seeds, the percentile interval of the mean reaches from one seed to the other.
        assert!((score.mean_low.unwrap() - a.min(b)).abs() < 1e-12);
        assert!((score.mean_high.unwrap() - a.max(b)).abs() < 1e-12);
        // Student's t with 1 degree of freedom: tan(0.475 pi) standard errors, each half the distance of the seeds.
        let half = (0.475 * std::f64::consts::PI).tan() * (a - b).abs() / 2.0;
        let (low, high) = score.t_interval().unwrap();
        assert!((low - ((a + b) / 2.0 - half)).abs() < 1e-9 && half > 1e-4);
        assert!((high - ((a + b) / 2.0 + half)).abs() < 1e-9);
        let worst = [1, 2].map(|seed| of(&score.arm, seed).into_iter().fold(1.0, f64::min));
        assert!((score.worst_task.unwrap() - mean(&worst)).abs() < 1e-12);
    }
    let differences = differences(&experiment, &results.tasks).unwrap();
    let [own, first] = ["L2: per layer", "L2: constant"].map(means);
    assert_eq!(
        (differences.len(), &differences[0].against[..]),
        (1, "L2: constant")
    );
    let expected = (own[0] - first[0] + own[1] - first[1]) / 2.0;
    assert!((differences[0].difference - expected).abs() < 1e-12);
    let apart = ((own[0] - first[0]) - (own[1] - first[1])).abs();
    let half = (0.475 * std::f64::consts::PI).tan() * apart / 2.0;
    assert!((differences[0].t_low - (expected - half)).abs() < 1e-9 && half > 1e-4);
    assert!((differences[0].t_high - (expected + half)).abs() < 1e-9);
}

#[test]
fn an_arm_is_compared_with_what_it_would_be_if_left_alone() {
    let strong = |name, control| Arm {
        l2: 0.1,
        ..arm(name, control)
    };
    let experiment = small(vec![
        arm("weak", Control::Constant),
        strong("strong", Control::Constant),
        strong("strong + scheduler", Control::Bound(paper())),
        arm("weak + scheduler", Control::Bound(paper())),
    ]);
    let differences = differences(&experiment, &train(&experiment).tasks).unwrap();
    let pairs: Vec<_> = differences
        .iter()
        .map(|row| (&row.arm[..], &row.against[..]))
        .collect();
    let wanted = [
        ("strong", "weak"),
        ("strong + scheduler", "strong"),
        ("weak + scheduler", "weak"),
    ];
    assert_eq!(pairs, wanted);
}
