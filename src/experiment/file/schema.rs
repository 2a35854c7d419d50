//! The JSON Schema of experiment files, which editors read.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::Experiment;

/// The JSON Schema (draft 7) of experiment files, with a description of every field. It covers names and types;
/// [`Experiment::check`] covers ranges.
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft07();
    for transform in [plain_text, plain_numbers] {
        settings = settings.with_transform(RecursiveTransform(transform));
    }
    let generator = settings.into_generator();
    generator.into_root_schema_for::<Experiment>().to_value()
}

/// Turns a docstring into plain text: each paragraph in one line, and names instead of links.
fn plain_text(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs = text
            .split("\n\n")
            .map(|paragraph| paragraph.replace('\n', " "));
        let plain = paragraphs.collect::<Vec<_>>().join("\n\n");
        *text = plain.replace("[`", "`").replace("`]", "`");
    }
}

/// Writes the default of an f32 with the digits of the f32, not of the f64 next to it.
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
