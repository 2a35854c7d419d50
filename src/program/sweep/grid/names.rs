//! Values of fields as text: for messages, for cells of a table, and for the names of directories.

use toml::Value;
use trainable::record::text_cell;

use super::Setting;

/// Longest name of a directory, in characters, without the checksum that tells long names apart.
pub(super) const LONGEST_NAME: usize = 120;

/// Formats settings for people: "batch=16 and arms.*.l2=0.5".
pub(super) fn label(settings: &[Setting<'_>]) -> String {
    let settings = settings.iter();
    let settings = settings.map(|(field, value)| format!("{field}={value}"));
    settings.collect::<Vec<_>>().join(" and ")
}

/// Formats a value as a cell of a table. No text becomes a formula.
pub(super) fn in_table(value: &Value) -> String {
    match value {
        Value::String(text) => text_cell(text),
        other => shown(other),
    }
}

/// Formats a value for people: as in the file, but strings without quotes and numbers as short as possible.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

/// Returns the name of a cell's directory, such as "arms.all.hidden=64x64,batch=16". Every file system accepts it, and the order of the
/// options does not change it. A name that would be too long is cut, and gets a checksum of the complete name.
pub(super) fn directory_name(settings: &[Setting<'_>]) -> String {
    let mut parts: Vec<_> = settings
        .iter()
        .map(|(field, value)| {
            let name = field.to_string().replace('*', "all");
            (
                format!("{name}={}", short(value)),
                format!("{name}={value}"),
            )
        })
        .collect();
    parts.sort();
    let (short, exact): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let (short, exact) = (short.join(","), exact.join(","));
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "._=,+-".contains(c);
    let says_all = short.chars().all(is_safe) && !short.ends_with('.');
    if says_all && short.len() <= LONGEST_NAME {
        return short;
    }
    let safe = short.chars().map(|c| if is_safe(c) { c } else { '_' });
    let safe: String = safe.take(LONGEST_NAME).collect();
    format!("{safe}-{:08x}", crc32fast::hash(exact.as_bytes()))
}

/// Formats a value for a name.
fn short(value: &Value) -> String {
    match value {
        Value::Array(entries) if entries.is_empty() => "none".to_owned(),
        Value::Array(entries) => entries.iter().map(short).collect::<Vec<_>>().join("x"),
        Value::Table(table) => {
            let entries = table.iter();
            let entries = entries.map(|(key, value)| format!("{key}-{}", short(value)));
            entries.collect::<Vec<_>>().join("+")
        }
        other => shown(other),
    }
}
