//! The scoreboards in assets/reproduction follow from their held-out seeds, which tell apart what REPRODUCTION.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use trainable::record::{ConfigurationRow, HeldOutRow, ScoreboardRow};
use trainable::statistics::student_interval;

use super::rows::read;
use super::tables::assert_near;
use super::{published, root};

/// The interval of the difference in mean online accuracy between two methods of a scoreboard, which holds for `pairs` pairs
/// together with 95% confidence.
fn apart(board: &str, setting: &str, pairs: f64) -> impl Fn(&str, &str) -> (f64, f64) {
    let table = published().0.join(board).join("held_out.csv");
    let mut seeds: Vec<HeldOutRow> = read(&table).unwrap();
    seeds.retain(|row| row.setting == setting);
    move |a, b| {
        let means = |method: &str| -> Vec<f64> {
            let own = seeds.iter().filter(|row| row.method == method);
            own.filter_map(|row| row.mean).collect()
        };
        let (a, b) = (means(a), means(b));
        assert_eq!((a.len(), b.len()), (10, 10));
        let differences: Vec<_> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let interval = student_interval(&differences, 1.0 - 0.05 / pairs);
        interval.unwrap().unwrap()
    }
}

/// The pairs that REPRODUCTION.md says can, or cannot, be told apart. The intervals are those of all 105 pairs together.
#[test]
fn the_tournament_tells_apart_what_the_page_says() {
    let interval = apart("tournament", "L2", 105.0);
    let next = [
        "update clipping at probes",
        "gradient clipping",
        "update clipping with hold",
    ];
    for a in next {
        for b in next {
            let (low, high) = interval(a, b);
            assert!(low <= 0.0 && high >= 0.0, "{a}, {b}");
        }
        for b in ["oracle, warm-up", "constant"] {
            assert!(interval(a, b).0 > 0.0, "{a}, {b}");
        }
    }
    for level in [
        "paper, per layer",
        "paper, global",
        "beta2",
        "epsilon",
        "oracle, moments reset",
        "oracle, Adam-Rel",
        "update clipping without hold",
    ] {
        let (low, high) = interval(level, "constant");
        assert!(low < 0.0 && high > 0.0, "{level}");
    }
    assert!(interval("constant", "AMSGrad").0 > 0.0);
}

/// The same where tasks have random lengths.
#[test]
fn random_switches_tell_apart_what_the_page_says() {
    let [hold, at_probes, constant] = [
        "update clipping with hold",
        "update clipping at probes",
        "constant",
    ];
    let [layers, global] = ["paper, per layer", "paper, global"];
    let is_level = |(low, high): (f64, f64)| low <= 0.0 && high >= 0.0;
    let interval = apart("tournament", "L2, random switches", 105.0);
    assert!(interval("L2-init", hold).0 > 0.0);
    for next in ["gradient clipping", "max of two second moments"] {
        assert!(interval(hold, next).0 > 0.0, "{next}");
        assert!(is_level(interval("gradient clipping", next)), "{next}");
        assert!(interval(next, at_probes).0 > 0.0, "{next}");
    }
    for paper in [layers, global] {
        assert!(is_level(interval(at_probes, paper)), "{paper}");
        assert!(interval(paper, constant).0 > 0.0, "{paper}");
    }
    let interval = apart("tournament", "ReLU, random switches", 105.0);
    assert!(interval("L2-init", hold).0 > 0.0);
    let behind = [
        constant,
        "gradient clipping",
        "oracle, warm-up",
        "oracle, moments reset",
        "oracle, Adam-Rel",
    ];
    for next in behind {
        assert!(interval(hold, next).0 > 0.0, "{next}");
    }
    for next in ["max of two second moments", "epsilon"] {
        assert!(is_level(interval(hold, next)), "{next}");
    }
    for paper in [layers, global] {
        assert!(interval(constant, paper).0 > 0.0, "{paper}");
    }
    let interval = apart("tournament", "permuted pixels, L2", 105.0);
    assert!(interval("L2-init", constant).0 > 0.0);
    let behind = [
        hold,
        at_probes,
        layers,
        global,
        "update clipping without hold",
        "gradient clipping",
        "max of two second moments",
        "oracle, moments reset",
    ];
    for next in behind {
        assert!(interval(constant, next).0 > 0.0, "{next}");
        assert!(interval(next, "oracle, warm-up").0 > 0.0, "{next}");
    }
    let interval = apart("tournament", "CReLU, random switches", 105.0);
    assert!(is_level(interval("epsilon", layers)));
    assert!(is_level(interval(layers, constant)));
    assert!(interval(constant, hold).0 > 0.0);
}

/// With layer normalisation and tasks of random lengths, five methods are level with each other and ahead of all others.
#[test]
fn layer_normalisation_tells_apart_what_the_page_says() {
    let setting = "LayerNorm, random switches";
    let leading = [
        "beta2",
        "gradient clipping",
        "L2-init",
        "update clipping with hold",
        "max of two second moments",
    ];
    let interval = apart("tournament", setting, 105.0);
    let mut rows = ranked("tournament");
    rows.retain(|row| row.setting == setting);
    let methods: Vec<_> = rows.iter().map(|row| &row.method[..]).collect();
    assert_eq!((methods.len(), &methods[..5]), (15, &leading[..]));
    for a in leading {
        for b in methods.iter().filter(|b| **b != a) {
            let (low, high) = interval(a, b);
            assert_eq!(low <= 0.0, leading.contains(b), "{a}, {b}");
            assert!(high >= 0.0, "{a}, {b}");
        }
    }
    for behind in [
        "paper, per layer",
        "paper, global",
        "AMSGrad",
        "oracle, warm-up",
    ] {
        assert!(interval("constant", behind).0 > 0.0, "{behind}");
    }
    let at_edge = rows.iter().filter(|row| !row.at_edge.is_empty());
    assert_eq!(at_edge.count(), 11);
}

/// At the medium size every pair can be told apart, but for the constant step size and the methods next to it.
#[test]
fn the_medium_size_tells_apart_what_the_page_says() {
    let setting = "L2, medium";
    let interval = apart("tournament-medium", setting, 15.0);
    let rows = ranked("tournament-medium");
    let methods: Vec<_> = rows.iter().map(|row| &row.method[..]).collect();
    let wanted = [
        "L2-init",
        "gradient clipping",
        "beta2",
        "update clipping with hold",
        "constant",
        "paper, per layer",
    ];
    assert_eq!(methods, wanted);
    for (place, a) in methods.iter().enumerate() {
        for b in &methods[place + 1..] {
            let pair = [*a, *b];
            let is_level = pair == ["update clipping with hold", "constant"] || *a == "constant";
            let (low, high) = interval(a, b);
            assert_eq!(low <= 0.0, is_level, "{a}, {b}");
            assert!(high > 0.0, "{a}, {b}");
        }
    }
    let at_edge = rows.iter().filter(|row| !row.at_edge.is_empty());
    assert_eq!(at_edge.count(), 4);
}

/// The same on top of L2-init, with 15 pairs in each of two settings.
#[test]
fn what_helps_on_top_of_l2_init_is_what_the_page_says() {
    let [hold, norm, moments] = [
        "L2-init, update clipping with hold",
        "L2-init, gradient clipping",
        "L2-init, max of two second moments",
    ];
    for setting in ["random switches", "equal tasks"] {
        let interval = apart("tournament-l2-init", setting, 15.0);
        let is_ahead = interval(hold, norm).0 > 0.0;
        assert_eq!(is_ahead, setting == "equal tasks");
        assert!(interval(hold, norm).1 > 0.0 && interval(hold, moments).0 > 0.0);
        for with in [hold, norm, moments] {
            assert!(interval(with, "L2-init").0 > 0.0, "{setting}, {with}");
        }
        let l2 = "L2, update clipping with hold";
        assert!(
            interval("L2-init", l2).0 > 0.0 && interval(l2, "L2").0 > 0.0,
            "{setting}"
        );
    }
}

/// The streams of `field`.
const STREAMS: [&str; 4] = [
    "random labels",
    "label permutation",
    "hard and easy tasks",
    "regression",
];
/// The methods of `field` that are ahead of a tuned constant step size in every stream and are not told of switches.
const AHEAD: [&str; 10] = [
    "Fourier features",
    "CReLU",
    "spectral",
    "self-normalised resets",
    "AdamO",
    "L2-init",
    "ReDo",
    "L2",
    "NaP",
    "LayerNorm",
];
/// Against the constant step size, by stream: `+` ahead, `-` behind, `0` neither.
const AGAINST_CONSTANT: [(&str, &str); 13] = [
    ("oracle, shrink and perturb", "++++"),
    ("gradient clipping", "0+++"),
    ("update clipping with hold", "00++"),
    ("update clipping without hold", "0--+"),
    ("oracle, warm-up", "0-+0"),
    ("paper, per layer", "00-+"),
    ("paper, global", "00-0"),
    ("UPGD", "0++-"),
    ("Muon", "+-0+"),
    ("oracle, fresh network", "+++-"),
    ("oracle, FIRE", "+++0"),
    ("Wasserstein", "++0+"),
    ("Lion", "----"),
];

fn ranked(board: &str) -> Vec<ScoreboardRow> {
    read(&published().0.join(board).join("scoreboard.csv")).unwrap()
}

/// The same for every method of the field, with 528 pairs in each stream.
#[test]
fn the_field_is_told_apart_as_the_page_says() {
    let rows = ranked("field");
    let mut methods: Vec<_> = rows.iter().map(|row| &row.method[..]).collect();
    methods.sort_unstable();
    methods.dedup();
    assert_eq!((methods.len(), rows.len()), (33, 4 * 33));
    let mut signs: BTreeMap<&str, String> = BTreeMap::new();
    for stream in STREAMS {
        let interval = apart("field", stream, 528.0);
        let sign = |method| match interval(method, "constant") {
            (low, _) if low > 0.0 => '+',
            (_, high) if high < 0.0 => '-',
            _ => '0',
        };
        for method in methods.iter().filter(|method| **method != "constant") {
            signs.entry(method).or_default().push(sign(method));
        }
        let ahead_of = |a: &str| {
            methods
                .iter()
                .filter(|b| **b != a && interval(a, b).0 > 0.0)
                .count()
        };
        let first = if stream == "label permutation" {
            "UPGD"
        } else {
            "Fourier features"
        };
        assert_eq!(ahead_of(first), 32, "{stream}");
        match stream {
            "random labels" | "regression" => assert_eq!(ahead_of("CReLU"), 31, "{stream}"),
            "hard and easy tasks" => {
                assert_eq!(ahead_of("CReLU"), 30);
                assert!(interval("CReLU", "oracle, fresh network").0 < 0.0);
            }
            _ => {}
        }
        for paper in ["paper, per layer", "paper, global"] {
            let without = methods.iter().filter(|method| !method.starts_with("paper"));
            let ahead = without.filter(|method| interval(method, paper).0 > 0.0);
            assert!(ahead.count() >= 10, "{stream}, {paper}");
        }
    }
    for (method, wanted) in AGAINST_CONSTANT {
        assert_eq!(signs[method], wanted, "{method}");
    }
    let everywhere = signs.iter().filter(|(_, signs)| *signs == "++++");
    let told: BTreeSet<_> = everywhere
        .map(|(method, _)| *method)
        .filter(|method| !method.starts_with("oracle"))
        .collect();
    assert_eq!(told, BTreeSet::from(AHEAD));
}

/// REPRODUCTION.md lists the methods of the field by their mean rank over streams, which it rounds to one decimal.
#[test]
fn the_field_is_listed_by_its_mean_ranks() {
    let mut ranks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in ranked("field") {
        ranks.entry(row.method).or_default().push(row.rank);
    }
    let mean = |ranks: &Vec<usize>| ranks.iter().sum::<usize>() as f64 / 4.0;
    let mut ranks: Vec<_> = ranks
        .iter()
        .map(|(method, own)| (mean(own), method))
        .collect();
    ranks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let page = fs::read_to_string(root().join("REPRODUCTION.md")).unwrap();
    let begin = page.find("| mean rank | method |").unwrap();
    let listed = page[begin..].lines().skip(2).take(33);
    for (line, (rank, method)) in listed.zip(ranks) {
        assert!(
            line.starts_with(&format!("| {rank:.1} | {method} |")),
            "{line}"
        );
    }
}

/// The same for momentum SGD, with 15 pairs in each of two settings.
#[test]
fn sgd_is_told_apart_as_the_page_says() {
    let papers = ["paper, per layer, no gate", "paper, global, no gate"];
    let [clipping, hold, oracle] = [
        "gradient clipping",
        "update clipping with hold",
        "oracle, warm-up",
    ];
    for setting in ["L2", "ReLU"] {
        let interval = apart("tournament-sgd", setting, 15.0);
        for paper in papers {
            let (low, high) = interval(paper, "constant");
            assert!(low < 0.0 && high > 0.0, "{setting}, {paper}");
        }
    }
    let interval = apart("tournament-sgd", "L2", 15.0);
    for (a, b) in [(clipping, hold), (clipping, oracle), (hold, oracle)] {
        let (low, high) = interval(a, b);
        assert!(low < 0.0 && high > 0.0, "{a}, {b}");
    }
    for a in [clipping, hold, oracle] {
        for b in ["constant", papers[0], papers[1]] {
            assert!(interval(a, b).0 > 0.0, "{a}, {b}");
        }
    }
    let interval = apart("tournament-sgd", "ReLU", 15.0);
    for b in [clipping, "constant", papers[0], papers[1]] {
        assert!(interval(hold, b).0 > 0.0, "{b}");
    }
    assert!(interval(hold, oracle).0 < 0.0);

    // At its best step size the scheduler does the same in every form.
    let table = published().0.join("tournament-sgd/configurations.csv");
    let tuned: Vec<ConfigurationRow> = read(&table).unwrap();
    for setting in ["L2", "ReLU"] {
        let own = tuned.iter().filter(|row| {
            let is_best = row.configuration.ends_with("step_size 0.003");
            row.setting == setting && papers.contains(&&row.method[..]) && is_best
        });
        let mut means: Vec<_> = own.map(|row| row.mean).collect();
        assert_eq!(means.len(), 6);
        means.dedup();
        assert_eq!(means.len(), 1, "{setting}");
    }
}

/// In each scoreboard, the configurations with the best tuning were chosen, and ranks, means and intervals are those of the
/// held-out seeds.
#[test]
fn scoreboards_follow_from_their_seeds() {
    let boards = [
        ("tournament", 9),
        ("tournament-sgd", 12),
        ("tournament-l2-init", 12),
        ("tournament-medium", 9),
        ("networks-constant", 9),
        ("field", 6),
    ];
    for (board, budget) in boards.map(|(board, budget)| (published().0.join(board), budget)) {
        let ranks: Vec<ScoreboardRow> = read(&board.join("scoreboard.csv")).unwrap();
        let tuned: Vec<ConfigurationRow> = read(&board.join("configurations.csv")).unwrap();
        let seeds: Vec<HeldOutRow> = read(&board.join("held_out.csv")).unwrap();
        let mut settings: Vec<_> = ranks.iter().map(|row| &row.setting).collect();
        settings.dedup();
        for setting in settings {
            let own: Vec<_> = { ranks.iter() }
                .filter(|row| row.setting == *setting)
                .collect();
            let means = |method: &str| -> Vec<f64> {
                let of = |row: &&HeldOutRow| row.setting == *setting && row.method == method;
                seeds.iter().filter(of).filter_map(|row| row.mean).collect()
            };
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let pairs = own.len() * (own.len() - 1) / 2;
            let first = means(&own[0].method);
            for (place, row) in own.iter().enumerate() {
                let what = format!("{setting}, {}", row.method);
                assert_eq!(row.rank, place + 1, "{what}");
                let tuned: Vec<_> = { tuned.iter() }
                    .filter(|other| other.setting == *setting && other.method == row.method)
                    .collect();
                let chosen = tuned.iter().find(|other| other.chosen).unwrap();
                assert_eq!(chosen.configuration, row.configuration, "{what}");
                assert_eq!((tuned.len(), chosen.seeds), (budget, 3), "{what}");
                let best = tuned.iter().filter_map(|other| other.mean);
                assert_eq!(chosen.mean, best.reduce(f64::max), "{what}");

                let values = means(&row.method);
                assert_eq!(values.len(), row.seeds, "{what}");
                assert_near([row.mean], [Some(mean(&values))], &what);
                if row.diverged > 0 || own[0].diverged > 0 || place == 0 {
                    assert_eq!(row.behind, None, "{what}");
                    continue;
                }
                assert!(row.mean <= own[place - 1].mean, "{what}");
                let behind: Vec<_> = first.iter().zip(&values).map(|(a, b)| a - b).collect();
                let level = 1.0 - 0.05 / pairs as f64;
                let (low, high) = student_interval(&behind, level).unwrap().unwrap();
                let found = [row.behind, row.behind_low, row.behind_high];
                let wanted = [mean(&behind), low, high].map(Some);
                assert_near(found, wanted, &what);
            }
        }
    }
}
