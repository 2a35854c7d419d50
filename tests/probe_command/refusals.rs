//! Files and options that are refused.

use crate::{Case, Tensor};
use safetensors::tensor::Dtype;
use std::fs;
use std::process::Command;

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
