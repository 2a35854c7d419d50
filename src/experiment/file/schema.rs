//! The JSON Schema of experiment files, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::Experiment;

/// The JSON Schema (draft 7) of experiment files, with what every field means. It knows names and types; ranges are
/// [`Experiment::check`]'s.
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft07();
    for transform in [plain_text, plain_numbers] {
        settings = settings.with_transform(RecursiveTransform(transform));
    }
    let generator = settings.into_generator();
    generator.into_root_schema_for::<Experiment>().to_value()
}

/// Makes plain text of a docstring: paragraphs in one line, names in place of links.
fn plain_text(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs = text
            .split("\n\n")
            .map(|paragraph| paragraph.replace('\n', " "));
        let plain = paragraphs.collect::<Vec<_>>().join("\n\n");
        *text = plain.replace("[`", "`").replace("`]", "`");
    }
}

/// Gives the default of an f32 its own digits.
fn plain_numbers(schema: &mut Schema) {
    let is_f32 = schema.get("format").is_some_and(|format| format == "float");
    let default = schema.get("default").and_then(Value::as_f64);
    if let Some(default) = default.filter(|_| is_f32) {
        let digits = (default as f32).to_string();
        schema.insert(
            "default".to_owned(),
            digits.parse::<f64>().unwrap_or(default).into(),
        );
    }
}
