//! The settings of probes, which measure curvature.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The start vectors of the iterations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProbeStart {
    /// The eigenvectors of the last probe; random vectors at the first probe.
    #[default]
    Warm,
    /// Random vectors, the same at every probe.
    Cold,
}

/// The form in which an iteration holds a layer's segment of its iterate. The form can be chosen in the iteration on
/// the layer's own block and, for the first layer, in the iteration on the whole network. Both forms give the same
/// eigenvalues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IterateForm {
    /// The form that costs less: sample gradients where the batch is smaller than twice the inputs.
    #[default]
    Auto,
    /// One gradient per sample, multiplied by the Gram matrix of the layer's inputs.
    SampleGradients,
    /// A vector of parameters, multiplied by the R-operator.
    Parameters,
}

/// The method that approaches a dominant eigenvalue: the eigenvalue of largest absolute value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "report", schemars(transform = accept_earlier_name))]
#[serde(rename_all = "kebab-case")]
pub enum ProbeMethod {
    /// LOBPCG with one vector and without a preconditioner (Knyazev, SIAM J. Sci. Comput. 23, 2001): Rayleigh-Ritz in
    /// the span of the iterate, its residual and the last direction. While the largest eigenvalues of either sign are
    /// of similar size it follows both, by thick restarts (Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 2000). Where
    /// two are almost equal in size it settles on one of them. It stores two vectors more than power iteration. Its
    /// name in earlier versions was `locally-optimal`.
    #[default]
    #[serde(alias = "locally-optimal")]
    Lobpcg,
    /// Power iteration with [`ProbeSpec::momentum`]. Without momentum it is the paper's method. It does not
    /// settle where two dominant eigenvalues have opposite signs and equal size.
    Power,
}

/// Lets the schema accept the earlier name of [`ProbeMethod::Lobpcg`], as the parser does.
#[cfg(feature = "report")]
fn accept_earlier_name(schema: &mut schemars::Schema) {
    let methods = schema.get_mut("oneOf");
    if let Some(methods) = methods.and_then(serde_json::Value::as_array_mut) {
        methods.push(serde_json::json!({
            "description": "The earlier name of lobpcg.",
            "type": "string",
            "const": "locally-optimal",
        }));
    }
}

/// The settings of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSpec {
    /// The method that approaches dominant eigenvalues.
    pub method: ProbeMethod,
    /// The largest number of Hessian-vector products of each layer's block and of the whole network. Both methods take
    /// one product an iteration.
    pub iterations: u32,
    /// The relative residual at which an iteration stops: |Hv - lambda v| at most `tolerance` |lambda| |v|. With 0,
    /// power iteration makes all products; LOBPCG stops at 1e-6, which single precision cannot tell from 0.
    pub tolerance: f32,
    /// The start vectors.
    pub start: ProbeStart,
    /// The seed of random start vectors, used together with each replica's own seed.
    pub seed: u32,
    /// The momentum m of power iteration, 0 or more and below 1; [`ProbeMethod::Lobpcg`] ignores it. With momentum the
    /// iteration filters by the Chebyshev polynomials of [-m |lambda|, m |lambda|], where lambda is the eigenvalue
    /// found so far. The dominant eigenvalue is the same, and near ties are separated in far fewer iterations.
    pub momentum: f32,
    /// The form of iterates.
    pub form: IterateForm,
}

impl Default for ProbeSpec {
    /// Warm start, LOBPCG, at most 30 products, relative residual 0.03. Some eigenvalue is then within 3% of the
    /// result. The error of a well-separated eigenvalue is of the order of the squared residual. The momentum, 0.94,
    /// takes effect with power iteration only.
    fn default() -> Self {
        Self {
            method: ProbeMethod::Lobpcg,
            iterations: 30,
            tolerance: 0.03,
            start: ProbeStart::Warm,
            seed: 0,
            momentum: 0.94,
            form: IterateForm::Auto,
        }
    }
}

/// The largest relative residual of a [converged](crate::probe::Sharpness::converged) iteration when the tolerance is
/// 0.
pub const CONVERGED_RESIDUAL: f32 = 1e-3;

impl ProbeSpec {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=100_000).contains(&self.iterations) {
            let wanted = "1 to 100,000";
            return Err(Error::invalid("probe iterations", wanted, self.iterations));
        }
        if !(0.0..1.0).contains(&self.tolerance) {
            let wanted = "0 or more, below 1";
            return Err(Error::invalid("probe tolerance", wanted, self.tolerance));
        }
        if !(0.0..1.0).contains(&self.momentum) {
            let wanted = "0 or more, below 1";
            return Err(Error::invalid("probe momentum", wanted, self.momentum));
        }
        Ok(())
    }

    /// The momentum that the kernels of power iteration get. LOBPCG uses these kernels for its first product, without
    /// momentum.
    pub(crate) fn power_momentum(&self) -> f32 {
        match self.method {
            ProbeMethod::Power => self.momentum,
            ProbeMethod::Lobpcg => 0.0,
        }
    }

    /// The relative residual that counts as converged.
    pub(crate) fn converged_residual(&self) -> f64 {
        if self.tolerance > 0.0 {
            self.tolerance.into()
        } else {
            CONVERGED_RESIDUAL.into()
        }
    }
}
