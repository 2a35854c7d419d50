//! Indicators of small passes, against values computed by hand.

use super::rank::entropy_term;
use super::*;
use crate::network::Activation;

fn samples(values: &[f32], width: usize) -> Samples<'_> {
    Samples {
        values,
        positions: 1,
        stride: width,
        copies: 1,
        width,
    }
}

/// Indicators of a network of two layers whose hidden activations are `features`.
fn of_features(activation: Activation, batch: usize, features: Samples<'_>) -> Indicators {
    let ones = vec![1.0; batch];
    let pass = Pass {
        batch,
        hidden: vec![HiddenPass {
            activation,
            values: features,
            pre_activations: None,
        }],
        features,
        blocks: vec![BlockPass::Linear {
            inputs: features,
            gradients: samples(&ones, 1),
        }],
    };
    pass.indicators().unwrap()
}

fn units_of(activation: Activation, batch: usize, features: &[f32]) -> UnitIndicators {
    let width = features.len() / batch;
    of_features(activation, batch, samples(features, width)).hidden[0]
}

#[track_caller]
fn assert_near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found} instead of {wanted}");
}

const LN_2: f64 = std::f64::consts::LN_2;

#[test]
fn orthogonal_features_have_full_rank() {
    // Columns of a Hadamard matrix, so that singular values are those of the scales.
    let hadamard = |i: usize, j: usize| {
        if (i & j).count_ones().is_multiple_of(2) {
            1.0
        } else {
            -1.0
        }
    };
    for (scales, effective, stable) in [
        (vec![1.0; 3], 3.0, 3.0),
        (
            vec![3.0, 1.0],
            (2.0 * LN_2 - 0.75 * 3_f64.ln()).exp(),
            10.0 / 9.0,
        ),
        (vec![2.0, 0.0, 2.0], 2.0, 2.0),
    ] {
        let width = scales.len();
        let element = |i: usize, j: usize| scales[j] * hadamard(i, j);
        let tall: Vec<f32> = (0..8 * width)
            .map(|n| element(n / width, n % width))
            .collect();
        let wide: Vec<f32> = (0..8 * width).map(|n| element(n % 8, n / 8)).collect();
        for (batch, features) in [(8, &tall), (width, &wide)] {
            let features = samples(features, features.len() / batch);
            let found = of_features(Activation::Identity, batch, features);
            assert_near(found.effective_rank, effective);
            assert_near(found.stable_rank, stable);
        }
    }
}

#[test]
fn features_of_rank_one_have_rank_one() {
    let features: Vec<f32> = (0..35)
        .map(|n| (n / 7) as f32 * 0.5 * ((n % 7) as f32 - 2.0))
        .collect();
    let found = of_features(Activation::Tanh, 5, samples(&features, 7));
    assert_near(found.effective_rank, 1.0);
    assert_near(found.stable_rank, 1.0);
}

#[test]
fn zero_features_have_rank_zero_and_are_dead_and_dormant() {
    let found = of_features(Activation::Relu, 4, samples(&[0.0; 12], 3));
    assert_eq!((found.effective_rank, found.stable_rank), (0.0, 0.0));
    let wanted = UnitIndicators {
        dead: 1.0,
        dormant: 1.0,
        sign_entropy: 0.0,
    };
    assert_eq!(found.hidden, [wanted]);
}

#[test]
fn dead_is_zero_for_relu_and_constant_for_others() {
    // Units: always zero; constant; zero for one of two samples.
    let features = [0.0, 0.5, 0.0, 0.0, 0.5, 0.5];
    assert_near(units_of(Activation::Relu, 2, &features).dead, 1.0 / 3.0);
    for activation in [
        Activation::Tanh,
        Activation::LeakyRelu,
        Activation::Identity,
        Activation::Gelu,
        Activation::Silu,
    ] {
        assert_near(units_of(activation, 2, &features).dead, 2.0 / 3.0);
    }
}

#[test]
fn dormant_units_are_those_below_a_share_of_the_mean() {
    // Mean activations 4, 0.05 and 1.95: the mean of them is 2, the threshold 0.05.
    let features = [4.0, 0.1, 1.95, 4.0, 0.0, -1.95];
    let at_threshold = |second: f32| {
        let mut features = features;
        features[1] = second;
        units_of(Activation::LeakyRelu, 2, &features).dormant
    };
    assert_near(at_threshold(0.099), 1.0 / 3.0);
    assert_near(at_threshold(0.102), 0.0);
}

#[test]
fn sign_entropy_is_that_of_a_biased_coin() {
    // Positive for one of four samples, for two, for all.
    let features = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    let quarter = 0.25 * 4_f64.ln() + 0.75 * (4.0 / 3.0_f64).ln();
    let found = units_of(Activation::Relu, 4, &features).sign_entropy;
    assert_near(found, (quarter + LN_2) / 3.0);
}

#[test]
fn a_crelus_copies_are_one_unit_and_padding_is_ignored() {
    const PAD: f32 = f32::NAN;
    // z = [1, -2, 0], [-1, -2, 0], each copy padded to four, and a row of padding.
    let rows = [
        [1.0, 0.0, 0.0, PAD, 0.0, 2.0, 0.0, PAD],
        [0.0, 0.0, 0.0, PAD, 1.0, 2.0, 0.0, PAD],
        [PAD; 8],
    ];
    let features = Samples {
        values: rows.as_flattened(),
        positions: 1,
        stride: 8,
        copies: 2,
        width: 3,
    };
    let found = of_features(Activation::Crelu, 2, features);
    assert_near(found.hidden[0].dead, 1.0 / 3.0);
    assert_near(found.hidden[0].dormant, 1.0 / 3.0);
    assert_near(found.hidden[0].sign_entropy, LN_2 / 3.0);
    // Rows [1, 0, 2] and [0, 1, 2] of what is not zero: Gram [5 4; 4 5], eigenvalues 9 and 1.
    assert_near(found.stable_rank, 10.0 / 9.0);
    assert_near(found.effective_rank, (LN_2 * 2.0 - 0.75 * 3_f64.ln()).exp());
}

/// One unit has the same z for both samples, one changes its sign, one is small beside the others.
#[test]
fn fourier_features_are_judged_by_z() {
    let z: [f32; 6] = [0.5, 3.0, 1e-3, 0.5, -3.0, 2e-3];
    let each = |z: &[f32], f: fn(f32) -> f32| z.iter().map(|z| f(*z)).collect::<Vec<_>>();
    let row = |z: &[f32]| [each(z, f32::sin), each(z, f32::cos)].concat();
    let features: Vec<f32> = z.chunks(3).flat_map(row).collect();
    let values = Samples {
        values: &features,
        positions: 1,
        stride: 6,
        copies: 2,
        width: 3,
    };
    let pass = |pre_activations| Pass {
        batch: 2,
        hidden: vec![HiddenPass {
            activation: Activation::Fourier,
            values,
            pre_activations,
        }],
        features: values,
        blocks: vec![BlockPass::Linear {
            inputs: values,
            gradients: samples(&[1.0; 2], 1),
        }],
    };
    let found = pass(Some(samples(&z, 3))).indicators().unwrap().hidden[0];
    assert_near(found.dead, 1.0 / 3.0);
    assert_near(found.dormant, 0.0);
    assert_near(found.sign_entropy, LN_2 / 3.0);
    let message = pass(None).indicators().unwrap_err().to_string();
    let wanted = "a pass of Fourier features: wanted pre-activations, found none";
    assert_eq!(message, wanted);
}

fn of_block(batch: usize, features: Samples<'_>, block: BlockPass<'_>) -> Indicators {
    let pass = Pass {
        batch,
        hidden: Vec::new(),
        features,
        blocks: vec![block],
    };
    pass.indicators().unwrap()
}

fn fisher(batch: usize, inputs: &[f32], gradients: &[f32]) -> (usize, f64) {
    let inputs = samples(inputs, inputs.len() / batch);
    let gradients = samples(gradients, gradients.len() / batch);
    let found = of_block(batch, inputs, BlockPass::Linear { inputs, gradients });
    assert!(found.hidden.is_empty());
    (found.fisher_rank, found.fisher_effective_rank)
}

#[test]
fn the_fisher_rank_counts_directions_of_sample_gradients() {
    // One-hot gradients: G is diagonal, its elements d^2 (a^2 + 1).
    let (rank, effective) = fisher(3, &[2.0; 3], &[1., 0., 0., 0., 1., 0., 0., 0., 1.]);
    assert_eq!(rank, 3);
    assert_near(effective, 3.0);
    // All gradients are equal.
    let (rank, effective) = fisher(3, &[2.0; 3], &[0.5; 3]);
    assert_eq!(rank, 1);
    assert_near(effective, 1.0);
    // Shares of the trace in percent.
    let weighted = |weights: [f32; 3]| {
        let [a, b, c] = weights.map(f32::sqrt);
        fisher(3, &[0.0; 3], &[a, 0., 0., 0., b, 0., 0., 0., c])
    };
    assert_eq!(weighted([97.0, 1.5, 1.5]).0, 3);
    assert_eq!(weighted([98.0, 1.5, 0.5]).0, 2);
    let (rank, effective) = weighted([99.5, 0.5, 0.0]);
    assert_eq!(rank, 1);
    let entropy = entropy_term(0.995) + entropy_term(0.005);
    assert!((effective - entropy.exp()).abs() < 1e-6, "{effective}");
    assert_eq!(fisher(3, &[1.0; 3], &[0.0; 9]), (0, 0.0));
}

#[test]
fn inputs_tell_samples_apart_that_have_equal_gradients() {
    // a = 1, -1 with d = 1: G = [2 0; 0 2]. Without the bias it would be [1 -1; -1 1].
    let (rank, effective) = fisher(2, &[1.0, -1.0], &[1.0, 1.0]);
    assert_eq!(rank, 2);
    assert_near(effective, 2.0);
}

/// The gradients of a linear operation at three positions are sums over them, whichever way the share is computed.
#[test]
fn positions_add_to_the_gradient_of_a_sample() {
    let numbers = |count: usize, step: f64| -> Vec<f32> {
        (0..count).map(|n| (step * n as f64).sin() as f32).collect()
    };
    let (batch, positions, inputs, outputs) = (4, 3, 5, 2);
    let a = numbers(batch * positions * inputs, 1.7);
    let d = numbers(batch * positions * outputs, 2.3);
    let of_positions = |values, width| Samples {
        positions,
        ..samples(values, width)
    };
    let linear = BlockPass::Linear {
        inputs: of_positions(&a, inputs),
        gradients: of_positions(&d, outputs),
    };
    let gradient = |sample: usize| -> Vec<f64> {
        let element = |i: usize, o: usize| -> f64 {
            let at = |p: usize| {
                let row = sample * positions + p;
                let input = if i < inputs { a[row * inputs + i] } else { 1.0 };
                f64::from(input) * f64::from(d[row * outputs + o])
            };
            (0..positions).map(at).sum()
        };
        let rows = (0..=inputs).flat_map(|i| (0..outputs).map(move |o| (i, o)));
        rows.map(|(i, o)| element(i, o)).collect()
    };
    let rows: Vec<_> = (0..batch).map(gradient).collect();
    let features = samples(&a, 5);
    let found = of_block(batch, features, linear);
    let wanted = of_block(batch, features, BlockPass::SampleGradients(rows.clone()));
    assert_near(found.fisher_effective_rank, wanted.fisher_effective_rank);
    assert_eq!(found.fisher_rank, wanted.fisher_rank);
    assert!(found.fisher_effective_rank > 1.5);
    // The negative control: gradients of another sample.
    let mut other = rows;
    other[1] = other[0].clone();
    let other = of_block(batch, features, BlockPass::SampleGradients(other));
    assert!((found.fisher_effective_rank - other.fisher_effective_rank).abs() > 0.01);
}

#[test]
fn a_channel_is_dead_if_it_is_zero_everywhere() {
    // Two samples of two positions: zero everywhere, zero for one sample, zero at one position.
    let values = [0., 0., 1., 0., 0., 0., 0., 1., 1., 0., 1., 0.];
    let features = Samples {
        positions: 2,
        ..samples(&values, 3)
    };
    let pass = Pass {
        batch: 2,
        hidden: vec![HiddenPass {
            activation: Activation::Relu,
            values: features,
            pre_activations: None,
        }],
        features,
        blocks: vec![BlockPass::SampleGradients(vec![vec![1.0]; 2])],
    };
    let found = pass.indicators().unwrap().hidden[0];
    assert_near(found.dead, 1.0 / 3.0);
    assert_near(found.sign_entropy, 2.0 * LN_2 / 3.0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refusal = |batch, inputs: Samples<'_>, gradients: Samples<'_>| {
        let pass = Pass {
            batch,
            hidden: Vec::new(),
            features: inputs,
            blocks: vec![BlockPass::Linear { inputs, gradients }],
        };
        pass.indicators().unwrap_err().to_string()
    };
    let fine = samples(&[1.0, 2.0], 1);
    assert_eq!(
        refusal(2, samples(&[1.0, f32::NAN], 1), fine),
        "activations: wanted finite numbers, found NaN"
    );
    assert_eq!(
        refusal(2, fine, samples(&[1.0, f32::INFINITY], 1)),
        "pre-activation gradients: wanted finite numbers, found inf"
    );
    assert_eq!(
        refusal(0, fine, fine),
        "samples of a pass: wanted 1 at least, found 0"
    );
    assert_eq!(
        refusal(3, fine, fine),
        "activations: wanted 3 rows of 1, 1 at least, found 2"
    );
    assert_eq!(
        refusal(1, Samples { width: 2, ..fine }, fine),
        "activations: wanted a width of 1 to 1, found 2"
    );
    assert_eq!(
        refusal(1, Samples { stride: 0, ..fine }, fine),
        "activations: wanted a width of 1 to 0, found 1"
    );
    assert_eq!(
        refusal(1, fine, Samples { copies: 0, ..fine }),
        "pre-activation gradients: wanted 1 or 2 copies, found 0"
    );
    let positions = |positions| Samples { positions, ..fine };
    assert_eq!(
        refusal(1, positions(2), fine),
        "pre-activation gradients: wanted 2 positions, as the inputs, found 1"
    );
    assert_eq!(
        refusal(1, positions(0), fine),
        "activations: wanted 0 rows of 1, 1 at least, found 2"
    );
    let refusal = |blocks| {
        let pass = Pass {
            batch: 2,
            hidden: Vec::new(),
            features: fine,
            blocks,
        };
        pass.indicators().unwrap_err().to_string()
    };
    assert_eq!(
        refusal(Vec::new()),
        "blocks of a pass: wanted 1 at least, found 0"
    );
    let rows = |rows: &[&[f64]]| {
        let rows = rows.iter().map(|row| row.to_vec()).collect();
        vec![BlockPass::SampleGradients(rows)]
    };
    assert_eq!(
        refusal(rows(&[&[1.0]])),
        "sample gradients of a block: wanted 2 elements, found 1"
    );
    assert_eq!(
        refusal(rows(&[&[1.0], &[1.0, 2.0]])),
        "a sample gradient of a block: wanted 1 elements, found 2"
    );
    assert_eq!(
        refusal(rows(&[&[1.0], &[f64::NAN]])),
        "sample gradients: wanted finite numbers, found NaN"
    );
}
