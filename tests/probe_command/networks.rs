//! Networks that are listed or named, against PyTorch.

use crate::{Case, Tensor, check_row, write};

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
