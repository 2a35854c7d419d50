//! The device that a program computes on: the CPU executor, or a wgpu device that is opened here.

use std::str::FromStr;
use std::sync::Arc;

use crate::error::Error;
use crate::gpu::{self, AdapterSummary, Gpu, adapters, present_adapters, replicas_that_fit};
use crate::memory;
use crate::network::{Network, Node, Op};
use crate::plan::Program;
use crate::spec::{MOST_REPLICAS, TrainingSpec};

/// The kind of device to compute on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// A hardware GPU if there is one, else the CPU executor. OpenGL is tried only where no other interface has an adapter.
    /// Software rasterisers such as llvmpipe are slower than the CPU executor and are used only on request.
    #[default]
    Auto,
    /// The CPU executor.
    Cpu,
    /// The best Vulkan adapter, software included.
    Vulkan,
    /// The best Metal adapter.
    Metal,
    /// The best DirectX 12 adapter, software included.
    Dx12,
    /// The best OpenGL adapter, software included.
    Gl,
}

impl Backend {
    /// The names that [`FromStr`] takes.
    pub const NAMES: [&'static str; 6] = ["auto", "cpu", "vulkan", "metal", "dx12", "gl"];

    /// The backend's name among [`Self::NAMES`].
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The interfaces that its adapters are looked for in.
    fn wgpu_backends(self) -> wgpu::Backends {
        match self {
            Self::Auto => wgpu::Backends::all(),
            Self::Cpu => wgpu::Backends::empty(),
            Self::Vulkan => wgpu::Backends::VULKAN,
            Self::Metal => wgpu::Backends::METAL,
            Self::Dx12 => wgpu::Backends::DX12,
            Self::Gl => wgpu::Backends::GL,
        }
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [
            Self::Auto,
            Self::Cpu,
            Self::Vulkan,
            Self::Metal,
            Self::Dx12,
            Self::Gl,
        ];
        let named = all.into_iter().find(|backend| backend.name() == name);
        named.ok_or_else(|| Error::invalid("backend", Self::NAMES.join(", "), name))
    }
}

/// The device to compute on.
#[derive(Clone, Debug)]
pub enum Compute {
    /// The CPU executor.
    Cpu,
    /// A wgpu device that was opened for this purpose.
    Gpu(Arc<Gpu>),
}

impl Compute {
    /// Opens a device of the kind `backend`. The result comes with a line that says which device was chosen, and why.
    /// [`Backend::Auto`] passes over adapters that give no device or wrong results.
    ///
    /// # Errors
    /// [`gpu::Error::NoAdapter`], which lists the adapters of all backends, [`gpu::Error::NoDevice`], or
    /// [`gpu::Error::WrongResults`] from [`Gpu::verify`].
    pub fn open(backend: Backend) -> Result<(Self, String), Error> {
        Self::open_with(backend, wgpu::Features::empty())
    }

    /// Does the same as [`Self::open`] and enables those of `features` that the chosen adapter has, for the caller's own use.
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub fn open_with(backend: Backend, features: wgpu::Features) -> Result<(Self, String), Error> {
        match backend {
            Backend::Cpu => Ok((Self::Cpu, cpu_because("asked for"))),
            Backend::Auto => Ok(Self::open_best(features)),
            named => Self::open_named(named, features),
        }
    }

    fn open_named(backend: Backend, features: wgpu::Features) -> Result<(Self, String), Error> {
        let found = pollster::block_on(adapters(backend.wgpu_backends()));
        let (summary, adapter) = found.first().ok_or_else(|| gpu::Error::NoAdapter {
            wanted: format!("{backend:?}"),
            found: list(&pollster::block_on(adapters(wgpu::Backends::all()))),
        })?;
        let gpu = open_adapter(adapter, features)?;
        Ok((gpu, format!("{summary}: asked for")))
    }

    /// The best hardware GPU that gives a device, or else the CPU executor.
    fn open_best(features: wgpu::Features) -> (Self, String) {
        let found = pollster::block_on(present_adapters());
        let hardware = found.iter().filter(|(summary, _)| summary.is_hardware());
        let mut refusals = Vec::new();
        for (summary, adapter) in hardware {
            match open_adapter(adapter, features) {
                Ok(gpu) => return (gpu, format!("{summary}: the best GPU found")),
                Err(error) => refusals.push(error.to_string()),
            }
        }
        let why = if refusals.is_empty() {
            let list = list(&found);
            format!("no hardware GPU found (software adapters: {list})")
        } else {
            format!("no hardware GPU to be had ({})", refusals.join("; "))
        };
        (Self::Cpu, cpu_because(&why))
    }
}

fn open_adapter(adapter: &wgpu::Adapter, features: wgpu::Features) -> Result<Compute, Error> {
    let gpu = pollster::block_on(Gpu::open_with(adapter, features & adapter.features()))?;
    pollster::block_on(gpu.verify())?;
    Ok(Compute::Gpu(Arc::new(gpu)))
}

fn cpu_because(why: &str) -> String {
    format!(
        "CPU executor, {} threads: {why}",
        rayon::current_num_threads()
    )
}

/// The number of copies of a snapshot while a checkpoint is written: as words, as tensors, as a file.
const COPIES: u64 = 3;

/// Describes so many replicas of `spec`, for messages.
pub(crate) fn describe(spec: &TrainingSpec, replicas: usize) -> String {
    let count = match replicas {
        1 => "a replica".to_owned(),
        count => format!("{count} replicas"),
    };
    format!(
        "{count} of {} at minibatches of {}",
        shape(&spec.network),
        spec.batch
    )
}

/// The widths of a perceptron; the blocks of another network, and the number of its parameters.
fn shape(network: &Network) -> String {
    let is_linear = |node: &Node| matches!(node.op, Op::Linear(_));
    if network.nodes().iter().all(is_linear) {
        let widths: Vec<_> = network.widths().iter().map(u32::to_string).collect();
        return short(&widths);
    }
    let blocks: Vec<_> = network.blocks().iter().map(|b| b.name.clone()).collect();
    let parameters = network.parameter_count();
    format!("{} ({parameters} parameters)", short(&blocks))
}

/// Joins widths or names; of many, the first and the last few.
fn short(parts: &[String]) -> String {
    match parts {
        [first @ .., a, b] if first.len() > 4 => format!("{}-...-{a}-{b}", first[..2].join("-")),
        all => all.join("-"),
    }
}

/// The number of replicas for which the widest product of a training step stays below about 50 ms on a software adapter
/// that multiplies and adds 10^9 times a second.
fn replicas_in_short_dispatches(spec: &TrainingSpec) -> usize {
    const SHORT: u64 = 50_000_000;
    let products = spec.network.nodes().iter().filter_map(|node| {
        let tensors = spec.network.block_tensors(node.block?).iter();
        let largest = tensors.map(|tensor| tensor.count() as u64).max();
        Some(largest? * u64::from(spec.rows(node.output)))
    });
    let widest = products.max().unwrap_or(1).max(1);
    usize::try_from((SHORT / widest).max(1)).unwrap_or(usize::MAX)
}

fn list(adapters: &[(AdapterSummary, wgpu::Adapter)]) -> String {
    if adapters.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<_> = adapters.iter().map(|(name, _)| name.to_string()).collect();
    names.join("; ")
}

impl Compute {
    /// The name of the device: an adapter with its driver, or the CPU executor.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => "CPU executor".to_owned(),
            Self::Gpu(gpu) => gpu.adapter.to_string(),
        }
    }

    /// The number of replicas that should train together where each may be like any of `spec`'s: on a device as many as its
    /// largest buffer allows, on a software adapter no more than keep its dispatches short, on the CPU as many as the memory
    /// holds together with their checkpoint; never more than a specification may have.
    ///
    /// # Errors
    /// A specification outside its ranges; [`gpu::Error::Limit`] or [`Error::Memory`] where not even one replica fits.
    pub fn replicas_that_fit(&self, spec: &TrainingSpec) -> Result<usize, Error> {
        match self {
            Self::Cpu => {
                let program = Program::new(spec)?;
                let bytes = program.replica_bytes() + COPIES * program.persistent_bytes();
                let fit = memory::fit(|| describe(spec, 1), bytes)?;
                Ok(usize::try_from(fit)
                    .unwrap_or(usize::MAX)
                    .min(MOST_REPLICAS))
            }
            Self::Gpu(gpu) => {
                let fit = replicas_that_fit(spec, &gpu.device.limits())?;
                Ok(if gpu.adapter.is_hardware() {
                    fit
                } else {
                    fit.min(replicas_in_short_dispatches(spec))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Activation;

    #[test]
    fn messages_name_the_widths_of_a_perceptron_and_the_blocks_of_other_networks() {
        let mlp = Network::mlp(&[4, 3, 2], Activation::Relu).unwrap();
        assert_eq!(shape(&mlp), "4-3-2");
        let items = [
            "conv 2 kernel 2",
            "relu",
            "max-pool 2",
            "flatten",
            "linear 3",
        ];
        let items = items.map(|item| item.parse().unwrap());
        let network = Network::sequence([1, 5, 5], &items).unwrap();
        assert_eq!(shape(&network), "conv1-fc1 (37 parameters)");
    }
}
