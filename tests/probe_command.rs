//! `trainable probe` as users run it: its numbers against PyTorch float64 (`assets/reference`). Every kind of bad input is
//! refused with a message, exit code 2 and an empty standard output.

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

/// The items of a case as the command takes them.
fn items(case: &Case) -> String {
    let items = case.reference["items"].as_array().unwrap().iter();
    let items: Vec<_> = items.map(|item| item.as_str().unwrap()).collect();
    items.join(", ")
}

/// Networks that are no perceptrons, under the names of their blocks and under those of an `nn.Sequential`.
#[test]
fn listed_networks_agree_with_pytorch() {
    for name in ["graph_residual", "graph_skip_far"] {
        let case = Case::of(name);
        let (items, reference) = (items(&case), &case.reference);
        let report = case.report(&["--network", &items]);
        let batch = reference["batch"].as_f64().unwrap();
        let tensors = case.network_tensors();
        let parameters = |tensors: &[Tensor]| tensors.iter().map(|t| t.bytes.len() / 4).sum();
        let layers = report["layers"].as_array().unwrap();
        assert_eq!(layers.len(), tensors.len() / 2);
        for (index, layer) in layers.iter().enumerate() {
            let count = parameters(&tensors[2 * index..2 * index + 2]);
            let (name, block) = (format!("fc{}", index + 1), &reference["blocks"][index]);
            check_row(layer, &name, count, batch, block);
        }
        let all = parameters(&tensors);
        check_row(
            &report["network"],
            "network",
            all,
            batch,
            &reference["network"],
        );

        let renamed = tensors.into_iter().map(|tensor| Tensor {
            name: tensor.name.replace("fc", "net."),
            ..tensor
        });
        write(&case.network(), &renamed.collect::<Vec<_>>());
        let sequential = case.report(&["--network", &items]);
        assert_eq!(sequential["network"], report["network"]);
        assert_eq!(sequential["layers"][1]["name"], "net.2");
    }
}

#[test]
fn a_listed_network_and_its_files_fit_each_other() {
    let case = Case::of("graph_residual");
    let right = items(&case);
    let refused = |options: &[&str], mention: &str| {
        let message = case.refusal(options);
        assert!(message.contains(mention), "no {mention} in {message}");
    };
    let fault = "item of a network: wanted an operation (linear, conv, max-pool, average-pool, global-average-pool, flatten, layer-norm, \
        position-embedding, attention, add) or an activation, found \"golu\"";
    refused(&["--network", "linear 3, golu, linear 2"], fault);
    refused(&["--network", "lenett"], "unknown variant `lenett`");
    let both = ["--network", &right, "--activation", "relu"];
    refused(&both, "cannot be used with");
    let wider = right.replacen("linear ", "linear 1", 1);
    refused(&["--network", &wider], "net.safetensors: ");
    let longer = format!("linear 4, {right}");
    refused(&["--network", &longer], "net.safetensors: ");
    write(
        &case.batch(),
        &[Tensor::f32("x", &[2], &[0.0; 2]), Tensor::i64("y", &[0, 0])],
    );
    let shapes = "batch.safetensors: x: wanted the shape [B, in], [B, rows, columns] or [B, channels, rows, columns], found [2]";
    refused(&["--network", &right], shapes);
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
    let x: Vec<_> = x.bytes[..4 * 7].to_vec();
    let x = Tensor {
        name: "x".to_owned(),
        dtype: Dtype::F32,
        shape: vec![1, 7],
        bytes: x,
    };
    let label = i64::from_le_bytes(y.bytes[..8].try_into().unwrap());
    write(&case.batch(), &[x, Tensor::i64("y", &[label])]);
    let report = case.report(&[]);
    assert_eq!(report["batch"], 1);
    assert_eq!(report["network"]["grad_variance"], 0.0, "{report}");
    assert_eq!(report["network"]["bound_noise"], Value::Null, "{report}");
}

#[test]
fn files_that_are_not_there_or_not_safetensors_are_refused() {
    let case = Case::new("relu");
    let bytes = fs::read(case.batch()).unwrap();
    fs::write(case.batch(), &bytes[..bytes.len() - 1]).unwrap();
    let (wanted, found) = (bytes.len(), bytes.len() - 1);
    let wanted = format!("truncated, wanted {wanted} bytes at least, found {found}");
    assert_eq!(
        case.refusal(&[]),
        format!("error: batch.safetensors: {wanted}\n")
    );

    fs::write(case.batch(), "not safetensors at all").unwrap();
    let wanted = "wanted a safetensors file, found something else (header too large)";
    assert_eq!(
        case.refusal(&[]),
        format!("error: batch.safetensors: {wanted}\n")
    );

    fs::write(case.batch(), [&bytes[..], &[0]].concat()).unwrap();
    let refusal = case.refusal(&[]);
    assert!(
        refusal.starts_with("error: batch.safetensors: trailing bytes, "),
        "{refusal}"
    );

    fs::remove_file(case.network()).unwrap();
    let refusal = case.refusal(&[]);
    let wanted = "error: cannot read net.safetensors: ";
    assert!(refusal.starts_with(wanted), "{refusal}");
    assert_eq!(refusal.lines().count(), 1, "{refusal}");
}

#[test]
fn faulty_networks_are_refused() {
    let case = Case::new("relu");
    let refusals = [
        (
            case.network_refusal(|tensors| drop(tensors.pop())),
            "wanted the tensor fc3.bias, found only \"fc1.bias\", \"fc1.weight\", \"fc2.bias\", \
             \"fc2.weight\", \"fc3.weight\"",
        ),
        (
            case.network_refusal(|tensors| tensors[0].name = "layer1.weights".to_owned()),
            "wanted no tensors but pairs of NAME.weight and NAME.bias, \
             found \"layer1.weights\"",
        ),
        (
            case.network_refusal(|tensors| tensors[1].dtype = Dtype::I32),
            "fc1.bias: wanted elements of type F32, found I32",
        ),
        (
            case.network_refusal(|tensors| tensors[0].shape = vec![63]),
            "fc1.weight: wanted the shape [out, in], each 1 at least, found [63]",
        ),
        (
            case.network_refusal(|tensors| tensors[2].shape.reverse()),
            "fc2.weight: wanted the shape [out, 9], as fc1 has 9 outputs and Relu makes 1 of each, \
             found [9, 6]",
        ),
        (
            case.network_refusal(|tensors| tensors[5] = Tensor::f32("fc3.bias", &[1], &[0.0])),
            "fc3.bias: wanted the shape [5], as fc3.weight has 5 rows, found [1]",
        ),
        (
            case.network_refusal(|tensors| {
                tensors[0].bytes[4 * 8..4 * 9].copy_from_slice(&f32::INFINITY.to_le_bytes());
            }),
            "fc1.weight: wanted finite numbers, found inf at [1, 1]",
        ),
        (
            case.network_refusal(|tensors| {
                tensors[4] = Tensor::f32("fc3.weight", &[1, 6], &[0.0; 6]);
                tensors[5] = Tensor::f32("fc3.bias", &[1], &[0.0]);
            }),
            "wanted a network that can be trained, found one of widths [7, 9, 6, 1]: \
             number of classes: wanted 2 at least, found 1",
        ),
    ];
    for (found, wanted) in refusals {
        assert_eq!(found, format!("error: net.safetensors: {wanted}\n"));
    }
}

#[test]
fn a_network_of_another_activation_is_refused() {
    let refusal = Case::new("relu").refusal(&["--activation", "crelu"]);
    let wanted = "[out, 18], as fc1 has 9 outputs and Crelu makes 2 of each, found [6, 9]";
    let wanted = format!("error: net.safetensors: fc2.weight: wanted the shape {wanted}\n");
    assert_eq!(refusal, wanted);
}

#[test]
fn faulty_batches_are_refused() {
    let case = Case::new("relu");
    let label = |index: usize, label: i64| {
        move |tensors: &mut Vec<Tensor>| {
            tensors[1].bytes[8 * index..8 * index + 8].copy_from_slice(&label.to_le_bytes());
        }
    };
    let refusals = [
        (
            case.batch_refusal(|tensors| drop(tensors.pop())),
            "wanted the tensor y, found only \"x\"",
        ),
        (
            case.batch_refusal(|tensors| tensors.push(Tensor::i64("z", &[]))),
            "wanted no tensors but x and y, found \"z\"",
        ),
        (
            case.batch_refusal(|tensors| tensors[1].dtype = Dtype::F64),
            "y: wanted elements of type I64 or I32 or U8, found F64",
        ),
        (
            case.batch_refusal(|tensors| tensors[0].shape = vec![7, 11]),
            "x: wanted the shape [B, 7], as the network has 7 inputs, found [7, 11]",
        ),
        (
            case.batch_refusal(|tensors| tensors[0].shape = vec![77]),
            "x: wanted the shape [B, 7], as the network has 7 inputs, found [77]",
        ),
        (
            case.batch_refusal(|tensors| {
                *tensors = vec![Tensor::f32("x", &[0, 7], &[]), Tensor::i64("y", &[])];
            }),
            "x: wanted 1 sample at least, found none (its shape is [0, 7])",
        ),
        (
            case.batch_refusal(|tensors| tensors[1] = Tensor::i64("y", &[0; 10])),
            "y: wanted the shape [11], one label for each row of x, found [10]",
        ),
        (
            case.batch_refusal(|tensors| {
                tensors[0].bytes[4 * 76..].copy_from_slice(&f32::NAN.to_le_bytes());
            }),
            "x: wanted finite numbers, found NaN at [10, 6]",
        ),
        (
            case.batch_refusal(label(4, 5)),
            "y: wanted labels 0 to 4, found 5 at [4]",
        ),
        (
            case.batch_refusal(label(10, -1)),
            "y: wanted labels 0 to 4, found -1 at [10]",
        ),
    ];
    for (found, wanted) in refusals {
        assert_eq!(found, format!("error: batch.safetensors: {wanted}\n"));
    }
}

#[test]
fn a_loss_that_overflows_is_refused() {
    let case = Case::new("relu");
    let refusal = case.network_refusal(|tensors| {
        for weight in tensors.iter_mut().step_by(2) {
            let count = weight.bytes.len() / 4;
            let sign = |i: usize| if i.is_multiple_of(2) { 1e38_f32 } else { -1e38 };
            weight.bytes = (0..count).flat_map(|i| sign(i).to_le_bytes()).collect();
        }
    });
    let wanted = "net.safetensors on batch.safetensors: wanted a finite loss and gradients, \
                  found values that are not finite: task 0, update 0: the loss, a gradient or a parameter is not finite";
    assert_eq!(refusal, format!("error: {wanted}\n"));
}

#[test]
fn options_out_of_range_are_refused() {
    let case = Case::new("relu");
    let wanted = "error: probe tolerance: wanted 0 or more, below 1, found 1\n";
    assert_eq!(case.refusal(&["--tolerance", "1"]), wanted);
    for options in [
        ["--iterations", "0"],
        ["--iterations", "100001"],
        ["--activation", "sigmoid"],
        ["--format", "csv"],
        ["--seed", "-1"],
    ] {
        let refusal = case.refusal(&options);
        assert!(
            refusal.contains(options[1].trim_start_matches('-')),
            "{refusal}"
        );
    }
}

#[test]
fn a_backend_must_be_known_and_there() {
    let absent = if cfg!(windows) { "metal" } else { "dx12" };
    for (backend, exit_code, wanted) in [
        (
            "cuda",
            2,
            "error: invalid value 'cuda' for '--backend <BACKEND>'",
        ),
        (absent, 1, "adapter found; adapters present: "),
    ] {
        let case = Case::new("relu");
        let output = Command::new(env!("CARGO_BIN_EXE_trainable"))
            .arg("probe")
            .arg(case.network())
            .arg("--batch")
            .arg(case.batch())
            .args(["--backend", backend])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(wanted), "{message}");
    }
}
