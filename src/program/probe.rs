//! `trainable probe`: curvature and gradient noise of a network on one minibatch. Both are read from files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use trainable::network::{Activation, Architecture};
use trainable::probe::{LayerStats, ProbeSpec, ProbeStart, ProbeStats};
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::tensors::{read_batch, read_input_shape, read_listed_network, read_network};
use trainable::{Backend, Compute, Trainer};

use super::{Failure, backend_parser, print};

/// Options of `trainable probe`.
#[derive(Args)]
pub(crate) struct Options {
    /// The network, a safetensors file in F32: NAME.weight [out, in] and NAME.bias [out] of each layer; names differ
    /// only in their numbers, which give the order (fc1, fc2, ... without gaps, or 0, 2, ... of an nn.Sequential); with
    /// crelu or fourier, the next layer's in is twice the previous out. With --network, the tensors of its layers:
    /// conv1, norm1, position1, fc1 and so on, or the numbers of an nn.Sequential
    #[arg(value_name = "NET")]
    file: PathBuf,
    /// What the network computes, where it is no perceptron: lenet, resnet-small, vit-small, or its items, such as
    /// 'conv 6 kernel 5, relu, flatten, linear classes'; also as an experiment file has it, such as
    /// '{ lenet = { channels = [12, 32] } }'
    #[arg(long, value_name = "ITEMS", value_parser = architecture, conflicts_with = "activation")]
    network: Option<Architecture>,
    /// The minibatch, a safetensors file: x [B, in], or images [B, channels, rows, columns] with --network, in F32 and
    /// the labels y [B] in I64, I32 or U8
    #[arg(long, value_name = "BATCH")]
    batch: PathBuf,
    /// Nonlinearity of the hidden layers
    #[arg(long, value_enum, default_value_t = ActivationName::Relu)]
    activation: ActivationName,
    /// Largest number of Hessian-vector products, for each layer and for the network
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    iterations: u32,
    /// Stop once the relative residual |Hv - lambda v| / (|lambda| |v|) is at most this; with 0, iterate as long as
    /// anything changes
    #[arg(long, default_value_t = 0.0)]
    tolerance: f32,
    /// Seed of the random vectors at which the iterations start
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Where to compute; auto takes a real GPU if there is one, and otherwise the CPU
    #[arg(long, default_value = "auto", value_parser = backend_parser())]
    backend: Backend,
    /// How to print the results
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// An [`Activation`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum ActivationName {
    Relu,
    Crelu,
    LeakyRelu,
    Tanh,
    Gelu,
    Silu,
    Fourier,
    Identity,
}

impl From<ActivationName> for Activation {
    fn from(name: ActivationName) -> Self {
        match name {
            ActivationName::Relu => Self::Relu,
            ActivationName::Crelu => Self::Crelu,
            ActivationName::LeakyRelu => Self::LeakyRelu,
            ActivationName::Tanh => Self::Tanh,
            ActivationName::Gelu => Self::Gelu,
            ActivationName::Silu => Self::Silu,
            ActivationName::Fourier => Self::Fourier,
            ActivationName::Identity => Self::Identity,
        }
    }
}

/// Reads the value of `--network`: a name, items between commas, or the value of the field of an experiment file.
fn architecture(text: &str) -> Result<Architecture, String> {
    #[derive(serde::Deserialize)]
    struct Stated {
        network: Architecture,
    }
    let text = text.trim();
    let value = if text.starts_with(['[', '{']) {
        text.to_owned()
    } else if text.contains([',', ' ']) {
        let items = text.split(',').map(|item| toml::Value::from(item.trim()));
        toml::Value::Array(items.collect()).to_string()
    } else {
        toml::Value::from(text).to_string()
    };
    let stated = toml::from_str::<Stated>(&format!("network = {value}"));
    stated
        .map(|stated| stated.network)
        .map_err(|error| error.message().to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs; a number that is not finite is null
    Json,
}

/// Probes the network and prints the results.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let report = probe(options)?;
    print(&match options.format {
        Format::Table => report.table(),
        Format::Json => report.json()?,
    })
}

/// Checks files and options, then opens a device and probes. Every fault of files and options is found before the device is opened.
fn probe(options: &Options) -> Result<Report, Failure> {
    let read = match options.network.as_ref().filter(|network| !network.is_mlp()) {
        Some(network) => {
            let input = read_input_shape(&options.batch)?;
            read_listed_network(&options.file, input, network)?
        }
        None => read_network(&options.file, options.activation.into())?,
    };
    let batch = read_batch(&options.batch, &read.network)?;
    let spec = TrainingSpec {
        network: read.network,
        batch: batch.size,
        replicas: vec![ReplicaSpec::default()],
        stream: None,
        probe: Some(ProbeSpec {
            iterations: options.iterations,
            tolerance: options.tolerance,
            start: ProbeStart::Cold,
            seed: options.seed,
            ..ProbeSpec::default()
        }),
    };
    spec.check()?;
    let (compute, chosen) = Compute::open(options.backend)?;
    log::info!("{chosen}");
    let mut trainer = Trainer::new(&compute, spec)?;
    trainer.write_parameters(0, &read.parameters)?;
    trainer.write_batch(0, &batch.inputs, &batch.labels)?;
    // There is one replica, and so one entry.
    let stats = trainer.probe()?.swap_remove(0);
    let stats = stats.map_err(|source| Failure::NotFinite {
        network: options.file.clone(),
        batch: options.batch.clone(),
        source,
    })?;
    Ok(Report::new(&compute, batch.size, read.names, &stats))
}

/// Printed results. Programs rely on the keys.
#[derive(Serialize)]
struct Report {
    backend: &'static str,
    adapter: String,
    batch: u32,
    loss: f64,
    accuracy: f64,
    layers: Vec<Row>,
    network: Row,
}

/// Statistics of one layer or of the network; a number that is not finite is `None`.
#[derive(Serialize)]
struct Row {
    name: String,
    parameters: usize,
    grad_norm_sq: f64,
    grad_variance: f64,
    sharpness: Option<f64>,
    residual: Option<f64>,
    iterations: Option<u32>,
    converged: bool,
    bound_noise: Option<f64>,
}

impl Report {
    /// Creates the results; `names` are the names of the layers in the network's file.
    fn new(compute: &Compute, batch: u32, names: Vec<String>, stats: &ProbeStats) -> Self {
        let (backend, adapter) = match compute {
            Compute::Cpu => ("cpu", "CPU executor".to_owned()),
            Compute::Gpu(gpu) => (gpu.adapter.backend.to_str(), gpu.adapter.name.clone()),
        };
        let layer = |(stats, name)| Row::new(name, batch, stats);
        Self {
            backend,
            adapter,
            batch,
            loss: stats.loss,
            accuracy: stats.accuracy,
            layers: stats.layers.iter().zip(names).map(layer).collect(),
            network: Row::new("network".to_owned(), batch, &stats.network),
        }
    }

    fn json(&self) -> Result<String, Failure> {
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::from)?;
        Ok(json + "\n")
    }

    /// Formats a heading and a table. Columns are as wide as their widest cell; names align to the left and numbers to the right.
    fn table(&self) -> String {
        let rows = self.layers.iter().chain([&self.network]).map(Row::cells);
        let lines: Vec<_> = std::iter::once(HEADINGS.map(str::to_owned))
            .chain(rows)
            .collect();
        let widths: [usize; HEADINGS.len()] =
            std::array::from_fn(|column| lines.iter().map(|l| l[column].len()).max().unwrap_or(0));
        let line = |cells: &[String; HEADINGS.len()]| {
            let (name, width) = (&cells[0], widths[0]);
            let numbers = cells.iter().zip(widths).skip(1);
            let numbers: String = numbers.map(|(cell, w)| format!("  {cell:>w$}")).collect();
            format!("{name:width$}{numbers}\n")
        };
        let heading = format!(
            "{} ({}), batch {}, loss {:.6}, accuracy {:.4}\n\n",
            self.backend, self.adapter, self.batch, self.loss, self.accuracy
        );
        heading + &lines.iter().map(line).collect::<String>()
    }
}

const HEADINGS: [&str; 9] = [
    "layer",
    "parameters",
    "|grad|^2",
    "grad variance",
    "sharpness",
    "residual",
    "iterations",
    "converged",
    "noise bound",
];

impl Row {
    fn new(name: String, batch: u32, stats: &LayerStats) -> Self {
        let finite = |number: f64| Some(number).filter(|number| number.is_finite());
        let sharpness = stats.sharpness;
        Self {
            name,
            parameters: stats.parameters,
            grad_norm_sq: stats.grad_norm_sq,
            grad_variance: stats.grad_variance,
            sharpness: sharpness.and_then(|s| finite(s.eigenvalue)),
            residual: sharpness.and_then(|s| finite(s.residual)),
            iterations: sharpness.map(|s| s.iterations),
            converged: sharpness.is_some_and(|s| s.converged),
            bound_noise: finite(stats.noise_bound(batch)),
        }
    }

    fn cells(&self) -> [String; HEADINGS.len()] {
        let or_dash = |found: Option<String>| found.unwrap_or_else(|| "-".to_owned());
        [
            self.name.clone(),
            self.parameters.to_string(),
            five_digits(self.grad_norm_sq),
            five_digits(self.grad_variance),
            or_dash(self.sharpness.map(five_digits)),
            or_dash(self.residual.map(|residual| format!("{residual:.1e}"))),
            or_dash(self.iterations.map(|iterations| iterations.to_string())),
            if self.converged { "yes" } else { "no" }.to_owned(),
            or_dash(self.bound_noise.map(five_digits)),
        ]
    }
}

/// Formats a number with five significant digits, with an exponent only if the number is very small or large.
fn five_digits(number: f64) -> String {
    let exponent = number.abs().log10().floor();
    if (-4.0..5.0).contains(&exponent) {
        let decimals = (4.0 - exponent) as usize;
        format!("{number:.decimals$}")
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        format!("{number:.4e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainable::probe::Sharpness;

    const STATS: LayerStats = LayerStats {
        parameters: 12,
        grad_norm_sq: 0.5,
        objective_grad_norm_sq: 0.5,
        grad_variance: 0.25,
        sharpness: None,
        step_size: 0.0,
        effective_step: None,
        weight_norm: 0.0,
        update_norm: 0.0,
        clip_ratio: None,
        clip_factor: None,
        second_moment: 0.0,
    };

    #[test]
    fn what_is_not_finite_is_null_in_json_and_a_dash_in_the_table() {
        let not_finite = Sharpness {
            eigenvalue: f64::NAN,
            residual: f64::INFINITY,
            iterations: 3,
            converged: false,
        };
        let stats = LayerStats {
            grad_variance: 0.0,
            sharpness: Some(not_finite),
            ..STATS
        };
        let row = Row::new("fc1".to_owned(), 4, &stats);
        let json = serde_json::to_value(&row).unwrap();
        for key in ["sharpness", "residual", "bound_noise"] {
            assert!(json[key].is_null(), "{json}");
        }
        assert_eq!(json["iterations"], 3);
        let wanted = ["fc1", "12", "0.50000", "0", "-", "-", "3", "no", "-"];
        assert_eq!(row.cells(), wanted);
    }

    #[test]
    fn networks_are_named_or_listed() {
        let [name, list, table] = ["lenet", "linear 3,relu, linear classes", "{ lenet = {} }"]
            .map(|text| architecture(text).unwrap());
        assert_eq!(name, Architecture::named()[0]);
        assert_eq!(name, table);
        let items = ["linear 3", "relu", "linear classes"].map(|item| item.parse().unwrap());
        assert_eq!(list, Architecture::Items(items.to_vec()));
        for (text, mention) in [
            ("lenett", "unknown variant `lenett`"),
            (
                "linear 3, golu",
                "wanted an operation (linear, conv, max-pool, average-pool, global-average-pool, flatten, layer-norm, \
        position-embedding, attention, add) or an activation, found \"golu\"",
            ),
            ("[3]", "expected a string"),
            ("linear 3,", "found \"\""),
        ] {
            let error = architecture(text).unwrap_err();
            assert!(error.contains(mention), "{text}: {error}");
        }
    }

    #[test]
    fn a_layer_without_sharpness_has_no_iterations_either() {
        let row = Row::new("fc1".to_owned(), 4, &STATS);
        let wanted = [
            "fc1", "12", "0.50000", "0.25000", "-", "-", "-", "no", "8.0000",
        ];
        assert_eq!(row.cells(), wanted);
        assert!(serde_json::to_value(&row).unwrap()["iterations"].is_null());
    }

    #[test]
    fn numbers_have_five_digits() {
        let numbers = [
            0.0,
            1.0,
            -1.781_551_5,
            12_345.678,
            123_456.7,
            1.2345e-4,
            -1.5e-5,
        ];
        let wanted = [
            "0",
            "1.0000",
            "-1.7816",
            "12346",
            "1.2346e5",
            "0.00012345",
            "-1.5000e-5",
        ];
        assert_eq!(numbers.map(five_digits), wanted);
    }
}
