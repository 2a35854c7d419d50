//! The page of a scoreboard: a heat map of methods by settings, whose columns can be sorted.

use std::collections::BTreeMap;
use std::path::Path;

use maud::{Markup, PreEscaped, html};

use super::document::document;
use super::numbers::number;
use super::{Foreign, PageError, check_page};
use crate::files::write_whole;
use crate::record::ScoreboardRow;
use crate::scoreboard::directory_name;
use crate::statistics::mean_if_any;

/// Sorts the rows of the table by the column of a button. Without scripts, the rows stay in the order of their mean ranks.
const SORT: &str = include_str!("scoreboard.js");

/// The share of the ink in the darkest cell, in percent.
const DARKEST: f64 = 45.0;

/// The rows of a scoreboard by method and setting.
struct Board<'a> {
    settings: Vec<&'a str>,
    /// The methods, by their mean rank in the settings that have them.
    methods: Vec<Method<'a>>,
}

struct Method<'a> {
    name: &'a str,
    mean_rank: Option<f64>,
    /// The mean over settings of `dispatches_ratio`.
    dispatches: Option<f64>,
    cells: BTreeMap<&'a str, &'a ScoreboardRow>,
}

/// Writes the page of a scoreboard to `page`: a table of mean online accuracies, with a row for each method and a column for
/// each setting. Cells are darker the better the method is in the
/// setting, and bold where it cannot be told from the first. A setting links to the page of its runs where that is beside
/// this one.
///
/// # Errors
/// Returns [`PageError::Foreign`], [`PageError::NotAFile`] or [`PageError::Write`].
pub fn write_scoreboard(
    name: &str,
    rows: &[ScoreboardRow],
    page: &Path,
    foreign: Foreign,
) -> Result<(), PageError> {
    check_page(page, foreign)?;
    let beside = |link: &str| page.with_file_name(link).exists();
    let text = of_rows(name, rows, beside).into_string();
    Ok(write_whole(page, text.as_bytes())?)
}

fn of_rows(name: &str, rows: &[ScoreboardRow], is_there: impl Fn(&str) -> bool) -> Markup {
    let board = Board::new(rows);
    let content = html! {
        header {
            p.kicker { "Scoreboard of tuned methods" }
            h1 { (name) }
            p {
                "Mean online accuracy on held-out seeds, with half of its 95% t interval over seeds, and the rank in the setting. \
                Each method has the configuration that its tuning chose. \
                Cells are darker where a method is better. Bold methods cannot be told from the first of their setting: the interval of \
                the difference, corrected for all pairs of methods, contains 0. On regression streams R\u{b2}, 1 less the mean \
                loss, stands in place of accuracy."
            }
            @if board.has_dispatches() {
                p {
                    "Dispatches are those of a training step, as a multiple of those of the first method of the file, on average \
                    over settings. They are a count and no time: dispatches differ in length, and probes are not counted."
                }
            }
        }
        main {
            div.scroll { (table(&board, is_there)) }
            script { (PreEscaped(SORT)) }
        }
    };
    document(name, content)
}

fn table(board: &Board<'_>, is_there: impl Fn(&str) -> bool) -> Markup {
    let runs = |setting: &str| format!("{}/report.html", directory_name(setting));
    let has_dispatches = board.has_dispatches();
    html! {
        table.numbers.heat {
            thead {
                tr {
                    th scope="col" { "Method" }
                    th scope="col" { (sorter("Mean rank")) }
                    @if has_dispatches { th scope="col" { (sorter("Dispatches")) } }
                    @for setting in &board.settings {
                        th scope="col" {
                            (sorter(setting))
                            @if is_there(&runs(setting)) { a href=(runs(setting)) { "runs" } }
                        }
                    }
                }
            }
            tbody {
                @for method in &board.methods {
                    tr {
                        th scope="row" { (method.name) }
                        td data-order=[method.mean_rank] { (number(method.mean_rank, 1)) }
                        @if has_dispatches {
                            td data-order=[method.dispatches] {
                                @if method.dispatches.is_some() { "\u{d7} " }
                                (number(method.dispatches, 2))
                            }
                        }
                        @for setting in &board.settings {
                            (cell(method.cells.get(setting).copied(), board.range(setting)))
                        }
                    }
                }
            }
        }
    }
}

fn sorter(name: &str) -> Markup {
    html! { button type="button" { (name) } }
}

/// Renders a method's result in a setting with this range of means.
fn cell(row: Option<&ScoreboardRow>, range: Option<(f64, f64)>) -> Markup {
    let Some(row) = row else {
        return html! { td { "\u{2013}" } };
    };
    let share = row.mean.zip(range).map_or(0.0, |(mean, (low, high))| {
        if high > low {
            (mean - low) / (high - low)
        } else {
            1.0
        }
    });
    let half = row
        .t_low
        .zip(row.t_high)
        .map(|(low, high)| (high - low) / 2.0);
    let is_level = row.rank == 1 || row.behind_low.is_some_and(|low| low <= 0.0);
    html! {
        td.level[is_level] data-order=(row.rank) title=(chosen(row)) style={ "--heat: " (format!("{:.0}", DARKEST * share)) "%" } {
            (number(row.mean, 3))
            @if let Some(half) = half { span.ends { " \u{b1} " (format!("{half:.3}")) } }
            span.faint { " #" (row.rank) }
            @if row.diverged > 0 { br; span.faint { (row.diverged) " diverged" } }
        }
    }
}

/// Returns the chosen configuration, and which of its values are at an edge of their lists.
fn chosen(row: &ScoreboardRow) -> String {
    match (&row.configuration[..], &row.at_edge[..]) {
        (chosen, "") => chosen.to_owned(),
        (chosen, edge) => format!("{chosen} (at an edge: {edge})"),
    }
}

impl<'a> Board<'a> {
    fn new(rows: &'a [ScoreboardRow]) -> Self {
        let mut settings = Vec::new();
        let mut methods: Vec<Method<'a>> = Vec::new();
        for row in rows {
            if !settings.contains(&&row.setting[..]) {
                settings.push(&row.setting[..]);
            }
            let place = methods.iter().position(|method| method.name == row.method);
            let place = place.unwrap_or_else(|| {
                methods.push(Method {
                    name: &row.method,
                    mean_rank: None,
                    dispatches: None,
                    cells: BTreeMap::new(),
                });
                methods.len() - 1
            });
            methods[place].cells.insert(&row.setting, row);
        }
        for method in &mut methods {
            let ranks = method.cells.values().map(|row| row.rank as f64);
            method.mean_rank = mean_if_any(ranks);
            let ratios = method.cells.values().map(|row| row.dispatches_ratio);
            let ratios: Option<Vec<f64>> = ratios.collect();
            method.dispatches = mean_if_any(ratios.unwrap_or_default().into_iter());
        }
        methods
            .sort_by(|a, b| { a.mean_rank.partial_cmp(&b.mean_rank) }.expect("ranks are numbers"));
        Self { settings, methods }
    }

    /// Whether the rows tell dispatches. Those of tables that an earlier version wrote do not.
    fn has_dispatches(&self) -> bool {
        { self.methods.iter() }.any(|method| method.dispatches.is_some())
    }

    /// The smallest and the largest mean in a setting.
    fn range(&self, setting: &str) -> Option<(f64, f64)> {
        let rows = self
            .methods
            .iter()
            .filter_map(|method| method.cells.get(setting));
        let means = rows.filter_map(|row| row.mean);
        means.fold(None, |range, mean| {
            let (low, high) = range.unwrap_or((mean, mean));
            Some((mean.min(low), mean.max(high)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(setting: &str, rank: usize, method: &str, mean: f64, behind_low: f64) -> ScoreboardRow {
        ScoreboardRow {
            setting: setting.to_owned(),
            rank,
            method: method.to_owned(),
            configuration: "step_size 0.5".to_owned(),
            at_edge: "step_size".to_owned(),
            tuning_mean: Some(mean),
            seeds: 10,
            diverged: 0,
            mean: Some(mean),
            t_low: Some(mean - 0.01),
            t_high: Some(mean + 0.01),
            behind: None,
            behind_low: (rank > 1).then_some(behind_low),
            behind_high: None,
            dispatches: None,
            dispatches_ratio: None,
        }
    }

    #[test]
    fn methods_are_shaded_within_a_setting_and_ordered_by_their_mean_rank() {
        let rows = [
            row("A, long", 1, "x", 0.9, 0.0),
            row("A, long", 2, "y", 0.8, -0.1),
            row("A, long", 3, "z", 0.5, 0.1),
            row("b", 1, "y", 0.3, 0.0),
            row("b", 2, "x <1>", 0.2, 0.05),
        ];
        let board = Board::new(&rows);
        assert_eq!(board.settings, ["A, long", "b"]);
        let order: Vec<_> = { board.methods.iter() }
            .map(|method| (method.name, method.mean_rank.unwrap()))
            .collect();
        assert_eq!(order, [("x", 1.0), ("y", 1.5), ("x <1>", 2.0), ("z", 3.0)]);
        let page = of_rows("board", &rows, |link| link.starts_with("a-long")).into_string();
        for wanted in [
            "href=\"a-long/report.html\"",
            "<td class=\"level\" data-order=\"1\" title=\"step_size 0.5 (at an edge: step_size)\" style=\"--heat: 45%\">",
            // y is 0.3 of 0.4 above z, and cannot be told from x.
            "<td class=\"level\" data-order=\"2\" title=\"step_size 0.5 (at an edge: step_size)\" style=\"--heat: 34%\">",
            "<td data-order=\"3\"",
            "x &lt;1&gt;",
            "<td>\u{2013}</td>",
        ] {
            assert!(page.contains(wanted), "no {wanted} in {page}");
        }
        assert!(!page.contains("Dispatches"), "{page}");
        assert!(!page.contains("href=\"b/report.html\""), "{page}");
    }

    #[test]
    fn dispatches_are_averaged_over_settings() {
        let with = |row: ScoreboardRow, ratio| ScoreboardRow {
            dispatches: Some(8.0 * ratio),
            dispatches_ratio: Some(ratio),
            ..row
        };
        let rows = [
            with(row("a", 1, "x", 0.9, 0.0), 1.0),
            with(row("a", 2, "y", 0.8, 0.1), 1.25),
            with(row("b", 1, "y", 0.3, 0.0), 1.75),
        ];
        let page = of_rows("board", &rows, |link| link.starts_with("a-long")).into_string();
        for wanted in [
            "<button type=\"button\">Dispatches</button>",
            "<td data-order=\"1\">\u{d7} <data value=\"1\">1.00</data></td>",
            "<td data-order=\"1.5\">\u{d7} <data value=\"1.5\">1.50</data></td>",
            "a count and no time",
        ] {
            assert!(page.contains(wanted), "no {wanted} in {page}");
        }
    }
}
