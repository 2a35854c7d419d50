//! Constants that host and shader share have the same values.

use std::collections::BTreeSet;

use crate::kernels::{Shader, reflect, shaders};
use naga::{Expression, Literal, Module};
use trainable::network::{Activation, TENSOR_TILE};
use trainable::plan::{MATRIX_TILE, SORT_DIGITS};
use trainable::rng::Stream;
use trainable::spec::optimiser::{
    OPTIMISER_ADAM, OPTIMISER_ADAM_MAX, OPTIMISER_ADAM_O, OPTIMISER_ADAMW, OPTIMISER_AMSGRAD,
    OPTIMISER_LION, OPTIMISER_MUON, OPTIMISER_SGD, OPTIMISER_UPGD,
};
use trainable::state::{
    RENEWAL_CONTINUAL_BACKPROP, RENEWAL_NONE, RENEWAL_REDO, RENEWAL_SELF_NORMALISED_RESETS,
    SQUARE_PARTS, SWITCH_CARRY, SWITCH_FRESH_NETWORK, SWITCH_RELATIVE_TIME, SWITCH_RESET_OPTIMISER,
};
use trainable::tasks::{
    TASKS_CLASS_PAIRS, TASKS_GRADUAL_SWITCHES, TASKS_GROWING_DATA, TASKS_HARD_EASY,
    TASKS_LABEL_PERMUTATION, TASKS_NOISY_LABELS, TASKS_PERMUTED_PIXELS, TASKS_RANDOM_LABELS,
    TASKS_RECURRING_TASKS, TASKS_REGRESSION, TEACHER_UNITS,
};

/// The `u32` constants whose names begin with `prefix`, by name.
fn shader_constants(module: &Module, prefix: &str) -> BTreeSet<(String, u32)> {
    let value = |init| match module.global_expressions[init] {
        Expression::Literal(Literal::U32(value)) => value,
        ref other => panic!("a constant {prefix}* is {other:?}, not a u32"),
    };
    module
        .constants
        .iter()
        .filter_map(|(_, constant)| Some((constant.name.clone()?, constant.init)))
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, init)| (name, value(init)))
        .collect()
}

/// Compares the constants in every shader that declares any with this prefix. At least one shader must.
fn check_constants(prefix: &str, host: &[(&str, u32)]) {
    let host: BTreeSet<_> = host
        .iter()
        .map(|&(name, value)| (format!("{prefix}{name}"), value))
        .collect();
    let mut found = 0;
    for shader in shaders() {
        let declared = shader_constants(&reflect(&shader), prefix);
        if !declared.is_empty() {
            assert_eq!(declared, host, "{}: left: shader, right: host", shader.name);
            found += 1;
        }
    }
    assert!(found > 0, "no shader declares {prefix}*");
}

#[test]
fn tiles_have_the_same_sizes() {
    let tiled = |shader: &Shader| shader.variant.name != "plain";
    for shader in shaders().filter(tiled) {
        let declared = shader_constants(&reflect(&shader), "TILE_");
        let [columns, rows] = shader.variant.tile;
        for (name, size) in [("TILE_COLUMNS", columns), ("TILE_ROWS", rows)] {
            assert!(
                declared.contains(&(name.to_owned(), size)),
                "{}: {name} is not {size}: {declared:?}",
                shader.name
            );
        }
    }
}

#[test]
fn activations_have_the_same_numbers() {
    check_constants(
        "ACTIVATION_",
        &[
            ("IDENTITY", Activation::Identity as u32),
            ("RELU", Activation::Relu as u32),
            ("CRELU", Activation::Crelu as u32),
            ("LEAKY_RELU", Activation::LeakyRelu as u32),
            ("TANH", Activation::Tanh as u32),
            ("GELU", Activation::Gelu as u32),
            ("SILU", Activation::Silu as u32),
            ("FOURIER", Activation::Fourier as u32),
        ],
    );
}

#[test]
fn optimisers_have_the_same_numbers() {
    check_constants(
        "OPTIMISER_",
        &[
            ("ADAM", OPTIMISER_ADAM),
            ("SGD", OPTIMISER_SGD),
            ("ADAMW", OPTIMISER_ADAMW),
            ("LION", OPTIMISER_LION),
            ("AMSGRAD", OPTIMISER_AMSGRAD),
            ("ADAM_MAX", OPTIMISER_ADAM_MAX),
            ("ADAM_O", OPTIMISER_ADAM_O),
            ("MUON", OPTIMISER_MUON),
            ("UPGD", OPTIMISER_UPGD),
        ],
    );
}

#[test]
fn task_switches_have_the_same_numbers() {
    check_constants(
        "SWITCH_",
        &[
            ("CARRY", SWITCH_CARRY),
            ("RESET_OPTIMISER", SWITCH_RESET_OPTIMISER),
            ("FRESH_NETWORK", SWITCH_FRESH_NETWORK),
            ("RELATIVE_TIME", SWITCH_RELATIVE_TIME),
        ],
    );
}

#[test]
fn methods_that_renew_units_have_the_same_numbers() {
    check_constants(
        "RENEWAL_",
        &[
            ("NONE", RENEWAL_NONE),
            ("REDO", RENEWAL_REDO),
            ("CONTINUAL_BACKPROP", RENEWAL_CONTINUAL_BACKPROP),
            ("SELF_NORMALISED_RESETS", RENEWAL_SELF_NORMALISED_RESETS),
        ],
    );
}

#[test]
fn random_streams_have_the_same_numbers() {
    check_constants(
        "STREAM_",
        &[
            ("PARAMETERS", Stream::Parameters as u32),
            ("SUBSET", Stream::Subset as u32),
            ("ORDER", Stream::Order as u32),
            ("LABELS", Stream::Labels as u32),
            ("RELABEL", Stream::Relabel as u32),
            ("PROBE", Stream::Probe as u32),
            ("COOLING", Stream::Cooling as u32),
            ("BOOTSTRAP", Stream::Bootstrap as u32),
            ("PIXELS", Stream::Pixels as u32),
            ("PERTURBATION", Stream::Perturbation as u32),
            ("SWITCHES", Stream::Switches as u32),
            ("CLASSES", Stream::Classes as u32),
            ("NOISE", Stream::Noise as u32),
            ("GRADUAL", Stream::Gradual as u32),
            ("RENEWAL", Stream::Renewal as u32),
            ("SPECTRAL", Stream::Spectral as u32),
            ("UTILITY", Stream::Utility as u32),
            ("TEACHER_INPUTS", Stream::TeacherInputs as u32),
            ("TEACHER_OUTPUTS", Stream::TeacherOutputs as u32),
        ],
    );
}

#[test]
fn streams_of_tasks_have_the_same_numbers() {
    check_constants(
        "TASKS_",
        &[
            ("RANDOM_LABELS", TASKS_RANDOM_LABELS),
            ("PERMUTED_PIXELS", TASKS_PERMUTED_PIXELS),
            ("LABEL_PERMUTATION", TASKS_LABEL_PERMUTATION),
            ("NOISY_LABELS", TASKS_NOISY_LABELS),
            ("CLASS_PAIRS", TASKS_CLASS_PAIRS),
            ("HARD_EASY", TASKS_HARD_EASY),
            ("GROWING_DATA", TASKS_GROWING_DATA),
            ("RECURRING_TASKS", TASKS_RECURRING_TASKS),
            ("GRADUAL_SWITCHES", TASKS_GRADUAL_SWITCHES),
            ("REGRESSION", TASKS_REGRESSION),
        ],
    );
}

#[test]
fn teachers_have_the_same_units() {
    check_constants("TEACHER_", &[("UNITS", TEACHER_UNITS)]);
}

#[test]
fn tensors_have_the_same_tiles_and_sorts_the_same_digits() {
    check_constants("TENSOR_", &[("TILE", TENSOR_TILE)]);
    check_constants("SORT_", &[("DIGITS", SORT_DIGITS)]);
    check_constants("MATRIX_", &[("TILE", MATRIX_TILE)]);
}

#[test]
fn blocks_have_the_same_parts() {
    check_constants("SQUARE_", &[("PARTS", SQUARE_PARTS)]);
}

#[test]
#[should_panic(expected = "left: shader, right: host")]
fn a_constant_that_differs_is_reported() {
    check_constants("ACTIVATION_", &[("RELU", Activation::Relu as u32 + 1)]);
}
