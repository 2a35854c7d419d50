//! How a value stands in a file for which a name is often enough: `"paper"`, or a table.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// A name or a table. Reads as `#[serde(untagged)]` would, but faults keep their own words and places.
pub(crate) enum NameOr<Name, Table> {
    Name(Name),
    Table(Table),
}

impl<'de, Name: Deserialize<'de>, Table: Deserialize<'de>> Deserialize<'de>
    for NameOr<Name, Table>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

struct Either<Name, Table>(PhantomData<(Name, Table)>);

impl<'de, Name: Deserialize<'de>, Table: Deserialize<'de>> Visitor<'de> for Either<Name, Table> {
    type Value = NameOr<Name, Table>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or a table")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Name::deserialize(StrDeserializer::new(name)).map(NameOr::Name)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(table)).map(NameOr::Table)
    }
}

#[cfg(feature = "report")]
impl<Name: schemars::JsonSchema, Table: schemars::JsonSchema> schemars::JsonSchema
    for NameOr<Name, Table>
{
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}Or{}", Name::schema_name(), Table::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let name = generator.subschema_for::<Name>();
        let table = generator.subschema_for::<Table>();
        schemars::json_schema!({ "anyOf": [name, table] })
    }
}
