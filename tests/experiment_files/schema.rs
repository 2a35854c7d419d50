//! The JSON Schema of experiment files.

use crate::presets;
use crate::published::published;
use jsonschema::Validator;
use serde_json::json;
use std::fs;
use trainable::experiment::{Experiment, schema};

pub(crate) fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

/// Returns whether an editor with the schema accepts `text`.
pub(crate) fn is_valid(validator: &Validator, text: &str) -> bool {
    let value: serde_json::Value = toml::from_str(text).unwrap();
    validator.is_valid(&value)
}

#[test]
fn the_schema_knows_presets_and_published_files() {
    let schema = schema();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = validator();
    for experiment in presets() {
        for text in [
            toml::to_string(&experiment).unwrap(),
            experiment.to_short_toml().unwrap(),
        ] {
            assert!(is_valid(&validator, &text), "{text}");
        }
    }
    for path in published() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(is_valid(&validator, &text), "{}", path.display());
    }
}

/// The schema and the parser accept and refuse the same arms.
#[test]
fn the_schema_and_the_parser_agree() {
    let validator = validator();
    let accepted = [
        "control = 'constant'",
        "control = 'update-clipping'",
        "control = { profile = 'paper', scope = 'global', estimator = { kappa = 3 } }",
        "control = { always-cool = { rate = 0.5 } }",
        "control = { schedule = { shape = 'cosine' } }",
        "control = { clip = {} }",
        "optimiser = 'sgd'",
        "optimiser = { adam = { beta1 = 0 } }",
        "optimiser = 'adamo'",
        "optimiser = { muon = { adam_share = 0.1 } }",
        "optimiser = { upgd = { noise = 0 } }",
        "optimiser = { adamo = { isometry = 0.5 } }",
        "interventions = [{ fire = {} }]",
        "interventions = [{ fire = { iterations = 5 } }]",
        "spectral = 0.01",
        "interventions = ['norm-projection', { weight-clipping = { kappa = 2.0 } }]",
        "network = 'mlp'",
        "network = 'lenet'",
        "network = { vit-small = { width = 32, blocks = 1 } }",
        "network = ['linear 8', 'tanh', 'linear classes']",
        "placebo = { of = 'b', kind = 'replay' }",
        "host_control = { name = 'b' }",
        "host_control = { name = 'b', parameters = { x = 1, y = [0.5, 'z'] } }",
    ];
    let refused = [
        "l2 = 'much'",
        "l3 = 0.5",
        "hidden = 256",
        "hidden = [-1]",
        "activation = 'rleu'",
        "control = 'papre'",
        "control = 3",
        "control = { bond = {} }",
        "control = { profile = 'paper', kappa = 3 }",
        "control = { profile = 'paper', gate = 'none' }",
        "control = { bound = { signal = 'tau' } }",
        "control = { random-cool = { rate = 0.5 } }",
        "optimiser = { adam = { beta = 0 } }",
        "spectral = 'much'",
        "interventions = ['norm-projektion']",
        "interventions = [{ fire = { iteration = 5 } }]",
        "interventions = 'norm-projection'",
        "network = 'lenett'",
        "network = 3",
        "network = [3]",
        "network = { mlp = {} }",
        "network = { lenet = { width = 3 } }",
        "network = { lenet = { channels = 6 } }",
        "placebo = { of = 'b' }",
        "host_control = 'b'",
        "host_control = { parameters = {} }",
        "host_control = { name = 'b', parameters = 3 }",
        "host_control = { name = 'b', x = 1 }",
        "name = 3",
    ];
    let arms = accepted.map(|arm| (arm, true)).into_iter();
    for (arm, wanted) in arms.chain(refused.map(|arm| (arm, false))) {
        let name = if arm.starts_with("name") {
            ""
        } else {
            "name = 'a'"
        };
        let text = format!("name = 'x'\n[[arms]]\n{name}\n{arm}\n");
        assert_eq!(is_valid(&validator, &text), wanted, "{arm}");
        assert_eq!(text.parse::<Experiment>().is_ok(), wanted, "{arm}");
    }
    for text in [
        "arms = []",
        "name = 'x'",
        "name = 'x'\narms = []\nimagse = 1",
        "name = 'x'\narms = []\ntasks = '1'",
    ] {
        assert!(!is_valid(&validator, text), "{text}");
        assert!(text.parse::<Experiment>().is_err(), "{text}");
    }
}

/// An editor can show the description of each field, and defaults.
#[test]
fn the_schema_says_what_fields_mean_and_are() {
    let schema = schema();
    assert_eq!(schema["required"], json!(["name", "arms"]));
    let fields = schema["properties"].as_object().unwrap();
    assert_eq!(fields["images"]["default"], json!(1280));
    for (name, field) in fields {
        let meaning = field["description"].as_str().unwrap_or_default();
        assert!(
            meaning.len() > 10 && !meaning.contains(['[', '\n']),
            "{name}: {meaning}"
        );
    }
    let adam = &schema["definitions"]["Adam"]["properties"];
    assert_eq!(adam["beta1"]["default"], json!(0.9));
}
