//! Writing networks.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use super::file::check_finite;
use super::{NamedNetwork, TensorError, names};
use crate::files::write_whole;
use crate::network::{self, Op};

/// Writes a network file that [`read_network`](super::read_network),
/// [`read_listed_network`](super::read_listed_network) and PyTorch read: the tensors of each layer in F32. The file appears whole or not at all; a file that was there is replaced.
///
/// # Errors
/// [`TensorError::Names`] or [`TensorError::Parameters`] where the names or the parameters are not those of a network of
/// this shape, [`TensorError::NotFinite`] for a number that is not finite, [`TensorError::Write`] where the file system
/// refuses.
pub fn write_network(file: &Path, named: &NamedNetwork) -> Result<(), TensorError> {
    let tensors = tensors(named);
    check(file, named, &tensors)?;
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), &tensor.bytes);
        (&tensor.name[..], view.expect("as many bytes as the shape"))
    });
    let bytes = safetensors::serialize(views, None).expect("names that differ");
    Ok(write_whole(file, &bytes)?)
}

/// A tensor to be written.
struct Tensor<'a> {
    name: String,
    shape: Vec<usize>,
    elements: &'a [f32],
    bytes: Vec<u8>,
}

/// The tensors of each layer.
fn tensors(named: &NamedNetwork) -> Vec<Tensor<'_>> {
    let tensors = named.network.tensors().iter().zip(&named.parameters);
    let named = tensors.map(|(tensor, elements)| Tensor {
        name: file_name(named, tensor),
        shape: tensor.shape.iter().map(|n| *n as usize).collect(),
        elements,
        bytes: elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
    });
    named.collect()
}

/// The name of a tensor in the file: its own, with the file's name for its block.
fn file_name(named: &NamedNetwork, tensor: &network::Tensor) -> String {
    let kind = tensor.name.rsplit('.').next().unwrap_or_default();
    let block = named.names.get(tensor.block).map_or("", String::as_str);
    names::tensor(block, kind)
}

/// Fails unless reading what is written gives the same network.
fn check(file: &Path, named: &NamedNetwork, tensors: &[Tensor<'_>]) -> Result<(), TensorError> {
    let packed = named.network.pack(&named.parameters);
    packed.map_err(|source| TensorError::Parameters {
        file: file.into(),
        source: source.into(),
    })?;
    let written: Vec<_> = tensors.iter().map(|tensor| &tensor.name[..]).collect();
    let layers = named.network.blocks().len();
    let is_perceptron =
        { named.network.nodes().iter() }.all(|node| matches!(node.op, Op::Linear(_)));
    let read = if is_perceptron {
        names::layers(&written)
    } else {
        let blocks: Vec<_> = { named.network.blocks().iter() }
            .map(|block| &block.name[..])
            .collect();
        names::layers_of(&written, &blocks)
    };
    if named.names.len() != layers || read.as_ref() != Ok(&named.names) {
        return Err(TensorError::Names {
            file: file.into(),
            wanted: format!("names of {layers} layers whose numbers give their order"),
            found: named.names.clone(),
        });
    }
    let finite =
        |tensor: &Tensor<'_>| check_finite(file, &tensor.name, &tensor.shape, tensor.elements);
    tensors.iter().try_for_each(finite)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fixtures::{network_tensors, reading, serialized};
    use super::super::{read_listed_network, read_network};
    use super::*;
    use crate::network::{Activation, Architecture, Network};

    fn named(activation: Activation) -> NamedNetwork {
        let network = Network::mlp(&[2, 3, 2], activation).unwrap();
        let counted = |count: usize| (0..count).map(|i| i as f32 / 3.0 - 0.5).collect();
        let tensors = network.tensors().iter();
        let parameters = tensors.map(|tensor| counted(tensor.count())).collect();
        NamedNetwork::sequential(network, parameters)
    }

    /// The message about a network after a change, and whether a file was left behind.
    fn fault(change: impl FnOnce(&mut NamedNetwork)) -> String {
        let mut network = named(Activation::Relu);
        change(&mut network);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let error = write_network(&file, &network).unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error.to_string().replace(file.to_str().unwrap(), "FILE")
    }

    #[test]
    fn a_network_with_a_sum_is_read_back_by_its_list() {
        let items = "linear 2, tanh, linear 2, add 0, linear classes".split(", ");
        let items = items.map(|item| item.parse().unwrap()).collect();
        let architecture = Architecture::Items(items);
        let network = architecture.network([1, 1, 2], 2, &[], Activation::Identity);
        let network = network.unwrap();
        let count = |tensor: &network::Tensor| (0..tensor.count()).map(|i| i as f32).collect();
        let parameters = network.tensors().iter().map(count).collect();
        let by_block = NamedNetwork::by_block(network, parameters);
        let sequential = NamedNetwork {
            names: ["0", "2", "11"].map(str::to_owned).to_vec(),
            ..by_block.clone()
        };
        for wanted in [by_block, sequential] {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("network.safetensors");
            write_network(&file, &wanted).unwrap();
            let read = read_listed_network(&file, [1, 1, 2], &architecture).unwrap();
            assert_eq!(read, wanted);
            let swapped = NamedNetwork {
                names: wanted.names.iter().rev().cloned().collect(),
                ..wanted
            };
            let error = write_network(&file, &swapped).unwrap_err();
            assert!(matches!(error, TensorError::Names { .. }), "{error}");
        }
    }

    #[test]
    fn a_network_is_read_back_to_the_bit() {
        for activation in [Activation::Relu, Activation::Crelu] {
            let wanted = named(activation);
            assert_eq!(wanted.names, ["0", "2"]);
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("network.safetensors");
            fs::write(&file, "what was there before").unwrap();
            write_network(&file, &wanted).unwrap();
            assert_eq!(read_network(&file, activation).unwrap(), wanted);
            // The negative control: one bit less.
            let mut other = wanted.clone();
            other.parameters[2][2] += f32::EPSILON;
            assert_ne!(read_network(&file, activation).unwrap(), other);
        }
    }

    /// The bytes of a file that the safetensors crate wrote, tensor by tensor, under names of PyTorch's.
    #[test]
    fn a_file_that_was_read_is_written_as_it_was() {
        for activation in [Activation::Relu, Activation::Crelu] {
            let bytes = serialized(&network_tensors(activation));
            let read = reading(&bytes, |file| read_network(file, activation)).unwrap();
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("network.safetensors");
            write_network(&file, &read).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
    }

    #[test]
    fn parameters_must_fit_the_network() {
        let message = fault(|network| network.parameters[3].truncate(1));
        let wanted = "cannot write FILE: the parameters do not fit the network";
        assert_eq!(message, wanted);
        assert_eq!(fault(|network| drop(network.parameters.pop())), wanted);
        assert_eq!(fault(|network| network.parameters[0].push(0.0)), wanted);
    }

    #[test]
    fn names_must_give_the_order() {
        for wrong in [&["2", "0"][..], &["0", "0"], &["a", "b"], &["0"], &[]] {
            let message = fault(|network| {
                network.names = wrong.iter().map(|&name| name.to_owned()).collect();
            });
            let wanted = "wanted names of 2 layers whose numbers give their order";
            assert_eq!(
                message,
                format!("cannot write FILE: {wanted}, found {wrong:?}")
            );
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_not_written() {
        for found in [f32::NAN, f32::INFINITY] {
            let message = fault(|network| network.parameters[2][4] = found);
            let wanted = format!("FILE: 2.weight: wanted finite numbers, found {found} at [1, 1]");
            assert_eq!(message, wanted);
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_that_names_the_file() {
        let file = Path::new("absent/network.safetensors");
        let error = write_network(file, &named(Activation::Relu)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", file.display())
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}
