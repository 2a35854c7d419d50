//! Times a training step with each method against a plain step, 784-256-256-10 at batch 256 with Adam. For each method, both take
//! turns in one process. Each row has the median of the chunks of steps and the ratio of the two medians.
//!
//!     cargo bench --bench methods -- [--backend NAME] [--rounds N] [--replicas N] [--chunks N] [--steps N]
//!
//! The default is one round of 15 chunks of 20 steps with one replica on the CPU executor. A task has 400 steps, so that most
//! chunks hold no task switch, and the median is that of steps between switches. Methods that act at task switches have a
//! second row, "at every step", where a task is one step, for the plain step too: its difference is what a switch costs. ReDo
//! has a second row where it is due at every update.

mod common;

use serde_json::{Value, json};
use trainable::network::{Activation, Item, Network};
use trainable::plan::Program;
use trainable::spec::{ReplicaSpec, StreamKind, TaskSwitch, TrainingSpec, UpdateClipping};
use trainable::{Backend, Compute, Trainer};

use self::common::{BATCH, spec, time_steps};

/// The images of a task of 400 steps, which has 100 epochs.
const IMAGES: u32 = 4 * BATCH;

/// The settings of a run.
struct Settings {
    backend: Backend,
    rounds: usize,
    replicas: u32,
    chunks: usize,
    steps: u32,
}

/// The lengths of the tasks on which a method is timed.
#[derive(Clone, Copy, PartialEq)]
enum Tasks {
    Long,
    OneStep,
}

/// A change of the plain specification.
type Change = Box<dyn Fn(&mut TrainingSpec)>;

struct Method {
    name: &'static str,
    tasks: Tasks,
    change: Change,
}

fn on_spec(name: &'static str, change: impl Fn(&mut TrainingSpec) + 'static) -> Method {
    Method {
        name,
        tasks: Tasks::Long,
        change: Box::new(change),
    }
}

fn on_replicas(name: &'static str, change: impl Fn(&mut ReplicaSpec) + 'static) -> Method {
    on_spec(name, move |spec| {
        spec.replicas.iter_mut().for_each(&change);
    })
}

/// An optimiser in place of Adam, by its name in files, with a step size at which it does not diverge.
fn optimiser(name: &'static str, step_size: f32) -> Method {
    on_replicas(name, move |replica| {
        replica.optimiser = serde_json::from_value(json!(name)).expect("an optimiser");
        replica.step_size = step_size;
    })
}

/// An intervention as in files.
fn intervention(name: &'static str, form: Value) -> Method {
    let intervention = serde_json::from_value(form).expect("an intervention");
    on_replicas(name, move |replica| {
        replica.interventions.push(intervention);
    })
}

fn at_switch(name: &'static str, switch: TaskSwitch) -> Method {
    on_replicas(name, move |replica| replica.at_task_switch = switch)
}

fn at_every_step(name: &'static str, method: Method) -> Method {
    Method {
        name,
        tasks: Tasks::OneStep,
        ..method
    }
}

fn with_activation(name: &'static str, activation: Activation) -> Method {
    on_spec(name, move |spec| {
        let network = Network::mlp(&[784, 256, 256, 10], activation);
        spec.network = network.expect("a network");
    })
}

/// Layer normalisation before each activation, and with it the projection: normalise-and-project.
fn normalised(name: &'static str, is_projected: bool) -> Method {
    on_spec(name, move |spec| {
        let hidden = [
            Item::Linear(256),
            Item::LayerNorm,
            Item::Activation(Activation::Relu),
        ];
        let items = [&hidden[..], &hidden, &[Item::Linear(10)]].concat();
        spec.network = Network::sequence(784, &items).expect("a network");
        let projection = serde_json::from_value(json!("norm-projection")).expect("a projection");
        for replica in spec.replicas.iter_mut().filter(|_| is_projected) {
            replica.interventions.push(projection);
        }
    })
}

/// Nothing, and then every method. The first row says how much two equal steps differ.
fn methods() -> Vec<Method> {
    let shrink = || json!({"shrink-perturb": {"shrink": 0.8, "perturb": 0.01}});
    let fire = || json!({"fire": {}});
    let redo = |every: u32| json!({"redo": {"every": every}});
    vec![
        on_replicas("nothing", |_| {}),
        on_spec("regression in place of labels", |spec| {
            let stream = spec.stream.as_mut().expect("a stream");
            stream.kind = StreamKind::Regression { share: 0.125 };
        }),
        on_replicas("L2", |replica| replica.l2 = 1e-4),
        on_replicas("L2-init", |replica| replica.l2_init = 1e-3),
        on_replicas("Wasserstein", |replica| replica.wasserstein = 5e-4),
        on_replicas("spectral regularisation", |replica| replica.spectral = 1e-4),
        at_switch("optimiser reset", TaskSwitch::ResetOptimiser),
        at_every_step(
            "optimiser reset, at every step",
            at_switch("", TaskSwitch::ResetOptimiser),
        ),
        at_switch("Adam-Rel", TaskSwitch::RelativeTime),
        at_every_step(
            "Adam-Rel, at every step",
            at_switch("", TaskSwitch::RelativeTime),
        ),
        at_switch("fresh network", TaskSwitch::FreshNetwork),
        at_every_step(
            "fresh network, at every step",
            at_switch("", TaskSwitch::FreshNetwork),
        ),
        intervention("shrink and perturb", shrink()),
        at_every_step(
            "shrink and perturb, at every step",
            intervention("", shrink()),
        ),
        intervention("FIRE", fire()),
        at_every_step("FIRE, at every step", intervention("", fire())),
        intervention(
            "weight clipping",
            json!({"weight-clipping": {"kappa": 2.0}}),
        ),
        intervention("norm projection", json!("norm-projection")),
        normalised("layer normalisation", false),
        normalised("NaP", true),
        intervention("ReDo", redo(1_000)),
        intervention("ReDo, at every step", redo(1)),
        intervention("continual backprop", json!({"continual-backprop": {}})),
        intervention(
            "self-normalised resets",
            json!({"self-normalised-resets": {}}),
        ),
        on_replicas("update clipping", |replica| {
            replica.update_clipping = Some(UpdateClipping::default());
        }),
        on_replicas("gradient clipping", |replica| {
            replica.gradient_clipping = Some(1.0);
        }),
        with_activation("leaky ReLU", Activation::LeakyRelu),
        with_activation("CReLU", Activation::Crelu),
        with_activation("Fourier features", Activation::Fourier),
        optimiser("sgd", 1e-2),
        optimiser("adamw", 1e-3),
        optimiser("lion", 1e-4),
        optimiser("amsgrad", 1e-3),
        optimiser("adam-max", 1e-3),
        optimiser("adamo", 1e-3),
        optimiser("muon", 1e-3),
        optimiser("upgd", 1e-2),
    ]
}

/// The plain specification on tasks of these lengths.
fn plain(tasks: Tasks, replicas: u32) -> TrainingSpec {
    let mut spec = spec(IMAGES, replicas, None);
    if tasks == Tasks::OneStep {
        let stream = spec.stream.as_mut().expect("a stream");
        (stream.subset, stream.epochs) = (BATCH, 1);
    }
    spec
}

/// The mean number of dispatches of a step.
fn dispatches(spec: &TrainingSpec) -> f64 {
    let program = Program::new(spec).expect("a program");
    program.steps.expect("a stream").mean_dispatches()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

fn settings() -> Settings {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let count = |name: &str, usual: u32| {
        value(name).map_or(usual, |text| text.parse().expect("a number of 1 or more"))
    };
    let backend = value("--backend").map_or(Ok(Backend::Cpu), |name| name.parse());
    Settings {
        backend: backend.expect("the name of a backend"),
        rounds: count("--rounds", 1) as usize,
        replicas: count("--replicas", 1),
        chunks: count("--chunks", 15) as usize,
        steps: count("--steps", 20),
    }
}

fn main() {
    let settings = settings();
    let (compute, chosen) = Compute::open(settings.backend).expect("the backend is here");
    println!(
        "{chosen}; {} chunks of {} steps",
        settings.chunks, settings.steps
    );
    println!("round | replicas | method | dispatches | plain, ms | method, ms | ratio");
    let trainer = |spec| {
        let mut trainer = Trainer::new(&compute, spec).expect("the device fits");
        time_steps(&mut trainer, settings.steps);
        trainer
    };
    for round in 1..=settings.rounds {
        for method in methods() {
            let mut changed = plain(method.tasks, settings.replicas);
            (method.change)(&mut changed);
            let dispatches = dispatches(&changed);
            let mut pair = [plain(method.tasks, settings.replicas), changed].map(trainer);
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..settings.chunks {
                for (trainer, times) in pair.iter_mut().zip(&mut times) {
                    let chunk = time_steps(trainer, settings.steps).as_secs_f64();
                    times.push(chunk * 1e3 / f64::from(settings.steps));
                }
            }
            let [plain, changed] = times.map(median);
            println!(
                "{round} | {} | {} | {dispatches:.2} | {plain:.3} | {changed:.3} | {:.2}",
                settings.replicas,
                method.name,
                changed / plain
            );
        }
    }
}
