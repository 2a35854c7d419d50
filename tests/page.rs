//! Pages of runs: they hold the numbers of the tables and need no other file. Errors name the broken file.

#[path = "page/faults.rs"]
mod faults;
#[path = "page/several.rs"]
mod several;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use scraper::{Html, Selector};
use tempfile::TempDir;
use trainable::Compute;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Arm, Experiment, Figure, Results, run, write_tables};
use trainable::record::{TaskRow, write_table};
use trainable::report::{Foreign, PageError, write_page};
use trainable::scheduler::{BoundControl, Control};
use trainable::spec::ImageSet;

/// An arm's name that would be markup if the page did not escape it.
const HOSTILE: &str = "<script>alert(1)</script> & \"L2\"";

/// Returns 120 images of noise, as large as MNIST's.
fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..120 * 784_u32)
        .map(|i| (trainable::rng::pcg4d([i, 5, 0, 0])[3] >> 24) as u8)
        .collect();
    ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap()
}

fn experiment() -> Experiment {
    let arm = |name: &str, control| Arm {
        name: name.to_owned(),
        hidden: vec![8],
        control,
        ..Arm::default()
    };
    Experiment {
        images: 64,
        batch: 16,
        epochs: 8, // 32 steps a task
        tasks: 3,
        seeds: vec![1, 2],
        interval: 8,
        indicators_every: 1,
        arms: vec![
            arm("ReLU", Control::Constant),
            arm(HOSTILE, Control::Bound(BoundControl::paper())),
        ],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

fn results() -> &'static Results {
    static RESULTS: OnceLock<Results> = OnceLock::new();
    RESULTS.get_or_init(|| run(&experiment(), &Compute::Cpu, &images(), |_| {}).unwrap())
}

/// Writes a run's directory `name`, as `trainable run` leaves it.
fn write_run(parent: &Path, name: &str, experiment: &Experiment, results: &Results) -> PathBuf {
    let directory = parent.join(name);
    fs::create_dir(&directory).unwrap();
    let text = toml::to_string(experiment).unwrap();
    fs::write(directory.join("experiment.toml"), text).unwrap();
    write_tables(&directory, experiment, results).unwrap();
    directory
}

struct Case {
    _parent: TempDir,
    run: PathBuf,
}

impl Case {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let run = write_run(parent.path(), "first", &experiment(), results());
        Self {
            _parent: parent,
            run,
        }
    }

    fn page(&self) -> PathBuf {
        self.run.join("report.html")
    }

    fn write(&self) -> Result<String, PageError> {
        write_page(&[&self.run], &self.page(), Foreign::Keep)?;
        Ok(fs::read_to_string(self.page()).unwrap())
    }

    fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let path = self.run.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text, "{file}: the change changes nothing");
        fs::write(path, changed).unwrap();
    }

    /// Returns the error of a page that is refused, without the directory's name.
    fn refusal(&self) -> String {
        let before = names_in(&self.run);
        let error = self.write().unwrap_err();
        assert_eq!(names_in(&self.run), before, "something is written: {error}");
        let directory = format!("{}/", self.run.display());
        error.to_string().replace(&directory, "")
    }
}

fn names_in(directory: &Path) -> Vec<OsString> {
    let names = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

fn attributes(page: &Html, selector: &str, name: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    let values = page.select(&selector).filter_map(|e| e.attr(name));
    values.map(str::to_owned).collect()
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).map(|e| e.text().collect()).collect()
}

/// Returns the faults in the HTML that a browser would have to guess around.
fn faults(text: &str) -> Vec<String> {
    let page = Html::parse_document(text);
    page.errors.iter().map(|fault| fault.to_string()).collect()
}

/// Returns the numbers in `columns` of a table.
fn numbers(table: &Path, columns: &[&str]) -> Vec<f64> {
    let mut reader = csv::Reader::from_path(table).unwrap();
    let header = reader.headers().unwrap().clone();
    let wanted: Vec<_> = columns
        .iter()
        .map(|column| header.iter().position(|name| name == *column).unwrap())
        .collect();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let fields = rows.iter().flat_map(|row| wanted.iter().map(|i| &row[*i]));
    fields.filter_map(|field| field.parse().ok()).collect()
}

#[test]
fn a_page_holds_every_number_of_the_scores_and_differences() {
    let case = Case::new();
    let page = Html::parse_document(&case.write().unwrap());
    for (table, section, columns, count) in [
        (
            "scores.csv",
            "#scores",
            &[
                "mean",
                "mean_t_low",
                "mean_t_high",
                "last_five",
                "slope",
                "worst_task",
            ][..],
            12,
        ),
        (
            "differences.csv",
            "#differences",
            &["difference", "t_low", "t_high"][..],
            3,
        ),
    ] {
        let written = numbers(&case.run.join(table), columns);
        assert_eq!(written.len(), count, "{table}");
        let shown: Vec<f64> = attributes(&page, &format!("{section} td data"), "value")
            .iter()
            .map(|value| value.parse().unwrap())
            .collect();
        for number in written {
            assert!(shown.contains(&number), "{table}: {number} in {shown:?}");
        }
    }
    let counts = texts(&page, "#scores tbody td:nth-last-child(2)");
    assert_eq!(counts, ["2", "2"]);
}

#[test]
fn a_page_is_whole_html_and_needs_nothing_else() {
    let case = Case::new();
    let text = case.write().unwrap();
    assert_eq!(faults(&text), Vec::<String>::new());
    assert!(!faults(&text.replacen("</table>", "", 1)).is_empty());

    let page = Html::parse_document(&text);
    assert!(attributes(&page, "script, link, img, iframe, object, [src]", "src").is_empty());
    assert!(texts(&page, "script, link, img, iframe, object").is_empty());
    let links = attributes(&page, "[href]", "href");
    let (places, others): (Vec<_>, Vec<_>) = links.into_iter().partition(|l| l.starts_with('#'));
    assert_eq!(places.len(), 9);
    for place in places {
        assert_eq!(attributes(&page, &place, "id").len(), 1, "{place}");
    }
    let (files, web): (Vec<_>, Vec<_>) = others.into_iter().partition(|l| !l.contains("://"));
    assert_eq!(web, ["https://arxiv.org/abs/2509.19698"]);
    assert_eq!(files.len(), 2 * texts(&page, "figure").len());
    for file in files {
        assert!(case.run.join(&file).is_file(), "{file}");
    }
    assert!(!text.contains("@import") && !text.replace("url(#", "").contains("url("));
}

#[test]
fn pictures_are_inside_and_share_no_identity() {
    let case = Case::new();
    let text = case.write().unwrap();
    let page = Html::parse_document(&text);
    assert_eq!(texts(&page, "figure svg").len(), 3);
    let mut ids = attributes(&page, "[id]", "id");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for clip in attributes(&page, "[clip-path]", "clip-path") {
        let id = clip
            .strip_prefix("url(#")
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        assert!(ids.iter().any(|known| known == id), "{clip}");
    }
    for name in ["accuracies", "bounds", "trajectories"] {
        for extension in ["svg", "png"] {
            let file = case.run.join(name).with_extension(extension);
            assert!(file.is_file(), "{}", file.display());
        }
    }
}

/// Every figure that an experiment asks for is on its page.
#[test]
fn a_page_has_the_bounds_beside_a_diagnosis() {
    for (figures, wanted) in [
        (vec![Figure::LayerBounds], vec!["bounds"]),
        (vec![Figure::Diagnosis], vec!["diagnosis"]),
        (
            vec![Figure::LayerBounds, Figure::Diagnosis],
            vec!["bounds", "diagnosis"],
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        let experiment = Experiment {
            figures,
            ..experiment()
        };
        let run = write_run(place.path(), "run", &experiment, results());
        write_page(&[&run], &run.join("report.html"), Foreign::Keep).unwrap();
        for name in ["bounds", "diagnosis"] {
            let text = fs::read_to_string(run.join("report.html")).unwrap();
            let is_there = text.contains(&format!("{name}.png"));
            assert_eq!(is_there, wanted.contains(&name), "{name} of {wanted:?}");
        }
    }
}

#[test]
fn names_are_text() {
    let case = Case::new();
    let text = case.write().unwrap();
    assert!(!text.contains("<script"));
    let page = Html::parse_document(&text);
    assert!(texts(&page, "#scores tbody th").contains(&HOSTILE.to_owned()));
    let file = fs::read_to_string(case.run.join("experiment.toml")).unwrap();
    assert_eq!(texts(&page, "#experiment pre.file"), [file]);
}

#[test]
fn a_difference_has_a_word() {
    for (of_seeds, word) in [
        ([0.020, 0.021], "higher than ReLU"),
        ([-0.020, -0.021], "lower than ReLU"),
        // The bootstrap interval of these two values is [0.01, 0.03]; their Student's t interval is [-0.11, 0.15].
        ([0.01, 0.03], "no difference from ReLU that 2 seeds show"),
        ([0.0, 0.0], "no difference from ReLU that 2 seeds show"),
    ] {
        let case = Case::new();
        let changed = results().tasks.iter().map(|row| TaskRow {
            online_accuracy: match (&row.arm[..], row.seed) {
                (HOSTILE, seed) => 0.5 + of_seeds[seed as usize - 1],
                _ => 0.5,
            },
            ..row.clone()
        });
        let changed: Vec<_> = changed.collect();
        write_table(&case.run.join("tasks.csv"), &changed).unwrap();
        let page = Html::parse_document(&case.write().unwrap());
        let words = texts(&page, "#differences tbody td.name");
        assert_eq!(words, [word]);
    }
}

#[test]
fn tables_of_an_earlier_version_are_brought_up_to_date() {
    let case = Case::new();
    for table in ["scores.csv", "differences.csv"] {
        let path = case.run.join(table);
        let whole = fs::read_to_string(&path).unwrap();
        let without_t = |line: &str| line.rsplitn(3, ',').last().unwrap().to_owned() + "\n";
        let older: String = whole.lines().map(without_t).collect();
        assert!(
            whole.contains("t_low") && !older.contains("t_low"),
            "{older}"
        );
        fs::write(&path, &older).unwrap();
        let elsewhere = case.run.with_file_name("elsewhere.html");
        write_page(&[&case.run], &elsewhere, Foreign::Replace).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            older,
            "not its own page"
        );
        case.write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}

/// Writes a table of early warnings to `path`, with drops in one arm.
fn write_early_warnings(path: &Path) {
    let header = "arm,indicator,drops,pairs,auroc,auroc_low,auroc_high,threshold,youden,warned,false_alarms,median_lead";
    let rows = [
        "all arms,worse,2,4,0.4,0.3,0.45,1.0,0.1,1,1,",
        "all arms,none,2,4,,,,,,,,",
        "all arms,best,2,4,0.9,0.8,1.0,1.0,0.9,2,0,1.5",
        "all arms,better,2,4,0.6,0.4,0.7,1.0,0.5,1,0,1.0",
        "ReLU,alone,1,2,0.75,0.5,1.0,1.0,0.5,1,0,1.0",
    ];
    fs::write(path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
}

#[test]
fn indicators_are_sorted_with_chance_between_them() {
    let case = Case::new();
    write_early_warnings(&case.run.join("early_warning.csv"));
    let page = Html::parse_document(&case.write().unwrap());
    assert_eq!(
        texts(&page, "#early-warning tbody th"),
        [
            "best", "better", "chance", "worse", "none", "alone", "chance"
        ]
    );
    assert_eq!(texts(&page, "#early-warning summary"), ["ReLU"]);
    assert_eq!(
        texts(&page, "#early-warning .faint th"),
        ["better", "none", "alone"]
    );
}

#[test]
fn early_warnings_of_version_0_1_0_are_read_under_their_former_name() {
    let case = Case::new();
    let [own, former] = ["early_warning.csv", "foresight.csv"].map(|name| case.run.join(name));
    write_early_warnings(&own);
    let page = case.write().unwrap();
    let named = |page: &str| texts(&Html::parse_document(page), "#early-warning .files code");
    assert_eq!(named(&page), ["early_warning.csv"]);

    fs::rename(&own, &former).unwrap();
    let older = case.write().unwrap();
    assert_eq!(named(&older), ["foresight.csv"]);
    assert_eq!(older.replace("foresight.csv", "early_warning.csv"), page);

    case.edit("foresight.csv", |table| table.replace("ReLU,", "CReLU,"));
    let refusal = case.refusal();
    let wanted = "foresight.csv: wanted the arms of";
    assert!(refusal.starts_with(wanted), "{refusal}");
    // A run that is resumed writes the table under its present name beside the former one, and that table counts.
    write_early_warnings(&own);
    assert_eq!(case.write().unwrap(), page);
}

#[test]
fn replicas_that_stopped_are_listed() {
    let case = Case::new();
    let page = Html::parse_document(&case.write().unwrap());
    assert!(texts(&page, "#diverged td").is_empty());
    case.edit("tasks.csv", |table| {
        let kept = table.lines().filter(|line| !line.starts_with("ReLU,2,3,"));
        kept.map(|line| format!("{line}\n")).collect()
    });
    let page = Html::parse_document(&case.write().unwrap());
    assert_eq!(texts(&page, "#diverged tbody th"), ["ReLU"]);
    assert_eq!(texts(&page, "#diverged td"), ["2", "2 of 3", "88"]);
}

#[test]
fn a_run_that_diverged_at_once_has_a_page_without_pictures() {
    let parent = tempfile::tempdir().unwrap();
    let run = write_run(parent.path(), "nothing", &experiment(), &Results::default());
    let page = run.join("report.html");
    write_page(&[&run], &page, Foreign::Keep).unwrap();
    let text = fs::read_to_string(page).unwrap();
    assert_eq!(faults(&text), Vec::<String>::new());
    let page = Html::parse_document(&text);
    assert!(texts(&page, "figure").is_empty());
    assert_eq!(texts(&page, "#diverged tbody tr").len(), 4);
}
