//! The first difference between two descriptions of a run.

use serde_json::Value;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The path of the field, such as `experiment.arms[1].step_size`.
    pub(super) what: String,
    pub(super) wanted: String,
    pub(super) found: String,
}

/// Returns the first field, in the order of names, in which `found` differs from `wanted`.
pub(super) fn difference(wanted: &Value, found: &Value) -> Option<Difference> {
    let inside = |wanted: Option<&Value>, found: Option<&Value>, place: String| {
        let (wanted, found) = (
            wanted.unwrap_or(&Value::Null),
            found.unwrap_or(&Value::Null),
        );
        difference(wanted, found).map(|inner| Difference {
            what: place + &inner.what,
            ..inner
        })
    };
    match (wanted, found) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .find_map(|key| inside(a.get(key), b.get(key), format!(".{key}"))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            (0..a.len()).find_map(|i| inside(a.get(i), b.get(i), format!("[{i}]")))
        }
        (a, b) if a == b => None,
        (a, b) => Some(Difference {
            what: String::new(),
            wanted: shown(a),
            found: shown(b),
        }),
    }
}

/// Returns a short text for a value.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    match (value, text.char_indices().nth(LONGEST)) {
        (_, None) => text,
        (Value::Array(entries), _) => format!("{} entries", entries.len()),
        (_, Some((end, _))) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named_with_its_place() {
        let run = |step_size: f64, seeds: &[u32]| json!({ "arms": [{ "name": "a" }, { "name": "b", "step_size": step_size }], "seeds": seeds });
        let found = |a: &Value, b: &Value| {
            difference(a, b).map(|d| format!("{}: {}, {}", d.what, d.wanted, d.found))
        };
        let first = run(0.1, &[1, 2]);
        assert_eq!(found(&first, &first), None);
        let other = run(0.2, &[1]);
        let wanted = ".arms[1].step_size: 0.1, 0.2";
        assert_eq!(found(&first, &other).as_deref(), Some(wanted));
        let other = run(0.1, &[1]);
        assert_eq!(found(&first, &other).as_deref(), Some(".seeds: [1,2], [1]"));
        assert_eq!(
            found(&json!({}), &json!({"x": 1})).as_deref(),
            Some(".x: none, 1")
        );
        let long = json!(vec![1.5; 40]);
        assert_eq!(
            found(&long, &json!("é".repeat(80)))
                .unwrap()
                .chars()
                .count(),
            2 + 10 + 2 + 63
        );
    }
}
