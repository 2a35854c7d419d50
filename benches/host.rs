//! Times what the host does for a training step: it records commands, and submits them. The device's own work is not timed.
//! Prints a CSV table, one row for each adapter, number of replicas and kind of work.
//!
//! A software driver computes on the same cores, so its rows say little. `tests/portability/static_gpus/host` runs this
//! program with the drivers of real GPUs, behind which nothing computes. There the lowest time of a step counts: no
//! submission ever ends, so that drivers free no memory and some rounds cost far more.
//!
//!     cargo bench --bench host

mod common;

use std::time::{Duration, Instant};

use trainable::gpu::{self, Gpu};
use trainable::probe::ProbeSpec;
use trainable::{Engine, wgpu};

/// The steps of a submission: the paper probes every 40.
const STEPS: u32 = 40;
const ROUNDS: usize = 25;

/// The argument for drivers behind which nothing computes: they do not say when they are done.
const NO_WAIT: &str = "--no-wait";

fn main() {
    println!("adapter,replicas,work,steps,rounds,median_us_per_step,lowest_us_per_step");
    for (_, adapter) in pollster::block_on(gpu::present_adapters()) {
        let gpu = pollster::block_on(Gpu::open(&adapter)).expect("an adapter opens");
        for replicas in [1, 16] {
            for probe in [None, Some(ProbeSpec::default())] {
                let work = ["steps", "steps and a probe"][usize::from(probe.is_some())];
                let spec = common::spec(common::IMAGES, replicas, probe);
                let mut engine = Engine::new(&gpu.device, spec).expect("the device fits");
                submit(&gpu, |encoder| engine.encode_initialise(encoder));
                let mut times: Vec<_> = (0..ROUNDS)
                    .map(|_| submit(&gpu, |encoder| encode(&mut engine, probe, encoder)))
                    .collect();
                times.sort_unstable();
                let [median, lowest] = [times[ROUNDS / 2], times[0]]
                    .map(|time| time.as_secs_f64() * 1e6 / f64::from(STEPS));
                println!(
                    "\"{}\",{replicas},{work},{STEPS},{ROUNDS},{median:.2},{lowest:.2}",
                    gpu.adapter
                );
            }
        }
    }
}

/// Records 40 steps, after a probe where there is one.
fn encode(engine: &mut Engine, probe: Option<ProbeSpec>, encoder: &mut wgpu::CommandEncoder) {
    let mut steps = STEPS;
    if probe.is_some() {
        engine.encode_probe(encoder).expect("a probe");
        engine.encode_step_after_probe(encoder).expect("a step");
        steps -= 1;
    }
    engine.encode_steps(encoder, steps).expect("steps");
}

/// Returns how long it takes to record and to submit, and waits for the device.
fn submit(gpu: &Gpu, record: impl FnOnce(&mut wgpu::CommandEncoder)) -> Duration {
    let start = Instant::now();
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    record(&mut encoder);
    gpu.queue.submit([encoder.finish()]);
    let time = start.elapsed();
    if !std::env::args().any(|argument| argument == NO_WAIT) {
        let wait = wgpu::PollType::wait_indefinitely();
        gpu.device.poll(wait).expect("the device answers");
    }
    time
}
