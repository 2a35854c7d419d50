//! Timed workload: training steps of the paper's network on images of noise. The content of the images does not change
//! the time of a step.

use std::time::{Duration, Instant};

use trainable::cpu::CpuExecutor;
use trainable::gpu::{self, Gpu, RecordedPlan, Recorder, Tiling};
use trainable::network::{Activation, Network};
use trainable::plan::{Plan, Program};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Error, Trainer, wgpu};

/// The paper's network and minibatch.
pub(crate) const WIDTHS: [u32; 4] = [784, 256, 256, 10];
pub(crate) const BATCH: u32 = 256;

/// Shortest time over which steps are timed.
const TIMED: Duration = Duration::from_millis(500);

/// Creates a training of `replicas` replicas.
pub(crate) fn spec(replicas: u32) -> Result<TrainingSpec, Error> {
    let bytes: Vec<u8> = (0..4 * BATCH * WIDTHS[0])
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    Ok(TrainingSpec {
        network: Network::mlp(&WIDTHS, Activation::Relu)?,
        batch: BATCH,
        replicas: (0..replicas).map(replica).collect(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, WIDTHS[0] as usize, 0.5, 0.29)?,
            subset: 4 * BATCH,
            epochs: 100,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    })
}

/// Nominal floating-point operations of a step of one replica: 6 per sample and weight, for one pass forward and two
/// backward. This is the usual count for training, although the first layer's input gradient is not computed.
pub(crate) fn nominal_flop() -> f64 {
    let weights: u32 = WIDTHS.windows(2).map(|pair| pair[0] * pair[1]).sum();
    6.0 * f64::from(BATCH) * f64::from(weights)
}

/// Smallest number of bytes that a step of one replica reads and writes. Each pass of each layer reads its operands once
/// and writes its result once. Adam reads four values per parameter and writes three.
pub(crate) fn least_bytes() -> f64 {
    let batch = f64::from(BATCH);
    let layer = |(number, pair): (usize, &[u32])| {
        let [inputs, outputs] = [pair[0], pair[1]].map(f64::from);
        let weights = (inputs + 1.0) * outputs;
        let forward = weights + batch * (inputs + outputs);
        let backward_weights = forward;
        let backward_input = match number {
            0 => 0.0,
            _ => weights + batch * (2.0 * inputs + outputs),
        };
        forward + backward_weights + backward_input + 7.0 * weights
    };
    let layers: f64 = WIDTHS.windows(2).enumerate().map(layer).sum();
    let [first, last] = [WIDTHS[0], WIDTHS[3]].map(f64::from);
    // A minibatch is gathered from bytes; the loss reads the logits and writes their gradient.
    let gather = batch * (first / 4.0 + first);
    4.0 * (layers + gather + 2.0 * batch * last)
}

/// Median time of a step. It is taken over as many repetitions as fit into [`TIMED`], at least three, after one to warm up.
/// Each repetition is a few steps.
pub(crate) fn time_step(trainer: &mut Trainer) -> Result<Duration, Error> {
    let mut timed = |steps| {
        let start = Instant::now();
        trainer.train(steps)?;
        trainer.progress()?;
        Ok::<_, Error>(start.elapsed())
    };
    timed(1)?;
    let one = timed(1)?;
    let steps = (TIMED.as_secs_f64() / 10.0 / one.as_secs_f64()) as u32 + 1;
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || start.elapsed() < TIMED {
        times.push(timed(steps)? / steps);
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Times of default probes, and of 40 steps without and with one, as in a scheduled run.
pub(super) struct Probe {
    pub(super) first: Duration,
    pub(super) later: Duration,
    pub(super) alone: Duration,
    pub(super) scheduled: Duration,
}

/// Trains and probes one network as a scheduled run does, alternating with another network that only trains.
pub(super) fn time_probes(compute: &Compute, replicas: u32) -> Result<Probe, Error> {
    const INTERVAL: u32 = 40;
    let probed = TrainingSpec {
        probe: Some(ProbeSpec::default()),
        ..spec(replicas)?
    };
    let mut probed = Trainer::new(compute, probed)?;
    let mut alone = Trainer::new(compute, spec(replicas)?)?;
    let mut piece = || {
        let start = Instant::now();
        alone.train(INTERVAL)?;
        alone.progress()?;
        let of_training = start.elapsed();
        let start = Instant::now();
        probed.train(INTERVAL)?;
        probed.progress()?;
        let before_probe = start.elapsed();
        probed.probe()?;
        Ok::<_, Error>([of_training, before_probe, start.elapsed()])
    };
    let [_, before, whole] = piece()?;
    let first = whole - before;
    let pieces: Vec<_> = (0..5).map(|_| piece()).collect::<Result<_, _>>()?;
    let median_of =
        |time: fn(&[Duration; 3]) -> Duration| median(pieces.iter().map(time).collect());
    Ok(Probe {
        first,
        later: median_of(|[_, before, whole]| *whole - *before),
        alone: median_of(|[alone, ..]| *alone),
        scheduled: median_of(|[.., whole]| *whole),
    })
}

/// Time of the dispatches of one kernel in a plan.
pub(super) struct Share {
    pub(super) kernel: &'static str,
    pub(super) dispatches: usize,
    pub(super) time: Duration,
}

/// Kernels of a training step, and of an iteration of a probe in which no block has converged; the slowest first. `None`
/// if the device has no timestamps.
pub(super) fn shares(
    compute: &Compute,
    replicas: u32,
    tiling: Tiling,
) -> Result<Option<[Vec<Share>; 2]>, Error> {
    let program = Program::new(&TrainingSpec {
        probe: Some(ProbeSpec {
            tolerance: 0.0,
            ..ProbeSpec::default()
        }),
        ..spec(replicas)?
    })?;
    let step = program.steps.as_ref().ok_or(Error::NoTaskStream)?;
    let step = &step.step;
    let probe = program.probe.as_ref().ok_or(Error::NoProbe)?;
    let before: Vec<_> = [&program.initialise, step, &probe.begin]
        .into_iter()
        .chain(&probe.refresh)
        .collect();
    let plans = [step, &probe.iterate];
    let timed = match compute {
        Compute::Cpu => cpu_times(&program, &before, plans),
        Compute::Gpu(gpu)
            if gpu
                .device
                .features()
                .contains(wgpu::Features::TIMESTAMP_QUERY) =>
        {
            gpu_times(gpu, &program, tiling, &before, plans)?
        }
        Compute::Gpu(_) => return Ok(None),
    };
    let [step_times, iteration_times] = &timed;
    Ok(Some([
        by_kernel(step, step_times),
        by_kernel(&probe.iterate, iteration_times),
    ]))
}

/// Sums the times of each kernel; `times` is `[repetition][dispatch]`.
fn by_kernel(plan: &Plan, times: &[Vec<Duration>]) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for (index, dispatch) in plan.dispatches.iter().enumerate() {
        let time = median(times.iter().map(|times| times[index]).collect());
        let kernel = dispatch.kernel.name;
        match shares.iter_mut().find(|share| share.kernel == kernel) {
            Some(share) => {
                share.dispatches += 1;
                share.time += time;
            }
            None => shares.push(Share {
                kernel,
                dispatches: 1,
                time,
            }),
        }
    }
    shares.sort_by_key(|share| std::cmp::Reverse(share.time));
    shares
}

/// Times of each plan, `[repetition][dispatch]`.
type Times = [Vec<Vec<Duration>>; 2];

/// Number of times that a plan is timed.
const REPETITIONS: usize = 9;

fn cpu_times(program: &Program, before: &[&Plan], plans: [&Plan; 2]) -> Times {
    let mut executor = CpuExecutor::new(program);
    for plan in before {
        executor.run(plan, 1);
    }
    plans.map(|plan| {
        let mut repetition = || executor.run_timed(plan);
        (0..REPETITIONS).map(|_| repetition()).collect()
    })
}

/// Times each dispatch in its own pass, between two timestamps.
fn gpu_times(
    gpu: &Gpu,
    program: &Program,
    tiling: Tiling,
    before: &[&Plan],
    plans: [&Plan; 2],
) -> Result<Times, Error> {
    let device = &gpu.device;
    let mut recorder = Recorder::new(device, program)?.with_tiling(tiling);
    let mut encoder = device.create_command_encoder(&Default::default());
    for plan in before {
        recorder.prepare(device, plan)?.encode(&mut encoder, 1);
    }
    gpu.queue.submit([encoder.finish()]);
    let mut times = Times::default();
    for (plan, times) in plans.into_iter().zip(&mut times) {
        let recorded = recorder.prepare(device, plan)?;
        let timer = Timer::new(gpu, plan.dispatches.len() as u32);
        for _ in 0..REPETITIONS {
            times.push(timer.time(&recorded)?);
        }
    }
    Ok(times)
}

/// Query set with two timestamps for each dispatch of a plan, and the buffers that read them back.
struct Timer<'a> {
    gpu: &'a Gpu,
    queries: wgpu::QuerySet,
    count: u32,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

impl<'a> Timer<'a> {
    fn new(gpu: &'a Gpu, dispatches: u32) -> Self {
        let count = 2 * dispatches;
        let buffer = |usage| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: u64::from(count) * 8,
                usage,
                mapped_at_creation: false,
            })
        };
        Self {
            gpu,
            queries: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("dispatches"),
                ty: wgpu::QueryType::Timestamp,
                count,
            }),
            count,
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
        }
    }

    /// Runs the plan once and returns its times.
    fn time(&self, plan: &RecordedPlan) -> Result<Vec<Duration>, Error> {
        let failed = |reason: String| gpu::Error::Device {
            doing: "reading timestamps",
            reason,
        };
        let Self { gpu, staging, .. } = self;
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        plan.encode_timed(&mut encoder, &self.queries);
        encoder.resolve_query_set(&self.queries, 0..self.count, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, staging, 0, staging.size());
        gpu.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |_| ());
        let waited = gpu.device.poll(wgpu::PollType::wait_indefinitely());
        waited.map_err(|error| failed(error.to_string()))?;
        gpu.check("reading timestamps")?;
        let view = staging.get_mapped_range(..);
        let view = view.map_err(|error| failed(error.to_string()))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        let period = f64::from(gpu.queue.get_timestamp_period()) * 1e-9;
        let time =
            |pair: &[u64]| Duration::from_secs_f64(pair[1].saturating_sub(pair[0]) as f64 * period);
        Ok(ticks.chunks(2).map(time).collect())
    }
}
