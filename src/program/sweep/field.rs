//! Fields of an experiment file, by their dotted paths.

use std::fmt;

use strsim::damerau_levenshtein;
use toml::Value;

/// Path of a field: `arms.0.l2`, or `arms.*.l2` for the field of every arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(usize),
    Every,
}

/// Reason for which a path does not lead to a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// There is no such key, or the value has no fields.
    Key,
    /// A list has fewer entries.
    Index { index: usize, count: usize },
}

impl Field {
    pub(super) fn parse(path: &str) -> Self {
        let part = |part: &str| match (part, part.parse()) {
            ("*", _) => Part::Every,
            (_, Ok(index)) => Part::Index(index),
            _ => Part::Key(part.to_owned()),
        };
        Self(path.trim().split('.').map(part).collect())
    }

    /// Values at the path: one, or at least one with a `*`.
    pub(super) fn all<'a>(&self, file: &'a Value) -> Result<Vec<&'a Value>, Lost> {
        let mut values = vec![file];
        for part in &self.0 {
            let inner: Result<Vec<_>, _> = values.into_iter().map(|v| part.inside(v)).collect();
            values = inner?.concat();
        }
        Ok(values)
    }

    /// Sets every value at the path; sets none if [`Self::all`] fails.
    pub(super) fn set(&self, file: &mut Value, value: &Value) {
        set(file, &self.0, value);
    }

    /// Returns whether a value at one path is a value at the other path, or contains one.
    pub(super) fn touches(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.all(|(a, b)| a == b || *a == Part::Every || *b == Part::Every)
    }

    /// Field of `file` with the most similar spelling. Last parts are compared first, and then complete paths.
    pub(super) fn nearest(&self, file: &Value) -> Option<Self> {
        let last = |field: &Self| field.0.last().map(Part::to_string).unwrap_or_default();
        let distance = |other: &Self| {
            (
                damerau_levenshtein(&last(self), &last(other)),
                damerau_levenshtein(&self.to_string(), &other.to_string()),
            )
        };
        let is_named = |field: &Self| matches!(field.0.last(), Some(Part::Key(_)));
        let named = fields(file).into_iter().filter(is_named);
        named.min_by_key(distance)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(Part::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
            Self::Every => f.write_str("*"),
        }
    }
}

impl Part {
    /// Values in `value` to which this part of a path leads.
    fn inside<'a>(&self, value: &'a Value) -> Result<Vec<&'a Value>, Lost> {
        match (self, value) {
            (Self::Key(key), Value::Table(table)) => {
                table.get(key).map(|inner| vec![inner]).ok_or(Lost::Key)
            }
            (Self::Index(index), Value::Array(array)) => {
                let (index, count) = (*index, array.len());
                let entry = array.get(index).ok_or(Lost::Index { index, count })?;
                Ok(vec![entry])
            }
            (Self::Every, Value::Array(array)) if !array.is_empty() => Ok(array.iter().collect()),
            _ => Err(Lost::Key),
        }
    }
}

fn set(place: &mut Value, parts: &[Part], value: &Value) {
    let Some((part, rest)) = parts.split_first() else {
        *place = value.clone();
        return;
    };
    let inner: Vec<&mut Value> = match (part, place) {
        (Part::Key(key), Value::Table(table)) => table.get_mut(key).into_iter().collect(),
        (Part::Index(index), Value::Array(array)) => array.get_mut(*index).into_iter().collect(),
        (Part::Every, Value::Array(array)) => array.iter_mut().collect(),
        _ => Vec::new(),
    };
    for place in inner {
        set(place, rest, value);
    }
}

/// Every path that leads to a value; `*` comes before the indices.
fn fields(file: &Value) -> Vec<Field> {
    let inner: Vec<(Part, &Value)> = match file {
        Value::Table(table) => {
            let entries = table.iter();
            entries.map(|(k, v)| (Part::Key(k.clone()), v)).collect()
        }
        Value::Array(array) => {
            let every = array.first().map(|first| (Part::Every, first));
            let entries = (0..).map(Part::Index).zip(array);
            every.into_iter().chain(entries).collect()
        }
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (part, value) in inner {
        found.push(Field(vec![part.clone()]));
        let below = fields(value).into_iter();
        found.extend(below.map(|field| Field([vec![part.clone()], field.0].concat())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Value {
        let text = "
            batch = 32
            probe = { iterations = 30 }
            none = []
            arms = [
                { name = 'a', l2 = 0.5, hidden = [8, 9], control = 'constant' },
                { name = 'b', l2 = 0.25, hidden = [7], control = { bound = { gate = 0.1 } } },
            ]";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_path_leads_to_one_value_or_to_every_arms() {
        let file = file();
        let all = |path: &str| {
            let values = Field::parse(path).all(&file).unwrap();
            values.iter().map(|v| v.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(all("batch"), ["32"]);
        assert_eq!(all(" probe.iterations "), ["30"]);
        assert_eq!(all("arms.1.l2"), ["0.25"]);
        assert_eq!(all("arms.*.l2"), ["0.5", "0.25"]);
        assert_eq!(all("arms.*.hidden.0"), ["8", "7"]);
        assert_eq!(all("arms.0.hidden.*"), ["8", "9"]);
        assert_eq!(all("arms.1.control.bound.gate"), ["0.1"]);
    }

    #[test]
    fn a_path_that_leads_nowhere_says_why() {
        let file = file();
        let lost = |path: &str| Field::parse(path).all(&file).unwrap_err();
        for path in [
            "",
            "bacth",
            "batch.0",
            "probe.*",
            "arms.l2",
            "none.*",
            "arms..l2",
            "arms.-1",
            "arms.*.control.bound.gate",
        ] {
            assert_eq!(lost(path), Lost::Key, "{path}");
        }
        assert_eq!(lost("arms.2.l2"), Lost::Index { index: 2, count: 2 });
        assert_eq!(lost("arms.*.hidden.1"), Lost::Index { index: 1, count: 1 });
    }

    #[test]
    fn the_nearest_field_is_the_one_that_was_meant() {
        let file = file();
        for (path, meant) in [
            ("bacth", "batch"),
            ("prob.iterations", "probe.iterations"),
            ("probe.iteration", "probe.iterations"),
            ("arms.0.l1", "arms.0.l2"),
            ("arms.1.hiden", "arms.1.hidden"),
            ("arms.*.hiden", "arms.*.hidden"),
            ("hidden", "arms.*.hidden"),
            ("arms.*.placebo.of", "arms.*.l2"),
            ("arms.*.control.bound.gate", "arms.1.control.bound.gate"),
        ] {
            let nearest = Field::parse(path).nearest(&file).unwrap();
            assert_eq!(nearest.to_string(), meant, "{path}");
            assert!(nearest.all(&file).is_ok());
        }
    }

    #[test]
    fn values_are_set_where_the_path_leads_and_nowhere_else() {
        let mut file = file();
        Field::parse("arms.*.l2").set(&mut file, &Value::Float(2.0));
        Field::parse("arms.0.hidden").set(&mut file, &Value::Array(vec![Value::Integer(1)]));
        Field::parse("arms.7.name").set(&mut file, &Value::Integer(1));
        let wanted = "
            batch = 32
            probe = { iterations = 30 }
            none = []
            arms = [
                { name = 'a', l2 = 2.0, hidden = [1], control = 'constant' },
                { name = 'b', l2 = 2.0, hidden = [7], control = { bound = { gate = 0.1 } } },
            ]";
        assert_eq!(file, toml::from_str(wanted).unwrap());
    }

    #[test]
    fn fields_that_share_a_value_touch() {
        let touch = |a: &str, b: &str| {
            let (a, b) = (Field::parse(a), Field::parse(b));
            assert_eq!(a.touches(&b), b.touches(&a));
            a.touches(&b)
        };
        assert!(touch("batch", "batch"));
        assert!(touch("arms.00.l2", "arms.0.l2"));
        assert!(touch("arms.*.l2", "arms.1.l2"));
        assert!(touch("arms", "arms.*.l2"));
        assert!(touch("arms.*", "arms.1.l2"));
        assert!(!touch("arms.0.l2", "arms.1.l2"));
        assert!(!touch("arms.*.l2", "arms.*.l2_init"));
        assert!(!touch("batch", "tasks"));
    }
}
