//! An [`Optimiser`] as a file may have it.

use serde::Deserialize;

use super::Optimiser;
use crate::form::NameOr;

pub(super) type OptimiserForm = NameOr<OptimiserName, OptimiserTable>;

/// An optimiser with its usual numbers.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum OptimiserName {
    /// Adam(0.9, 0.999, 1e-8).
    Adam,
    /// Plain gradient descent.
    Sgd,
}

/// One optimiser, and what differs from its usual numbers.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct OptimiserTable {
    /// Adam (Kingma and Ba, 2015).
    adam: Option<Adam>,
    /// Gradient descent, with momentum where it says so.
    sgd: Option<Sgd>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct Adam {
    /// Decay of the first moment.
    beta1: f32,
    /// Decay of the second moment.
    beta2: f32,
    /// What is added to the root of the second moment.
    epsilon: f32,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct Sgd {
    /// Decay of the buffer; 0 for plain gradient descent.
    momentum: f32,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl From<Adam> for Optimiser {
    fn from(adam: Adam) -> Self {
        Self::Adam {
            beta1: adam.beta1,
            beta2: adam.beta2,
            epsilon: adam.epsilon,
        }
    }
}

impl From<Sgd> for Optimiser {
    fn from(Sgd { momentum }: Sgd) -> Self {
        Self::Sgd { momentum }
    }
}

impl Default for Optimiser {
    /// Adam(0.9, 0.999, 1e-8).
    fn default() -> Self {
        Adam::default().into()
    }
}

impl TryFrom<OptimiserForm> for Optimiser {
    type Error = &'static str;

    fn try_from(form: OptimiserForm) -> Result<Self, Self::Error> {
        match form {
            NameOr::Name(OptimiserName::Adam) => Ok(Adam::default().into()),
            NameOr::Name(OptimiserName::Sgd) => Ok(Sgd::default().into()),
            NameOr::Table(OptimiserTable { adam, sgd }) => match (adam, sgd) {
                (Some(adam), None) => Ok(adam.into()),
                (None, Some(sgd)) => Ok(sgd.into()),
                (Some(_), Some(_)) => Err("wanted `adam` or `sgd`, found both"),
                (None, None) => Err("wanted `adam` or `sgd`, found neither"),
            },
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
        for (text, wanted) in [
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
            ("'adma'", "unknown variant `adma`, expected `adam` or `sgd`"),
            (
                "{ adma = {} }",
                "unknown field `adma`, expected `adam` or `sgd`",
            ),
            ("{ sgd = { beta1 = 1 } }", "unknown field `beta1`"),
            ("{ sgd = {}, adam = {} }", "found both"),
            ("{}", "found neither"),
            ("0.9", "expected a name or a table"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(mention), "{text}: no {mention} in {error}");
        }
    }
}
