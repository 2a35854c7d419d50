//! The plans of training on the stream: the step, the end of a task, and the stages that are due when a task begins.

use super::dispatch::Plan;
use super::periodic::Periodic;
use crate::tasks::TaskLengths;

/// Some steps in a row.
#[derive(Clone, Copy)]
struct Run {
    /// Their number, at least one.
    times: u32,
    /// Whether periodic stages are due after the last one.
    is_due: bool,
    /// Whether the last one ends a task.
    ends_task: bool,
}

/// The plans of training on the stream, or their recordings.
#[derive(Clone)]
pub struct StepPlans<P = Plan> {
    /// Gathers the stream's next minibatch and updates.
    pub step: P,
    /// The rest of a step right after a probe, which has gathered the minibatch and left its gradients; only with a
    /// probe.
    pub probed_step: Option<P>,
    /// The stages that are due after some steps only, before the end of a task; `None` where there are none.
    pub periodic: Option<Periodic<P>>,
    /// Ends the task after its last step: logs it, and begins the next.
    pub task_end: P,
    /// The stages that are due when a task begins, after the end of the previous task; `None` where there are none.
    pub task_switch: Option<P>,
    /// The lengths of tasks.
    pub lengths: TaskLengths,
}

impl<P> StepPlans<P> {
    pub(super) fn all(&self) -> impl Iterator<Item = &P> {
        let others = self.probed_step.iter().chain(&self.task_switch);
        let others = others.chain(self.periodic.iter().map(|periodic| &periodic.plan));
        [&self.step, &self.task_end].into_iter().chain(others)
    }

    /// Applies `make` to every plan.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn map<Q, E>(&self, mut make: impl FnMut(&P) -> Result<Q, E>) -> Result<StepPlans<Q>, E> {
        Ok(StepPlans {
            step: make(&self.step)?,
            probed_step: self.probed_step.as_ref().map(&mut make).transpose()?,
            periodic: match &self.periodic {
                Some(periodic) => Some(Periodic {
                    plan: make(&periodic.plan)?,
                    periods: periodic.periods.clone(),
                }),
                None => None,
            },
            task_end: make(&self.task_end)?,
            task_switch: self.task_switch.as_ref().map(&mut make).transpose()?,
            lengths: self.lengths,
        })
    }

    /// The plans of `steps` steps after `updates` updates, and how often each runs in a row.
    pub fn steps(&self, updates: u64, steps: u32) -> impl Iterator<Item = (&P, u32)> {
        let runs = self.runs(updates, steps, self.periodic.as_ref());
        runs.flat_map(|run| std::iter::once((&self.step, run.times)).chain(self.after(run)))
    }

    /// The plans of one step after `updates` updates, right after a probe.
    pub fn step_after_probe(&self, updates: u64) -> impl Iterator<Item = (&P, u32)> {
        let runs = self.runs(updates, 1, self.periodic.as_ref());
        let step = self.probed_step.iter().map(|step| (step, 1));
        step.chain(runs.flat_map(|run| self.after(run)))
    }

    /// The plans of `count` runs of `update`, which trains on a loaded minibatch, after `updates` updates. Tasks end as in
    /// [`Self::steps`], but the stages of task switches are not due. `update` has the periodic ones, which end at once where
    /// they are not due.
    pub(crate) fn updates<'a>(
        &'a self,
        update: &'a P,
        updates: u64,
        count: u32,
    ) -> impl Iterator<Item = (&'a P, u32)> {
        self.runs(updates, count, None).flat_map(move |run| {
            let end = run.ends_task.then_some((&self.task_end, 1));
            std::iter::once((update, run.times)).chain(end)
        })
    }

    /// The plans that are due after a run.
    fn after(&self, run: Run) -> impl Iterator<Item = (&P, u32)> {
        let periodic = self.periodic.iter().filter(move |_| run.is_due);
        let switch = std::iter::once(&self.task_end).chain(&self.task_switch);
        let switch = switch.filter(move |_| run.ends_task);
        let due = periodic.map(|periodic| &periodic.plan).chain(switch);
        due.map(|plan| (plan, 1))
    }

    /// Runs of steps, which end where a task ends or `periodic` is due.
    fn runs<'a>(
        &'a self,
        updates: u64,
        steps: u32,
        periodic: Option<&'a Periodic<P>>,
    ) -> impl Iterator<Item = Run> + 'a {
        let mut task = self.lengths.place_of(updates);
        let (mut next, mut left) = (updates, steps);
        std::iter::from_fn(move || {
            let due = periodic.map_or(u64::MAX, |periodic| periodic.next_due(next));
            let end = task.end().min(due).min(next + u64::from(left));
            let times = (end - next) as u32;
            let run = Run {
                times,
                is_due: end == due,
                ends_task: end == task.end(),
            };
            if run.ends_task {
                task = self.lengths.after(task);
            }
            next = end;
            left -= times;
            (times > 0).then_some(run)
        })
    }
}

impl StepPlans {
    /// The mean number of dispatches of a training step. Those that are due after some updates only are spread over all, and
    /// those at the end of a task over the steps of a task of mean length.
    pub fn mean_dispatches(&self) -> f64 {
        let count = |plan: &Plan| plan.dispatches.len() as f64;
        let at_end = count(&self.task_end) + self.task_switch.as_ref().map_or(0.0, count);
        let periodic = self.periodic.as_ref();
        let periodic = periodic.map_or(0.0, |due| due.share() * count(&due.plan));
        count(&self.step) + periodic + at_end / self.lengths.mean as f64
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
            periodic: None,
            task_end: "end",
            task_switch,
            lengths,
        }
    }

    #[test]
    fn a_task_switch_follows_the_last_step_of_every_task() {
        let plans = plans(Some("switch"), EQUAL);
        let steps = |updates, steps| plans.steps(updates, steps).collect::<Vec<_>>();
        assert_eq!(steps(0, 5), [(&"step", 5)]);
        let ended = [(&"end", 1), (&"switch", 1)];
        assert_eq!(steps(0, 6), [&[(&"step", 6)], &ended[..]].concat());
        assert_eq!(steps(5, 1), [&[(&"step", 1)], &ended[..]].concat());
        let wanted = [
            &[(&"step", 2)],
            &ended[..],
            &[(&"step", 6)],
            &ended,
            &[(&"step", 3)],
        ]
        .concat();
        assert_eq!(steps(10, 11), wanted);
        assert_eq!(steps(6, 0), []);
        let probed = |updates| plans.step_after_probe(updates).collect::<Vec<_>>();
        assert_eq!(probed(4), [(&"probed step", 1)]);
        assert_eq!(probed(11), [&[(&"probed step", 1)], &ended[..]].concat());
        let updates: Vec<_> = plans.updates(&"update", 4, 3).collect();
        assert_eq!(updates, [(&"update", 2), (&"end", 1), (&"update", 1)]);
    }

    #[test]
    fn periodic_stages_run_where_they_are_due_and_before_a_task_ends() {
        let plans = StepPlans {
            periodic: Some(Periodic {
                plan: "periodic",
                periods: vec![4, 6],
            }),
            ..plans(Some("switch"), EQUAL)
        };
        let due = (&"periodic", 1);
        let wanted = [
            &[(&"step", 4), due, (&"step", 2), due],
            &[(&"end", 1), (&"switch", 1), (&"step", 2), due][..],
            &[(&"step", 1)],
        ];
        assert_eq!(plans.steps(0, 9).collect::<Vec<_>>(), wanted.concat());
        assert_eq!(plans.steps(9, 2).collect::<Vec<_>>(), [(&"step", 2)]);
        assert_eq!(plans.steps(0, 0).count(), 0);
        let probed = |updates| plans.step_after_probe(updates).collect::<Vec<_>>();
        assert_eq!(probed(2), [(&"probed step", 1)]);
        assert_eq!(probed(3), [(&"probed step", 1), due]);
        let ended = [(&"end", 1), (&"switch", 1)];
        assert_eq!(
            probed(5),
            [&[(&"probed step", 1), due], &ended[..]].concat()
        );
        // A loaded minibatch has a plan with all stages.
        let updates: Vec<_> = plans.updates(&"update", 0, 7).collect();
        assert_eq!(updates, [(&"update", 6), (&"end", 1), (&"update", 1)]);
    }

    #[test]
    fn where_no_stage_is_due_only_the_task_ends() {
        let plans = plans(None, EQUAL);
        let wanted = [(&"step", 3), (&"end", 1), (&"step", 2)];
        assert_eq!(plans.steps(3, 5).collect::<Vec<_>>(), wanted);
        assert_eq!(plans.step_after_probe(5).count(), 2);
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
        let all = own
            .iter()
            .flat_map(|n| [(&"step", *n), (&"end", 1), (&"switch", 1)]);
        let steps: Vec<_> = plans.steps(0, own.iter().sum()).collect();
        assert_eq!(steps, all.collect::<Vec<_>>());
        for update in 0..own.iter().sum() {
            let is_last = (0..3).any(|task| lengths.end_of(task) == u64::from(update) + 1);
            let after_probe = plans.step_after_probe(update.into()).count();
            assert_eq!(after_probe, 1 + 2 * usize::from(is_last), "{update}");
            assert_eq!(plans.steps(update.into(), 1).count(), after_probe);
        }
    }
}
