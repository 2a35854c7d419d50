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

    /// The share of updates after which it is due: of all, or of the first [`MOST_COUNTED`] where the periods have no
    /// common multiple below.
    pub(super) fn share(&self) -> f64 {
        let periods = self.periods.iter().map(|n| u64::from(*n));
        let counted = periods.clone().fold(1, common_multiple).min(MOST_COUNTED);
        let mut is_due = vec![false; counted as usize];
        for period in periods {
            let due = is_due.iter_mut().skip(period as usize - 1);
            due.step_by(period as usize)
                .for_each(|is_due| *is_due = true);
        }
        let due = is_due.iter().filter(|is_due| **is_due).count();
        due as f64 / counted as f64
    }
}

/// The most updates that are looked at one by one.
const MOST_COUNTED: u64 = 1 << 20;

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

    /// A sum by inclusion and exclusion over 40 periods has 2^40 terms. For primes the share of all numbers is a product.
    #[test]
    fn the_share_of_many_periods_takes_no_time() {
        let is_prime = |n: &u32| !(2..*n).any(|divisor| n.is_multiple_of(divisor));
        let periods: Vec<u32> = (2..).filter(is_prime).take(40).collect();
        let wanted = periods
            .iter()
            .map(|n| 1.0 - 1.0 / f64::from(*n))
            .product::<f64>();
        let share = Periodic { plan: (), periods }.share();
        assert!((share - (1.0 - wanted)).abs() < 1e-3, "{share} {wanted}");
    }
}
