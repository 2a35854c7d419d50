//! The shape of a multilayer perceptron and where its parameters lie in a buffer.
//!
//! On the device every dimension of a matrix is padded to a multiple of four, so that kernels load
//! whole vec4s at any size; padding is zero and stays zero. A layer's matrix is
//! `[rows + 1, columns]`, rows for inputs and columns for outputs, and its last row is the bias.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The nonlinearity after every hidden layer. The last layer has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[repr(u32)]
pub enum Activation {
    /// f(z) = z
    Identity = 0,
    /// f(z) = max(z, 0)
    Relu = 1,
    /// f(z) = [max(z, 0), max(-z, 0)]: the next layer has twice as many inputs
    /// (Shang et al., ICML 2016; Abbas et al., CoLLAs 2023).
    Crelu = 2,
    /// f(z) = z where z > 0, else 0.01 z
    LeakyRelu = 3,
    /// f(z) = tanh(z)
    Tanh = 4,
}

impl Activation {
    /// How many activations one unit makes.
    pub fn copies(self) -> u32 {
        if self == Self::Crelu { 2 } else { 1 }
    }
}

/// One linear layer and its place in a replica's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Inputs (after a CReLU layer, both halves).
    pub inputs: u32,
    /// Outputs.
    pub outputs: u32,
    /// Rows of the stored matrix without the bias row: inputs with padding.
    pub rows: u32,
    /// Columns of the stored matrix: outputs with padding.
    pub columns: u32,
    /// Elements of a replica's parameters before this layer's.
    pub offset: u32,
    /// 2 when the inputs are the two halves of a CReLU layer, each padded by itself; else 1.
    pub halves: u32,
    /// What is applied to the outputs.
    pub activation: Activation,
}

impl Layer {
    /// Stored elements, padding and bias row included.
    pub fn len(&self) -> u32 {
        (self.rows + 1) * self.columns
    }

    /// Whether the layer stores nothing (it never does).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Trainable parameters: weights and biases, without padding.
    pub fn parameters(&self) -> usize {
        (self.inputs as usize + 1) * self.outputs as usize
    }

    /// Columns of the activations that the layer makes.
    pub fn activation_columns(&self) -> u32 {
        self.columns * self.activation.copies()
    }

    /// The row of the stored matrix that holds input `input`.
    fn row_of(&self, input: u32) -> u32 {
        let half_inputs = self.inputs / self.halves;
        let half_rows = self.rows / self.halves;
        input / half_inputs * half_rows + input % half_inputs
    }

    /// Where the weight from `input` to `output` lies in a replica's parameters.
    pub fn weight_index(&self, output: u32, input: u32) -> usize {
        (self.offset + self.row_of(input) * self.columns + output) as usize
    }

    /// Where the bias of `output` lies in a replica's parameters.
    pub fn bias_index(&self, output: u32) -> usize {
        (self.offset + self.rows * self.columns + output) as usize
    }
}

/// One layer's parameters (or gradients) without padding, as PyTorch's `nn.Linear` holds them.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerParameters {
    /// `[outputs, inputs]`, row by row.
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

/// A multilayer perceptron of any depth and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    widths: Vec<u32>,
    activation: Activation,
    layers: Vec<Layer>,
}

/// Layers of the deepest network: each has dispatches of its own, and columns in every table.
const MOST_LAYERS: usize = 256;

/// The next multiple of four.
pub(crate) fn pad4(n: u32) -> u32 {
    n.next_multiple_of(4)
}

impl Network {
    /// `widths` are inputs, hidden widths and classes: `[784, 256, 256, 10]` has three layers.
    ///
    /// # Errors
    /// Fewer than two widths, more than 256 layers, a width of zero, fewer than 2 classes, or more than 2^31 elements.
    pub fn new(widths: &[u32], activation: Activation) -> Result<Self, Error> {
        if widths.len() < 2 {
            let wanted = "inputs and classes at least";
            return Err(Error::invalid(
                "network widths",
                wanted,
                format!("{widths:?}"),
            ));
        }
        let layers = widths.len() - 1;
        if layers > MOST_LAYERS {
            return Err(Error::invalid("network layers", "256 at most", layers));
        }
        if let Some(position) = widths.iter().position(|w| !(1..=1 << 20).contains(w)) {
            return Err(Error::invalid(
                "network width",
                "1 to 1,048,576",
                widths[position],
            ));
        }
        if widths[widths.len() - 1] < 2 {
            return Err(Error::invalid("number of classes", "2 at least", 1));
        }
        let mut layers: Vec<Layer> = Vec::with_capacity(widths.len() - 1);
        let mut offset = 0_u64;
        for (index, pair) in widths.windows(2).enumerate() {
            let is_last = index + 2 == widths.len();
            let halves = if index == 0 { 1 } else { activation.copies() };
            let layer = Layer {
                inputs: pair[0] * halves,
                outputs: pair[1],
                rows: pad4(pair[0]) * halves,
                columns: pad4(pair[1]),
                offset: offset as u32,
                halves,
                activation: if is_last {
                    Activation::Identity
                } else {
                    activation
                },
            };
            offset += (u64::from(layer.rows) + 1) * u64::from(layer.columns);
            if offset > 1 << 31 {
                return Err(Error::invalid("network parameters", "2^31 at most", offset));
            }
            layers.push(layer);
        }
        Ok(Self {
            widths: widths.to_vec(),
            activation,
            layers,
        })
    }

    /// Inputs, hidden widths and classes.
    pub fn widths(&self) -> &[u32] {
        &self.widths
    }

    /// The nonlinearity of the hidden layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of inputs.
    pub fn inputs(&self) -> u32 {
        self.widths[0]
    }

    /// Number of classes.
    pub fn classes(&self) -> u32 {
        self.widths[self.widths.len() - 1]
    }

    /// Trainable parameters, without padding.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }

    /// Stored elements of one replica's parameters, with padding.
    pub fn parameter_stride(&self) -> usize {
        self.layers.iter().map(|l| l.len() as usize).sum()
    }

    /// Parameters in PyTorch's layout to one replica's stored parameters.
    ///
    /// # Errors
    /// A number of layers, weights or biases that is not this network's.
    pub fn pack(&self, parameters: &[LayerParameters]) -> Result<Vec<f32>, Error> {
        Error::check_length("layers", self.layers.len(), parameters.len())?;
        let mut stored = vec![0.0; self.parameter_stride()];
        for (number, (layer, given)) in self.layers.iter().zip(parameters).enumerate() {
            let weights = layer.inputs as usize * layer.outputs as usize;
            Error::check_length(
                &format!("weight of layer {}", number + 1),
                weights,
                given.weight.len(),
            )?;
            let outputs = layer.outputs as usize;
            Error::check_length(
                &format!("bias of layer {}", number + 1),
                outputs,
                given.bias.len(),
            )?;
            for output in 0..layer.outputs {
                for input in 0..layer.inputs {
                    stored[layer.weight_index(output, input)] =
                        given.weight[(output * layer.inputs + input) as usize];
                }
                stored[layer.bias_index(output)] = given.bias[output as usize];
            }
        }
        Ok(stored)
    }

    /// One replica's stored parameters (or gradients) to PyTorch's layout.
    ///
    /// # Errors
    /// A slice that is not [`Self::parameter_stride`] long.
    pub fn unpack(&self, stored: &[f32]) -> Result<Vec<LayerParameters>, Error> {
        Error::check_length("stored parameters", self.parameter_stride(), stored.len())?;
        let layer_parameters = |layer: &Layer| LayerParameters {
            weight: (0..layer.outputs)
                .flat_map(|output| (0..layer.inputs).map(move |input| (output, input)))
                .map(|(output, input)| stored[layer.weight_index(output, input)])
                .collect(),
            bias: (0..layer.outputs)
                .map(|output| stored[layer.bias_index(output)])
                .collect(),
        };
        Ok(self.layers.iter().map(layer_parameters).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_network_has_269_322_parameters() {
        let network = Network::new(&[784, 256, 256, 10], Activation::Relu).unwrap();
        assert_eq!(network.parameter_count(), 269_322);
        let crelu = Network::new(&[784, 256, 256, 10], Activation::Crelu).unwrap();
        assert_eq!(crelu.parameter_count(), 785 * 256 + 513 * 256 + 513 * 10);
    }

    #[test]
    fn packing_and_unpacking_is_the_identity_and_leaves_padding_zero() {
        for activation in [Activation::Relu, Activation::Crelu] {
            let network = Network::new(&[7, 5, 3, 2], activation).unwrap();
            let mut next = 0.0;
            let mut fresh = |count: u32| -> Vec<f32> {
                let numbers = (0..count).map(|i| next + 1.0 + i as f32).collect();
                next += count as f32;
                numbers
            };
            let given: Vec<_> = network
                .layers()
                .iter()
                .map(|l| LayerParameters {
                    weight: fresh(l.inputs * l.outputs),
                    bias: fresh(l.outputs),
                })
                .collect();
            let stored = network.pack(&given).unwrap();
            let filled = stored.iter().filter(|x| **x != 0.0).count();
            assert_eq!(filled, network.parameter_count());
            assert_eq!(network.unpack(&stored).unwrap(), given);
        }
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for widths in [&[][..], &[5], &[5, 0, 2], &[5, 1], &[1 << 20, 1 << 20, 2]] {
            assert!(
                Network::new(widths, Activation::Relu).is_err(),
                "{widths:?}"
            );
        }
    }
}
