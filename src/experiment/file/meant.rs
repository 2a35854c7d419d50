//! The name that a mistyped one was meant to be, and the place of one that stands elsewhere.

use super::schema;

/// Names of other programs for fields of an experiment file.
const SYNONYMS: [(&str, &str); 4] = [
    ("learning_rate", "step_size"),
    ("lr", "step_size"),
    ("batch_size", "batch"),
    ("model", "network"),
];

/// The candidate most similar to `name`; `None` where none is similar enough to have been meant.
fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// The threshold of clap's own suggestions. Below it, names have little in common.
    const NEAR: f64 = 0.7;
    let near = candidates.into_iter().map(|candidate| {
        let similarity = strsim::jaro_winkler(name, candidate);
        (similarity, candidate)
    });
    let nearest = near.max_by(|a, b| a.0.total_cmp(&b.0));
    nearest
        .filter(|(similarity, _)| *similarity > NEAR)
        .map(|(_, name)| name)
}

/// The name that was meant by one that serde does not know. Serde's messages quote the unknown name and then the known ones:
/// "unknown field `imagse`, expected one of `name`, `images`".
pub(super) fn for_message(message: &str) -> Option<&str> {
    message.strip_prefix("unknown ")?;
    let mut quoted = quoted(message);
    let name = quoted.next()?;
    let known: Vec<_> = quoted.collect();
    let synonym = synonym(name).filter(|own| known.contains(own));
    synonym.or_else(|| nearest(name, known))
}

/// The name that was meant by one that serde does not know, in backquotes: a field of another table with its place, or else a
/// similar name.
pub(super) fn suggestion(message: &str) -> Option<String> {
    let field = message.strip_prefix("unknown field ").map(quoted);
    let elsewhere = field.and_then(|mut quoted| elsewhere(quoted.next()?));
    elsewhere.or_else(|| for_message(message).map(|name| format!("`{name}`")))
}

/// The words of a message that stand in backquotes.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The field that other programs call `name`.
fn synonym(name: &str) -> Option<&'static str> {
    let pair = SYNONYMS.iter().find(|(other, _)| *other == name);
    pair.map(|(_, own)| *own)
}

/// The field `name`, or the one that other programs call so, with its place: an arm, or the top of the file.
fn elsewhere(name: &str) -> Option<String> {
    let name = synonym(name).unwrap_or(name);
    let schema = schema();
    let has = |table: &str| schema.pointer(table)?.get(name);
    let place = if has("/definitions/Arm/properties").is_some() {
        "in an arm"
    } else {
        has("/properties").map(|_| "at the top of the file")?
    };
    Some(format!("`{name}` {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serdes_messages_hold_what_was_meant() {
        let message = "unknown field `imagse`, expected one of `name`, `images`, `batch`";
        assert_eq!(for_message(message), Some("images"));
        let message = "unknown variant `constnat`, expected `constant` or `bound`";
        assert_eq!(for_message(message), Some("constant"));
        let message = "unknown field `zzz`, expected one of `name`, `images`";
        assert_eq!(for_message(message), None);
        assert_eq!(
            for_message("invalid type: string \"32\", expected u32"),
            None
        );
        assert_eq!(for_message("unknown field `x`, there are no fields"), None);
        let message = "unknown field `lr`, expected one of `l2`, `step_size`";
        assert_eq!(for_message(message), Some("step_size"));
    }

    #[test]
    fn a_field_of_another_table_is_told_with_its_place() {
        let suggest = |name: &str| suggestion(&format!("unknown field `{name}`, expected `x`"));
        let arm = Some("`network` in an arm".to_owned());
        assert_eq!(suggest("network"), arm);
        let top = Some("`epochs` at the top of the file".to_owned());
        assert_eq!(suggest("epochs"), top);
        let synonym = Some("`step_size` in an arm".to_owned());
        assert_eq!(suggest("learning_rate"), synonym);
        assert_eq!(suggest("zzz"), None);
        assert_eq!(suggestion("missing field `network`"), None);
    }
}
