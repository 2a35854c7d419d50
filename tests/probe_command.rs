//! `trainable probe` as users run it: its numbers against PyTorch float64 (`assets/reference`). Every kind of bad input is
//! refused with a message, exit code 2 and an empty standard output.

#[path = "probe_command/networks.rs"]
mod networks;
#[path = "probe_command/refusals.rs"]
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use tempfile::TempDir;

/// A case of `assets/reference`, written as the two files that the command reads.
struct Case {
    directory: TempDir,
    reference: Value,
}

struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn f32(name: impl Into<String>, shape: &[usize], elements: &[f64]) -> Self {
        let bytes = |x: &f64| (*x as f32).to_le_bytes();
        Self {
            name: name.into(),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: elements.iter().flat_map(bytes).collect(),
        }
    }

    fn i64(name: &str, elements: &[i64]) -> Self {
        Self {
            name: name.to_owned(),
            dtype: Dtype::I64,
            shape: vec![elements.len()],
            bytes: elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

fn numbers(array: &Value) -> Vec<f64> {
    let numbers = array.as_array().expect("an array").iter();
    numbers.map(|x| x.as_f64().expect("a number")).collect()
}

fn integers(array: &Value) -> Vec<i64> {
    let numbers = array.as_array().expect("an array").iter();
    numbers.map(|x| x.as_i64().expect("an integer")).collect()
}

fn write(file: &Path, tensors: &[Tensor]) {
    let views = tensors.iter().map(|t| {
        let view = TensorView::new(t.dtype, t.shape.clone(), &t.bytes);
        (&t.name, view.unwrap())
    });
    fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
}

impl Case {
    fn new(name: &str) -> Self {
        Self::of(&format!("curvature_{name}"))
    }

    fn of(file: &str) -> Self {
        let file = format!("assets/reference/{file}.json");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let case = Self {
            directory: tempfile::tempdir().unwrap(),
            reference: serde_json::from_slice(&fs::read(file).unwrap()).unwrap(),
        };
        write(&case.network(), &case.network_tensors());
        write(&case.batch(), &case.batch_tensors());
        case
    }

    fn network(&self) -> PathBuf {
        self.directory.path().join("net.safetensors")
    }

    fn batch(&self) -> PathBuf {
        self.directory.path().join("batch.safetensors")
    }

    fn network_tensors(&self) -> Vec<Tensor> {
        let layers = self.reference["layers"].as_array().unwrap();
        let tensors = |(index, layer): (usize, &Value)| {
            let (weight, bias) = (numbers(&layer["weight"]), numbers(&layer["bias"]));
            let shape = [bias.len(), weight.len() / bias.len()];
            [
                Tensor::f32(format!("fc{}.weight", index + 1), &shape, &weight),
                Tensor::f32(format!("fc{}.bias", index + 1), &shape[..1], &bias),
            ]
        };
        layers.iter().enumerate().flat_map(tensors).collect()
    }

    fn batch_tensors(&self) -> Vec<Tensor> {
        let (x, y) = (
            numbers(&self.reference["x"]),
            integers(&self.reference["y"]),
        );
        let shape = [y.len(), x.len() / y.len()];
        vec![Tensor::f32("x", &shape, &x), Tensor::i64("y", &y)]
    }

    /// Runs the command on the two files, on the CPU.
    fn probe(&self, options: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_trainable"))
            .env_remove("RUST_LOG")
            .arg("probe")
            .arg(self.network())
            .arg("--batch")
            .arg(self.batch())
            .args(["--backend", "cpu"])
            .args(options)
            .output()
            .unwrap()
    }

    fn report(&self, options: &[&str]) -> Value {
        let output = self.probe(&[options, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns the message with which the command refuses, without the directory's name.
    fn refusal(&self, options: &[&str]) -> String {
        let output = self.probe(&[options, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        let directory = format!(
            "{}{}",
            self.directory.path().display(),
            std::path::MAIN_SEPARATOR
        );
        message.replace(&directory, "")
    }

    /// Returns the message after a change to the network's tensors.
    fn network_refusal(&self, change: impl FnOnce(&mut Vec<Tensor>)) -> String {
        let mut tensors = self.network_tensors();
        change(&mut tensors);
        write(&self.network(), &tensors);
        self.refusal(&[])
    }

    /// Returns the message after a change to the batch's tensors.
    fn batch_refusal(&self, change: impl FnOnce(&mut Vec<Tensor>)) -> String {
        let mut tensors = self.batch_tensors();
        change(&mut tensors);
        write(&self.batch(), &tensors);
        self.refusal(&[])
    }
}

/// Fails unless `value` is a number within `rtol` of `reference`.
fn assert_close(what: &str, value: &Value, reference: &Value, rtol: f64) {
    let reference = reference.as_f64().expect("a number");
    let value = value.as_f64().unwrap_or_else(|| panic!("{what}: {value}"));
    let difference = (value - reference).abs();
    assert!(
        difference <= rtol * reference.abs(),
        "{what}: {value} instead of {reference}"
    );
}

const ROW_KEYS: [&str; 9] = [
    "bound_noise",
    "converged",
    "grad_norm_sq",
    "grad_variance",
    "iterations",
    "name",
    "parameters",
    "residual",
    "sharpness",
];

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// Compares one layer's row, or the network's, with the reference's object.
fn check_row(row: &Value, name: &str, parameters: usize, batch: f64, reference: &Value) {
    assert_eq!(keys(row), ROW_KEYS);
    assert_eq!(row["name"], name);
    assert_eq!(row["parameters"], parameters);
    // The iteration stops before its limit of 100, where only rounding is left.
    let iterations = row["iterations"].as_u64().unwrap();
    assert!((4..100).contains(&iterations), "{iterations}");
    assert_eq!(row["converged"], true, "{row}");
    assert!(row["residual"].as_f64().unwrap() <= 1e-3, "{row}");
    assert_close(name, &row["sharpness"], &reference["lambda"], 1e-3);
    assert_close(name, &row["grad_norm_sq"], &reference["g2"], 1e-4);
    assert_close(name, &row["grad_variance"], &reference["s"], 1e-4);
    let bound = batch * reference["g2"].as_f64().unwrap() / reference["s"].as_f64().unwrap();
    assert_close(name, &row["bound_noise"], &bound.into(), 2e-4);
}

#[test]
fn reports_agree_with_pytorch() {
    for (name, activation) in [
        ("relu", "relu"),
        ("crelu_l2", "crelu"),
        ("tanh", "tanh"),
        ("gelu_l2", "gelu"),
        ("silu", "silu"),
        ("fourier", "fourier"),
    ] {
        let case = Case::new(name);
        let report = case.report(&["--activation", activation]);
        let wanted = [
            "accuracy", "adapter", "backend", "batch", "layers", "loss", "network",
        ];
        assert_eq!(keys(&report), wanted);
        assert_eq!(report["backend"], "cpu");
        assert_eq!(report["adapter"], "CPU executor");
        assert_eq!(report["batch"], case.reference["batch"]);

        let steps = format!("assets/reference/step_{name}.json");
        let steps = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(steps)).unwrap();
        let steps: Value = serde_json::from_slice(&steps).unwrap();
        let batch = steps["batch"].as_f64().unwrap();
        assert_close("loss", &report["loss"], &steps["loss"], 1e-5);
        let accuracy = steps["correct"].as_f64().unwrap() / batch;
        assert_close("accuracy", &report["accuracy"], &accuracy.into(), 1e-12);

        let (tensors, reference) = (case.network_tensors(), &case.reference);
        let parameters = |tensors: &[Tensor]| tensors.iter().map(|t| t.bytes.len() / 4).sum();
        let layers = report["layers"].as_array().unwrap();
        assert_eq!(layers.len(), tensors.len() / 2);
        for (index, layer) in layers.iter().enumerate() {
            let count = parameters(&tensors[2 * index..2 * index + 2]);
            let (name, block) = (format!("fc{}", index + 1), &reference["blocks"][index]);
            check_row(layer, &name, count, batch, block);
        }
        let network = &report["network"];
        check_row(
            network,
            "network",
            parameters(&tensors),
            batch,
            &reference["network"],
        );
    }
}

#[test]
fn options_reach_the_power_iteration() {
    let case = Case::new("relu");
    let few = case.report(&["--iterations", "3"]);
    assert_eq!(few["network"]["iterations"], 3);
    assert_eq!(few["network"]["converged"], false);
    let loose = case.report(&["--tolerance", "0.1"]);
    assert!(loose["network"]["iterations"].as_u64().unwrap() < 100);
    assert_eq!(loose["network"]["converged"], true);
    let other_start = case.report(&["--iterations", "3", "--seed", "7"]);
    assert_ne!(
        other_start["network"]["sharpness"],
        few["network"]["sharpness"]
    );
    assert_eq!(case.report(&["--iterations", "3"]), few);
}

#[test]
fn the_table_is_the_default_and_aligned() {
    let output = Case::new("relu").probe(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = table.lines().collect();
    assert!(
        lines[0].starts_with("cpu (CPU executor), batch 11, loss "),
        "{table}"
    );
    assert!(lines[0].contains(", accuracy "), "{table}");
    assert_eq!(lines[1], "");
    let first_words: Vec<_> = lines[2..]
        .iter()
        .map(|l| l.split_whitespace().next())
        .collect();
    let wanted = ["layer", "fc1", "fc2", "fc3", "network"].map(Some);
    assert_eq!(first_words, wanted, "{table}");
    let lengths = lines[2..].iter().map(|line| line.len());
    assert!(
        lengths.clone().all(|l| Some(l) == lengths.clone().next()),
        "{table}"
    );
}

/// A file with the names of an `nn.Sequential` gives the same numbers, and the output uses the file's names.
#[test]
fn a_sequential_is_probed_under_its_own_names() {
    let case = Case::new("relu");
    let wanted = String::from_utf8(case.probe(&["--format", "json"]).stdout).unwrap();
    let mut tensors = case.network_tensors();
    for (tensor, name) in tensors.iter_mut().zip([
        "net.0.weight",
        "net.0.bias",
        "net.2.weight",
        "net.2.bias",
        "net.10.weight",
        "net.10.bias",
    ]) {
        tensor.name = name.to_owned();
    }
    write(&case.network(), &tensors);
    let found = String::from_utf8(case.probe(&["--format", "json"]).stdout).unwrap();
    let renamed = [("fc1", "net.0"), ("fc2", "net.2"), ("fc3", "net.10")];
    let renamed = renamed
        .iter()
        .fold(wanted, |json, (from, to)| json.replace(from, to));
    assert_eq!(found, renamed);
    let table = String::from_utf8(case.probe(&[]).stdout).unwrap();
    for name in ["\nnet.0 ", "\nnet.2 ", "\nnet.10 "] {
        assert!(table.contains(name), "{table}");
    }
}

/// A network of 2^20 units needs 14 copies of 3 million parameters, and tangents of the minibatch.
#[cfg(unix)]
#[test]
fn a_net_that_is_too_wide_for_the_memory_is_refused() {
    let case = Case::new("relu");
    let width = 1 << 20;
    let zeros = vec![0.0; width * 2];
    let layers = [
        Tensor::f32("fc1.weight", &[width, 1], &zeros[..width]),
        Tensor::f32("fc1.bias", &[width], &zeros[..width]),
        Tensor::f32("fc2.weight", &[2, width], &zeros),
        Tensor::f32("fc2.bias", &[2], &zeros[..2]),
    ];
    write(&case.network(), &layers);
    let samples = vec![0.0; 1_000];
    let x = Tensor::f32("x", &[1_000, 1], &samples);
    write(&case.batch(), &[x, Tensor::i64("y", &vec![0; 1_000])]);
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 8000000; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_trainable"))
        .args(["probe", "--backend", "cpu"])
        .arg(case.network())
        .arg("--batch")
        .arg(case.batch())
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    let what = " MiB required for a replica of 1-1048576-2 at minibatches of 1000, ";
    assert!(message.contains(what), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn one_sample_has_no_noise_and_no_bound() {
    let case = Case::new("relu");
    let [x, y] = case.batch_tensors().try_into().ok().unwrap();
    for (x, y) in x.bytes.chunks(4 * 7).zip(y.bytes.chunks(8)) {
        let x = Tensor {
            name: "x".to_owned(),
            dtype: Dtype::F32,
            shape: vec![1, 7],
            bytes: x.to_vec(),
        };
        let label = i64::from_le_bytes(y.try_into().unwrap());
        write(&case.batch(), &[x, Tensor::i64("y", &[label])]);
        let report = case.report(&[]);
        assert_eq!(report["batch"], 1);
        let layers = report["layers"].as_array().unwrap().iter();
        for row in layers.chain([&report["network"]]) {
            assert_eq!(row["grad_variance"], 0.0, "{report}");
            assert_eq!(row["bound_noise"], Value::Null, "{report}");
        }
    }
}
