//! The architecture of a network as a file states it: a name, a name with sizes, or a list of items.
//!
//! - `form`: the forms of an architecture in a file.
//! - `listed`: the items of a list.

mod form;
mod listed;

use serde::{Deserialize, Serialize};

use super::{Activation, Item, Network, named};
use crate::error::Error;
use form::ArchitectureForm;
pub use listed::ListedItem;

/// The architecture of a network. A file gives its name, such as `"lenet"`, the sizes that differ from its defaults, such as
/// `{ lenet = { channels = [12, 32] } }`, or a list of items, such as `["flatten", "linear 32", "relu", "linear classes"]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", try_from = "ArchitectureForm")]
pub enum Architecture {
    /// A multilayer perceptron of the arm's `hidden` and `activation`.
    #[default]
    Mlp,
    /// LeNet-5 (LeCun et al., 1998) with max-pooling and ReLU, as most later implementations have them.
    Lenet {
        /// The channels of the two convolutions.
        channels: [u32; 2],
        /// The widths of the linear layers before the last.
        hidden: Vec<u32>,
        /// The activation of all layers but the last.
        activation: Activation,
    },
    /// A residual network (He et al., 2016) of one residual block a stage, without normalisation.
    ResnetSmall {
        /// The channels of each stage.
        channels: Vec<u32>,
        /// The activation after each convolution.
        activation: Activation,
    },
    /// A vision transformer (Dosovitskiy et al., 2021) of pre-norm blocks, with the mean over tokens in place of a class
    /// token.
    VitSmall {
        /// The side of a patch in pixels.
        patch: u32,
        /// The width of a token.
        width: u32,
        /// The number of blocks.
        blocks: u32,
        /// The number of heads of each attention.
        heads: u32,
        /// The activation of the perceptrons, which are twice as wide as a token.
        activation: Activation,
    },
    /// A list of items, each in its text form. The last is `linear` with the number of classes, or `linear classes`.
    #[serde(untagged)]
    Items(Vec<ListedItem>),
}

/// The largest number of blocks of a transformer, which keeps its list short.
const MOST_BLOCKS: u32 = 100;

impl Architecture {
    /// The architectures that a name stands for, with their default sizes, other than the perceptron.
    pub fn named() -> [Self; 3] {
        form::named()
    }

    /// Whether it is a perceptron, whose widths and activation stand beside it.
    pub fn is_mlp(&self) -> bool {
        *self == Self::Mlp
    }

    /// Its items in the order in which they run; none for a perceptron.
    ///
    /// # Errors
    /// More than 100 blocks; a size that is too large for an item.
    pub fn items(&self) -> Result<Vec<ListedItem>, Error> {
        let texts = match self {
            Self::Mlp => Vec::new(),
            Self::Lenet {
                channels,
                hidden,
                activation,
            } => named::lenet(channels, hidden, *activation),
            Self::ResnetSmall {
                channels,
                activation,
            } => named::resnet_small(channels, *activation),
            Self::VitSmall {
                patch,
                width,
                blocks,
                heads,
                activation,
            } => {
                if *blocks > MOST_BLOCKS {
                    return Err(Error::invalid("blocks of vit-small", "100 at most", blocks));
                }
                let sizes = named::VitSizes {
                    patch: *patch,
                    width: *width,
                    blocks: *blocks,
                    heads: *heads,
                };
                named::vit_small(sizes, *activation)
            }
            Self::Items(items) => return Ok(items.clone()),
        };
        texts.iter().map(|text| text.parse()).collect()
    }

    /// The network for inputs of so many channels, rows and columns, and for so many classes. `hidden` and `activation` are
    /// those of a perceptron.
    ///
    /// # Errors
    /// The errors of [`Network::mlp`] and [`Network::sequence`]; a last item of another number of classes.
    pub fn network(
        &self,
        input: [u32; 3],
        classes: u32,
        hidden: &[u32],
        activation: Activation,
    ) -> Result<Network, Error> {
        let pixels = input.iter().map(|side| u64::from(*side)).product::<u64>();
        let pixels = u32::try_from(pixels).unwrap_or(u32::MAX);
        if self.is_mlp() {
            let widths: Vec<_> = [&[pixels], hidden, &[classes]].concat();
            return Network::mlp(&widths, activation);
        }
        let items: Vec<_> = self.items()?;
        let items: Vec<_> = items
            .iter()
            .map(|item| item.with_classes(classes))
            .collect();
        if let Some(Item::Linear(units)) = items.last()
            && *units != classes
        {
            let wanted =
                format!("linear {classes} or linear classes, as the data have {classes} classes");
            let found = format!("linear {units}");
            return Err(Error::invalid("last item of a network", wanted, found));
        }
        match input {
            [1, 1, _] => Network::sequence(pixels, &items),
            image => Network::sequence(image, &items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(texts: &[&str]) -> Architecture {
        Architecture::Items(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    const PIXELS: [u32; 3] = [1, 1, 4];

    #[test]
    fn a_list_makes_the_network_of_its_items() {
        let wanted = Network::mlp(&[4, 3, 2], Activation::Tanh).unwrap();
        for last in ["linear 2", "linear classes"] {
            let architecture = items(&["linear 3", "tanh", last]);
            let found = architecture.network(PIXELS, 2, &[], Activation::Relu);
            assert_eq!(found.unwrap(), wanted);
        }
        let mlp = Architecture::Mlp.network(PIXELS, 2, &[3], Activation::Tanh);
        assert_eq!(mlp.unwrap(), wanted);
    }

    /// One row of one channel is a vector; every other input is an image.
    #[test]
    fn an_image_is_read_as_an_image() {
        let architecture = items(&["conv 3 kernel 2", "relu", "flatten", "linear classes"]);
        let network = |input| architecture.network(input, 2, &[], Activation::Relu);
        let found = network([2, 3, 3]).unwrap();
        assert_eq!(found.tensors()[0].shape, [3, 2, 2, 2]);
        assert_eq!(found.tensors()[2].shape, [2, 12]);
        let message = network([1, 1, 18]).unwrap_err().to_string();
        assert!(
            message.contains("item 1 (conv 3 kernel 2), found a vector of 18"),
            "{message}"
        );
    }

    #[test]
    fn another_number_of_classes_is_refused() {
        let refusal = items(&["linear 3"]).network(PIXELS, 2, &[], Activation::Relu);
        assert_eq!(
            refusal.unwrap_err().to_string(),
            "last item of a network: wanted linear 2 or linear classes, as the data have 2 classes, found linear 3"
        );
        assert!(
            items(&["linear 2", "relu"])
                .network(PIXELS, 2, &[], Activation::Relu)
                .is_err()
        );
        assert!(
            items(&[])
                .network(PIXELS, 2, &[], Activation::Relu)
                .is_err()
        );
    }
}
