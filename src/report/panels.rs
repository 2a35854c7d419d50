//! Rows of panels. A row shows one or several quantities of one layer, in a panel per group of arms.

use kuva::plot::MarkerShape;

use super::Subject;
use super::captions::{capitalised, heading};
use super::curves::{SeedCurve, mean_curve, median_curve};
use super::drawing::{BLACK, extent};
use super::grid::{Curve, Panel, Style, values};
use super::rows::distinct;
use super::run::Rows;
use super::scale::Scale;
use crate::record::ProbeRow;

/// The factors by which a row of bounds extends beyond the largest and the smallest effective step size.
pub(super) const MOST_ABOVE: f64 = 100.0;
pub(super) const MOST_BELOW: f64 = 1000.0;

pub(super) const ACCURACY_STYLE: Style = Style {
    marker: Some(MarkerShape::Circle),
    ..Style::line(BLACK, 1.5)
};

/// A quantity of a probe.
pub(super) struct Quantity {
    pub(super) name: &'static str,
    value: fn(&ProbeRow) -> Option<f64>,
}

pub(super) const STEP: Quantity = Quantity {
    name: "step size",
    value: |row| Some(row.step_size),
};
pub(super) const EFFECTIVE_STEP: Quantity = Quantity {
    name: "effective step size",
    value: |row| row.effective_step,
};
pub(super) const SHARPNESS: Quantity = Quantity {
    name: "sharpness",
    value: |row| row.sharpness,
};
pub(super) const NOISE: Quantity = Quantity {
    name: "gradient-noise bound",
    value: |row| row.bound_noise,
};
pub(super) const VOLATILITY: Quantity = Quantity {
    name: "curvature-volatility bound",
    value: |row| row.bound_volatility,
};
pub(super) const COMBINED: Quantity = Quantity {
    name: "combined bound",
    value: |row| row.bound_combined,
};

/// The arms of a column, with their styles.
pub(super) struct Group<'a> {
    pub(super) heading: &'a str,
    pub(super) arms: Vec<(&'a str, Style)>,
}

/// Splits an arm's name into the part before ": ", if there is one, and the rest.
fn group_and_variant(arm: &str) -> (&str, &str) {
    arm.split_once(": ").unwrap_or(("", arm))
}

/// Returns the part of an arm's name that tells it from others of its group.
pub(super) fn variant(arm: &str) -> &str {
    group_and_variant(arm).1
}

/// Returns the groups, in order of first appearance. A variant has the same style in all of them.
pub(super) fn groups<'a>(arms: &[&'a str]) -> Vec<Group<'a>> {
    let variants = distinct(arms.iter().map(|arm| variant(arm)));
    let style = |arm| {
        let place = variants.iter().position(|other| *other == variant(arm));
        Style::of_arm(place.unwrap_or(0))
    };
    let headings = distinct(arms.iter().map(|arm| group_and_variant(arm).0)).into_iter();
    let group = |heading| {
        let own = arms
            .iter()
            .filter(|arm| group_and_variant(arm).0 == heading);
        Group {
            heading,
            arms: own.map(|arm| (*arm, style(arm))).collect(),
        }
    };
    headings.map(group).collect()
}

/// Returns a panel per group, from 0 to 1, with the curve of each arm's score.
pub(super) fn accuracy_row(
    subject: &Subject,
    groups: &[Group],
    accuracy: impl Fn(&str) -> SeedCurve,
) -> Vec<Panel> {
    let name = subject.score;
    let panel = |group: &Group| {
        let arms = group.arms.iter();
        let curves = arms.map(|(arm, style)| curve(arm, "", name, *style, accuracy(arm)));
        Panel {
            reference: subject.chance(),
            ..panel(&capitalised(name), Scale::SHARE, curves.collect())
        }
    };
    groups.iter().map(panel).collect()
}

/// Returns a panel per group, with one quantity of one layer for each arm.
pub(super) fn quantity_row(
    rows: Rows,
    groups: &[Group],
    quantity: &Quantity,
    layer: &str,
) -> Vec<Panel> {
    let place = rows.subject.place(layer);
    let curves = |group: &Group| -> Vec<_> {
        let arms = group.arms.iter();
        arms.map(|(arm, style)| {
            let means = mean_curve(rows.probes, arm, layer, quantity.value);
            curve(arm, &place, quantity.name, *style, means)
        })
        .collect()
    };
    let curves: Vec<_> = groups.iter().map(curves).collect();
    let scale = Scale::of(curves.iter().flat_map(|curves| values(curves)));
    let name = format!("{place}, {}", quantity.name);
    let curves = curves.into_iter();
    curves.map(|curves| panel(&name, scale, curves)).collect()
}

/// Returns a panel per group, with several quantities of one layer for the group's arm.
pub(super) fn bounds_row(
    rows: Rows,
    groups: &[Group],
    quantities: &[(&Quantity, Style)],
    layer: &str,
) -> Vec<Panel> {
    let place = rows.subject.place(layer);
    let curves = |group: &Group| -> Vec<_> {
        let arms = group.arms.iter().map(|(arm, _)| arm);
        arms.flat_map(|arm| {
            quantities.iter().map(|(quantity, style)| {
                let medians = median_curve(rows.probes, arm, layer, quantity.value);
                curve(arm, &place, quantity.name, *style, medians)
            })
        })
        .collect()
    };
    let curves: Vec<_> = groups.iter().map(curves).collect();
    let scale = scale_about_steps(curves.iter().flatten());
    let panel = |(group, curves): (&Group, _)| {
        let arms = group.arms.iter();
        let marks = arms.flat_map(|(arm, _)| rows.violations(arm, layer));
        Panel {
            marks: marks.collect(),
            ..panel(&place, scale, curves)
        }
    };
    groups.iter().zip(curves).map(panel).collect()
}

/// Returns the logarithmic axis that shows all effective steps, and the bounds that are not too far from them.
fn scale_about_steps<'a>(curves: impl Iterator<Item = &'a Curve> + Clone) -> Scale {
    let positive = |is_shown: fn(&Curve) -> bool| {
        let curves = curves.clone().filter(move |curve| is_shown(curve));
        let points = curves.flat_map(|curve| curve.runs.iter().flatten());
        extent(points.map(|point| point.mean).filter(|mean| *mean > 0.0))
    };
    let (low, high) = positive(|_| true).unwrap_or((1.0, 1.0));
    let steps = positive(|curve| curve.quantity == EFFECTIVE_STEP.name);
    let (least, most) = steps.unwrap_or((0.0, f64::INFINITY));
    let (low, high) = (low.max(least / MOST_BELOW), high.min(most * MOST_ABOVE));
    // The axis leaves space for the marks below the lowest value.
    Scale::log(low / 2.0, high)
}

fn curve(
    arm: &str,
    place: &str,
    quantity: &'static str,
    style: Style,
    SeedCurve { runs, missing }: SeedCurve,
) -> Curve {
    Curve {
        arm: arm.to_owned(),
        place: place.to_owned(),
        quantity,
        style,
        runs,
        missing,
    }
}

fn panel(name: &str, scale: Scale, curves: Vec<Curve>) -> Panel {
    Panel {
        heading: heading(name, scale, &curves),
        scale,
        reference: None,
        curves,
        marks: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::BandPoint;
    use super::*;

    #[test]
    fn an_arms_group_ends_at_the_first_colon_before_a_space() {
        assert_eq!(group_and_variant("a: b: c"), ("a", "b: c"));
        assert_eq!(group_and_variant("plain:ReLU"), ("", "plain:ReLU"));
    }

    #[test]
    fn bounds_far_from_all_steps_are_cut_off() {
        let of = |quantity: &Quantity, values: &[f64]| {
            let point = |value: &f64| BandPoint {
                x: 1.0,
                low: *value,
                mean: *value,
                high: *value,
            };
            let means = SeedCurve {
                runs: vec![values.iter().map(point).collect()],
                missing: 0,
            };
            curve("arm", "", quantity.name, ACCURACY_STYLE, means)
        };
        for (steps, bounds, low, high) in [
            (&[0.1, 2.0][..], &[0.5, 1e12][..], 0.05, 200.0),
            (&[0.1, 2.0], &[0.01, 50.0], 0.005, 50.0),
            (&[0.1, 2.0], &[1e-9, 0.0], 0.000_05, 2.0),
            (&[], &[0.0, 1.0, 1e9], 0.5, 1e9),
            (&[], &[], 0.5, 1.0),
        ] {
            let curves = [of(&EFFECTIVE_STEP, steps), of(&COMBINED, bounds)];
            let (wanted, found) = (Scale::log(low, high), scale_about_steps(curves.iter()));
            for share in [0.0, 1.0] {
                let ratio = found.place(share) / wanted.place(share);
                assert!((ratio - 1.0).abs() < 1e-12, "{found:?}, {wanted:?}");
            }
        }
    }
}
