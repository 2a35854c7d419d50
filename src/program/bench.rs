//! `trainable bench`: the speed of training and of probes on this machine, compared with its peak.

mod peak;
pub(crate) mod step;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use trainable::gpu::{Gpu, Tiling, adapters};
use trainable::{Backend, Compute, Trainer, wgpu};

use super::say::with_causes;
use super::{Failure, backend_parser, print};
use peak::Peak;
use step::{BATCH, Share, WIDTHS};

/// Options of `trainable bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// Where to compute; auto takes a real GPU if there is one, and otherwise the CPU
    #[arg(long, default_value = "auto", value_parser = backend_parser(), conflicts_with = "all")]
    backend: Backend,
    /// Every adapter, software included, and the CPU executor
    #[arg(long)]
    all: bool,
    /// Numbers of networks that are trained in the same dispatches; each number is a row of the table
    #[arg(
        long, value_name = "R", value_delimiter = ',', default_values_t = [1, 2, 8, 16],
        value_parser = clap::value_parser!(u32).range(1..=65_535)
    )]
    replicas: Vec<u32>,
    /// The variant of the matrix products in the tables of kernels
    #[arg(long, default_value = "auto", value_parser = tiling_parser())]
    tiling: Tiling,
}

fn tiling_parser() -> impl TypedValueParser<Value = Tiling> {
    PossibleValuesParser::new(Tiling::ALL.map(Tiling::name)).try_map(|name| name.parse::<Tiling>())
}

/// Timestamps, which time each dispatch separately on devices that have them.
const TIMESTAMPS: wgpu::Features = wgpu::Features::TIMESTAMP_QUERY;

/// Measures, and prints a section of Markdown for each device.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut text = format!(
        "# trainable {}: {} at minibatches of {BATCH}, Adam, f32\n",
        env!("CARGO_PKG_VERSION"),
        WIDTHS.map(|width| width.to_string()).join("-"),
    );
    if options.all {
        text += &all(options)?;
    } else {
        let chosen = || Compute::open_with(options.backend, TIMESTAMPS).map(|(chosen, _)| chosen);
        text += &section(chosen, options)?;
    }
    print(&text)
}

/// Returns a section for every adapter and for the CPU executor.
fn all(options: &Options) -> Result<String, Failure> {
    let found = pollster::block_on(adapters(wgpu::Backends::all()));
    let gpus = found.iter().map(|(summary, adapter)| {
        let section = section(|| open(adapter), options);
        (summary.to_string(), section)
    });
    let cpu = iter::once_with(|| (Compute::Cpu.name(), section(|| Ok(Compute::Cpu), options)));
    together(gpus.chain(cpu))
}

/// Joins the sections. A section that failed is replaced by one that gives the reason.
///
/// # Errors
/// The first failure, if all sections failed.
fn together(
    sections: impl Iterator<Item = (String, Result<String, Failure>)>,
) -> Result<String, Failure> {
    let (mut text, mut first, mut is_any) = (String::new(), None, false);
    for (name, section) in sections {
        match section {
            Ok(section) => {
                text += &section;
                is_any = true;
            }
            Err(failure) => {
                text += &format!("\n## {name}\n\nNot timed: {}.\n", with_causes(&failure));
                first.get_or_insert(failure);
            }
        }
    }
    match first {
        Some(failure) if !is_any => Err(failure),
        _ => Ok(text),
    }
}

fn open(adapter: &wgpu::Adapter) -> Result<Compute, trainable::Error> {
    let features = TIMESTAMPS & adapter.features();
    let gpu = pollster::block_on(Gpu::open_with(adapter, features))?;
    pollster::block_on(gpu.verify())?;
    Ok(Compute::Gpu(Arc::new(gpu)))
}

fn section(
    open: impl FnOnce() -> Result<Compute, trainable::Error>,
    options: &Options,
) -> Result<String, Failure> {
    let replicas = &options.replicas;
    let begin = Instant::now();
    let compute = open()?;
    let mut trainer = Trainer::new(&compute, step::spec(1)?)?;
    trainer.train(1)?;
    trainer.progress()?;
    let first_step = begin.elapsed();
    drop(trainer);
    let peak = peak::measure(&compute).map_err(trainable::Error::from)?;
    let mut text = format!("\n## {}\n\n", title(&compute));
    let (gflop, gbyte) = (1e-9 * peak.flop, 1e-9 * peak.bytes);
    writeln!(
        text,
        "Peak: {gflop:.0} GFLOP/s in multiply-adds from registers, {gbyte:.1} GB/s read and written in a copy. From opening \
         the device to the end of the first step: {:.2} s. A step of one replica moves {:.1} MB at the least.\n",
        first_step.as_secs_f64(),
        1e-6 * step::least_bytes(),
    )
    .expect("a string takes everything");
    text += &steps(&compute, peak, replicas)?;
    let fewest_and_most = BTreeSet::from([replicas.iter().min(), replicas.iter().max()]);
    for count in fewest_and_most.into_iter().flatten() {
        text += &kernels(&compute, *count, options.tiling)?;
    }
    text += &probes(&compute, replicas)?;
    Ok(text)
}

fn title(compute: &Compute) -> String {
    match compute {
        Compute::Cpu => {
            let threads = rayon::current_num_threads();
            format!("{}, {threads} threads", compute.name())
        }
        Compute::Gpu(_) => compute.name(),
    }
}

fn milliseconds(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

/// Table of training steps, by number of replicas.
fn steps(compute: &Compute, peak: Peak, replicas: &[u32]) -> Result<String, Failure> {
    let mut table = "| replicas | step, ms | of each replica, ms | GFLOP/s | of the peak | GB/s | of a copy's |\n\
                     |---|---|---|---|---|---|---|\n"
        .to_owned();
    let mut longest = None;
    for &count in replicas {
        let mut trainer = Trainer::new(compute, step::spec(count)?)?;
        let time = step::time_step(&mut trainer)?;
        longest = longest.max(trainer.longest_submission());
        let rate = |each: f64| each * f64::from(count) / time.as_secs_f64();
        let (flop, bytes) = (rate(step::nominal_flop()), rate(step::least_bytes()));
        table += &format!(
            "| {count} | {:.3} | {:.3} | {:.1} | {:.0}% | {:.1} | {:.0}% |\n",
            milliseconds(time),
            milliseconds(time) / f64::from(count),
            1e-9 * flop,
            100.0 * flop / peak.flop,
            1e-9 * bytes,
            100.0 * bytes / peak.bytes,
        );
    }
    if let Some(longest) = longest {
        let longest = milliseconds(longest);
        table += &format!("\nThe longest submission took {longest:.1} ms; 50 ms is aimed at.\n");
    }
    Ok(table)
}

/// Tables of kernels: the time of each kernel in a step and in an iteration of a probe.
fn kernels(compute: &Compute, replicas: u32, tiling: Tiling) -> Result<String, Failure> {
    let Some([step, iteration]) = step::shares(compute, replicas, tiling)? else {
        return Ok("\nNo timestamps on this device: no table of kernels.\n".to_owned());
    };
    let table = |what: &str, shares: &[Share]| {
        let total: Duration = shares.iter().map(|share| share.time).sum();
        let dispatches: usize = shares.iter().map(|share| share.dispatches).sum();
        let row = |share: &Share| {
            format!(
                "| {} | {} | {:.3} | {:.0}% |\n",
                share.kernel,
                share.dispatches,
                milliseconds(share.time),
                100.0 * share.time.as_secs_f64() / total.as_secs_f64(),
            )
        };
        let replicas = match replicas {
            1 => "1 replica".to_owned(),
            count => format!("{count} replicas"),
        };
        format!(
            "\n{what}, {replicas}, each dispatch timed by itself: {dispatches} dispatches, {:.3} ms.\n\n\
             | kernel | dispatches | ms | share |\n|---|---|---|---|\n{}",
            milliseconds(total),
            shares.iter().map(row).collect::<String>(),
        )
    };
    Ok(table("A training step", &step) + &table("An iteration of a probe", &iteration))
}

/// Table of scheduled runs, compared with training alone.
fn probes(compute: &Compute, replicas: &[u32]) -> Result<String, Failure> {
    let mut table = "\nThe default probe, every 40 steps.\n\n\
                     | replicas | first probe, ms | later ones, ms | 40 steps alone, ms | with one of them, ms | against training alone |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    for &count in replicas {
        let probe = step::time_probes(compute, count)?;
        table += &format!(
            "| {count} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} times |\n",
            milliseconds(probe.first),
            milliseconds(probe.later),
            milliseconds(probe.alone),
            milliseconds(probe.scheduled),
            probe.scheduled.as_secs_f64() / probe.alone.as_secs_f64(),
        );
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(name: &str) -> (String, Result<String, Failure>) {
        (name.to_owned(), Ok(format!("\n## {name}\n\ntimes\n")))
    }

    fn failed(name: &str) -> (String, Result<String, Failure>) {
        let failure = trainable::gpu::Error::Device {
            doing: "opening",
            reason: format!("{name} refused"),
        };
        let source = Box::new(trainable::Error::from(failure).into());
        let name = name.to_owned();
        (name.clone(), Err(Failure::Cell { name, source }))
    }

    #[test]
    fn a_device_that_fails_has_a_section_that_says_why() {
        let text = together([failed("A"), timed("B"), failed("C")].into_iter()).unwrap();
        let section = |name| {
            let reason = format!("cell {name}: the device failed while opening: {name} refused");
            format!("\n## {name}\n\nNot timed: {reason}.\n")
        };
        assert_eq!(text, section("A") + "\n## B\n\ntimes\n" + &section("C"));
    }

    #[test]
    fn where_all_fail_the_first_failure_is_the_machines_fault() {
        let failure = together([failed("A"), failed("B")].into_iter()).unwrap_err();
        assert_eq!(failure.to_string(), "cell A");
        assert_eq!(failure.exit_code(), 1);
    }
}
