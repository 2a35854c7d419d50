//! Named networks, each as the list of its items in their text form.
//!
//! | name | items |
//! |---|---|
//! | `lenet` | LeNet-5 (LeCun et al., 1998) with max-pooling and ReLU, as most later implementations have them |
//! | `resnet-small` | a stem, and for each stage a convolution and a residual block (He et al., 2016), without normalisation |
//! | `vit-small` | a transformer on patches of an image (Dosovitskiy et al., 2021) with pre-norm blocks |

use super::{Activation, Item};

/// The last item, whose width is the number of classes of the data set.
const LAST: &str = "linear classes";

/// LeNet-5: two convolutions of 5 x 5, each with its activation and a max-pooling of 2 x 2, and linear layers. The first
/// convolution pads by 2, so that images of 28 x 28 give 6 x 28 x 28, 6 x 14 x 14, 16 x 10 x 10, 16 x 5 x 5. `channels` are
/// those of the convolutions, `hidden` the widths of the linear layers before the last.
pub(super) fn lenet(channels: &[u32; 2], hidden: &[u32], activation: Activation) -> Vec<String> {
    let f = Item::Activation(activation).to_string();
    let [first, second] = channels;
    let mut items = vec![
        format!("conv {first} kernel 5 padding 2"),
        f.clone(),
        "max-pool 2".to_owned(),
        format!("conv {second} kernel 5"),
        f.clone(),
        "max-pool 2".to_owned(),
        "flatten".to_owned(),
    ];
    for width in hidden {
        items.extend([format!("linear {width}"), f.clone()]);
    }
    items.push(LAST.to_owned());
    items
}

/// A residual network: a convolution of 3 x 3 for each stage, with stride 2 from the second stage on, each followed by a
/// residual block of two convolutions of 3 x 3, then the mean over positions and a linear layer. Nothing is normalised:
/// so few blocks train without it. `channels` are those of the stages.
pub(super) fn resnet_small(channels: &[u32], activation: Activation) -> Vec<String> {
    let f = Item::Activation(activation).to_string();
    let mut items = Vec::new();
    for (stage, channels) in channels.iter().enumerate() {
        let stride = if stage == 0 { "" } else { " stride 2" };
        let conv = |stride| format!("conv {channels} kernel 3{stride} padding 1");
        items.extend([conv(stride), f.clone()]);
        let input = items.len();
        items.extend([conv(""), f.clone(), conv("")]);
        items.extend([format!("add {input}"), f.clone()]);
    }
    items.extend(["global-average-pool".to_owned(), LAST.to_owned()]);
    items
}

/// The sizes of a [`vit_small`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VitSizes {
    /// The side of a patch in pixels.
    pub(super) patch: u32,
    /// The width of a token.
    pub(super) width: u32,
    /// The number of blocks.
    pub(super) blocks: u32,
    /// The number of heads of each attention.
    pub(super) heads: u32,
}

/// A transformer: patches as tokens, position embeddings, pre-norm blocks of attention and of a perceptron that is twice
/// as wide as a token, a last normalisation, the mean over tokens, and a linear layer.
pub(super) fn vit_small(sizes: VitSizes, activation: Activation) -> Vec<String> {
    let VitSizes {
        patch,
        width,
        blocks,
        heads,
    } = sizes;
    let f = Item::Activation(activation).to_string();
    let norm = || "layer-norm".to_owned();
    let linear = |times: u32| format!("linear {}", u64::from(width) * u64::from(times));
    let mut items = vec![
        format!("conv {width} kernel {patch} stride {patch}"),
        "position-embedding".to_owned(),
    ];
    for _ in 0..blocks {
        let input = items.len();
        items.extend([norm(), linear(3), format!("attention {heads}"), linear(1)]);
        items.push(format!("add {input}"));
        let input = items.len();
        items.extend([norm(), linear(2), f.clone(), linear(1)]);
        items.push(format!("add {input}"));
    }
    items.extend([norm(), "global-average-pool".to_owned(), LAST.to_owned()]);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_networks_are_lists() {
        let wanted = "conv 6 kernel 5 padding 2, relu, max-pool 2, conv 16 kernel 5, relu, max-pool 2, flatten, \
                      linear 120, relu, linear 84, relu, linear classes";
        let found = lenet(&[6, 16], &[120, 84], Activation::Relu);
        assert_eq!(found.join(", "), wanted);

        let wanted = "conv 8 kernel 3 padding 1, relu, conv 8 kernel 3 padding 1, relu, conv 8 kernel 3 padding 1, add 2, relu, \
                      conv 16 kernel 3 stride 2 padding 1, relu, conv 16 kernel 3 padding 1, relu, \
                      conv 16 kernel 3 padding 1, add 9, relu, global-average-pool, linear classes";
        let found = resnet_small(&[8, 16], Activation::Relu);
        assert_eq!(found.join(", "), wanted);

        let wanted = "conv 64 kernel 7 stride 7, position-embedding, \
                      layer-norm, linear 192, attention 4, linear 64, add 2, \
                      layer-norm, linear 128, gelu, linear 64, add 7, layer-norm, global-average-pool, linear classes";
        let sizes = VitSizes {
            patch: 7,
            width: 64,
            blocks: 1,
            heads: 4,
        };
        assert_eq!(vit_small(sizes, Activation::Gelu).join(", "), wanted);
    }
}
