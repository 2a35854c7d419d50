//! The forms of an architecture in a file: a name, a table of the sizes that differ from the defaults, or a list of items.

use serde::Deserialize;

use super::{Architecture, ListedItem};
use crate::form::NameListOr;
use crate::network::Activation;

pub(super) type ArchitectureForm = NameListOr<ArchitectureName, ListedItem, ArchitectureTable>;

/// The name of an architecture, which stands for its default sizes.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum ArchitectureName {
    /// A multilayer perceptron of the arm's `hidden` and `activation`.
    Mlp,
    /// LeNet-5 with max-pooling and ReLU.
    Lenet,
    /// A residual network of three stages.
    ResnetSmall,
    /// A vision transformer of two blocks.
    VitSmall,
}

/// One architecture, and the sizes that differ from its defaults.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ArchitectureTable {
    /// LeNet-5.
    lenet: Option<Lenet>,
    /// A residual network without normalisation.
    resnet_small: Option<ResnetSmall>,
    /// A vision transformer.
    vit_small: Option<VitSmall>,
}

/// Declares the table of an architecture in a file: its sizes with their default values.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty = $usual:expr,)* }) => {
        #[derive(Deserialize)]
        #[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$field_doc])* $field: $kind,)*
        }

        impl Default for $name {
            $(#[$doc])*
            fn default() -> Self {
                Self { $($field: $usual,)* }
            }
        }

        impl From<$name> for Architecture {
            fn from($name { $($field,)* }: $name) -> Self {
                Self::$name { $($field,)* }
            }
        }
    };
}

table! {
    /// The sizes of LeCun et al. (1998).
    Lenet {
        /// The channels of the two convolutions.
        channels: [u32; 2] = [6, 16],
        /// The widths of the linear layers before the last.
        hidden: Vec<u32> = vec![120, 84],
        /// The activation of all layers but the last.
        activation: Activation = Activation::Relu,
    }
}

table! {
    /// Three stages, small enough for two CPU cores.
    ResnetSmall {
        /// The channels of each stage.
        channels: Vec<u32> = vec![8, 16, 32],
        /// The activation after each convolution.
        activation: Activation = Activation::Relu,
    }
}

table! {
    /// 16 tokens of an image of 28 x 28 pixels, small enough for two CPU cores.
    VitSmall {
        /// The side of a patch in pixels.
        patch: u32 = 7,
        /// The width of a token.
        width: u32 = 64,
        /// The number of blocks.
        blocks: u32 = 2,
        /// The number of heads of each attention.
        heads: u32 = 4,
        /// The activation of the perceptrons, which are twice as wide as a token.
        activation: Activation = Activation::Gelu,
    }
}

/// The architectures with their default sizes, other than the perceptron.
pub(super) fn named() -> [Architecture; 3] {
    [
        Lenet::default().into(),
        ResnetSmall::default().into(),
        VitSmall::default().into(),
    ]
}

impl From<ArchitectureName> for Architecture {
    fn from(name: ArchitectureName) -> Self {
        match name {
            ArchitectureName::Mlp => Self::Mlp,
            ArchitectureName::Lenet => Lenet::default().into(),
            ArchitectureName::ResnetSmall => ResnetSmall::default().into(),
            ArchitectureName::VitSmall => VitSmall::default().into(),
        }
    }
}

impl TryFrom<ArchitectureForm> for Architecture {
    type Error = String;

    fn try_from(form: ArchitectureForm) -> Result<Self, Self::Error> {
        let ArchitectureTable {
            lenet,
            resnet_small,
            vit_small,
        } = match form {
            NameListOr::Name(name) => return Ok(name.into()),
            NameListOr::List(items) => return Ok(Self::Items(items)),
            NameListOr::Table(table) => table,
        };
        let given = [
            lenet.map(Self::from),
            resnet_small.map(Self::from),
            vit_small.map(Self::from),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.count()) {
            (Some(architecture), 0) => Ok(architecture),
            (None, _) => Err("wanted one network, such as `lenet`, found none".to_owned()),
            (Some(_), more) => Err(format!("wanted one network, found {}", more + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct File {
        network: Architecture,
    }

    fn read(network: &str) -> Result<Architecture, String> {
        let file = toml::from_str::<File>(&format!("network = {network}"));
        file.map(|file| file.network)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_name_a_part_or_a_list_is_enough() {
        let lenet = Lenet {
            channels: [2, 3],
            ..Lenet::default()
        };
        let vit = VitSmall {
            blocks: 1,
            ..VitSmall::default()
        };
        let items = ["linear 3", "relu", "linear classes"].map(|text| text.parse().unwrap());
        for (text, wanted) in [
            ("'mlp'", Architecture::Mlp),
            ("'lenet'", Lenet::default().into()),
            ("'resnet-small'", ResnetSmall::default().into()),
            ("'vit-small'", VitSmall::default().into()),
            ("{ lenet = { channels = [2, 3] } }", lenet.into()),
            ("{ vit-small = { blocks = 1 } }", vit.into()),
            (
                "['linear 3', 'relu', 'linear classes']",
                Architecture::Items(items.to_vec()),
            ),
        ] {
            assert_eq!(read(text), Ok(wanted.clone()), "{text}");
            // The written network is read back.
            let written = toml::to_string(&File {
                network: wanted.clone(),
            })
            .unwrap();
            assert_eq!(
                toml::from_str::<File>(&written).unwrap().network,
                wanted,
                "{written}"
            );
        }
    }

    #[test]
    fn what_is_no_architecture_is_refused() {
        for (text, mention) in [
            (
                "'lenett'",
                "unknown variant `lenett`, expected one of `mlp`, `lenet`, `resnet-small`, `vit-small`",
            ),
            (
                "{ lenett = {} }",
                "unknown field `lenett`, expected one of `lenet`, `resnet-small`, `vit-small`",
            ),
            ("{ lenet = { hiden = [] } }", "unknown field `hiden`"),
            (
                "{ lenet = { channels = [6] } }",
                "invalid length 1, expected an array of length 2",
            ),
            (
                "{ lenet = {}, vit-small = {} }",
                "wanted one network, found 2",
            ),
            ("{}", "wanted one network, such as `lenet`, found none"),
            ("3", "expected a name, a list or a table"),
            (
                "['linear 3', 'golu']",
                "item of a network: wanted an operation (linear, conv, max-pool, average-pool, global-average-pool, flatten, layer-norm, \
        position-embedding, attention, add) or an activation, found \"golu\"",
            ),
            ("[3]", "expected a string"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(mention), "{text}: no {mention} in {error}");
        }
    }
}
