//! How a value stands in a file for which a name is often enough: `"paper"`, a table, or a list where there are lists.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

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

/// A name, a list or a table, read as [`NameOr`] is.
pub(crate) enum NameListOr<Name, Entry, Table> {
    Name(Name),
    List(Vec<Entry>),
    Table(Table),
}

impl<'de, Name, Entry, Table> Deserialize<'de> for NameListOr<Name, Entry, Table>
where
    Name: Deserialize<'de>,
    Entry: Deserialize<'de>,
    Table: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOfThree(PhantomData))
    }
}

struct OneOfThree<Name, Entry, Table>(PhantomData<(Name, Entry, Table)>);

impl<'de, Name, Entry, Table> Visitor<'de> for OneOfThree<Name, Entry, Table>
where
    Name: Deserialize<'de>,
    Entry: Deserialize<'de>,
    Table: Deserialize<'de>,
{
    type Value = NameListOr<Name, Entry, Table>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, a list or a table")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Name::deserialize(StrDeserializer::new(name)).map(NameListOr::Name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(NameListOr::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(table)).map(NameListOr::Table)
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

#[cfg(feature = "report")]
impl<Name, Entry, Table> schemars::JsonSchema for NameListOr<Name, Entry, Table>
where
    Name: schemars::JsonSchema,
    Entry: schemars::JsonSchema,
    Table: schemars::JsonSchema,
{
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        let [name, entry, table] = [
            Name::schema_name(),
            Entry::schema_name(),
            Table::schema_name(),
        ];
        format!("{name}Or{entry}ListOr{table}").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let name = generator.subschema_for::<Name>();
        let list = generator.subschema_for::<Vec<Entry>>();
        let table = generator.subschema_for::<Table>();
        schemars::json_schema!({ "anyOf": [name, list, table] })
    }
}
