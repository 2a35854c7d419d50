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
}

impl Activation {
    /// The number of copies of a unit: 2 for CReLU, else 1.
    pub fn copies(self) -> u32 {
        if self == Self::Crelu { 2 } else { 1 }
    }
}

/// The number that stands for an activation in a uniform is its discriminant, here and in the shaders.
const _: () = assert!(Activation::Tanh as u32 == 4);
