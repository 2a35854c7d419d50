//! The plans of training on the stream: the step, and the stages that are due when a task begins.

use super::dispatch::Plan;
use crate::tasks::TaskLengths;

/// The plans of training on the stream, or their recordings.
#[derive(Clone)]
pub struct StepPlans<P = Plan> {
    /// Gathers the stream's next minibatch and updates.
    pub step: P,
    /// The rest of a step right after a probe, which has gathered the minibatch and left its gradients; only with a
    /// probe.
    pub probed_step: Option<P>,
    /// The stages that are due when a task begins, after the last step of the previous task; `None` where there are
    /// none.
    pub task_switch: Option<P>,
    /// The lengths of tasks.
    pub lengths: TaskLengths,
}

impl<P> StepPlans<P> {
    pub(super) fn all(&self) -> impl Iterator<Item = &P> {
        let others = self.probed_step.iter().chain(&self.task_switch);
        std::iter::once(&self.step).chain(others)
    }

    /// Applies `make` to every plan.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn map<Q, E>(&self, mut make: impl FnMut(&P) -> Result<Q, E>) -> Result<StepPlans<Q>, E> {
        Ok(StepPlans {
            step: make(&self.step)?,
            probed_step: self.probed_step.as_ref().map(&mut make).transpose()?,
            task_switch: self.task_switch.as_ref().map(&mut make).transpose()?,
            lengths: self.lengths,
        })
    }

    /// The plans of `steps` steps after `updates` updates, and how often each runs in a row.
    pub fn steps(&self, updates: u64, steps: u32) -> impl Iterator<Item = (&P, u32)> {
        self.runs(updates, steps).flat_map(|(times, ends_task)| {
            let step = (times > 0).then_some((&self.step, times));
            step.into_iter().chain(self.switch(ends_task))
        })
    }

    /// The plans of one step after `updates` updates, right after a probe.
    pub fn step_after_probe(&self, updates: u64) -> impl Iterator<Item = (&P, u32)> {
        let ends_task =
            self.task_switch.is_some() && self.lengths.place_of(updates).end() == updates + 1;
        let step = self.probed_step.iter().map(|step| (step, 1));
        step.chain(self.switch(ends_task))
    }

    fn switch(&self, is_due: bool) -> impl Iterator<Item = (&P, u32)> {
        let due = self.task_switch.iter().filter(move |_| is_due);
        due.map(|switch| (switch, 1))
    }

    /// Runs of steps: the number of steps, and whether the last step ends a task after which stages are due.
    fn runs(&self, updates: u64, steps: u32) -> impl Iterator<Item = (u32, bool)> {
        let mut task = self
            .task_switch
            .as_ref()
            .map(|_| self.lengths.place_of(updates));
        let (mut next, mut left) = (updates, steps);
        std::iter::from_fn(move || {
            let ending = task.filter(|task| task.end() - next <= left.into());
            let times = ending.map_or(left, |task| (task.end() - next) as u32);
            task = ending.map(|ended| self.lengths.after(ended)).or(task);
            next += u64::from(times);
            left -= times;
            (times > 0).then_some((times, ending.is_some()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EQUAL: TaskLengths = TaskLengths {
        mean: 6,
        switch_seed: None,
    };

    fn plans(task_switch: Option<&'static str>, lengths: TaskLengths) -> StepPlans<&'static str> {
        StepPlans {
            step: "step",
            probed_step: Some("probed step"),
            task_switch,
            lengths,
        }
    }

    #[test]
    fn a_task_switch_follows_the_last_step_of_every_task() {
        let plans = plans(Some("switch"), EQUAL);
        let steps = |updates, steps| plans.steps(updates, steps).collect::<Vec<_>>();
        assert_eq!(steps(0, 5), [(&"step", 5)]);
        assert_eq!(steps(0, 6), [(&"step", 6), (&"switch", 1)]);
        assert_eq!(steps(5, 1), [(&"step", 1), (&"switch", 1)]);
        let wanted = [
            (&"step", 2),
            (&"switch", 1),
            (&"step", 6),
            (&"switch", 1),
            (&"step", 3),
        ];
        assert_eq!(steps(10, 11), wanted);
        assert_eq!(steps(6, 0), []);
        let probed = |updates| plans.step_after_probe(updates).collect::<Vec<_>>();
        assert_eq!(probed(4), [(&"probed step", 1)]);
        assert_eq!(probed(11), [(&"probed step", 1), (&"switch", 1)]);
    }

    #[test]
    fn where_nothing_is_due_steps_are_not_cut() {
        let plans = plans(None, EQUAL);
        assert_eq!(plans.steps(3, 100).collect::<Vec<_>>(), [(&"step", 100)]);
        assert_eq!(plans.step_after_probe(5).count(), 1);
    }

    #[test]
    fn a_task_of_random_length_ends_after_its_own_steps() {
        let lengths = TaskLengths {
            switch_seed: Some(3),
            ..EQUAL
        };
        let plans = plans(Some("switch"), lengths);
        let own = [0, 1, 2].map(|task| lengths.length_of(task) as u32);
        assert!(own.iter().any(|length| *length != 6), "{own:?}");
        let all = own.iter().flat_map(|n| [(&"step", *n), (&"switch", 1)]);
        let steps: Vec<_> = plans.steps(0, own.iter().sum()).collect();
        assert_eq!(steps, all.collect::<Vec<_>>());
        for update in 0..own.iter().sum() {
            let is_last = (0..3).any(|task| lengths.end_of(task) == u64::from(update) + 1);
            let after_probe = plans.step_after_probe(update.into()).count();
            assert_eq!(after_probe, 1 + usize::from(is_last), "{update}");
            assert_eq!(plans.steps(update.into(), 1).count(), after_probe);
        }
    }
}
