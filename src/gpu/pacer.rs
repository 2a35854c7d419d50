//! How many training steps go into one submission.

use std::time::Duration;

/// Aims at a fixed time per submission, so that a display that shares the device stays alive.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    budget: Duration,
    steps: u32,
}

impl Pacer {
    /// Steps in one submission at the most.
    pub const MAX_STEPS: u32 = 1_024;

    /// Starts with a single step; `budget` is what one submission should take.
    pub fn new(budget: Duration) -> Self {
        Self { budget, steps: 1 }
    }

    /// Steps for the next submission: 1 at least.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Learns that a submission of `steps` steps took `elapsed`: the next takes as many as fit the
    /// budget, but at most twice as many.
    pub fn measured(&mut self, steps: u32, elapsed: Duration) {
        let fitting =
            f64::from(steps) * self.budget.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
        let most = steps.saturating_mul(2).clamp(1, Self::MAX_STEPS);
        self.steps = (fitting as u32).clamp(1, most);
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
        pacer.measured(25, Duration::from_secs(5));
        assert_eq!(pacer.steps(), 1);
        pacer.measured(1, Duration::ZERO);
        assert_eq!(pacer.steps(), 2);
        pacer.measured(0, Duration::ZERO);
        assert_eq!(pacer.steps(), 1);
    }
}
