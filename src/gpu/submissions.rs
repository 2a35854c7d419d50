//! Long work in short submissions, so that a display that shares the device stays responsive.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
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
    begin: Instant,
    plan: &'static str,
    /// The number of steps that end with the submission; 0 for a dispatch that is not the last of its step.
    steps: u32,
}

struct Pace {
    pacer: Pacer,
    /// The time of the submissions since the end of the latest step.
    time: Duration,
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
            time: Duration::ZERO,
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
        self.in_flight.push_back(Submission {
            index: self.gpu.queue.submit([encoder.finish()]),
            begin: Instant::now(),
            plan,
            steps,
        });
        self.gpu.check("training")
    }

    fn wait_for(&mut self, submission: Submission) -> Result<(), Error> {
        let wait = wgpu::PollType::Wait {
            submission_index: Some(submission.index),
            timeout: None,
        };
        self.gpu.device.poll(wait).map_err(|error| Error::Device {
            doing: "waiting for a submission",
            reason: error.to_string(),
        })?;
        self.gpu.check("training")?;
        // The submission began when it was submitted, or when the previous one ended.
        let end = Instant::now();
        let time = end - submission.begin.max(self.latest_end);
        self.latest_end = end;
        self.longest = self.longest.max(time);
        let pace = self.pace(submission.plan);
        pace.time += time;
        if submission.steps > 0 {
            let time = std::mem::take(&mut pace.time);
            pace.pacer.measured(submission.steps, time);
        }
        Ok(())
    }
}
