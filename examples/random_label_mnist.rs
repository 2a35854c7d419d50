//! A network loses its ability to learn, and two that do not.
//!
//! Three arms train side by side on a stream of random-label tasks over real MNIST images: plain
//! ReLU, ReLU with L2, and CReLU. Leaves `tasks.csv`, `accuracy.svg` and `accuracy.png`; with
//! `--probe-every N` also `probes.csv`, `probes.svg` and `probes.png`, with every layer's sharpness and
//! effective step size over time.
//!
//!     cargo run --release --example random_label_mnist

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use trainable::data::{self, CLASSES, PIXELS};
use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::report::{
    Chart, ProbeRow, TaskRow, online_accuracy_series, probe_rows, score, write_chart,
    write_probe_chart, write_probes_csv, write_tasks_csv,
};
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};
use trainable::{Backend, Compute, Trainer};

/// Trains plain ReLU, ReLU with L2, and CReLU on random-label MNIST and plots how well each still
/// learns, task after task.
#[derive(Parser)]
struct Options {
    /// Images of each replica, drawn once from the 60,000 training images
    #[arg(long, default_value_t = 1_600)]
    images: u32,
    /// Images in a minibatch
    #[arg(long, default_value_t = 32)]
    batch: u32,
    /// Passes over the images in one task
    #[arg(long, default_value_t = 40)]
    epochs: u32,
    /// Tasks, each with fresh random labels
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    tasks: u32,
    /// Replicas of each arm; seeds 1, 2, ...
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    seeds: u32,
    /// Adam's step size
    #[arg(long, default_value_t = 1e-3)]
    step_size: f32,
    /// Measure every layer's curvature, gradient noise and effective step size every N steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    probe_every: Option<u32>,
    /// Where to compute: auto, cpu, vulkan, metal, dx12 or gl; auto takes a real GPU if there is one
    /// and else the CPU
    #[arg(long, default_value = "auto")]
    backend: Backend,
    /// Directory with the four MNIST files, raw or .gz; without it, those inside this program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Directory for the tables and the pictures
    #[arg(long, value_name = "DIR", default_value = "runs/random_label_mnist")]
    out: PathBuf,
}

/// One curve of the picture.
struct Arm {
    name: &'static str,
    activation: Activation,
    l2: f32,
}

const ARMS: [Arm; 3] = [
    Arm {
        name: "ReLU",
        activation: Activation::Relu,
        l2: 0.0,
    },
    Arm {
        name: "ReLU + L2 1e-3",
        activation: Activation::Relu,
        l2: 1e-3,
    },
    Arm {
        name: "CReLU",
        activation: Activation::Crelu,
        l2: 0.0,
    },
];

/// Replicas of one network shape: they train in the same dispatches, whichever arm they belong to.
struct Batch {
    trainer: Trainer,
    /// The arm and the seed of every replica.
    members: Vec<(&'static Arm, u32)>,
}

fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let options = Options::parse();
    let start = Instant::now();

    let (compute, chosen) = Compute::open(options.backend)?;
    println!("backend: {chosen}");
    let dataset = match &options.data {
        Some(directory) => data::load(directory)?,
        None => data::embedded()?,
    };
    let images = ImageSet::mnist(&dataset.train)?;
    drop(dataset);
    let mut batches = [Activation::Relu, Activation::Crelu]
        .into_iter()
        .map(|activation| open_batch(&compute, &options, &images, activation))
        .collect::<Result<Vec<_>>>()?;
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot create {}", options.out.display()))?;

    let results = train(&options, &mut batches)?;
    print_scores(&results.tasks);
    write_results(&options.out, &results)?;
    println!(
        "{:.0} s; results in {}",
        start.elapsed().as_secs_f64(),
        options.out.display()
    );
    Ok(())
}

/// All seeds of all arms that share `activation`, and so the network's shape.
fn open_batch(
    compute: &Compute,
    options: &Options,
    images: &ImageSet,
    activation: Activation,
) -> Result<Batch> {
    let members: Vec<_> = ARMS
        .iter()
        .filter(|arm| arm.activation == activation)
        .flat_map(|arm| (1..=options.seeds).map(move |seed| (arm, seed)))
        .collect();
    let replica = |(arm, seed): &(&Arm, u32)| ReplicaSpec {
        seed: *seed,
        l2: arm.l2,
        step_size: options.step_size,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::new(&[PIXELS as u32, 256, 256, CLASSES as u32], activation)?,
        batch: options.batch,
        replicas: members.iter().map(replica).collect(),
        stream: Some(TaskStream {
            images: images.clone(),
            subset: options.images,
            epochs: options.epochs,
            relabel_fraction: 1.0,
        }),
        probe: options.probe_every.map(|_| ProbeSpec::default()),
    };
    Ok(Batch {
        trainer: Trainer::new(compute, spec)?,
        members,
    })
}

/// What is left to be written.
#[derive(Default)]
struct Results {
    tasks: Vec<TaskRow>,
    probes: Vec<ProbeRow>,
}

/// Trains task after task; prints a line and collects a row per replica for each.
fn train(options: &Options, batches: &mut [Batch]) -> Result<Results> {
    let steps_per_task = batches[0].trainer.spec().steps_per_task() as u32;
    let total = u64::from(options.tasks) * u64::from(steps_per_task) * batches.len() as u64;
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {elapsed} of {duration}")?;
    let bar = ProgressBar::new(total).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));

    let mut results = Results::default();
    for task in 0..options.tasks {
        let first_row = results.tasks.len();
        for batch in &mut *batches {
            let first_step = task * steps_per_task;
            let steps = first_step..first_step + steps_per_task;
            train_one_task(batch, steps, options.probe_every, &mut results.probes, &bar)?;
            results.tasks.extend(collect_rows(batch, task, |line| {
                bar.suspend(|| println!("{line}"));
            })?);
        }
        let line = task_line(task, &results.tasks[first_row..]);
        bar.suspend(|| println!("{line}"));
    }
    bar.finish_and_clear();
    ensure!(
        !results.tasks.is_empty(),
        "every replica diverged in the first task"
    );
    Ok(results)
}

/// In small pieces, so that the bar moves; probes before every `probe_every`-th step but the first.
fn train_one_task(
    batch: &mut Batch,
    steps: Range<u32>,
    probe_every: Option<u32>,
    probes: &mut Vec<ProbeRow>,
    bar: &ProgressBar,
) -> Result<()> {
    const PIECE: u32 = 100;
    let mut step = steps.start;
    while step < steps.end {
        let mut piece = PIECE.min(steps.end - step);
        if let Some(every) = probe_every {
            if step > 0 && step.is_multiple_of(every) {
                probes.extend(probe(batch)?);
            }
            piece = piece.min(every - step % every);
        }
        batch.trainer.train(piece)?;
        bar.inc(u64::from(piece));
        step += piece;
    }
    Ok(())
}

/// Rows of every replica that is still finite; [`collect_rows`] reports the others.
fn probe(batch: &mut Batch) -> Result<Vec<ProbeRow>> {
    let size = batch.trainer.spec().batch;
    let stats = batch.trainer.probe()?;
    let members = batch.members.iter().zip(stats);
    Ok(members
        .filter_map(|((arm, seed), stats)| Some((arm, seed, stats.ok()?)))
        .flat_map(|(arm, seed, stats)| probe_rows(arm.name, *seed, size, &stats))
        .collect())
}

/// The finished task's rows of all replicas that are still running; says which are not.
fn collect_rows(batch: &mut Batch, task: u32, say: impl Fn(String)) -> Result<Vec<TaskRow>> {
    let progress = batch.trainer.progress()?;
    let mut rows = Vec::new();
    for ((arm, seed), replica) in batch.members.iter().zip(progress) {
        match (replica.score(task), replica.halted) {
            (Some(score), _) => rows.push(TaskRow {
                arm: arm.name.to_owned(),
                seed: *seed,
                task: task + 1,
                online_accuracy: score.online_accuracy,
                online_loss: score.online_loss,
                final_accuracy: score.final_accuracy,
                final_loss: score.final_loss,
            }),
            (None, Some(halt)) if halt.task == task => say(format!(
                "{}, seed {seed}: diverged in task {} at update {} ({:?} not finite); stopped",
                arm.name,
                task + 1,
                halt.update,
                halt.cause,
            )),
            (None, _) => {}
        }
    }
    Ok(rows)
}

/// "task  3   ReLU 0.412   CReLU 0.934": online accuracy, mean over seeds.
fn task_line(task: u32, rows: &[TaskRow]) -> String {
    let arms = online_accuracy_series(rows)
        .iter()
        .map(|series| format!("{} {:.3}", series.name, series.points[0].mean))
        .collect::<Vec<_>>();
    format!("task {:2}   {}", task + 1, arms.join("   "))
}

fn print_scores(rows: &[TaskRow]) {
    println!("\nonline accuracy, mean over seeds   all tasks   last five   slope per task");
    for series in online_accuracy_series(rows) {
        let means: Vec<_> = series.points.iter().map(|point| point.mean).collect();
        if let Some(score) = score(&means) {
            let (name, slope) = (&series.name, score.slope);
            println!(
                "{name:35}{:9.3}{:12.3}{slope:+17.4}",
                score.mean, score.last_five
            );
        }
    }
}

fn write_results(out: &Path, results: &Results) -> Result<()> {
    write_tasks_csv(&out.join("tasks.csv"), &results.tasks)?;
    let chart = Chart {
        title: "Random-label MNIST: can the network still learn?".to_owned(),
        subtitle: "Mean over seeds; the band spans them".to_owned(),
        x_label: "Task".to_owned(),
        y_label: "Online accuracy".to_owned(),
        y_range: Some((0.0, 1.0)),
        reference: Some((1.0 / CLASSES as f64, "chance".to_owned())),
    };
    let series = online_accuracy_series(&results.tasks);
    write_chart(&out.join("accuracy"), &chart, &series)?;
    if !results.probes.is_empty() {
        write_probes_csv(&out.join("probes.csv"), &results.probes)?;
        write_probe_chart(&out.join("probes"), &results.probes)?;
    }
    Ok(())
}
