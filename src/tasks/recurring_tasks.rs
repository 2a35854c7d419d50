//! Recurring tasks: the random labels of every task come back after a period.

/// Returns the task of random labels whose labels `task` has: `task mod period`. `period` must not be 0.
pub fn recurring_task(task: u32, period: u32) -> u32 {
    task % period
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_back_after_the_period_and_not_before() {
        for period in [1, 2, 3, 7] {
            for task in 0..30 {
                let labels = |task| recurring_task(task, period);
                assert_eq!(labels(task), labels(task + period));
                assert!((1..period).all(|later| labels(task) != labels(task + later)));
            }
            assert!((0..period).all(|task| recurring_task(task, period) == task));
        }
    }
}
