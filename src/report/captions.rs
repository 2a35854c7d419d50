//! The words of pictures with panels: headings, and notes on everything that is missing.

use std::collections::BTreeMap;

use super::grid::Curve;
use super::rows::distinct;
use super::scale::{Kind, Scale, number};

/// The number of arms from which a count that all of them share is written once.
const MANY_ARMS: usize = 3;

/// Returns `name` with a capital first letter.
pub(super) fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}

/// Returns a heading such as "Layer 1: log axis".
pub(super) fn heading(place: &str, scale: Scale, curves: &[Curve]) -> String {
    match scale.kind {
        _ if curves.iter().all(|curve| curve.runs.is_empty()) => format!("{place}: no value"),
        Kind::Share => place.to_owned(),
        Kind::Log => format!("{place}: log axis"),
        Kind::Symmetric { linear } => {
            format!("{place}: symlog axis, linear to ±{}", number(linear))
        }
    }
}

/// Returns a note such as "Gaps: missing values of sharpness (3 in ReLU)."
pub(super) fn missing_note<'a>(curves: impl Iterator<Item = &'a Curve> + Clone) -> Option<String> {
    let quantities = distinct(curves.clone().map(|curve| curve.quantity));
    let notes: Vec<_> = quantities
        .into_iter()
        .filter_map(|quantity| {
            let curves = { curves.clone() }.filter(|curve| curve.quantity == quantity);
            let per_arm = per_arm(curves.map(|curve| (&curve.arm[..], curve.missing)))?;
            Some(format!("{quantity} ({per_arm})"))
        })
        .collect();
    (!notes.is_empty()).then(|| format!("Gaps: missing values of {}.", notes.join(", of ")))
}

/// Returns the sums that are not 0, as in "3 in ReLU, 1 in CReLU", or "3 in each of 4 arms" where they are equal.
pub(super) fn per_arm<'a>(counts: impl Iterator<Item = (&'a str, usize)>) -> Option<String> {
    let counts: Vec<_> = counts.collect();
    let sum = |arm| {
        let counts = counts.iter().filter(|(of, _)| *of == arm);
        (arm, counts.map(|(_, count)| count).sum())
    };
    let arms = distinct(counts.iter().map(|(arm, _)| *arm));
    let sums: Vec<(_, usize)> = arms.into_iter().map(sum).collect();
    let (_, first) = *sums.first()?;
    if first > 0 && sums.len() >= MANY_ARMS && sums.iter().all(|(_, sum)| *sum == first) {
        return Some(format!("{first} in each of {} arms", sums.len()));
    }
    let notes: Vec<_> = sums
        .iter()
        .filter(|(_, sum)| *sum > 0)
        .map(|(arm, sum)| format!("{sum} in {arm}"))
        .collect();
    (!notes.is_empty()).then(|| notes.join(", "))
}

/// Returns a note such as "Seeds that end early: 1 of 2 in ReLU, after update 300; the mean is over the rest." `arms` has
/// the last `unit` of each arm's seeds; a seed ends early where another of the same run, whose number `run` returns, goes on.
pub(super) fn end_note(
    run: impl Fn(&str) -> usize,
    arms: &[(&str, BTreeMap<u32, u32>)],
    unit: &str,
    centre: &str,
) -> Option<String> {
    let mut ends: BTreeMap<usize, u32> = BTreeMap::new();
    for (arm, last) in arms {
        let end = ends.entry(run(arm)).or_default();
        *end = last.values().copied().fold(*end, u32::max);
    }
    let notes: Vec<_> = arms
        .iter()
        .filter_map(|(arm, last)| {
            let ended = || last.values().filter(|last| **last < ends[&run(arm)]);
            let first = ended().min()?;
            let (count, seeds) = (ended().count(), last.len());
            Some(format!("{count} of {seeds} in {arm}, after {unit} {first}"))
        })
        .collect();
    let notes = notes.join(", ");
    (!notes.is_empty()).then(|| format!("Seeds that end early: {notes}; {centre} over the rest."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_by_arm_and_told_one_by_one_while_they_are_few_or_differ() {
        let per_arm = |counts: &[(&str, usize)]| per_arm(counts.iter().copied());
        let told = |note: &str| Some(note.to_owned());
        assert_eq!(
            per_arm(&[("b", 1), ("a", 2), ("b", 1)]),
            told("2 in b, 2 in a")
        );
        assert_eq!(
            per_arm(&[("b", 2), ("a", 2), ("c", 2)]),
            told("2 in each of 3 arms")
        );
        assert_eq!(
            per_arm(&[("b", 2), ("a", 0), ("c", 2)]),
            told("2 in b, 2 in c")
        );
        assert_eq!(per_arm(&[("b", 0), ("a", 0), ("c", 0)]), None);
        assert_eq!(per_arm(&[]), None);
    }

    #[test]
    fn the_longest_seed_of_all_arms_says_what_is_early() {
        let end_note = |arms: &[_], unit, centre| end_note(|_| 0, arms, unit, centre);
        let last = |seeds: &[(u32, u32)]| seeds.iter().copied().collect();
        let arms = [
            ("whole", last(&[(1, 9), (2, 9)])),
            ("short", last(&[(1, 4), (2, 7), (3, 9)])),
        ];
        assert_eq!(
            end_note(&arms, "task", "the mean is"),
            Some(
                "Seeds that end early: 2 of 3 in short, after task 4; the mean is over the rest."
                    .to_owned()
            )
        );
        assert_eq!(end_note(&arms[..1], "task", "the mean is"), None);
        let runs = [
            ("long / a", last(&[(1, 9), (2, 9)])),
            ("short / a", last(&[(1, 4), (2, 4)])),
        ];
        let number = |arm: &str| usize::from(arm == "long / a");
        assert_eq!(super::end_note(number, &runs, "task", "the mean is"), None);
        assert!(end_note(&runs, "task", "the mean is").is_some());
        assert_eq!(end_note(&[], "task", "the mean is"), None);
    }
}
