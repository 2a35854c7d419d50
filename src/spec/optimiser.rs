//! Optimisers and the ranges of their hyperparameters. Their arithmetic is in `shaders/common/optimiser.wgsl` and its twin
//! `src/cpu/optimiser.rs`.
//!
//! - `form`: the forms of an optimiser in a file.
//! - `properties`: the properties that the rest of the program asks for.

mod form;
mod properties;

use bytemuck::Zeroable;
use serde::{Deserialize, Serialize};

use super::clipping::check_positive;
use crate::error::Error;
use crate::state::ReplicaConfig;
use form::OptimiserForm;

/// `optimiser` of a configuration: Adam.
pub const OPTIMISER_ADAM: u32 = 0;
/// `optimiser` of a configuration: SGD. Its momentum is in `beta1`, its buffer in the first moment.
pub const OPTIMISER_SGD: u32 = 1;
/// `optimiser` of a configuration: AdamW.
pub const OPTIMISER_ADAMW: u32 = 2;
/// `optimiser` of a configuration: Lion. The second moment holds the interpolation c.
pub const OPTIMISER_LION: u32 = 3;
/// `optimiser` of a configuration: AMSGrad.
pub const OPTIMISER_AMSGRAD: u32 = 4;
/// `optimiser` of a configuration: Adam with the larger of two second moments.
pub const OPTIMISER_ADAM_MAX: u32 = 5;

/// `optimiser` of a configuration: AdamO.
pub const OPTIMISER_ADAM_O: u32 = 6;
/// `optimiser` of a configuration: Muon. The second moment of weight matrices holds their latest update.
pub const OPTIMISER_MUON: u32 = 7;
/// `optimiser` of a configuration: UPGD. The first moment holds the gradient that an update takes, the second the utility.
pub const OPTIMISER_UPGD: u32 = 8;

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
    /// AMSGrad (Reddi, Kale and Kumar, 2018), computed as in PyTorch's `torch.optim.Adam(amsgrad=True)`: Adam that divides
    /// by the root of the largest second moment so far, element by element. A probe reports that second moment.
    #[serde(rename = "amsgrad")]
    AmsGrad {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Number added to the root of the largest second moment.
        epsilon: f32,
    },
    /// Adam that divides by the root of the larger of two second moments, element by element, each with its bias
    /// corrected: `v = beta2 * v + (1 - beta2) * g^2`, the same with `fast_beta2`, and
    /// `theta -= step_size * m_hat / (sqrt(max(v_hat, v_hat_fast)) + epsilon)`. After a jump of the gradients, the fast
    /// moment makes updates smaller at once. A probe reports the second moment that divides, before its bias is corrected
    /// with `beta2`.
    AdamMax {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Decay of the second moment that follows gradients faster.
        fast_beta2: f32,
        /// Number added to the root of the second moment.
        epsilon: f32,
    },
    /// AdamO (Rosseau, Müller and Nowé, arXiv 2606.09762): Adam with a step towards isometry that is decoupled from the
    /// gradient. Every weight matrix W `[outputs, inputs]` also moves by `-step_size * isometry * R`, with R the gradient of
    /// `|W^T W - I|^2` where there are no more inputs than outputs, and of `|W W^T - I|^2` else: `R = 4 W (W^T W - I)` or
    /// `4 (W W^T - I) W`, at the parameters before Adam's step. The step size of isometry is that of the layer, as by
    /// default in the paper. Biases, gains and embeddings have Adam alone. Convolutions are matrices of output channels by
    /// elements of a patch. As weight decay, the step is not counted in the effective step; the norm of the update in a probe
    /// leaves it out, too.
    #[serde(rename = "adamo")]
    AdamO {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Number added to the root of the second moment.
        epsilon: f32,
        /// Strength of the step towards isometry, lambda in the paper; 0 or more.
        isometry: f32,
    },
    /// Muon (Jordan et al., 2024, <https://kellerjordan.github.io/posts/muon>) for all weight matrices, those of the first and
    /// the last layer too, and Adam for biases, gains and embeddings. A matrix W `[outputs, inputs]` has
    /// `m = momentum * m + (1 - momentum) * g`, Nesterov's direction `momentum * m + (1 - momentum) * g`, and five iterations
    /// of Newton-Schulz, `X = 3.4445 X - 4.7750 (X X^T) X + 2.0315 (X X^T)^2 X`, from that direction over its Frobenius
    /// norm plus 1e-7. Then `W -= step_size * sqrt(max(1, outputs / inputs)) * X`, as in the published code, which
    /// iterates in bfloat16 where this does in float32. Adam has `adam_share` of the step size. Convolutions are matrices of
    /// output channels by elements of a patch; queries, keys and values that one linear operation makes are one matrix.
    ///
    /// An update of a matrix has about the same length whatever its gradient is. Its effective step is, as Lion's, the factor
    /// between a gradient and its update: `step_size / sqrt(inputs * mean((m / c)^2))`, c the bias correction of m. The root
    /// of the mean square of an update is about `step_size / sqrt(inputs)`. A probe reports the mean below the root as the
    /// second moment.
    Muon {
        /// Decay of the momentum of weight matrices.
        momentum: f32,
        /// Decay of Adam's first moment.
        beta1: f32,
        /// Decay of Adam's second moment.
        beta2: f32,
        /// Number added to the root of Adam's second moment.
        epsilon: f32,
        /// Adam's step size as a share of the step size of weight matrices, more than 0.
        adam_share: f32,
    },
    /// Utility-based perturbed gradient descent, UPGD, with the first-order utility and one scale for the whole network
    /// (Elsayed and Mahmood, arXiv 2404.00781, Algorithm 1). The utility of a parameter is a running mean,
    /// `u = beta u - (1 - beta) g theta`, which estimates how much the loss would grow without the parameter. Then
    /// `theta -= step_size * ((1 - s) (g + n) + weight_decay * theta)`, where n is normal with the standard deviation `noise`,
    /// another number for every element and update, and `s = sigmoid(u / (1 - beta^t) / max u)`. As in the authors' code for
    /// their experiments, the largest u of the network has no bias correction, the decay has no factor, and there is no
    /// factor of 2 before the step size. Where no u is positive, which that code does not treat, s is 1/2.
    ///
    /// The effective step is the step size, as that of plain gradient descent; `1 - s` is not counted. A probe reports no
    /// second moment.
    Upgd {
        /// Decay of the utility.
        beta: f32,
        /// Standard deviation of the noise; 0 or more.
        noise: f32,
        /// Decoupled weight decay: an update subtracts `step_size * weight_decay` times the parameter.
        weight_decay: f32,
    },
}

impl Optimiser {
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
                check_strength("weight_decay", weight_decay)
            }
            Self::Lion {
                beta1,
                beta2,
                weight_decay,
            } => {
                check_decay("beta1", beta1)?;
                check_decay("beta2", beta2)?;
                check_strength("weight_decay", weight_decay)
            }
            Self::AmsGrad {
                beta1,
                beta2,
                epsilon,
            } => {
                let adam = Self::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                adam.check()
            }
            Self::AdamMax {
                beta1,
                beta2,
                fast_beta2,
                epsilon,
            } => {
                let adam = Self::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                adam.check()?;
                check_decay("fast_beta2", fast_beta2)
            }
            Self::AdamO {
                beta1,
                beta2,
                epsilon,
                isometry,
            } => {
                let adam = Self::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                adam.check()?;
                check_strength("isometry", isometry)
            }
            Self::Muon {
                momentum,
                beta1,
                beta2,
                epsilon,
                adam_share,
            } => {
                let adam = Self::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                adam.check()?;
                check_decay("momentum", momentum)?;
                check_positive("adam_share", adam_share)
            }
            Self::Upgd {
                beta,
                noise,
                weight_decay,
            } => {
                check_decay("beta", beta)?;
                check_strength("noise", noise)?;
                check_strength("weight_decay", weight_decay)
            }
        }
    }

    /// The optimiser's part of a replica's configuration; the other fields are zero.
    pub(super) fn config(self) -> ReplicaConfig {
        let complement = |beta: f32| (1.0 - f64::from(beta)) as f32;
        let with_decays = |optimiser, beta1: f32, beta2: f32| ReplicaConfig {
            optimiser,
            beta1,
            one_minus_beta1: complement(beta1),
            beta2,
            one_minus_beta2: complement(beta2),
            ..ReplicaConfig::zeroed()
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
            Self::AmsGrad {
                beta1,
                beta2,
                epsilon,
            } => ReplicaConfig {
                epsilon,
                ..with_decays(OPTIMISER_AMSGRAD, beta1, beta2)
            },
            Self::AdamMax {
                beta1,
                beta2,
                fast_beta2,
                epsilon,
            } => ReplicaConfig {
                epsilon,
                fast_beta2,
                one_minus_fast_beta2: complement(fast_beta2),
                ..with_decays(OPTIMISER_ADAM_MAX, beta1, beta2)
            },
            Self::AdamO {
                beta1,
                beta2,
                epsilon,
                isometry,
            } => ReplicaConfig {
                epsilon,
                isometry,
                ..with_decays(OPTIMISER_ADAM_O, beta1, beta2)
            },
            Self::Muon {
                momentum,
                beta1,
                beta2,
                epsilon,
                adam_share,
            } => ReplicaConfig {
                epsilon,
                momentum,
                one_minus_momentum: complement(momentum),
                adam_share,
                ..with_decays(OPTIMISER_MUON, beta1, beta2)
            },
            Self::Upgd {
                beta,
                noise,
                weight_decay,
            } => ReplicaConfig {
                noise,
                weight_decay,
                ..with_decays(OPTIMISER_UPGD, 0.0, beta)
            },
        }
    }
}

fn check_decay(what: &'static str, decay: f32) -> Result<(), Error> {
    if (0.0..1.0).contains(&decay) {
        return Ok(());
    }
    Err(Error::invalid(what, "0 or more, below 1", decay))
}

fn check_strength(what: &'static str, strength: f32) -> Result<(), Error> {
    if strength.is_finite() && strength >= 0.0 {
        return Ok(());
    }
    Err(Error::invalid(what, "0 or more, finite", strength))
}

impl Default for Optimiser {
    /// Adam(0.9, 0.999, 1e-8).
    fn default() -> Self {
        form::Adam::default().into()
    }
}
