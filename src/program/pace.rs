//! Progress of a run: its finished steps, and an estimate of the time left.

use std::time::{Duration, Instant};

/// Steps of a run, and the time that this process has spent on its own share of them.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    total: u64,
    done: u64,
    /// Finished steps that an earlier process did.
    resumed: u64,
    /// Start of this process's training.
    begin: Instant,
}

impl Pace {
    /// Creates the pace of a run of `total` steps, none of them done.
    pub(crate) fn new(total: u64, now: Instant) -> Self {
        Self {
            total,
            done: 0,
            resumed: 0,
            begin: now,
        }
    }

    /// Adds `steps` that this process did.
    pub(crate) fn advance(&mut self, steps: u64) {
        self.done += steps;
    }

    /// Adds `steps` that an earlier process did. This process only read them, until `now`.
    pub(crate) fn resume(&mut self, steps: u64, now: Instant) {
        self.done += steps;
        self.resumed += steps;
        self.begin = now;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    pub(crate) fn percent(&self) -> f64 {
        100.0 * self.done as f64 / self.total as f64
    }

    /// Time left at the pace of this process; `None` before its first step.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let own = self.done - self.resumed;
        if own == 0 {
            return None;
        }
        let seconds = now.saturating_duration_since(self.begin).as_secs_f64();
        let rest = self.total.saturating_sub(self.done);
        Duration::try_from_secs_f64(rest as f64 * seconds / own as f64).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_counts_only_what_this_process_did() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(1_000, start);
        assert_eq!(pace.left(after(5)), None);
        // Two finished batches and a part of the third, read in ten seconds.
        for steps in [300, 300, 100] {
            pace.resume(steps, after(10));
        }
        assert_eq!(pace.left(after(12)), None);
        assert!((pace.percent() - 70.0).abs() < 1e-9);
        // Ten steps in twenty seconds: the other 290 take 580.
        pace.advance(10);
        assert_eq!(pace.left(after(30)), Some(Duration::from_secs(580)));
    }

    #[test]
    fn a_run_that_was_not_interrupted_counts_all_of_its_steps() {
        let start = Instant::now();
        let mut pace = Pace::new(100, start);
        pace.advance(50);
        let now = start + Duration::from_secs(7);
        assert_eq!(pace.left(now), Some(Duration::from_secs(7)));
        pace.advance(50);
        assert_eq!(pace.left(now), Some(Duration::ZERO));
    }
}
