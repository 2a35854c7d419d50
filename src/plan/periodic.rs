//! A plan that is due after every n-th update.

/// A plan that is due after those updates whose number, counted from 1, is a multiple of one of the periods.
#[derive(Clone)]
pub struct Periodic<P> {
    /// The plan, which runs after the step.
    pub plan: P,
    /// The periods in updates; one or more.
    pub periods: Vec<u32>,
}

impl<P> Periodic<P> {
    /// The number of updates after which it is due next, where `updates` are done.
    pub(super) fn next_due(&self, updates: u64) -> u64 {
        let next = |period: &u32| (updates / u64::from(*period) + 1) * u64::from(*period);
        { self.periods.iter().map(next).min() }.unwrap_or(u64::MAX)
    }

    /// The share of updates after which it is due.
    pub(super) fn share(&self) -> f64 {
        let periods: Vec<_> = self.periods.iter().map(|n| u64::from(*n)).collect();
        share_of_multiples(&periods)
    }
}

/// The share of numbers that are a multiple of one of `periods`: of those of the first, and of the others, less those of
/// both.
fn share_of_multiples(periods: &[u64]) -> f64 {
    let Some((first, others)) = periods.split_first() else {
        return 0.0;
    };
    let both: Vec<_> = others.iter().map(|n| common_multiple(*first, *n)).collect();
    1.0 / *first as f64 + share_of_multiples(others) - share_of_multiples(&both)
}

/// The least common multiple, or 2^64 - 1.
fn common_multiple(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_at_multiples_of_any_period() {
        for periods in [vec![3], vec![4, 6], vec![2, 3, 10]] {
            let periodic = Periodic {
                plan: (),
                periods: periods.clone(),
            };
            let is_due = |update: u64| periods.iter().any(|n| update.is_multiple_of((*n).into()));
            for updates in 0..100 {
                let due = (updates + 1..).find(|update| is_due(*update));
                assert_eq!(Some(periodic.next_due(updates)), due, "{periods:?}");
            }
            let counted = (1..=600).filter(|update| is_due(*update)).count();
            let share = counted as f64 / 600.0;
            assert!((periodic.share() - share).abs() < 1e-12, "{periods:?}");
        }
    }
}
