//! The order in which the plans of a probe run.
//!
//! Power iteration multiplies its iterate x by the Hessian in every product. LOBPCG does so in the first two products
//! and then in every [`REFRESH_EVERY`]-th (the plan `refresh`). In the other products it multiplies its direction w by
//! the Hessian and derives Hx from the products that it has. All slots are at the same product, so the schedule belongs
//! to the plans and not to a slot.

use std::ops::Range;

use crate::plan::dispatch::Plan;

/// The number of products from one refresh of LOBPCG to the next. Rounding errors accumulate in between.
pub(crate) const REFRESH_EVERY: u32 = 32;

/// The plans of a probe, or their recordings, in this order: `begin`, those of [`Self::products`], `end`.
#[derive(Clone)]
pub struct ProbePlans<P = Plan> {
    /// The forward and backward pass, the statistics and the first Hessian-vector product.
    pub begin: P,
    /// A product with the iterate; only for LOBPCG.
    pub refresh: Option<P>,
    /// One further iteration.
    pub iterate: P,
    /// Stores every iterate as a vector, at which the next probe starts.
    pub end: P,
}

impl<P> ProbePlans<P> {
    pub(in crate::plan) fn all(&self) -> impl Iterator<Item = &P> {
        let refresh = self.refresh.iter();
        std::iter::once(&self.begin)
            .chain(refresh)
            .chain([&self.iterate, &self.end])
    }

    /// Applies `make` to every plan.
    pub(crate) fn map<Q, E>(
        &self,
        mut make: impl FnMut(&P) -> Result<Q, E>,
    ) -> Result<ProbePlans<Q>, E> {
        Ok(ProbePlans {
            begin: make(&self.begin)?,
            refresh: self.refresh.as_ref().map(&mut make).transpose()?,
            iterate: make(&self.iterate)?,
            end: make(&self.end)?,
        })
    }

    /// The plans that make the products of these numbers, each with its number of repetitions. `begin` makes product
    /// number 0.
    pub fn products(&self, numbers: Range<u32>) -> impl Iterator<Item = (&P, u32)> {
        let mut next = numbers.start;
        std::iter::from_fn(move || {
            let left = numbers.end.checked_sub(next).filter(|left| *left > 0)?;
            let (plan, times) = match (&self.refresh, next % REFRESH_EVERY) {
                (None, _) => (&self.iterate, left),
                (Some(refresh), 1) => (refresh, 1),
                (Some(_), 0) => (&self.iterate, 1),
                (Some(_), place) => (&self.iterate, left.min(REFRESH_EVERY + 1 - place)),
            };
            next += times;
            Some((plan, times))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(refresh: Option<&'static str>) -> ProbePlans<&'static str> {
        ProbePlans {
            begin: "begin",
            refresh,
            iterate: "iterate",
            end: "end",
        }
    }

    fn one_by_one(plans: &ProbePlans<&'static str>, numbers: Range<u32>) -> Vec<&'static str> {
        let runs = plans.products(numbers);
        runs.flat_map(|(plan, times)| std::iter::repeat_n(*plan, times as usize))
            .collect()
    }

    #[test]
    fn the_second_product_and_every_32nd_from_there_are_of_the_iterate() {
        let optimal = plans(Some("refresh"));
        let wanted: Vec<_> = (1..200)
            .map(|number| match number {
                1 | 33 | 65 | 97 | 129 | 161 | 193 => "refresh",
                _ => "iterate",
            })
            .collect();
        assert_eq!(one_by_one(&optimal, 1..200), wanted);
        for cut in 1..200 {
            let pieces = [1..cut, cut..200].map(|numbers| one_by_one(&optimal, numbers));
            assert_eq!(pieces.concat(), wanted, "cut at {cut}");
        }
    }

    #[test]
    fn power_iteration_does_the_same_at_every_product() {
        assert_eq!(
            plans(None).products(1..100).collect::<Vec<_>>(),
            [(&"iterate", 99)]
        );
        for refresh in [None, Some("refresh")] {
            assert_eq!(plans(refresh).products(1..1).count(), 0);
        }
    }
}
