//! Networks that a list of items describes, which a file cannot tell.

use std::path::Path;

use safetensors::tensor::Dtype;

use super::file::{TensorFile, read};
use super::{NamedNetwork, TensorError, names};
use crate::network::{Activation, Architecture, Block, Item, ListedItem, Network, Parameters};

/// Reads the file of a network of `architecture`, which is no perceptron, for inputs of so many channels, rows and columns.
///
/// Tensors belong to blocks by their names where the file names its layers as [`Network::blocks`] does (`conv1`, `norm1`,
/// `fc1`, ...). Otherwise the names of layers must differ in their numbers alone, as in an `nn.Sequential`, and the numbers
/// give the order. Where the last item is `linear classes`, the file tells the number of classes.
///
/// # Errors
/// [`TensorError`] for the first fault of the file, or for an architecture that makes no network.
pub fn read_listed_network(
    file: &Path,
    input: [u32; 3],
    architecture: &Architecture,
) -> Result<NamedNetwork, TensorError> {
    let bytes = read(file)?;
    let tensors = TensorFile::parse(file, &bytes)?;
    let network = |classes| {
        let network = architecture.network(input, classes, &[], Activation::Identity);
        network.map_err(|source| TensorError::Listed {
            file: file.into(),
            source: source.into(),
        })
    };
    // Blocks have the same names for every number of classes.
    let items = architecture.items().unwrap_or_default();
    let stated = match items.last() {
        Some(ListedItem::Item(Item::Linear(classes))) => Some(*classes),
        _ => None,
    };
    let draft = network(stated.unwrap_or(2))?;
    let names = tensors.layers_of(&draft)?;
    let network = match stated {
        Some(_) => draft,
        None => network(tensors.outputs(names.last().map_or("", String::as_str))?)?,
    };
    let parameters = tensors.parameters(&network, &names)?;
    Ok(NamedNetwork {
        network,
        parameters,
        names,
    })
}

impl TensorFile<'_> {
    /// The file's names of the layers of `network`, in the order of its blocks.
    fn layers_of(&self, network: &Network) -> Result<Vec<String>, TensorError> {
        let blocks: Vec<_> = network
            .blocks()
            .iter()
            .map(|block| &block.name[..])
            .collect();
        let layers = names::layers_of(&self.names(), &blocks);
        let layers = layers.map_err(|fault| self.fault(fault, "those of the network's layers"))?;
        if layers.len() == blocks.len() {
            return Ok(layers);
        }
        Err(TensorError::Layers {
            file: self.file.into(),
            wanted: blocks.join(", "),
            found: layers,
        })
    }

    /// The number of rows of a layer's weight.
    fn outputs(&self, layer: &str) -> Result<u32, TensorError> {
        let name = names::tensor(layer, "weight");
        let weight = self.typed(&name, &[Dtype::F32])?;
        let outputs = weight.shape().first().and_then(|n| u32::try_from(*n).ok());
        outputs.ok_or_else(|| {
            let wanted = "[classes, in]".to_owned();
            self.wrong_shape(&name, wanted, &weight)
        })
    }

    /// The elements of every tensor of `network`, whose layers have the names `layers`. No other tensor may be there.
    fn parameters(&self, network: &Network, layers: &[String]) -> Result<Parameters, TensorError> {
        let mut known = Vec::new();
        let mut parameters = Vec::new();
        for (Block { tensors, .. }, layer) in network.blocks().iter().zip(layers) {
            for tensor in &network.tensors()[tensors.clone()] {
                let kind = tensor.name.rsplit('.').next().unwrap_or_default();
                let name = names::tensor(layer, kind);
                let found = self.typed(&name, &[Dtype::F32])?;
                let is_same = tensor.shape.iter().map(|n| *n as usize);
                if !is_same.eq(found.shape().iter().copied()) {
                    let wanted =
                        format!("{:?}, as {} has in this network", tensor.shape, tensor.name);
                    return Err(self.wrong_shape(&name, wanted, &found));
                }
                parameters.push(self.finite(&name, &found)?);
                known.push(name);
            }
        }
        self.check_names("those of the network's layers", |name| {
            known.iter().any(|known| known == name)
        })?;
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Tensor, counted, reading, serialized};
    use super::*;

    fn sum() -> Architecture {
        let items = "linear 3, tanh, linear 3, add 2, linear classes";
        Architecture::Items(
            items
                .split(", ")
                .map(|item| item.parse().unwrap())
                .collect(),
        )
    }

    fn tensors(names: [&'static str; 6]) -> Vec<Tensor> {
        let shapes: [&[usize]; 6] = [&[3, 2], &[3], &[3, 3], &[3], &[4, 3], &[4]];
        let tensors = names.into_iter().zip(shapes);
        tensors.map(|(name, shape)| counted(name, shape)).collect()
    }

    const BY_BLOCK: [&str; 6] = [
        "fc1.weight",
        "fc1.bias",
        "fc2.weight",
        "fc2.bias",
        "fc3.weight",
        "fc3.bias",
    ];
    const BY_NUMBER: [&str; 6] = [
        "net.0.weight",
        "net.0.bias",
        "net.2.weight",
        "net.2.bias",
        "net.10.weight",
        "net.10.bias",
    ];

    fn read(tensors: &[Tensor], architecture: &Architecture) -> Result<NamedNetwork, String> {
        reading(&serialized(tensors), |file| {
            read_listed_network(file, [1, 1, 2], architecture)
        })
    }

    fn fault(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
        let mut tensors = tensors(BY_BLOCK);
        change(&mut tensors);
        read(&tensors, &sum()).unwrap_err()
    }

    #[test]
    fn tensors_belong_to_blocks_by_name_or_by_number() {
        let wanted = sum()
            .network([1, 1, 2], 4, &[], Activation::Identity)
            .unwrap();
        for (names, layers) in [
            (BY_BLOCK, ["fc1", "fc2", "fc3"]),
            (BY_NUMBER, ["net.0", "net.2", "net.10"]),
        ] {
            let found = read(&tensors(names), &sum()).unwrap();
            assert_eq!(found.network, wanted);
            assert_eq!(found.names, layers);
            let lengths: Vec<_> = found.parameters.iter().map(Vec::len).collect();
            assert_eq!(lengths, [6, 3, 9, 3, 12, 4]);
        }
    }

    #[test]
    fn shapes_are_those_of_the_network() {
        let message = fault(|tensors| tensors[2] = counted("fc2.weight", &[3, 4]));
        let wanted = "FILE: fc2.weight: wanted the shape [3, 3], as fc2.weight has in this network, found [3, 4]";
        assert_eq!(message, wanted);
        let mut other = tensors(BY_NUMBER);
        other[5] = counted("net.10.bias", &[5]);
        let wanted =
            "FILE: net.10.bias: wanted the shape [4], as fc3.bias has in this network, found [5]";
        assert_eq!(read(&other, &sum()).unwrap_err(), wanted);
    }

    #[test]
    fn every_tensor_of_the_network_and_no_other_is_there() {
        let message = fault(|tensors| drop(tensors.remove(3)));
        assert!(
            message.starts_with("FILE: wanted the tensor fc2.bias, found only "),
            "{message}"
        );
        let message = fault(|tensors| tensors.push(counted("fc4.weight", &[1])));
        let wanted =
            "FILE: wanted no tensors but those of the network's layers, found \"fc4.weight\"";
        assert_eq!(message, wanted);
        let mut fewer = tensors(BY_NUMBER);
        fewer.truncate(4);
        assert_eq!(
            read(&fewer, &sum()).unwrap_err(),
            "FILE: wanted tensors of the layers fc1, fc2, fc3, found those of [\"net.0\", \"net.2\"]"
        );
        let mut names = BY_NUMBER;
        (names[4], names[5]) = ("out.weight", "out.bias");
        let message = read(&tensors(names), &sum()).unwrap_err();
        assert!(
            message.contains("found \"net.2\" beside \"out\""),
            "{message}"
        );
    }

    #[test]
    fn an_architecture_that_makes_no_network_is_refused() {
        let items = ["linear 3", "linear 2", "add 1", "linear 2"].map(|item| item.parse().unwrap());
        let message = read(&tensors(BY_BLOCK), &Architecture::Items(items.to_vec())).unwrap_err();
        assert_eq!(
            message,
            "FILE: wanted tensors for a network that can be made, found another"
        );
    }
}
