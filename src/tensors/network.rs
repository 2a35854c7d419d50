//! Networks.

use std::path::Path;

use safetensors::tensor::Dtype;

use super::TensorError;
use super::file::{TensorFile, read};
use super::names::{self, Fault};
use crate::network::{Activation, Network, Parameters};

/// A network as a file holds it: [`read_network`] reads one, [`write_network`](super::write_network) writes one.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedNetwork {
    /// Its shape.
    pub network: Network,
    /// Its parameters, in the order of [`Network::tensors`].
    pub parameters: Parameters,
    /// The file's name for each layer: its tensors' names without `.weight` and `.bias`.
    pub names: Vec<String>,
}

impl NamedNetwork {
    /// Names the layers as PyTorch does in an `nn.Sequential` of linear layers with an activation between them: `0`, `2`,
    /// `4` and so on.
    pub fn sequential(network: Network, parameters: Parameters) -> Self {
        let names = (0..network.blocks().len()).map(|layer| (2 * layer).to_string());
        Self {
            names: names.collect(),
            network,
            parameters,
        }
    }

    /// Names the layers as the network names its blocks: `conv1`, `norm1`, `fc1` and so on.
    pub fn by_block(network: Network, parameters: Parameters) -> Self {
        let names = network.blocks().iter().map(|block| block.name.clone());
        Self {
            names: names.collect(),
            network,
            parameters,
        }
    }
}

/// Reads the file of a perceptron. The file determines the number of layers and their widths.
///
/// # Errors
/// [`TensorError`] for the first fault of the file.
pub fn read_network(file: &Path, activation: Activation) -> Result<NamedNetwork, TensorError> {
    let bytes = read(file)?;
    let tensors = TensorFile::parse(file, &bytes)?;
    let names = names::layers(&tensors.names())
        .map_err(|fault| tensors.fault(fault, "pairs of NAME.weight and NAME.bias"))?;
    let mut widths = Vec::new();
    let mut parameters = Vec::new();
    let mut previous = None;
    for name in &names {
        let weight = tensors.weight(name, previous, activation)?;
        let bias = tensors.bias(name, weight.outputs)?;
        if widths.is_empty() {
            widths.push(weight.inputs);
        }
        widths.push(weight.outputs);
        previous = Some((&name[..], weight.outputs));
        parameters.extend([weight.elements, bias]);
    }
    match Network::mlp(&widths, activation) {
        Ok(network) => Ok(NamedNetwork {
            network,
            parameters,
            names,
        }),
        Err(source) => Err(TensorError::Network {
            file: file.into(),
            widths,
            source: source.into(),
        }),
    }
}

/// A layer's weights, `[outputs, inputs]`.
struct Weight {
    outputs: u32,
    inputs: u32,
    elements: Vec<f32>,
}

impl TensorFile<'_> {
    /// The error for names that make up no layers; `wanted` are those that would.
    pub(super) fn fault(&self, fault: Fault, wanted: &'static str) -> TensorError {
        let file = self.file.into();
        match fault {
            Fault::Missing(name) => self.missing(name),
            Fault::Unexpected(found) => TensorError::Unexpected {
                file,
                wanted,
                found,
            },
            Fault::Ambiguous(first, second) => TensorError::Ambiguous {
                file,
                first,
                second,
            },
        }
    }

    /// The weights of `layer`. `previous` is the name and the number of outputs of the layer before it; the first has none.
    fn weight(
        &self,
        layer: &str,
        previous: Option<(&str, u32)>,
        activation: Activation,
    ) -> Result<Weight, TensorError> {
        let name = names::tensor(layer, "weight");
        let tensor = self.typed(&name, &[Dtype::F32])?;
        let wanted = match previous {
            None => "[out, in], each 1 at least".to_owned(),
            Some((before, outputs)) => format!(
                "[out, {}], as {before} has {outputs} outputs and {activation:?} makes {} of each",
                u64::from(outputs) * u64::from(activation.copies()),
                activation.copies(),
            ),
        };
        let chains = |inputs: u32| {
            previous
                .is_none_or(|(_, outputs)| outputs.checked_mul(activation.copies()) == Some(inputs))
        };
        let dimensions: Vec<_> = tensor.shape().iter().map(|&n| u32::try_from(n)).collect();
        match dimensions[..] {
            [Ok(outputs @ 1..), Ok(inputs @ 1..)] if chains(inputs) => Ok(Weight {
                outputs,
                inputs,
                elements: self.finite(&name, &tensor)?,
            }),
            _ => Err(self.wrong_shape(&name, wanted, &tensor)),
        }
    }

    fn bias(&self, layer: &str, outputs: u32) -> Result<Vec<f32>, TensorError> {
        let name = names::tensor(layer, "bias");
        let tensor = self.typed(&name, &[Dtype::F32])?;
        if tensor.shape() == [outputs as usize] {
            return self.finite(&name, &tensor);
        }
        let weight = names::tensor(layer, "weight");
        let wanted = format!("[{outputs}], as {weight} has {outputs} rows");
        Err(self.wrong_shape(&name, wanted, &tensor))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{counted, floats, network_fault, network_of, network_tensors};
    use super::*;

    #[test]
    fn networks_are_read_as_pytorch_lays_them_out() {
        for activation in [Activation::Relu, Activation::Crelu] {
            let found = network_of(&network_tensors(activation), activation).unwrap();
            assert_eq!(found.network, Network::mlp(&[2, 3, 2], activation).unwrap());
            assert_eq!(found.names, ["fc1", "fc2"]);
            let counted = |count: u32| (0..count).map(|i| i as f32).collect::<Vec<_>>();
            let wanted = [6, 3, 6 * activation.copies(), 2].map(counted);
            assert_eq!(found.parameters, wanted);
        }
    }

    #[test]
    fn a_network_may_have_one_layer_or_more_than_nine() {
        let one = [counted("fc1.weight", &[3, 2]), counted("fc1.bias", &[3])];
        let found = network_of(&one, Activation::Tanh).unwrap();
        assert_eq!(found.network.widths(), [2, 3]);

        let name = |k, what| -> &'static str { format!("fc{k}.{what}").leak() };
        let eleven: Vec<_> = (1..=11)
            .flat_map(|k| {
                let weight = counted(name(k, "weight"), &[k + 1, k]);
                [weight, counted(name(k, "bias"), &[k + 1])]
            })
            .collect();
        let found = network_of(&eleven, Activation::Relu).unwrap();
        assert_eq!(found.network.widths(), (1..=12).collect::<Vec<_>>());
        assert_eq!(found.parameters[21].len(), 12);
    }

    #[test]
    fn every_layer_needs_weight_and_bias() {
        let message = network_fault(|tensors| drop(tensors.remove(3)));
        let found = r#"found only "fc1.bias", "fc1.weight", "fc2.weight""#;
        assert_eq!(
            message,
            format!("FILE: wanted the tensor fc2.bias, {found}")
        );
        let message = network_fault(|tensors| tensors[2].name = "fc3.weight");
        let found = r#"found only "fc1.bias", "fc1.weight", "fc2.bias", "fc3.weight""#;
        assert_eq!(
            message,
            format!("FILE: wanted the tensor fc2.weight, {found}")
        );
        let message = network_fault(Vec::clear);
        assert_eq!(
            message,
            "FILE: wanted the tensor fc1.weight, found no tensor at all"
        );
    }

    #[test]
    fn a_network_has_no_other_tensors() {
        for name in ["fc1.weights", "w\n", "running_mean"] {
            let message = network_fault(|tensors| tensors.push(counted(name, &[1])));
            let wanted = "pairs of NAME.weight and NAME.bias";
            let wanted = format!("FILE: wanted no tensors but {wanted}, found {name:?}");
            assert_eq!(message, wanted);
        }
        for (name, other) in [("fc0.weight", "fc0.bias"), ("fc01.bias", "fc01.weight")] {
            let message = network_fault(|tensors| tensors.push(counted(name, &[1])));
            let wanted = format!("FILE: wanted the tensor {other}, found only ");
            assert!(message.starts_with(&wanted), "{message}");
        }
    }

    #[test]
    fn a_sequential_is_read_in_the_order_of_its_numbers() {
        for prefix in ["", "net.", "model.layers."] {
            let name =
                |k: usize, what: &str| -> &'static str { format!("{prefix}{k}.{what}").leak() };
            let mut tensors = Vec::new();
            for (number, inputs) in [(10, 3), (0, 1), (2, 2)] {
                tensors.push(counted(name(number, "weight"), &[inputs + 1, inputs]));
                tensors.push(counted(name(number, "bias"), &[inputs + 1]));
            }
            let found = network_of(&tensors, Activation::Relu).unwrap();
            assert_eq!(found.network.widths(), [1, 2, 3, 4]);
            let wanted = [0, 2, 10].map(|number| format!("{prefix}{number}"));
            assert_eq!(found.names, wanted);
        }
    }

    #[test]
    fn names_that_say_no_order_are_refused() {
        let message = network_fault(|tensors| {
            tensors[2].name = "out.weight";
            tensors[3].name = "out.bias";
        });
        let wanted = "wanted layers whose names differ in their numbers and in nothing else";
        assert_eq!(
            message,
            format!("FILE: {wanted}, found \"fc1\" beside \"out\"")
        );
    }

    #[test]
    fn parameters_are_f32() {
        let message = network_fault(|tensors| tensors[3].dtype = Dtype::I32);
        let wanted = "FILE: fc2.bias: wanted elements of type F32, found I32";
        assert_eq!(message, wanted);
    }

    #[test]
    fn a_weight_is_a_matrix_and_not_empty() {
        for shape in [&[6][..], &[3, 2, 1], &[0, 2], &[3, 0]] {
            let message = network_fault(|tensors| tensors[0] = counted("fc1.weight", shape));
            let wanted = "wanted the shape [out, in], each 1 at least";
            assert_eq!(
                message,
                format!("FILE: fc1.weight: {wanted}, found {shape:?}")
            );
        }
    }

    #[test]
    fn shapes_chain() {
        let message = network_fault(|tensors| tensors[2] = counted("fc2.weight", &[2, 6]));
        let wanted = "[out, 3], as fc1 has 3 outputs and Relu makes 1 of each";
        let wanted = format!("FILE: fc2.weight: wanted the shape {wanted}, found [2, 6]");
        assert_eq!(message, wanted);

        let message = network_of(&network_tensors(Activation::Relu), Activation::Crelu);
        let wanted = "[out, 6], as fc1 has 3 outputs and Crelu makes 2 of each";
        let wanted = format!("FILE: fc2.weight: wanted the shape {wanted}, found [2, 3]");
        assert_eq!(message, Err(wanted));
    }

    #[test]
    fn a_bias_is_as_long_as_its_weight_has_rows() {
        for shape in [&[4][..], &[3, 1], &[]] {
            let message = network_fault(|tensors| tensors[1] = counted("fc1.bias", shape));
            let wanted = "wanted the shape [3], as fc1.weight has 3 rows";
            assert_eq!(
                message,
                format!("FILE: fc1.bias: {wanted}, found {shape:?}")
            );
        }
    }

    #[test]
    fn parameters_are_finite() {
        for found in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let elements = [0.0, 0.0, 0.0, 0.0, found, f32::NAN];
            let message = network_fault(|tensors| {
                tensors[2] = floats("fc2.weight", &[2, 3], &elements);
            });
            let wanted = format!("wanted finite numbers, found {found} at [1, 1]");
            assert_eq!(message, format!("FILE: fc2.weight: {wanted}"));
        }
    }

    #[test]
    fn the_engine_must_take_the_network() {
        let one_class = [counted("fc1.weight", &[1, 2]), counted("fc1.bias", &[1])];
        let message = network_of(&one_class, Activation::Relu).unwrap_err();
        let wanted = "wanted a network that can be trained, found one of widths [2, 1]";
        assert_eq!(message, format!("FILE: {wanted}"));
    }
}
