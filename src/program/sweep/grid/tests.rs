//! A grid has the cells that its options ask for, with names that every file system accepts.

use trainable::experiment::presets::{Preset, Scale};
use trainable::scheduler::{Control, Profile};
use trainable::spec::StreamKind;

use super::names::LONGEST_NAME;
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
    let cells: Vec<_> = { grid.cells.iter().zip(&grid.values) }
        .map(|(cell, values)| (&cell.name[..], &values[..]))
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
        grid.values[1],
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
    assert_eq!(grid.values[1], ["paper", "sgd"]);
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
    let values = grid(&[varied]).unwrap().values;
    let values: Vec<_> = values.iter().map(|values| &values[0][..]).collect();
    assert_eq!(values, ["'=HYPERLINK(\"x\")", "'@a", "plain", "'-1"]);
    let numbers = grid(&["arms.*.l2 = 0.5, 0.25"]).unwrap();
    assert_eq!(numbers.values[0], ["0.5"]);
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
fn streams_and_their_settings_can_be_varied() {
    let smoke = Preset::Smoke.experiment(Scale::Small);
    let text = toml::to_string(&smoke).unwrap();
    let varied = "stream = 'hard-easy', { recurring-tasks = { period = 5 } }".to_owned();
    let cells = Grid::new(&text, &[varied]).unwrap().cells;
    let found: Vec<_> = cells.iter().map(|cell| cell.experiment.stream).collect();
    let recurring = |period| StreamKind::RecurringTasks { period };
    assert_eq!(found, [StreamKind::HardEasy, recurring(5)]);

    let text = toml::to_string(&cells[1].experiment).unwrap();
    let varied = "stream.recurring-tasks.period = 2, 3".to_owned();
    let cells = Grid::new(&text, &[varied]).unwrap().cells;
    let found = cells.iter().map(|c| (&c.name[..], c.experiment.stream));
    assert!(found.eq([
        ("stream.recurring-tasks.period=2", recurring(2)),
        ("stream.recurring-tasks.period=3", recurring(3)),
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
