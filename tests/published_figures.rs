//! The figures in README.md and REPRODUCTION.md are those of the tables in assets/reproduction, and these tables follow from
//! their rows.
#![cfg(feature = "report")]

#[path = "published_figures/phrases.rs"]
mod phrases;
#[path = "published_figures/rows.rs"]
mod rows;
#[path = "published_figures/scoreboards.rs"]
mod scoreboards;
#[path = "published_figures/tables.rs"]
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use phrases::{flat, literal, paragraphs, render};
use rows::Rows;

/// A page, the beginning and the end of its results, and its phrases.
struct Page {
    file: &'static str,
    begin: &'static str,
    /// `None` where the results continue to the page's end.
    end: Option<&'static str>,
    phrases: &'static str,
}

const PAGES: [Page; 2] = [
    Page {
        file: "README.md",
        begin: "# trainable",
        end: Some("## Run the paper's experiments"),
        phrases: include_str!("published_figures/README.phrases"),
    },
    Page {
        file: "REPRODUCTION.md",
        begin: "# Reproduction",
        end: None,
        phrases: include_str!("published_figures/REPRODUCTION.phrases"),
    },
];

/// Numbers with two decimals or more that are not results of runs: identifiers of papers, settings, and numbers that follow
/// from settings.
const SETTINGS: [&str; 10] = [
    "2509.19698",
    "1804.04235",
    "2308.11958",
    "0.12",
    "1.005",
    "0.113",
    "0.95",
    "0.99",
    "1.25",
    "1.75",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn published() -> Rows {
    Rows(root().join("assets/reproduction"))
}

/// Returns the results of a page, from their beginning, on one line.
fn results(page: &Page) -> String {
    let text = fs::read_to_string(root().join(page.file)).unwrap();
    let begin = text.find(page.begin).expect("the results' begin");
    let text = &text[begin..];
    let end = page
        .end
        .map(|end| text.find(end).expect("the results' end"));
    flat(&text[..end.unwrap_or(text.len())])
}

/// Returns the phrases that the page should contain and does not.
fn missing(page: &str, phrases: &str, rows: &Rows) -> Vec<String> {
    let wanted = paragraphs(phrases).into_iter().map(|phrase| {
        render(&phrase, rows).unwrap_or_else(|error| format!("(no phrase: {error})"))
    });
    wanted.filter(|wanted| !page.contains(wanted)).collect()
}

/// Returns the numbers with two decimals or more.
fn figures(text: &str) -> Vec<&str> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let is_figure = |number: &&str| {
        let decimals = number.trim_end_matches('.').split_once('.');
        decimals.is_some_and(|(_, decimals)| decimals.len() > 1)
    };
    let numbers = numbers.filter(is_figure);
    numbers.map(|number| number.trim_end_matches('.')).collect()
}

#[test]
fn pages_say_what_the_rows_say() {
    for page in &PAGES {
        let missing = missing(&results(page), page.phrases, &published());
        assert!(
            missing.is_empty(),
            "{} should say:\n{}",
            page.file,
            missing.join("\n\n")
        );
    }
}

#[test]
fn no_figure_stands_in_a_page_by_itself() {
    for page in &PAGES {
        let mut rest = results(page);
        let mut phrases = paragraphs(page.phrases);
        assert!(phrases.len() > 3, "{}", page.file);
        // The longest phrase comes first, because a short one may be a part of it.
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        for phrase in &phrases {
            rest = rest.replace(&render(phrase, &published()).unwrap(), &literal(phrase));
        }
        let alone: Vec<_> = figures(&rest)
            .into_iter()
            .filter(|figure| !SETTINGS.contains(figure))
            .collect();
        assert!(
            alone.is_empty(),
            "{}: no row is named for {alone:?}",
            page.file
        );
    }
}

#[test]
fn figures_are_found() {
    let text = "is +0.165 [0.14, -0.2], arXiv 2509.19698. At 1,000 steps, 2 of 3.5; 12.50.";
    assert_eq!(figures(text), ["0.165", "0.14", "2509.19698", "12.50"]);
}

/// A page with any figure of any phrase changed in its last digit fails the comparison.
#[test]
fn a_changed_figure_is_missed() {
    let rows = published();
    for page in &PAGES {
        let text = results(page);
        for phrase in paragraphs(page.phrases) {
            let rendered = render(&phrase, &rows).unwrap();
            let names = phrase
                .split('{')
                .skip(1)
                .filter_map(|part| part.split('}').next());
            for name in names {
                let figure = render(&format!("{{{name}}}"), &rows).unwrap();
                let place = figure.rfind(|c: char| c.is_ascii_digit()).unwrap();
                let digit = figure.as_bytes()[place] - b'0';
                let mut changed = figure.clone();
                changed.replace_range(place..=place, &((digit + 1) % 10).to_string());
                let page = text.replace(&rendered, &rendered.replace(&figure, &changed));
                assert!(
                    !missing(&page, &phrase, &rows).is_empty(),
                    "{figure} of {phrase}"
                );
            }
        }
    }
}

#[test]
fn a_changed_row_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("held-out/controllers");
    fs::create_dir_all(&folder).unwrap();
    let copied = |change: fn(&str) -> String| {
        let table = published().0.join("held-out/controllers/scores.csv");
        let text = change(&fs::read_to_string(table).unwrap());
        fs::write(folder.join("scores.csv"), text).unwrap();
        render(
            "{score held-out/controllers | L2: corrected | 3}",
            &Rows(directory.path().to_owned()),
        )
    };
    let page = flat(&fs::read_to_string(root().join("REPRODUCTION.md")).unwrap());
    assert!(page.contains(&copied(str::to_owned).unwrap()));
    let other = copied(|text| text.replace("L2: corrected,5,0,0.87", "L2: corrected,5,0,0.88"));
    assert!(!page.contains(&other.unwrap()));
    let none = copied(|text| text.replace("L2: corrected,5,0,0.87", "L2: corrected,5,0,NaN"));
    assert!(none.unwrap_err().contains("wanted a number in mean"));
    let gone = copied(|text| text.replace("L2: corrected", "L2: other"));
    assert!(gone.unwrap_err().contains("wanted one row, found 0"));
}
