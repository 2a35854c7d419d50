//! The items of a list in a file, of which one may leave its width to the data set.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::network::Item;

/// An item of a list in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListedItem {
    /// An item.
    Item(Item),
    /// `linear classes`: a linear operation with as many units as the data set has classes.
    LinearClasses,
}

/// The text of [`ListedItem::LinearClasses`].
const LINEAR_CLASSES: [&str; 2] = ["linear", "classes"];

impl ListedItem {
    /// The item for a data set of so many classes.
    pub fn with_classes(self, classes: u32) -> Item {
        match self {
            Self::Item(item) => item,
            Self::LinearClasses => Item::Linear(classes),
        }
    }
}

impl FromStr for ListedItem {
    type Err = Error;

    /// Reads `linear classes`, or the text form of an [`Item`].
    ///
    /// # Errors
    /// The errors of an item's text.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.split_whitespace().eq(LINEAR_CLASSES) {
            return Ok(Self::LinearClasses);
        }
        text.parse().map(Self::Item)
    }
}

impl fmt::Display for ListedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(item) => item.fmt(f),
            Self::LinearClasses => f.write_str(&LINEAR_CLASSES.join(" ")),
        }
    }
}

impl Serialize for ListedItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListedItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "report")]
impl schemars::JsonSchema for ListedItem {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ListedItem".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An operation, such as `linear 120` or `linear classes`, or an activation, such as `relu`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_can_be_left_to_the_data() {
        let item: ListedItem = " linear  classes ".parse().unwrap();
        assert_eq!(item, ListedItem::LinearClasses);
        assert_eq!(item.to_string(), "linear classes");
        assert_eq!(item.with_classes(7), Item::Linear(7));
        let item: ListedItem = "linear 3".parse().unwrap();
        assert_eq!(item.with_classes(7), Item::Linear(3));
        assert!("linear class".parse::<ListedItem>().is_err());
    }
}
