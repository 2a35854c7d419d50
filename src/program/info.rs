//! `trainable info`: the adapters of this machine, the chosen device, and the time of a training step on it.

use clap::Args;
use trainable::gpu::{AdapterSummary, Gpu, adapters, present_adapters};
use trainable::{Backend, Compute, Trainer, wgpu};

use super::bench::step::{BATCH, WIDTHS, nominal_flop, spec, time_step};
use super::say::with_causes;
use super::{Failure, backend_parser, print};

/// Options of `trainable info`.
#[derive(Args)]
pub(crate) struct Options {
    /// Where to compute; auto takes a real GPU if there is one, and otherwise the CPU
    #[arg(long, default_value = "auto", value_parser = backend_parser())]
    backend: Backend,
    /// Networks that are trained in the same dispatches while the step is timed
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    replicas: u32,
}

/// Prints the adapters and then the time of a step. The adapters come first, because they help if the chosen one fails.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    print(&present(options.backend))?;
    print(&chosen(options)?)
}

/// Lists the adapters, with the reason for each that cannot be used.
fn present(backend: Backend) -> String {
    let mut text = String::new();
    let found = match backend {
        Backend::Gl => pollster::block_on(adapters(wgpu::Backends::all())),
        _ => pollster::block_on(present_adapters()),
    };
    for (summary, adapter) in &found {
        text += &describe(summary, adapter);
        let opened = pollster::block_on(Gpu::open(adapter));
        if let Err(error) = opened.and_then(|gpu| pollster::block_on(gpu.verify())) {
            text += &format!("    cannot be used: {}\n", with_causes(&error));
        }
    }
    if found.is_empty() {
        text += "no adapter: neither Vulkan, Metal, DirectX 12 nor OpenGL is there\n";
    } else if backend != Backend::Gl {
        text += "OpenGL is asked only where nothing else is there, or with --backend gl\n";
    }
    text
}

/// Describes the chosen device and its speed.
fn chosen(options: &Options) -> Result<String, Failure> {
    let (compute, chosen) = Compute::open(options.backend)?;
    let mut text = format!("\n--backend {}: {chosen}\n", options.backend.name());
    let spec = spec(options.replicas)?;
    let fit = compute.replicas_that_fit(&spec)?;
    text += &format!("{WIDTHS:?} at batch {BATCH}: {fit} networks train together\n");
    let seconds = time_step(&mut Trainer::new(&compute, spec)?)?.as_secs_f64();
    let flop = nominal_flop() * f64::from(options.replicas);
    text += &format!(
        "a training step of {} of them: {:.3} ms ({:.1} GFLOP/s)\n",
        options.replicas,
        1e3 * seconds,
        1e-9 * flop / seconds,
    );
    Ok(text)
}

fn describe(summary: &AdapterSummary, adapter: &wgpu::Adapter) -> String {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let kind = if summary.is_hardware() {
        "hardware"
    } else {
        "software"
    };
    let subgroups = match (info.subgroup_min_size, info.subgroup_max_size) {
        (least, most) if least == most => format!("{least}"),
        (least, most) => format!("{least} to {most}"),
    };
    let mib = |bytes: u64| bytes >> 20;
    format!(
        "{summary}: {kind}\n    \
         buffers to {} MiB, bindings to {} MiB, {} storage buffers a stage, {} invocations and {} KiB a workgroup, \
         subgroups of {subgroups}\n",
        mib(limits.max_buffer_size),
        mib(limits.max_storage_buffer_binding_size),
        limits.max_storage_buffers_per_shader_stage,
        limits.max_compute_invocations_per_workgroup,
        limits.max_compute_workgroup_storage_size >> 10,
    )
}
