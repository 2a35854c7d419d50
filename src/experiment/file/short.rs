//! Writes an experiment as a file of the fields that differ from the defaults.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use toml_edit::{DocumentMut, InlineTable, Value};

use super::schema;
use crate::experiment::{Arm, Experiment};
use crate::scheduler::{Control, Profile};

impl Experiment {
    /// The experiment as a file without the fields that have their default, and with a comment where a field appears
    /// first. [`str::parse`] reads the same experiment from it.
    ///
    /// # Errors
    /// The errors of TOML's serialiser.
    pub fn to_short_toml(&self) -> Result<String, toml::ser::Error> {
        let file = table(self)?;
        let defaults = table(&with_arm(Arm::default()))?;
        let default_arm = arms(&defaults).next().cloned().unwrap_or_default();
        let profiles = profiles()?;

        let schema = schema();
        let mut lines = Lines::default();
        for (key, value) in file.iter().filter(|(key, _)| *key != "arms") {
            let meaning = &schema["properties"][key];
            lines.add(key, value, defaults.get(key), meaning);
        }
        for arm in arms(&file) {
            lines.text += "\n[[arms]]\n";
            for (key, value) in arm {
                let profile = (key == "control")
                    .then(|| shortest(value, &profiles))
                    .flatten();
                let value = profile.as_ref().unwrap_or(value);
                let meaning = &schema["definitions"]["Arm"]["properties"][key];
                lines.add(key, value, default_arm.get(key), meaning);
            }
        }
        Ok(lines.text)
    }
}

/// An experiment of defaults with one arm.
fn with_arm(arm: Arm) -> Experiment {
    Experiment {
        arms: vec![arm],
        ..Experiment::default()
    }
}

/// The experiment's whole file as a table, in the file's order.
fn table(experiment: &Experiment) -> Result<InlineTable, toml::ser::Error> {
    // Text has an f32's own digits, where a value would have those of the f64 next to it.
    let text = toml::to_string(experiment)?;
    let file: DocumentMut = text.parse().expect("what toml has written is TOML");
    Ok(file.into_table().into_inline_table())
}

fn arms(file: &InlineTable) -> impl Iterator<Item = &InlineTable> {
    let arms = file.get("arms").and_then(Value::as_array);
    arms.into_iter()
        .flatten()
        .filter_map(Value::as_inline_table)
}

/// The name of each profile, with its control as a whole file has it.
fn profiles() -> Result<Vec<(Value, Value)>, toml::ser::Error> {
    #[derive(serde::Serialize)]
    struct Named {
        profile: Profile,
        control: Control,
    }
    let named = |profile: Profile| {
        let control = profile.control();
        let text = toml::to_string(&Named { profile, control })?;
        let file: DocumentMut = text.parse().expect("what toml has written is TOML");
        let mut named = file.into_table().into_inline_table();
        let mut take = |key| named.remove(key).expect("a field of the struct");
        Ok((take("profile"), take("control")))
    };
    Profile::ALL.into_iter().map(named).collect()
}

/// `control` written as the profile from which it differs least; `None` where no profile is of its kind.
fn shortest(control: &Value, profiles: &[(Value, Value)]) -> Option<Value> {
    let changed = profiles.iter().filter_map(|(name, base)| {
        let changes = changes(control, base)?;
        Some((name, changes))
    });
    let (name, changes) = changed.min_by_key(|(_, changes)| changes.len())?;
    if changes.is_empty() {
        return Some(name.clone());
    }
    let mut table = InlineTable::new();
    table.insert("profile", name.clone());
    table.extend(changes);
    Some(table.into())
}

/// The fields in which `control` differs from `base`; `None` where changing them in `base` does not give `control`.
fn changes(control: &Value, base: &Value) -> Option<Vec<(String, Value)>> {
    let (Some(control), Some(base)) = (control.as_inline_table(), base.as_inline_table()) else {
        return is_same(control, base).then(Vec::new);
    };
    let (kind, base) = base.iter().next()?;
    let (control, base) = (
        control.get(kind)?.as_inline_table()?,
        base.as_inline_table()?,
    );
    if base.iter().any(|(key, _)| !control.contains_key(key)) {
        return None;
    }
    Some(differing(control, base).into_iter().collect())
}

/// The fields of `value` that differ from `base`, at any depth.
fn differing(value: &InlineTable, base: &InlineTable) -> InlineTable {
    let different = value.iter().filter_map(|(key, value)| {
        let base = base.get(key);
        let value = difference(value, base)?;
        Some((key.to_owned(), value))
    });
    different.collect()
}

/// `value`, or the part of it that differs from `base`; `None` where nothing differs.
fn difference(value: &Value, base: Option<&Value>) -> Option<Value> {
    match (value, base) {
        (value, Some(base)) if is_same(value, base) => None,
        (Value::InlineTable(value), Some(Value::InlineTable(base))) => {
            Some(differing(value, base).into())
        }
        (value, _) => Some(value.clone()),
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    a.to_string().trim() == b.to_string().trim()
}

/// The lines of a file.
#[derive(Default)]
struct Lines {
    text: String,
    /// The fields that have a comment already.
    told: BTreeSet<String>,
}

impl Lines {
    /// Adds `key = value` where the value is not the default. Names have no default.
    fn add(&mut self, key: &str, value: &Value, default: Option<&Value>, meaning: &Json) {
        let default = default.filter(|_| key != "name");
        let Some(value) = difference(value, default) else {
            return;
        };
        let meaning = meaning["description"].as_str().unwrap_or_default();
        let (sentence, _) = meaning.split_once(". ").unwrap_or((meaning, ""));
        if self.told.insert(key.to_owned()) && !sentence.is_empty() {
            self.text += &format!("# {}.\n", sentence.trim_end_matches('.'));
        }
        self.text += &format!("{key} = {}\n", value.to_string().trim());
    }
}
