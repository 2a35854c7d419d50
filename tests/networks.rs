//! Experiments on networks that are lists of items: the same rows as the perceptron that a list describes, and refusals
//! that name the arm, the item and both shapes.

#![cfg(feature = "report")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use safetensors::SafeTensors;
use trainable::Compute;
use trainable::data::{Description, Shape};
use trainable::experiment::{
    Arm, Event, Experiment, Placebo, PlaceboKind, Results, RunDirectory, run, run_in,
};
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
        shapes.starts_with("arm \"a\": ") && shapes.contains("a vector of 5 and a vector of 6"),
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

/// Convolutions and a normalisation on images of 28 x 28 pixels.
fn convolutional() -> Experiment {
    let items = "conv 3 kernel 5 stride 4, relu, layer-norm, conv 2 kernel 1, tanh, flatten, linear classes";
    Experiment {
        data: None,
        ..small(vec![arm("conv", list(items))])
    }
}

/// A run that is stopped in a task goes on to the rows of one that was not. Its checkpoint has PyTorch's names and shapes.
#[test]
fn a_convolutional_run_goes_on_where_it_stood() {
    let (experiment, images) = (convolutional(), images());
    let whole = train(&experiment);
    assert_eq!((whole.tasks.len(), whole.probes.len()), (4, 3 * 5 * 2));
    let sharpness = whole.probes.iter().map(|row| row.sharpness);
    assert!(
        sharpness
            .clone()
            .all(|found| found.is_some_and(f64::is_finite))
    );

    let place = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let directory = RunDirectory::create(place.path(), &experiment, &Compute::Cpu, &images);
    let directory = directory.unwrap().stopped_by(Arc::clone(&stop));
    let mut steps = 0;
    let stopped = run_in(directory, &experiment, &Compute::Cpu, &images, |event| {
        if let Event::Steps(more) = event {
            steps += more;
            stop.store(steps > 20, Ordering::Relaxed);
        }
    });
    assert!(stopped.unwrap().is_none());
    let bytes = fs::read(place.path().join("checkpoint.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, shape) in [
        ("conv1.weight", &[3, 1, 5, 5][..]),
        ("conv1.bias", &[3]),
        ("norm1.weight", &[3]),
        ("norm1.bias.exp_avg", &[3]),
        ("conv2.weight.exp_avg_sq", &[2, 3, 1, 1]),
        ("fc1.weight", &[10, 72]),
    ] {
        let tensor = file.tensor(&format!("conv/1/{name}")).unwrap();
        assert_eq!(tensor.shape(), shape, "{name}");
    }

    let resumed = RunDirectory::resume(place.path(), &experiment, &Compute::Cpu, &images);
    let resumed = resumed.unwrap().expect("a run that is not finished");
    let finished = run_in(resumed, &experiment, &Compute::Cpu, &images, |_| {});
    assert_eq!(finished.unwrap().unwrap().0, whole);

    // Another list of the same tensors is another run.
    let mut other = experiment;
    let items = "conv 3 kernel 5 stride 4, tanh, layer-norm, conv 2 kernel 1, tanh, flatten, linear classes";
    other.arms[0].network = list(items);
    let refused = RunDirectory::resume(place.path(), &other, &Compute::Cpu, &images);
    let message = refused.err().unwrap().to_string();
    assert!(
        message.contains("experiment.arms[0].network[1]: wanted \"tanh\", found \"relu\""),
        "{message}"
    );
}

#[test]
fn images_that_do_not_fit_are_refused() {
    let refused = |items: &str| {
        let mut experiment = convolutional();
        experiment.arms[0].network = list(items);
        refusal(&experiment)
    };
    let message = refused("conv 3 kernel 30, flatten, linear classes");
    let wanted = "arm \"conv\": items of a network: wanted an image that holds 30 x 30 for item 1 (conv 3 kernel 30), found 1 x 28 x 28";
    assert!(message.starts_with(wanted), "{message}");
    let message = refused("conv 3 kernel 5, linear classes");
    assert!(message.contains("logits of one position"), "{message}");
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
