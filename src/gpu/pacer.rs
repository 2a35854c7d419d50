//! The number of training steps in one submission.

use std::time::Duration;

/// Chooses the length of submissions for a fixed time per submission, so that a display that shares the device stays
/// responsive.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    budget: Duration,
    steps: u32,
}

impl Pacer {
    /// The largest number of steps in one submission.
    const MAX_STEPS: u32 = 1_024;

    /// A pacer whose first step is cut. `budget` is the time that one submission should take.
    pub fn new(budget: Duration) -> Self {
        Self { budget, steps: 0 }
    }

    /// The number of steps for the next submission, at least 1.
    pub fn steps(&self) -> u32 {
        self.steps.max(1)
    }

    /// Whether a step should be cut, because it takes longer than the budget or was not yet measured.
    pub fn is_cut(&self) -> bool {
        self.steps == 0
    }

    /// Records that `steps` steps, in one submission or cut into several, took `elapsed`. The next submission gets as
    /// many steps as fit the budget, but at most twice as many as this one.
    pub fn measured(&mut self, steps: u32, elapsed: Duration) {
        let fitting =
            f64::from(steps) * self.budget.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
        let most = steps.saturating_mul(2).clamp(1, Self::MAX_STEPS);
        self.steps = (fitting as u32).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converges_to_the_budget_and_backs_off_at_once() {
        let mut pacer = Pacer::new(Duration::from_millis(50));
        for _ in 0..10 {
            let steps = pacer.steps();
            pacer.measured(steps, Duration::from_millis(2) * steps);
        }
        assert_eq!(pacer.steps(), 25);
        assert!(!pacer.is_cut());
        pacer.measured(25, Duration::from_secs(5));
        assert_eq!((pacer.steps(), pacer.is_cut()), (1, true));
        pacer.measured(1, Duration::ZERO);
        assert_eq!((pacer.steps(), pacer.is_cut()), (2, false));
        pacer.measured(0, Duration::ZERO);
        assert_eq!(pacer.steps(), 1);
    }

    #[test]
    fn nothing_that_is_too_long_or_unknown_stays_whole() {
        let mut pacer = Pacer::new(Duration::from_millis(50));
        assert!(pacer.is_cut());
        for (milliseconds, is_cut) in [(49, false), (51, true), (2_000, true), (10, false)] {
            pacer.measured(1, Duration::from_millis(milliseconds));
            assert_eq!(pacer.is_cut(), is_cut, "{milliseconds} ms");
        }
    }
}
