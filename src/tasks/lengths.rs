//! The lengths of a stream's tasks, and the task that an update belongs to.

use super::task_length;

/// The lengths of a stream's tasks, in updates. All tasks have the mean length, or each length is drawn from its task's
/// number.
///
/// The lengths do not depend on replicas, so that a host knows every task switch. Where lengths are drawn, a question
/// about task k or about one of its updates takes k draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskLengths {
    /// The mean length.
    pub mean: u64,
    /// The seed of drawn lengths, which are uniform from 0.5 to 1.5 times the mean; `None` for equal lengths.
    pub switch_seed: Option<u32>,
}

/// A task, and its place among the updates of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskPlace {
    /// The task, from 0. The number wraps after 2^32 tasks, as it does on the device.
    pub task: u32,
    /// The number of updates before the task.
    pub begin: u64,
    /// The number of the task's updates.
    pub length: u64,
}

impl TaskPlace {
    /// The number of updates when the task is done.
    pub fn end(&self) -> u64 {
        self.begin.saturating_add(self.length)
    }
}

impl TaskLengths {
    /// The largest distance of a length from the mean; 0 where all lengths are equal.
    pub fn spread(&self) -> u64 {
        self.switch_seed.map_or(0, |_| self.mean / 2)
    }

    /// The smallest length that a task can have.
    pub fn shortest(&self) -> u64 {
        self.mean - self.spread()
    }

    /// The largest length that a task can have.
    pub fn longest(&self) -> u64 {
        self.mean.saturating_add(self.spread())
    }

    /// The length of `task`.
    pub fn length_of(&self, task: u32) -> u64 {
        task_length(
            self.switch_seed.unwrap_or(0),
            task,
            self.mean,
            self.spread(),
        )
    }

    /// The number of updates when `task` is done; 2^64 - 1 at most.
    pub fn end_of(&self, task: u32) -> u64 {
        if self.spread() == 0 {
            return (u64::from(task) + 1).saturating_mul(self.mean);
        }
        let lengths = (0..=task).map(|task| self.length_of(task));
        lengths.fold(0, u64::saturating_add)
    }

    /// The task that an update belongs to, where `updates` updates come before it. Tasks without updates are one task
    /// that never ends.
    pub fn place_of(&self, updates: u64) -> TaskPlace {
        if self.spread() == 0 {
            let done = updates.checked_div(self.mean).unwrap_or(0);
            return TaskPlace {
                task: done as u32,
                begin: done * self.mean,
                length: self.mean,
            };
        }
        let mut place = TaskPlace {
            task: 0,
            begin: 0,
            length: self.length_of(0),
        };
        while place.end() <= updates {
            place = self.after(place);
        }
        place
    }

    /// The task after the one at `place`.
    pub fn after(&self, place: TaskPlace) -> TaskPlace {
        let task = place.task.wrapping_add(1);
        TaskPlace {
            task,
            begin: place.end(),
            length: self.length_of(task),
        }
    }

    /// The task that an update belongs to, where `updates` updates come before it.
    pub fn task_of(&self, updates: u64) -> u32 {
        self.place_of(updates).task
    }

    /// The share of its task that is done after `updates` updates, 0 to 1; 0 where tasks have no updates.
    pub fn share_of(&self, updates: u64) -> f64 {
        let place = self.place_of(updates);
        if place.length == 0 {
            return 0.0;
        }
        (updates - place.begin) as f64 / place.length as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(mean: u64, switch_seed: Option<u32>) -> TaskLengths {
        TaskLengths { mean, switch_seed }
    }

    #[test]
    fn places_are_those_of_a_walk_through_all_updates() {
        for (mean, seed) in [
            (6, None),
            (2, Some(1)),
            (6, Some(2)),
            (7, Some(3)),
            (1, Some(4)),
        ] {
            let lengths = lengths(mean, seed);
            let mut update = 0;
            for task in 0..40 {
                let length = lengths.length_of(task);
                for done in 0..length {
                    let place = TaskPlace {
                        task,
                        begin: update - done,
                        length,
                    };
                    assert_eq!(lengths.place_of(update), place, "{lengths:?}, {update}");
                    assert_eq!(lengths.task_of(update), task);
                    let share = done as f64 / length as f64;
                    assert_eq!(lengths.share_of(update), share, "{lengths:?}, {update}");
                    update += 1;
                }
                assert_eq!(lengths.end_of(task), update, "{lengths:?}, task {task}");
            }
        }
    }

    #[test]
    fn equal_lengths_are_quotients_and_remainders() {
        for mean in [1, 6, 1_000, u64::from(u32::MAX)] {
            let lengths = lengths(mean, None);
            for updates in [0, 1, 5, 6, 999, 1_000, 1_001, u32::MAX - 1, u32::MAX] {
                let updates = u64::from(updates);
                assert_eq!(u64::from(lengths.task_of(updates)), updates / mean);
                let share = (updates as f64 % mean as f64) / mean as f64;
                assert_eq!(lengths.share_of(updates), share);
            }
            assert_eq!((lengths.shortest(), lengths.longest()), (mean, mean));
        }
    }

    #[test]
    fn tasks_without_updates_make_no_progress() {
        for seed in [None, Some(1)] {
            let lengths = lengths(0, seed);
            assert_eq!((lengths.task_of(5), lengths.share_of(5)), (0, 0.0));
            assert_eq!(lengths.end_of(7), 0);
        }
    }
}
