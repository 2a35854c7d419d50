//! Cells of a sweep: every combination of the values of the varied fields.

use std::collections::BTreeMap;

use thiserror::Error;
use toml::Value;
use trainable::experiment::Experiment;
use trainable::record::text_cell;

use super::field::{Field, Lost};

/// Largest number of cells; more are taken for a mistake.
const MOST_CELLS: usize = 10_000;

/// Longest name of a directory, in characters, without the checksum that tells long names apart.
const LONGEST_NAME: usize = 120;

/// Reason for which there is no grid.
#[derive(Debug, Error)]
pub(crate) enum GridError {
    /// The text is not FIELD=VALUE,VALUE.
    #[error("--vary {found:?}: wanted FIELD=VALUE,VALUE,..., found no =")]
    Form { found: String },
    /// The right side is not a list.
    #[error(
        "--vary {field}: wanted values as in a list of the file, strings in quotes, found {found}"
    )]
    Values {
        field: String,
        found: String,
        source: Box<toml::de::Error>,
    },
    /// The list is empty.
    #[error("--vary {field}: wanted one value or more, found none")]
    NoValue { field: String },
    /// Two values are the same.
    #[error("--vary {field}: wanted different values, found {value} twice")]
    SameValue { field: String, value: String },
    /// Two fields share a value.
    #[error("--vary {field}: wanted a field that no other --vary sets, found --vary {other}")]
    SameField { field: String, other: String },
    /// The path leads to nothing.
    #[error("--vary {field}: wanted a field that the experiment file shows{}, found none", such_as(.nearest))]
    NoField { field: String, nearest: String },
    /// A list has fewer entries.
    #[error("--vary {field}: wanted an index below {count}, found {index}")]
    Index {
        field: String,
        index: usize,
        count: usize,
    },
    /// There are too many combinations.
    #[error("wanted {most} cells or fewer, found {count}", most = MOST_CELLS)]
    TooMany { count: usize },
    /// A value does not suit its field.
    #[error("cell {cell} is not an experiment")]
    Cell {
        cell: String,
        source: Box<toml::de::Error>,
    },
    /// Two cells would use one directory.
    #[error("cells {cell} and {other}: wanted different directories, found {name} for both")]
    SameName {
        cell: String,
        other: String,
        name: String,
    },
}

fn such_as(nearest: &str) -> String {
    match nearest {
        "" => String::new(),
        nearest => format!(", such as {nearest}"),
    }
}

/// One combination of values.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Name of the cell's directory: fields and values, in the order of the fields' names.
    pub(super) name: String,
    /// Values of the varied fields as cells of a table, in the order of [`Grid::fields`].
    pub(super) values: Vec<String>,
    /// Experiment of the cell.
    pub(super) experiment: Experiment,
}

/// All cells of a sweep.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Varied fields, in the order of the options.
    pub(super) fields: Vec<String>,
    /// Cells; the last field varies fastest.
    pub(super) cells: Vec<Cell>,
}

/// A field and its values.
struct Axis {
    field: Field,
    values: Vec<Value>,
}

/// Value of one field in one cell.
type Setting<'a> = (&'a Field, &'a Value);

impl Grid {
    /// Builds the grid of `varied`, each FIELD=VALUE,VALUE, around the experiment whose file is `text`.
    pub(super) fn new(text: &str, varied: &[String]) -> Result<Self, GridError> {
        let file: Value = toml::from_str(text).expect("what toml has written it reads");
        let mut axes: Vec<Axis> = Vec::new();
        for one in varied {
            let axis = Axis::parse(one, &file)?;
            if let Some(other) = axes.iter().find(|other| other.field.touches(&axis.field)) {
                return Err(GridError::SameField {
                    field: axis.field.to_string(),
                    other: other.field.to_string(),
                });
            }
            axes.push(axis);
        }
        let counts = axes.iter().map(|axis| axis.values.len());
        let count = counts.fold(1, usize::saturating_mul);
        if count > MOST_CELLS {
            return Err(GridError::TooMany { count });
        }
        let cells: Result<Vec<_>, _> = combinations(&axes)
            .iter()
            .map(|settings| Cell::new(&file, settings))
            .collect();
        let cells = cells?;
        check_names(&cells, &axes)?;
        Ok(Self {
            fields: axes.iter().map(|axis| axis.field.to_string()).collect(),
            cells,
        })
    }
}

impl Axis {
    fn parse(varied: &str, file: &Value) -> Result<Self, GridError> {
        let Some((field, values)) = varied.split_once('=') else {
            let found = varied.to_owned();
            return Err(GridError::Form { found });
        };
        let field = Field::parse(field);
        let name = field.to_string();
        field.all(file).map_err(|lost| match lost {
            Lost::Index { index, count } => GridError::Index {
                field: name.clone(),
                index,
                count,
            },
            Lost::Key => {
                let nearest = field.nearest(file).map(|field| field.to_string());
                GridError::NoField {
                    field: name.clone(),
                    nearest: nearest.unwrap_or_default(),
                }
            }
        })?;
        let values = listed(&name, values)?.into_iter();
        let values: Result<Vec<_>, _> = values.map(|value| as_shown(file, &field, value)).collect();
        let values = values?;
        for (place, value) in values.iter().enumerate() {
            // Compared as text, in which nan equals nan.
            if values[..place].iter().any(|v| shown(v) == shown(value)) {
                return Err(GridError::SameValue {
                    field: name,
                    value: shown(value),
                });
            }
        }
        Ok(Self { field, values })
    }
}

/// Parses the values in `list`, a list without its brackets.
fn listed(field: &str, list: &str) -> Result<Vec<Value>, GridError> {
    let values = |source| GridError::Values {
        field: field.to_owned(),
        found: list.to_owned(),
        source: Box::new(source),
    };
    match format!("[{list}]").parse().map_err(values)? {
        Value::Array(list) if !list.is_empty() => Ok(list),
        _ => {
            let field = field.to_owned();
            Err(GridError::NoValue { field })
        }
    }
}

/// Returns `value` in the form that an experiment file has for it in `field`: 1, 1.0 and 1.00 have one form. A value that
/// is a name, such as the profile of a control, stays a name.
fn as_shown(file: &Value, field: &Field, value: Value) -> Result<Value, GridError> {
    let experiment = with(file, &[(field, &value)])?;
    let text = toml::to_string(&experiment).ok();
    let file: Option<Value> = text.and_then(|text| toml::from_str(&text).ok());
    let shown = file.and_then(|file| Some((*field.all(&file).ok()?.first()?).clone()));
    let is_named = value.is_str() || value.get("profile").is_some();
    let shown = shown.filter(|shown| !(is_named && shown.is_table()));
    Ok(shown.unwrap_or(value))
}

/// Builds the experiment whose file is `file` with these settings.
fn with(file: &Value, settings: &[Setting<'_>]) -> Result<Experiment, GridError> {
    let mut file = file.clone();
    for (field, value) in settings {
        field.set(&mut file, value);
    }
    file.try_into().map_err(|source| GridError::Cell {
        cell: label(settings),
        source: Box::new(source),
    })
}

fn combinations(axes: &[Axis]) -> Vec<Vec<Setting<'_>>> {
    axes.iter().fold(vec![Vec::new()], |cells, axis| {
        let extended = |cell: &Vec<_>| {
            let cell = cell.clone();
            let values = axis.values.iter();
            values.map(move |value| [&cell[..], &[(&axis.field, value)]].concat())
        };
        cells.iter().flat_map(extended).collect()
    })
}

impl Cell {
    fn new(file: &Value, settings: &[Setting<'_>]) -> Result<Self, GridError> {
        let name = directory_name(settings);
        let mut experiment = with(file, settings)?;
        if settings
            .iter()
            .all(|(field, _)| field.to_string() != "name")
        {
            experiment.name = format!("{}, {name}", experiment.name);
        }
        Ok(Self {
            name,
            values: settings.iter().map(|(_, value)| in_table(value)).collect(),
            experiment,
        })
    }
}

/// Fails if two names are equal when case is ignored: some file systems ignore it.
fn check_names(cells: &[Cell], axes: &[Axis]) -> Result<(), GridError> {
    let mut names: BTreeMap<String, Vec<Setting<'_>>> = BTreeMap::new();
    for (cell, settings) in cells.iter().zip(combinations(axes)) {
        if let Some(other) = names.insert(cell.name.to_lowercase(), settings.clone()) {
            return Err(GridError::SameName {
                cell: label(&other),
                other: label(&settings),
                name: cell.name.clone(),
            });
        }
    }
    Ok(())
}

/// Formats settings for people: "batch=16 and arms.*.l2=0.5".
fn label(settings: &[Setting<'_>]) -> String {
    let settings = settings.iter();
    let settings = settings.map(|(field, value)| format!("{field}={value}"));
    settings.collect::<Vec<_>>().join(" and ")
}

/// Formats a value as a cell of a table. No text becomes a formula.
fn in_table(value: &Value) -> String {
    match value {
        Value::String(text) => text_cell(text),
        other => shown(other),
    }
}

/// Formats a value for people: as in the file, but strings without quotes and numbers as short as possible.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

/// Name of a cell's directory, such as "arms.all.hidden=64x64,batch=16". Every file system accepts it, and the order of the
/// options does not change it. A name that would be too long is cut, and gets a checksum of the complete name.
fn directory_name(settings: &[Setting<'_>]) -> String {
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

#[cfg(test)]
mod tests {
    use trainable::experiment::presets::{Preset, Scale};
    use trainable::scheduler::{Control, Profile};
    use trainable::spec::StreamKind;

    use super::*;

    fn grid(varied: &[&str]) -> Result<Grid, GridError> {
        let text = toml::to_string(&Preset::Smoke.experiment(Scale::Small)).unwrap();
        let varied: Vec<_> = varied.iter().map(|one| (*one).to_owned()).collect();
        Grid::new(&text, &varied)
    }

    fn names(varied: &[&str]) -> Vec<String> {
        let cells = grid(varied).unwrap().cells;
        cells.into_iter().map(|cell| cell.name).collect()
    }

    #[test]
    fn every_combination_is_a_cell_with_its_values() {
        let grid = grid(&["relabel_fraction = 0.5, 1", "arms.*.hidden=[16], [8, 4]"]).unwrap();
        assert_eq!(grid.fields, ["relabel_fraction", "arms.*.hidden"]);
        let cells: Vec<_> = grid
            .cells
            .iter()
            .map(|c| (&c.name[..], &c.values[..]))
            .collect();
        let values = |fraction: &str, hidden: &str| [fraction.to_owned(), hidden.to_owned()];
        assert_eq!(
            cells,
            [
                (
                    "arms.all.hidden=16,relabel_fraction=0.5",
                    &values("0.5", "[16]")[..]
                ),
                (
                    "arms.all.hidden=8x4,relabel_fraction=0.5",
                    &values("0.5", "[8, 4]")
                ),
                (
                    "arms.all.hidden=16,relabel_fraction=1.0",
                    &values("1.0", "[16]")
                ),
                (
                    "arms.all.hidden=8x4,relabel_fraction=1.0",
                    &values("1.0", "[8, 4]")
                ),
            ]
        );
        let mut wanted = Preset::Smoke.experiment(Scale::Small);
        wanted.name = "smoke, arms.all.hidden=8x4,relabel_fraction=0.5".to_owned();
        wanted.relabel_fraction = 0.5;
        for arm in &mut wanted.arms {
            arm.hidden = vec![8, 4];
        }
        assert_eq!(grid.cells[1].experiment, wanted);
    }

    #[test]
    fn numbers_strings_and_tables_can_be_varied() {
        let grid = grid(&[
            "arms.0.optimiser = { sgd = { momentum = 0.5 } }, { sgd = { momentum = 0 } }",
            "arms.*.activation = 'tanh'",
            "arms.1.control.bound.gate = 1e-7",
        ])
        .unwrap();
        assert_eq!(
            grid.cells[1].name,
            "arms.0.optimiser=sgd-momentum-0.0,arms.1.control.bound.gate=1e-7,arms.all.activation=tanh"
        );
        assert_eq!(
            grid.cells[1].values,
            ["{ sgd = { momentum = 0.0 } }", "tanh", "1e-7"]
        );
    }

    #[test]
    fn what_has_a_name_is_varied_by_it() {
        let grid = grid(&[
            "arms.*.control = 'constant', 'paper', { profile = 'paper', cool = 0.5 }",
            "arms.0.optimiser = 'sgd'",
        ])
        .unwrap();
        let paper = &grid.cells[1];
        assert_eq!(paper.name, "arms.0.optimiser=sgd,arms.all.control=paper");
        assert_eq!(paper.values, ["paper", "sgd"]);
        let cooler = &grid.cells[2].name;
        let wanted = "arms.0.optimiser=sgd,arms.all.control=cool-0.5+profile-paper";
        assert_eq!(cooler, wanted);
        let control = |cell: &Cell| cell.experiment.arms[0].control.clone();
        assert_eq!(control(paper), Profile::Paper.control());
        assert_eq!(control(&grid.cells[0]), Control::Constant);
        assert!(matches!(control(&grid.cells[2]), Control::Bound(bound) if bound.cool == 0.5));
    }

    #[test]
    fn no_value_is_a_formula_in_a_table() {
        let varied = "question = '=HYPERLINK(\"x\")', '@a', 'plain', '-1'";
        let cells = grid(&[varied]).unwrap().cells;
        let values: Vec<_> = cells.iter().map(|cell| &cell.values[0][..]).collect();
        assert_eq!(values, ["'=HYPERLINK(\"x\")", "'@a", "plain", "'-1"]);
        let numbers = grid(&["arms.*.l2 = 0.5, 0.25"]).unwrap();
        assert_eq!(numbers.cells[0].values, ["0.5"]);
    }

    #[test]
    fn streams_can_be_varied_in_a_file_that_names_none() {
        let whole = toml::to_string(&Preset::Smoke.experiment(Scale::Small)).unwrap();
        let old = whole.replace("stream = \"random-labels\"\n", "");
        assert_ne!(old, whole);
        let old: Experiment = toml::from_str(&old).unwrap();
        let text = toml::to_string(&old).unwrap();
        let varied = "stream='random-labels','permuted-pixels'".to_owned();
        let cells = Grid::new(&text, &[varied]).unwrap().cells;
        let found = cells.iter().map(|c| (&c.name[..], c.experiment.stream));
        assert!(found.eq([
            ("stream=random-labels", StreamKind::RandomLabels),
            ("stream=permuted-pixels", StreamKind::PermutedPixels),
        ]));
    }

    #[test]
    fn a_name_is_the_same_in_whatever_order_and_form_values_are_asked_for() {
        let one = names(&["batch=16,32", "arms.0.l2=1"]);
        let mut other = names(&["arms.00.l2 = 1.00", "batch = 64, 32, 1_6"]);
        assert_eq!(one, ["arms.0.l2=1.0,batch=16", "arms.0.l2=1.0,batch=32"]);
        other.sort();
        assert_eq!(other[..2], one);
    }

    #[test]
    fn a_name_is_fit_for_every_file_system() {
        let question = |text: &str| names(&[&format!("question='{text}'")]).remove(0);
        assert_eq!(question("why"), "question=why");
        let odd = question("a/b\\c: <\"*?|> é.");
        assert!(odd.starts_with("question=a_b_c__________.-"), "{odd}");
        let long = question(&"x".repeat(500));
        assert_eq!(long.len(), LONGEST_NAME + 9);
        assert_ne!(long, question(&"x".repeat(501)));
        assert_ne!(question("a b"), question("a:b"));
        assert!(!question("why.").ends_with('.'));
    }

    fn refused(varied: &[&str], mentions: &str) {
        let error = grid(varied).expect_err(mentions);
        let error = format!("{:#}", anyhow::Error::new(error));
        assert!(error.contains(mentions), "no {mentions:?} in {error}");
    }

    #[test]
    fn what_makes_no_grid_is_refused() {
        refused(&["batch"], "--vary \"batch\": wanted FIELD=VALUE,VALUE");
        refused(&["batch="], "--vary batch: wanted one value or more");
        refused(&["arms.*.activation=relu"], "strings in quotes, found relu");
        refused(&["batch=1], [2"], "--vary batch: wanted values");
        refused(&["batch=1\nseeds=[1]"], "--vary batch: wanted values");
        refused(&["bacth=16"], "such as batch, found none");
        refused(&["arms.*.placebo.of='x'"], "such as ");
        refused(
            &["arms.2.l2=1.0"],
            "arms.2.l2: wanted an index below 2, found 2",
        );
        refused(&["arms.0.l2=0, 0.0"], "found 0.0 twice");
        // The values are equal as f32.
        refused(&["arms.0.l2=0.1, 0.10000000001"], "found 0.1 twice");
        refused(&["arms.0.l2=nan, nan"], "found NaN twice");
        refused(&["batch=1", "batch=2"], "found --vary batch");
        refused(
            &["arms.*.l2=1.0", "arms.0.l2=2.0"],
            "found --vary arms.*.l2",
        );
        refused(
            &["arms.0.control={ bound = {} }"],
            "cell arms.0.control={ bound = {} } is not an experiment: missing field",
        );
        refused(
            &["batch=16, 'x'"],
            "cell batch=\"x\" is not an experiment: invalid type",
        );
        refused(&["arms.*.control={ bond = {} }"], "unknown field `bond`");
        refused(
            &["question='a','A'"],
            "wanted different directories, found question=A",
        );
        let many: Vec<_> = (1..=101).map(|n| n.to_string()).collect();
        let many = |field: &str| format!("{field}={}", many.join(","));
        refused(
            &[&many("batch"), &many("images")],
            "wanted 10000 cells or fewer, found 10201",
        );
    }
}
