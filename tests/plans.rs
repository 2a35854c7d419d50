//! The dispatches of a training step and of a probe, pinned by name.

use trainable::network::{Activation, Network};
use trainable::plan::{Plan, Program};
use trainable::probe::{ProbeMethod, ProbeSpec};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};

/// Builds the program of the paper's network and minibatch, probed with `method`.
fn program(method: ProbeMethod) -> Program {
    program_of(Activation::Relu, method)
}

fn program_of(activation: Activation, method: ProbeMethod) -> Program {
    let spec = TrainingSpec {
        network: Network::mlp(&[784, 256, 256, 10], activation).unwrap(),
        batch: 256,
        replicas: vec![ReplicaSpec::default()],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&vec![0; 256 * 784], 784, 0.5, 0.25).unwrap(),
            subset: 256,
            epochs: 1,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec {
            method,
            ..ProbeSpec::default()
        }),
    };
    Program::new(&spec).unwrap()
}

fn names(plan: &Plan) -> Vec<&'static str> {
    let kernels = plan.dispatches.iter().map(|dispatch| dispatch.kernel);
    kernels.map(|kernel| kernel.name).collect()
}

const FORWARD_AND_BACKWARD: [&str; 8] = [
    "batch_gather",
    "linear_forward",
    "linear_forward",
    "linear_forward",
    "softmax_cross_entropy",
    "linear_backward",
    "linear_backward",
    "linear_backward_weights",
];

/// The dispatches of one product. The segment of every block is dual, and so is the network's segment in the first layer.
const HESSIAN_VECTOR_PRODUCT: [&str; 11] = [
    "tangent_forward",
    "tangent_forward",
    "tangent_forward",
    "tangent_softmax",
    "tangent_backward_input",
    "tangent_backward_input",
    "gram_product",
    "tangent_backward_weights",
    "gram_product",
    "tangent_backward_weights",
    "gram_product",
];

#[test]
fn a_step_has_9_dispatches() {
    let wanted = [&FORWARD_AND_BACKWARD[..], &["optimiser_step"]].concat();
    assert_eq!(wanted.len(), 9);
    let steps = program(ProbeMethod::Lobpcg).steps.expect("a stream");
    assert_eq!(names(&steps.step), wanted);
    assert!(steps.task_switch.is_none());
}

#[test]
fn only_activations_that_need_pre_activations_keep_them_and_no_dispatch_is_added() {
    use Activation::{Crelu, Fourier, Gelu, Identity, LeakyRelu, Relu, Silu, Tanh};
    let kinds = [Identity, Relu, Crelu, LeakyRelu, Tanh, Gelu, Silu, Fourier];
    for activation in kinds {
        let program = program_of(activation, ProbeMethod::Lobpcg);
        let keeps = matches!(activation, Gelu | Silu | Fourier);
        let wanted = [false, keeps, keeps, false];
        let kept = program.buffers.pre_activations.iter();
        let kept: Vec<_> = kept.map(Option::is_some).collect();
        assert_eq!(kept, wanted, "{activation:?}");
        let probe = program.buffers.probe.as_ref().expect("a probe");
        let kept = probe.pre_activation_tangents.iter();
        let kept: Vec<_> = kept.map(Option::is_some).collect();
        assert_eq!(kept, wanted, "{activation:?}");
        let iterate = &program.probe.expect("a probe").iterate;
        assert_eq!(iterate.dispatches.len(), 15, "{activation:?}");
    }
}

#[test]
fn an_iteration_of_lobpcg_has_15_dispatches() {
    let probe = program(ProbeMethod::Lobpcg).probe.expect("a probe");
    let rayleigh_ritz = [
        "probe_dots",
        "lobpcg_solve",
        "lobpcg_combine",
        "lobpcg_check",
    ];
    let wanted = [&HESSIAN_VECTOR_PRODUCT[..], &rayleigh_ritz].concat();
    assert_eq!(wanted.len(), 15);
    assert_eq!(names(&probe.iterate), wanted);

    let restart = ["probe_dots", "probe_update", "lobpcg_start", "lobpcg_check"];
    let wanted = [&HESSIAN_VECTOR_PRODUCT[..], &restart].concat();
    assert_eq!(names(&probe.refresh.expect("LOBPCG refreshes")), wanted);
}

#[test]
fn an_iteration_of_power_iteration_has_14_dispatches() {
    let probe = program(ProbeMethod::Power).probe.expect("a probe");
    let wanted = [&HESSIAN_VECTOR_PRODUCT[..], &POWER_STEP].concat();
    assert_eq!(wanted.len(), 14);
    assert_eq!(names(&probe.iterate), wanted);
    assert!(probe.refresh.is_none());
}

const POWER_STEP: [&str; 3] = ["probe_dots", "probe_update", "probe_normalise"];

#[test]
fn a_probe_begins_with_statistics_start_vectors_and_a_power_iteration() {
    let statistics = [
        ["gradient_norms"; 3].as_slice(),
        &["layer_sums", "layer_stats"],
    ]
    .concat();
    let start = ["probe_start", "probe_reset", "primal_copy"];
    let duals = [["gram", "dual_start"]; 3].concat();
    for method in [ProbeMethod::Lobpcg, ProbeMethod::Power] {
        let probe = program(method).probe.expect("a probe");
        let wanted = [
            &FORWARD_AND_BACKWARD[..],
            &statistics,
            &start,
            &duals,
            &HESSIAN_VECTOR_PRODUCT,
            &POWER_STEP,
        ];
        assert_eq!(names(&probe.begin), wanted.concat());
    }
}

#[test]
fn a_probe_ends_with_every_segment_stored_as_a_vector() {
    let probe = program(ProbeMethod::Lobpcg).probe.expect("a probe");
    let wanted = [["primal_copy"].as_slice(), &["tangent_backward_weights"; 4]].concat();
    assert_eq!(names(&probe.end), wanted);
}
