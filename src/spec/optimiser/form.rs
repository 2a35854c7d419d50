//! The forms of an optimiser in a file: a name, or a table of the hyperparameters that differ from the defaults.

use serde::Deserialize;

use super::Optimiser;
use crate::form::NameOr;

pub(super) type OptimiserForm = NameOr<OptimiserName, OptimiserTable>;

/// The name of an optimiser, which stands for its default hyperparameters.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum OptimiserName {
    /// Adam(0.9, 0.999, 1e-8).
    Adam,
    /// Plain gradient descent.
    Sgd,
    /// AdamW(0.9, 0.999, 1e-8) with a weight decay of 0.01.
    #[serde(rename = "adamw")]
    AdamW,
    /// Lion(0.9, 0.99) without weight decay.
    Lion,
    /// AMSGrad(0.9, 0.999, 1e-8).
    #[serde(rename = "amsgrad")]
    AmsGrad,
    /// Adam(0.9, 0.999, 1e-8) with a second second moment of decay 0.9.
    AdamMax,
    /// AdamO(0.9, 0.999, 1e-8) with a strength of 0.1.
    #[serde(rename = "adamo")]
    AdamO,
    /// Muon(0.95) for weight matrices, and Adam(0.9, 0.95, 1e-10) with 0.015 of the step size for everything else.
    Muon,
    /// UPGD(0.999) with a noise of 0.001 and a weight decay of 0.001.
    Upgd,
}

/// One optimiser, and the hyperparameters that differ from its defaults.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct OptimiserTable {
    /// Adam (Kingma and Ba, 2015).
    adam: Option<Adam>,
    /// Gradient descent, with or without momentum.
    sgd: Option<Sgd>,
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
    adamw: Option<AdamW>,
    /// Lion (Chen et al., 2023): updates by the sign of a momentum.
    lion: Option<Lion>,
    /// AMSGrad (Reddi, Kale and Kumar, 2018): Adam with the largest second moment so far.
    amsgrad: Option<AmsGrad>,
    /// Adam with the larger of two second moments.
    #[serde(rename = "adam-max")]
    adam_max: Option<AdamMax>,
    /// AdamO (Rosseau, Müller and Nowé, 2026): Adam with a decoupled step towards isometry.
    adamo: Option<AdamO>,
    /// Muon (Jordan et al., 2024): orthogonal updates of weight matrices, and Adam for everything else.
    muon: Option<Muon>,
    /// UPGD (Elsayed and Mahmood, 2024): perturbed gradients, most of all where parameters are of little use.
    upgd: Option<Upgd>,
}

/// Declares the table of an optimiser in a file: its hyperparameters with their default values.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $usual:expr,)* }) => {
        #[derive(Deserialize)]
        #[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$field_doc])* $field: f32,)*
        }

        impl Default for $name {
            $(#[$doc])*
            fn default() -> Self {
                Self { $($field: $usual,)* }
            }
        }

        impl From<$name> for Optimiser {
            fn from($name { $($field,)* }: $name) -> Self {
                Self::$name { $($field,)* }
            }
        }
    };
}

table! {
    /// The defaults of PyTorch.
    Adam {
        /// Decay of the first moment.
        beta1: 0.9,
        /// Decay of the second moment.
        beta2: 0.999,
        /// Number added to the root of the second moment.
        epsilon: 1e-8,
    }
}

table! {
    /// The defaults of PyTorch.
    Sgd {
        /// Decay of the buffer; 0 for plain gradient descent.
        momentum: 0.0,
    }
}

table! {
    /// The defaults of PyTorch.
    AdamW {
        /// Decay of the first moment.
        beta1: 0.9,
        /// Decay of the second moment.
        beta2: 0.999,
        /// Number added to the root of the second moment.
        epsilon: 1e-8,
        /// Decoupled weight decay: an update subtracts `step_size * weight_decay` times the parameter.
        weight_decay: 0.01,
    }
}

table! {
    /// The decays of the paper, and the weight decay of its published code.
    Lion {
        /// Weight of the momentum in the direction of the update; the gradient has the rest.
        beta1: 0.9,
        /// Decay of the momentum.
        beta2: 0.99,
        /// Decoupled weight decay: an update subtracts `step_size * weight_decay` times the parameter.
        weight_decay: 0.0,
    }
}

table! {
    /// The defaults of PyTorch.
    AmsGrad {
        /// Decay of the first moment.
        beta1: 0.9,
        /// Decay of the second moment.
        beta2: 0.999,
        /// Number added to the root of the largest second moment.
        epsilon: 1e-8,
    }
}

table! {
    /// The defaults of PyTorch's Adam, and a second moment that follows gradients within ten updates.
    AdamMax {
        /// Decay of the first moment.
        beta1: 0.9,
        /// Decay of the second moment.
        beta2: 0.999,
        /// Decay of the second moment that follows gradients faster.
        fast_beta2: 0.9,
        /// Number added to the root of the second moment.
        epsilon: 1e-8,
    }
}

table! {
    /// The defaults of PyTorch's Adam. The strength is ours.
    AdamO {
        /// Decay of the first moment.
        beta1: 0.9,
        /// Decay of the second moment.
        beta2: 0.999,
        /// Number added to the root of the second moment.
        epsilon: 1e-8,
        /// Strength of the step towards isometry.
        isometry: 0.1,
    }
}

table! {
    /// The defaults of the published code, whose step sizes are 0.02 for weight matrices and 3e-4 for Adam.
    Muon {
        /// Decay of the momentum of weight matrices.
        momentum: 0.95,
        /// Decay of Adam's first moment.
        beta1: 0.9,
        /// Decay of Adam's second moment.
        beta2: 0.95,
        /// Number added to the root of Adam's second moment.
        epsilon: 1e-10,
        /// Adam's step size as a share of that of weight matrices.
        adam_share: 0.015,
    }
}

table! {
    /// The defaults of the published optimiser.
    Upgd {
        /// Decay of the utility.
        beta: 0.999,
        /// Standard deviation of the noise of gradients.
        noise: 0.001,
        /// Decoupled weight decay.
        weight_decay: 0.001,
    }
}

impl From<OptimiserName> for Optimiser {
    fn from(name: OptimiserName) -> Self {
        match name {
            OptimiserName::Adam => Adam::default().into(),
            OptimiserName::Sgd => Sgd::default().into(),
            OptimiserName::AdamW => AdamW::default().into(),
            OptimiserName::Lion => Lion::default().into(),
            OptimiserName::AmsGrad => AmsGrad::default().into(),
            OptimiserName::AdamMax => AdamMax::default().into(),
            OptimiserName::AdamO => AdamO::default().into(),
            OptimiserName::Muon => Muon::default().into(),
            OptimiserName::Upgd => Upgd::default().into(),
        }
    }
}

impl TryFrom<OptimiserForm> for Optimiser {
    type Error = String;

    fn try_from(form: OptimiserForm) -> Result<Self, Self::Error> {
        let OptimiserTable {
            adam,
            sgd,
            adamw,
            lion,
            amsgrad,
            adam_max,
            adamo,
            muon,
            upgd,
        } = match form {
            NameOr::Name(name) => return Ok(name.into()),
            NameOr::Table(table) => table,
        };
        let given = [
            adam.map(Self::from),
            sgd.map(Self::from),
            adamw.map(Self::from),
            lion.map(Self::from),
            amsgrad.map(Self::from),
            adam_max.map(Self::from),
            adamo.map(Self::from),
            muon.map(Self::from),
            upgd.map(Self::from),
        ];
        let given: Vec<_> = given.into_iter().flatten().collect();
        match given[..] {
            [optimiser] => Ok(optimiser),
            [] => Err("wanted one optimiser, such as `adam`, found none".to_owned()),
            _ => {
                let names: Vec<_> = given.into_iter().map(Self::name).collect();
                Err(format!(
                    "wanted one optimiser, found {}",
                    names.join(" and ")
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        optimiser: Optimiser,
    }

    fn read(optimiser: &str) -> Result<Optimiser, String> {
        let file = toml::from_str::<File>(&format!("optimiser = {optimiser}"));
        file.map(|file| file.optimiser)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_name_or_a_part_is_enough() {
        let beta2 = Optimiser::Adam {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
        };
        let lion = |weight_decay| Optimiser::Lion {
            beta1: 0.9,
            beta2: 0.99,
            weight_decay,
        };
        let adamw = |weight_decay| Optimiser::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay,
        };
        for (text, wanted) in [
            ("'lion'", lion(0.0)),
            ("{ lion = { weight_decay = 1 } }", lion(1.0)),
            ("'amsgrad'", AmsGrad::default().into()),
            ("{ muon = { momentum = 0.95 } }", Muon::default().into()),
            (
                "{ adamo = { isometry = 0.5 } }",
                Optimiser::AdamO {
                    beta1: 0.9,
                    beta2: 0.999,
                    epsilon: 1e-8,
                    isometry: 0.5,
                },
            ),
            (
                "{ adam-max = { fast_beta2 = 0.5 } }",
                Optimiser::AdamMax {
                    beta1: 0.9,
                    beta2: 0.999,
                    fast_beta2: 0.5,
                    epsilon: 1e-8,
                },
            ),
            ("'adamw'", adamw(0.01)),
            ("{ adamw = { weight_decay = 0.5 } }", adamw(0.5)),
            ("'adam'", Optimiser::default()),
            ("{ adam = {} }", Optimiser::default()),
            ("{ adam = { beta2 = 0.99 } }", beta2),
            ("'sgd'", Optimiser::Sgd { momentum: 0.0 }),
            ("{ sgd = {} }", Optimiser::Sgd { momentum: 0.0 }),
            (
                "{ sgd = { momentum = 0.5 } }",
                Optimiser::Sgd { momentum: 0.5 },
            ),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_optimiser_is_refused() {
        for (text, mention) in [
            (
                "'adma'",
                "unknown variant `adma`, expected one of `adam`, `sgd`, `adamw`, `lion`, `amsgrad`, `adam-max`, `adamo`, `muon`",
            ),
            (
                "{ adma = {} }",
                "unknown field `adma`, expected one of `adam`, `sgd`, `adamw`, `lion`, `amsgrad`, `adam-max`, `adamo`, `muon`",
            ),
            ("{ sgd = { beta1 = 1 } }", "unknown field `beta1`"),
            (
                "{ sgd = {}, adam = {} }",
                "wanted one optimiser, found adam and sgd",
            ),
            ("{}", "wanted one optimiser, such as `adam`, found none"),
            ("0.9", "expected a name or a table"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(mention), "{text}: no {mention} in {error}");
        }
    }
}
