//! Update clipping as it stands in an experiment's file: a name, or a table.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::form::NameOr;
use crate::spec::UpdateClipping;

/// An [`UpdateClipping`] as it stands in a file.
pub(super) type UpdateClippingForm = NameOr<UpdateClippingName, UpdateClipping>;

/// A named [`UpdateClipping`].
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum UpdateClippingName {
    /// Threshold 2, hold 0.98.
    WithHold,
    /// Threshold 1, no hold, as in StableAdamW.
    WithoutHold,
}

impl From<UpdateClippingForm> for UpdateClipping {
    fn from(form: UpdateClippingForm) -> Self {
        match form {
            NameOr::Name(UpdateClippingName::WithHold) => Self::with_hold(),
            NameOr::Name(UpdateClippingName::WithoutHold) => Self::without_hold(),
            NameOr::Table(clipping) => clipping,
        }
    }
}

/// Reads the clipping of a file, which has one.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<UpdateClipping>, D::Error> {
    let form = UpdateClippingForm::deserialize(deserializer)?;
    Ok(Some(form.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        #[serde(deserialize_with = "read")]
        update_clipping: Option<UpdateClipping>,
    }

    fn read_text(clipping: &str) -> Result<UpdateClipping, String> {
        let file = toml::from_str::<File>(&format!("update_clipping = {clipping}"));
        file.map(|file| file.update_clipping.unwrap())
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_clipping_is_read_by_its_name_or_by_what_differs() {
        let other = UpdateClipping {
            threshold: 1.5,
            hold: 0.9,
            decay: Some(0.99),
        };
        for (text, wanted) in [
            ("'with-hold'", UpdateClipping::with_hold()),
            ("{}", UpdateClipping::with_hold()),
            ("'without-hold'", UpdateClipping::without_hold()),
            (
                "{ threshold = 1, hold = 0 }",
                UpdateClipping::without_hold(),
            ),
            ("{ threshold = 1.5, hold = 0.9, decay = 0.99 }", other),
        ] {
            assert_eq!(read_text(text), Ok(wanted), "{text}");
            let written = toml::to_string(&File {
                update_clipping: Some(wanted),
            })
            .unwrap();
            let again = toml::from_str::<File>(&written).unwrap();
            assert_eq!(again.update_clipping, Some(wanted), "{written}");
        }
        for (text, mention) in [
            ("3", "expected a name or a table"),
            ("'hold'", "unknown variant `hold`, expected `with-hold`"),
            ("{ treshold = 1 }", "unknown field `treshold`"),
        ] {
            let error = read_text(text).expect_err(text);
            assert!(error.contains(mention), "{text}: no {mention} in {error}");
        }
    }
}
