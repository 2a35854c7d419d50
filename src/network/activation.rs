//! Nonlinearities.

use serde::{Deserialize, Serialize};

/// The nonlinearity of a value: the value holds f(z), elementwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[repr(u32)]
pub enum Activation {
    /// f(z) = z
    Identity = 0,
    /// f(z) = max(z, 0)
    Relu = 1,
    /// f(z) = [max(z, 0), max(-z, 0)]; the next layer has twice as many inputs
    /// (Shang et al., ICML 2016; Abbas et al., CoLLAs 2023).
    Crelu = 2,
    /// f(z) = z where z > 0, else 0.01 z
    LeakyRelu = 3,
    /// f(z) = tanh(z)
    Tanh = 4,
    /// f(z) = z (1 + erf(z / sqrt 2)) / 2, as PyTorch's `nn.GELU()` (Hendrycks and Gimpel, arXiv 1606.08415).
    Gelu = 5,
    /// f(z) = z / (1 + exp(-z)), also called swish (Elfwing et al., arXiv 1702.03118).
    Silu = 6,
    /// f(z) = [sin z, cos z]; the next layer has twice as many inputs (Lewandowski et al., arXiv 2410.20634).
    Fourier = 7,
}

impl Activation {
    /// The number of copies of a unit: 2 for CReLU and Fourier features, else 1.
    pub fn copies(self) -> u32 {
        match self {
            Self::Crelu | Self::Fourier => 2,
            _ => 1,
        }
    }

    /// Whether f'' is not zero everywhere.
    pub(crate) fn is_curved(self) -> bool {
        matches!(self, Self::Tanh | Self::Gelu | Self::Silu | Self::Fourier)
    }

    /// Whether a value keeps z beside f(z): the derivatives of the activation are no functions of f(z).
    pub fn keeps_pre_activations(self) -> bool {
        matches!(self, Self::Gelu | Self::Silu | Self::Fourier)
    }
}

/// The number that stands for an activation in a uniform is its discriminant, here and in the shaders.
const _: () = assert!(Activation::Fourier as u32 == 7);
