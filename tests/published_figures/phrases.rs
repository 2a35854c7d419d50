//! Phrases of a page, in which a name for each figure says where the figure comes from.
//!
//! A file of phrases holds paragraphs and tables of the page, separated by empty lines. Instead of a figure it has `{name |
//! format}`. A name is one of
//!
//! - `FOLDER/TABLE.csv | FIRST FIELDS | COLUMN`: a field of the only row that begins with these fields, separated by `;`;
//! - `score FOLDER | ARM`: mean online accuracy and its t interval;
//! - `difference FOLDER | ARM`: the difference in mean online accuracy from the arm's counterpart, and its t interval;
//! - `auroc FOLDER | ARM | INDICATOR`: the area under the ROC curve and its bootstrap interval;
//! - `ranked FOLDER | SETTING; RANK; METHOD`: a method's mean online accuracy in a scoreboard, and its t interval;
//! - `behind FOLDER | SETTING; RANK; METHOD`: how far it is behind the first method, and the corrected t interval;
//! - `task FOLDER | ARM | TASK`: online accuracy at a task, mean over seeds;
//! - `paired FOLDER | ARM | FOLDER | ARM`: mean online accuracy of the first less that of the second, seed by seed, and its
//!   t interval.
//!
//! A format is the number of decimals. A `+` before it prints the sign always; a `%` after it prints a percentage.

use super::rows::{Figure, Rows};

/// The intervals of scores.csv, differences.csv, early_warning.csv and scoreboard.csv that are published.
const MEAN: [&str; 3] = ["mean", "mean_t_low", "mean_t_high"];
const DIFFERENCE: [&str; 3] = ["difference", "t_low", "t_high"];
const AUROC: [&str; 3] = ["auroc", "auroc_low", "auroc_high"];
const RANKED: [&str; 3] = ["mean", "t_low", "t_high"];
const BEHIND: [&str; 3] = ["behind", "behind_low", "behind_high"];

/// Returns the paragraphs of a text, each on one line with single spaces.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let blocks = text.split("\n\n").map(flat);
    blocks.filter(|block| !block.is_empty()).collect()
}

/// Returns `text` on one line with single spaces.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a phrase with the figures of `rows` inserted.
pub(super) fn render(phrase: &str, rows: &Rows) -> Result<String, String> {
    let mut parts = phrase.split('{');
    let mut rendered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, text) = part
            .split_once('}')
            .ok_or_else(|| format!("{{{part}: wanted a }}"))?;
        rendered += &figure(name, rows).map_err(|error| format!("{{{name}}}: {error}"))?;
        rendered += text;
    }
    Ok(rendered)
}

/// Returns the text of a phrase without its figures.
pub(super) fn literal(phrase: &str) -> String {
    let mut parts = phrase.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.filter_map(|part| part.split_once('}'));
    rest.fold(first, |text, (_, literal)| text + " " + literal)
}

/// Returns a figure as the page prints it.
fn figure(name: &str, rows: &Rows) -> Result<String, String> {
    let fields: Vec<_> = name.split('|').map(str::trim).collect();
    let (format, fields) = fields.split_last().ok_or("nothing")?;
    let (kind, folder) = fields
        .first()
        .and_then(|first| first.split_once(' '))
        .unwrap_or(("cell", fields.first().ok_or("nothing")?));
    let table = |name: &str| format!("{folder}/{name}.csv");
    let figure = match (kind, &fields[1..]) {
        ("cell", [keys, column]) => rows.cell(folder, &split(keys), &[column]),
        ("score", [arm]) => rows.cell(&table("scores"), &[arm], &MEAN),
        ("difference", [arm]) => rows.cell(&table("differences"), &[arm], &DIFFERENCE),
        ("auroc", [arm, indicator]) => {
            rows.cell(&table("early_warning"), &[arm, indicator], &AUROC)
        }
        ("ranked", [keys]) => rows.cell(&table("scoreboard"), &split(keys), &RANKED),
        ("behind", [keys]) => rows.cell(&table("scoreboard"), &split(keys), &BEHIND),
        ("task", [arm, task]) => {
            let task = task.parse().map_err(|_| format!("no task {task}"))?;
            rows.task(folder, arm, task)
        }
        ("paired", [arm, other, other_arm]) => rows.paired((folder, arm), (other, other_arm)),
        _ => Err("no such figure".to_owned()),
    };
    written(figure?, format)
}

/// Returns the fields that are separated by `;`.
fn split(keys: &str) -> Vec<&str> {
    keys.split(';').map(str::trim).collect()
}

/// Returns the number, and its interval in brackets.
fn written(figure: Figure, format: &str) -> Result<String, String> {
    let (signed, format) = match format.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, format),
    };
    let (unit, digits) = match format.strip_suffix('%') {
        Some(digits) => ("%", digits),
        None => ("", format),
    };
    let digits: usize = digits
        .parse()
        .map_err(|_| format!("{format:?} is no format"))?;
    let number = |value: f64| {
        let value = if unit == "%" { 100.0 * value } else { value };
        if signed {
            format!("{value:+.digits$}{unit}")
        } else {
            format!("{value:.digits$}{unit}")
        }
    };
    let interval = figure.interval;
    let interval = interval.map(|(low, high)| format!(" [{}, {}]", number(low), number(high)));
    Ok(number(figure.value) + &interval.unwrap_or_default())
}
