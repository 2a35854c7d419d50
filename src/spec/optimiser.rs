//! Optimisers: their hyperparameters, their form in a file, and the properties that the rest of the program asks for.
//! Their arithmetic is in `shaders/common/optimiser.wgsl` and its twin `src/cpu/optimiser.rs`.

use bytemuck::Zeroable;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::form::NameOr;
use crate::state::ReplicaConfig;

/// `optimiser` of a configuration: Adam.
pub const OPTIMISER_ADAM: u32 = 0;
/// `optimiser` of a configuration: SGD. Its momentum is in `beta1`, its buffer in the first moment.
pub const OPTIMISER_SGD: u32 = 1;
/// `optimiser` of a configuration: AdamW.
pub const OPTIMISER_ADAMW: u32 = 2;
/// `optimiser` of a configuration: Lion. The second moment holds the interpolation c.
pub const OPTIMISER_LION: u32 = 3;

/// The rule that turns a gradient g, the L2 term included, into an update. A file gives its name, such as `"adam"`, or
/// the hyperparameters that differ from its defaults, such as `{ adam = { beta2 = 0.99 } }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", try_from = "OptimiserForm")]
pub enum Optimiser {
    /// Adam (Kingma and Ba, 2015), computed as in PyTorch's `torch.optim.Adam`.
    Adam {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Number added to the root of the second moment.
        epsilon: f32,
    },
    /// `buf = momentum * buf + g; theta -= step_size * buf`, as in PyTorch's `torch.optim.SGD` without
    /// dampening and without Nesterov's variant. The first `buf` is g.
    Sgd {
        /// Decay of the buffer; 0 for plain gradient descent.
        momentum: f32,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), computed as in PyTorch's `torch.optim.AdamW`:
    /// `theta -= step_size * weight_decay * theta`, weights and biases alike, before Adam's update. Its effective step
    /// is that of Adam: the decay is not counted, because it does not depend on the gradient.
    #[serde(rename = "adamw")]
    AdamW {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Number added to the root of the second moment.
        epsilon: f32,
        /// Decoupled weight decay: an update subtracts `step_size * weight_decay` times the parameter.
        weight_decay: f32,
    },
    /// Lion (Chen et al., arXiv 2302.06675): `c = beta1 * m + (1 - beta1) * g`, then
    /// `theta -= step_size * (sign(c) + weight_decay * theta)` and `m = beta2 * m + (1 - beta2) * g`, for weights and
    /// biases alike. The sign of c is 0 where |c| is below 1e-30.
    ///
    /// The step size of a sign update is the length of the update. The bounds of a [`crate::scheduler`] compare with
    /// another number, the factor between a gradient and its update, which depends on the scale of the gradients.
    /// Lion's effective step is therefore `step_size / sqrt(mean(c^2))` over the weight matrix, as Adam's with its
    /// second moment. Descent along c with this step size would make an update of about the same length. The effective
    /// step is large where gradients are small, and does not count the decay. A probe reports `mean(c^2)` as the second
    /// moment.
    Lion {
        /// Weight of m in c.
        beta1: f32,
        /// Decay of m.
        beta2: f32,
        /// Decoupled weight decay: an update subtracts `step_size * weight_decay` times the parameter.
        weight_decay: f32,
    },
}

impl Optimiser {
    /// The name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adam { .. } => "adam",
            Self::Sgd { .. } => "sgd",
            Self::AdamW { .. } => "adamw",
            Self::Lion { .. } => "lion",
        }
    }

    /// # Errors
    /// A hyperparameter outside its range.
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                check_decay("beta1", beta1)?;
                check_decay("beta2", beta2)?;
                if epsilon.is_finite() && epsilon > 0.0 {
                    return Ok(());
                }
                Err(Error::invalid("epsilon", "more than 0, finite", epsilon))
            }
            Self::Sgd { momentum } => check_decay("momentum", momentum),
            Self::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => {
                let adam = Self::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                adam.check()?;
                check_weight_decay(weight_decay)
            }
            Self::Lion {
                beta1,
                beta2,
                weight_decay,
            } => {
                check_decay("beta1", beta1)?;
                check_decay("beta2", beta2)?;
                check_weight_decay(weight_decay)
            }
        }
    }

    /// The optimiser's part of a replica's configuration; the other fields are zero.
    pub(super) fn config(self) -> ReplicaConfig {
        let with_decays = |optimiser, beta1: f32, beta2: f32| {
            let complement = |beta: f32| (1.0 - f64::from(beta)) as f32;
            ReplicaConfig {
                optimiser,
                beta1,
                one_minus_beta1: complement(beta1),
                beta2,
                one_minus_beta2: complement(beta2),
                ..ReplicaConfig::zeroed()
            }
        };
        match self {
            Self::Adam {
                beta1,
                beta2,
                epsilon,
            } => ReplicaConfig {
                epsilon,
                ..with_decays(OPTIMISER_ADAM, beta1, beta2)
            },
            Self::Sgd { momentum } => with_decays(OPTIMISER_SGD, momentum, 0.0),
            Self::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => ReplicaConfig {
                epsilon,
                weight_decay,
                ..with_decays(OPTIMISER_ADAMW, beta1, beta2)
            },
            Self::Lion {
                beta1,
                beta2,
                weight_decay,
            } => ReplicaConfig {
                weight_decay,
                ..with_decays(OPTIMISER_LION, beta1, beta2)
            },
        }
    }

    /// The names in checkpoints of the buffers `first moment` and `second moment`: PyTorch's name where PyTorch has
    /// such a buffer, `None` for a buffer that stays zero.
    pub fn moment_names(self) -> [Option<&'static str>; 2] {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } => [Some("exp_avg"), Some("exp_avg_sq")],
            Self::Sgd { .. } => [Some("momentum_buffer"), None],
            Self::Lion { .. } => [Some("exp_avg"), Some("interpolation")],
        }
    }

    /// Whether the optimiser keeps a running mean of squared gradients. The control `clip` compares gradients with it.
    pub fn has_second_moment(self) -> bool {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } => true,
            Self::Sgd { .. } | Self::Lion { .. } => false,
        }
    }

    /// The offset o in `step_size / (sqrt(mean v) + o)`, the scale of an update without bias corrections. Adam's offset
    /// is its epsilon. SGD has v = 0 and the offset 1, so that the scale is its step size. Lion's offset is 0.
    pub fn divisor_offset(self) -> f64 {
        match self {
            Self::Adam { epsilon, .. } | Self::AdamW { epsilon, .. } => epsilon.into(),
            Self::Sgd { .. } => 1.0,
            Self::Lion { .. } => 0.0,
        }
    }
}

fn check_decay(what: &'static str, decay: f32) -> Result<(), Error> {
    if (0.0..1.0).contains(&decay) {
        return Ok(());
    }
    Err(Error::invalid(what, "0 or more, below 1", decay))
}

fn check_weight_decay(weight_decay: f32) -> Result<(), Error> {
    if weight_decay.is_finite() && weight_decay >= 0.0 {
        return Ok(());
    }
    let wanted = "0 or more, finite";
    Err(Error::invalid("weight_decay", wanted, weight_decay))
}

impl Default for Optimiser {
    /// Adam(0.9, 0.999, 1e-8).
    fn default() -> Self {
        Adam::default().into()
    }
}

type OptimiserForm = NameOr<OptimiserName, OptimiserTable>;

/// The name of an optimiser, which stands for its default hyperparameters.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum OptimiserName {
    /// Adam(0.9, 0.999, 1e-8).
    Adam,
    /// Plain gradient descent.
    Sgd,
    /// AdamW(0.9, 0.999, 1e-8) with a weight decay of 0.01.
    #[serde(rename = "adamw")]
    AdamW,
    /// Lion(0.9, 0.99) without weight decay.
    Lion,
}

/// One optimiser, and the hyperparameters that differ from its defaults.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct OptimiserTable {
    /// Adam (Kingma and Ba, 2015).
    adam: Option<Adam>,
    /// Gradient descent, with or without momentum.
    sgd: Option<Sgd>,
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
    adamw: Option<AdamW>,
    /// Lion (Chen et al., 2023): updates by the sign of a momentum.
    lion: Option<Lion>,
}

/// Declares the table of an optimiser in a file: its hyperparameters with their default values.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $usual:expr,)* }) => {
        #[derive(Deserialize)]
        #[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        struct $name {
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

impl From<OptimiserName> for Optimiser {
    fn from(name: OptimiserName) -> Self {
        match name {
            OptimiserName::Adam => Adam::default().into(),
            OptimiserName::Sgd => Sgd::default().into(),
            OptimiserName::AdamW => AdamW::default().into(),
            OptimiserName::Lion => Lion::default().into(),
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
        } = match form {
            NameOr::Name(name) => return Ok(name.into()),
            NameOr::Table(table) => table,
        };
        let given = [
            adam.map(Self::from),
            sgd.map(Self::from),
            adamw.map(Self::from),
            lion.map(Self::from),
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
                "unknown variant `adma`, expected one of `adam`, `sgd`, `adamw`, `lion`",
            ),
            (
                "{ adma = {} }",
                "unknown field `adma`, expected one of `adam`, `sgd`, `adamw`, `lion`",
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
