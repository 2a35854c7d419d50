//! The numbers in `assets/reference`, which PyTorch computed in float64.

#![allow(dead_code, unreachable_pub)]

use serde::Deserialize;
use serde::de::DeserializeOwned;
use trainable::network::{Activation, InputShape, Item, Parameters};

/// The cases that have `step_<case>.json` and `curvature_<case>.json`.
pub const CASES: [&str; 11] = [
    "relu",
    "relu_l2",
    "crelu_l2",
    "tanh",
    "leaky_relu",
    "identity",
    "deep_relu",
    "linear",
    "gelu_l2",
    "silu",
    "fourier",
];

/// The cases that also have `sgd_<case>.json`.
pub const SGD_CASES: [&str; 4] = ["relu_l2", "crelu_l2", "tanh", "linear"];

/// The cases that have `graph_<case>.json`.
pub const GRAPH_CASES: [&str; 14] = [
    "residual",
    "skip_crelu",
    "skip_far",
    "conv",
    "conv_crelu",
    "norm",
    "norm_residual",
    "max_pool",
    "average_pool",
    "lenet",
    "attention",
    "attention_curved",
    "copies",
    "attention_copies",
];

/// The inputs of a graph: a width, or the channels, the height and the width of an image.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
pub enum Inputs {
    Vector(u32),
    Image([u32; 3]),
}

impl From<Inputs> for InputShape {
    fn from(inputs: Inputs) -> Self {
        match inputs {
            Inputs::Vector(width) => width.into(),
            Inputs::Image(shape) => shape.into(),
        }
    }
}

/// One layer of parameters, gradients or a vector.
#[derive(Clone, Deserialize)]
pub struct Layer {
    pub weight: Vec<f64>,
    /// Empty where the layer has none.
    #[serde(default)]
    pub bias: Vec<f64>,
}

/// Reads `assets/reference/FILE.json`.
pub fn read<T: DeserializeOwned>(file: &str) -> T {
    // The variable tells a test that another machine built where the repository is.
    let root = std::env::var("CARGO_MANIFEST_DIR");
    let root = root.unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let path = format!("{root}/assets/reference/{file}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the activation with this name in the files.
pub fn activation(name: &str) -> Activation {
    match name {
        "relu" => Activation::Relu,
        "crelu" => Activation::Crelu,
        "tanh" => Activation::Tanh,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "fourier" => Activation::Fourier,
        "leaky_relu" => Activation::LeakyRelu,
        "identity" => Activation::Identity,
        other => panic!("unknown activation {other}"),
    }
}

/// Returns the items with these names in the files.
pub fn items(names: &[String]) -> Vec<Item> {
    let item = |name: &String| name.parse().expect("an item");
    names.iter().map(item).collect()
}

pub fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

/// Returns the tensors of all layers: weight, bias, weight, bias and so on.
pub fn parameters(layers: &[Layer]) -> Parameters {
    let layer = |layer: &Layer| [single(&layer.weight), single(&layer.bias)];
    let tensors = layers.iter().flat_map(layer);
    tensors.filter(|tensor| !tensor.is_empty()).collect()
}

/// Returns the values of all layers in one vector, in the order of [`parameters`].
pub fn flat(layers: &[Layer]) -> Vec<f64> {
    let layer = |layer: &Layer| [&layer.weight[..], &layer.bias].concat();
    layers.iter().flat_map(layer).collect()
}
