//! Long work in short submissions, so that a display that shares the device stays responsive.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::readback::Copies;
use super::{Error, Gpu, Pacer, RecordedPlan};

/// The time that one submission should take.
const BUDGET: Duration = Duration::from_millis(50);

/// The number of submissions in flight: while one runs, the next is recorded.
const IN_FLIGHT: usize = 2;

/// Plans that run on a device in short submissions.
///
/// A submission holds as many steps of a plan as fit the budget. Where a single step exceeds the budget, and at first,
/// before a step was timed, each dispatch is a submission of its own.
pub(crate) struct Submissions {
    gpu: Arc<Gpu>,
    in_flight: VecDeque<Submission>,
    latest_end: Instant,
    longest: Duration,
    /// The pace of each plan, by its name.
    paces: HashMap<&'static str, Pace>,
}

struct Submission {
    index: wgpu::SubmissionIndex,
    /// Whether the device is known to have done it.
    is_done: Arc<AtomicBool>,
    begin: Instant,
    plan: &'static str,
    /// The number of steps that end with the submission; 0 for a dispatch that is not the last of its step.
    steps: u32,
}

struct Pace {
    pacer: Pacer,
    /// The time of the submissions since the end of the latest step; `None` where that of one is not known.
    time: Option<Duration>,
}

impl Submissions {
    pub(crate) fn new(gpu: Arc<Gpu>) -> Self {
        Self {
            gpu,
            in_flight: VecDeque::new(),
            latest_end: Instant::now(),
            longest: Duration::ZERO,
            paces: HashMap::new(),
        }
    }

    /// The time of the longest submission that is known to have ended.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// Submits `times` steps of `plan`; waits only while too much is in flight. A plan without dispatches
    /// needs no submission.
    ///
    /// # Errors
    /// A device that fails.
    pub(crate) fn run(&mut self, plan: &RecordedPlan, times: u32) -> Result<(), Error> {
        let Some(last) = plan.dispatches().checked_sub(1) else {
            return Ok(());
        };
        let mut left = times;
        while left > 0 {
            let pacer = self.pace(plan.name()).pacer;
            if pacer.is_cut() {
                for dispatch in 0..=last {
                    let steps = u32::from(dispatch == last);
                    let encode = |encoder: &mut _| plan.encode_dispatch(encoder, dispatch);
                    self.submit(plan.name(), steps, encode)?;
                }
                left -= 1;
            } else {
                let steps = pacer.steps().min(left);
                self.submit(plan.name(), steps, |encoder| plan.encode(encoder, steps))?;
                left -= steps;
            }
        }
        Ok(())
    }

    /// Copies `sources`, waits for everything, and decodes their words.
    ///
    /// # Errors
    /// A device that fails.
    pub(crate) fn read<T>(
        &mut self,
        sources: &[&wgpu::Buffer],
        decode: impl FnOnce(&[&[u32]]) -> T,
    ) -> Result<T, Error> {
        let gpu = self.gpu.clone();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let copies = Copies::record(&gpu.device, &mut encoder, sources);
        gpu.queue.submit([encoder.finish()]);
        while let Some(oldest) = self.in_flight.pop_front() {
            self.wait_for(oldest)?;
        }
        let result = copies.wait(decode);
        gpu.check("reading back").and(result)
    }

    fn pace(&mut self, plan: &'static str) -> &mut Pace {
        self.paces.entry(plan).or_insert_with(|| Pace {
            pacer: Pacer::new(BUDGET),
            time: Some(Duration::ZERO),
        })
    }

    fn submit(
        &mut self,
        plan: &'static str,
        steps: u32,
        encode: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<(), Error> {
        if self.in_flight.len() == IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            self.wait_for(oldest)?;
        }
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        encode(&mut encoder);
        let index = self.gpu.queue.submit([encoder.finish()]);
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        let note = move || done.store(true, Ordering::Relaxed);
        self.gpu.queue.on_submitted_work_done(note);
        self.in_flight.push_back(Submission {
            index,
            is_done,
            begin: Instant::now(),
            plan,
            steps,
        });
        self.gpu.check("training")
    }

    fn wait_for(&mut self, submission: Submission) -> Result<(), Error> {
        self.poll(wgpu::PollType::Poll)?;
        let was_done = submission.is_done.load(Ordering::Relaxed);
        self.poll(wgpu::PollType::Wait {
            submission_index: Some(submission.index),
            timeout: None,
        })?;
        self.gpu.check("training")?;
        // The submission began when it was submitted, or when the previous one ended.
        let end = Instant::now();
        let time = known(end - submission.begin.max(self.latest_end), was_done);
        self.latest_end = end;
        self.longest = self.longest.max(time.unwrap_or_default());
        let pace = self.pace(submission.plan);
        pace.time = pace.time.zip(time).map(|(before, time)| before + time);
        if submission.steps > 0
            && let Some(time) = pace.time.replace(Duration::ZERO)
        {
            pace.pacer.measured(submission.steps, time);
        }
        Ok(())
    }

    fn poll(&self, how: wgpu::PollType) -> Result<(), Error> {
        let polled = self.gpu.device.poll(how);
        polled.map(drop).map_err(|error| Error::Device {
            doing: "waiting for a submission",
            reason: error.to_string(),
        })
    }
}

/// The time of a submission that took `most` until the host knew of its end. Where it `was_done` before the host asked, the
/// host may have been idle for most of that time: within the budget this does not matter, and beyond it nothing is known.
fn known(most: Duration, was_done: bool) -> Option<Duration> {
    Some(most).filter(|most| !was_done || *most <= BUDGET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_host_makes_no_submission_long() {
        let [short, long] = [BUDGET, BUDGET * 2];
        assert_eq!(known(short, true), Some(short));
        assert_eq!(known(short, false), Some(short));
        assert_eq!(known(long, false), Some(long));
        assert_eq!(known(long, true), None);
    }
}
