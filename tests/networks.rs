//! Experiments on networks that are lists of items: the same rows as the perceptron that a list describes, and refusals
//! that name the arm, the item and both shapes.

#![cfg(feature = "report")]

use std::error::Error;

use trainable::Compute;
use trainable::data::{Description, Shape};
use trainable::experiment::{Arm, Experiment, Placebo, PlaceboKind, Results, run};
use trainable::network::{Activation, Architecture, ListedItem};
use trainable::spec::ImageSet;

fn images() -> ImageSet {
    let pixels: Vec<u8> = (0..32 * 784_u32).map(|i| (i * i % 251) as u8).collect();
    ImageSet::new(&pixels, 784, 0.5, 0.25).unwrap()
}

fn list(items: &str) -> Architecture {
    let items = items.split(", ").map(str::parse::<ListedItem>);
    Architecture::Items(items.collect::<Result<_, _>>().unwrap())
}

fn arm(name: &str, network: Architecture) -> Arm {
    Arm {
        name: name.to_owned(),
        network,
        step_size: 1e-2,
        ..Arm::default()
    }
}

fn small(arms: Vec<Arm>) -> Experiment {
    Experiment {
        name: "networks".to_owned(),
        // Vectors, which need no flattening.
        data: Some(Description {
            name: "vectors".to_owned(),
            shape: Shape::from([1, 1, 784]),
            classes: 10,
        }),
        images: 32,
        batch: 8,
        epochs: 2,
        tasks: 2,
        seeds: vec![1, 2],
        interval: 5,
        indicators_every: 0,
        figures: Vec::new(),
        arms,
        ..Experiment::default()
    }
}

fn train(experiment: &Experiment) -> Results {
    run(experiment, &Compute::Cpu, &images(), |_| {}).unwrap()
}

/// The message of a refusal with its causes.
fn refusal(experiment: &Experiment) -> String {
    let error = experiment.check(&images()).unwrap_err();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message += &format!(": {cause}");
        source = cause.source();
    }
    message
}

#[test]
fn a_list_gives_the_rows_of_its_perceptron() {
    let perceptron = Arm {
        hidden: vec![6, 5],
        activation: Activation::Tanh,
        ..arm("a", Architecture::Mlp)
    };
    let listed = arm("a", list("linear 6, tanh, linear 5, tanh, linear classes"));
    let experiment = |arm: &Arm| Experiment {
        indicators_every: 2,
        ..small(vec![arm.clone()])
    };
    let [wanted, found] = [&perceptron, &listed].map(|arm| train(&experiment(arm)));
    assert_eq!((wanted.tasks.len(), wanted.probes.len()), (4, 3 * 4 * 2));
    assert_eq!(found, wanted);

    // Beside each other they train in the same batch, and each gives what it gives alone.
    let beside = Arm {
        name: "b".to_owned(),
        ..listed
    };
    let both = train(&small(vec![perceptron, beside]));
    for (a, b) in both.tasks.iter().zip(&both.tasks[4..]) {
        assert_eq!(
            (a.online_loss, a.task, a.seed),
            (b.online_loss, b.task, b.seed)
        );
    }
}

/// Arms whose widths and activations are equal, and whose networks are not, are kept apart.
#[test]
fn arms_of_other_networks_train_apart() {
    let sum = arm("sum", list("linear 6, linear 6, add 1, linear classes"));
    let plain = arm("plain", list("linear 6, linear 6, linear classes"));
    let alone = [&sum, &plain].map(|arm| train(&small(vec![arm.clone()])));
    let both = train(&small(vec![sum, plain]));
    let tasks: Vec<_> = alone.iter().flat_map(|results| &results.tasks).collect();
    assert_eq!(both.tasks.iter().collect::<Vec<_>>(), tasks);
    let losses = alone.each_ref().map(|results| results.probes[0].loss);
    assert!(losses.iter().all(|loss| loss.is_finite()));
    assert_ne!(losses[0], losses[1]);
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let refused = |network| refusal(&small(vec![arm("a", network)]));
    assert_eq!(
        refused(list("linear 6, relu, linear 12")),
        "arm \"a\": last item of a network: wanted linear 10 or linear classes, as the data have 10 classes, found linear 12"
    );
    let shapes = refused(list("linear 6, linear 5, add 1, linear classes"));
    assert!(
        shapes.starts_with("arm \"a\": ") && shapes.contains("1 x 5 and 1 x 6"),
        "{shapes}"
    );
    let last = refused(list("linear 10, relu"));
    assert!(
        last.contains("a linear operation of 2 classes at least last"),
        "{last}"
    );

    let widths = Arm {
        hidden: vec![3],
        ..arm("a", list("linear classes"))
    };
    assert_eq!(
        refusal(&small(vec![widths])),
        "arm \"a\": hidden and activation: wanted their defaults beside a network that is no mlp, which states its own, \
         found [3] and Relu"
    );
}

/// Placebos are compared by the layers of networks, whatever lists them.
#[test]
fn a_placebo_has_as_many_layers_as_its_original() {
    let placebo = |network| Arm {
        placebo: Some(Placebo {
            of: "a".to_owned(),
            kind: PlaceboKind::Replay,
        }),
        ..arm("b", network)
    };
    let original = arm("a", list("linear 6, relu, linear 4, relu, linear classes"));
    let of = |network| small(vec![original.clone(), placebo(network)]);
    of(Architecture::Mlp).check(&images()).unwrap();
    let message = refusal(&of(list("linear 6, relu, linear classes")));
    assert_eq!(
        message,
        "arm \"b\": placebo of: wanted an arm with as many layers, found \"a\""
    );
}
