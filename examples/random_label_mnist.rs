//! Networks lose their ability to learn, with and without remedies.
//!
//! Five arms train side by side on a stream of random-label tasks over real MNIST images: plain ReLU; ReLU with L2; ReLU
//! with L2 and the paper's step-size scheduler (arXiv 2509.19698); ReLU with L2-init and our update clipping with hold, as a
//! tournament tuned them; and CReLU. The example writes tables of every task and every probe, three pictures, and `report.html`, a page with all of
//! them. The pictures show the accuracy of each arm by task, each layer's effective step size with its bound, and each
//! layer's sharpness over time.
//!
//!     cargo run --release --example random_label_mnist

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Arm, Event, Experiment, Figure, run, score_name, score_table, scores, write_tables,
};
use trainable::files::write_whole;
use trainable::network::Activation;
use trainable::record::TaskRow;
use trainable::report::{Foreign, check_page, online_accuracy_series, write_figures, write_page};
use trainable::scheduler::{Control, Profile};
use trainable::spec::{ImageSet, UpdateClipping};
use trainable::{Backend, Compute, data};

/// Trains networks on random-label MNIST, with and without the step-size scheduler, and plots the accuracy of each by
/// task.
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
    /// Adam's step size at the start
    #[arg(long, default_value_t = 1e-3)]
    step_size: f64,
    /// Measure curvature and gradient noise, and let the scheduler decide, every N steps
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    probe_every: u32,
    /// Where to compute: auto, cpu, vulkan, metal, dx12 or gl; auto takes a real GPU if there is one,
    /// and otherwise the CPU
    #[arg(long, default_value = "auto")]
    backend: Backend,
    /// A data set, as `trainable run --data` takes it; without it, the MNIST inside this program
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Directory for the tables, the pictures and the page
    #[arg(long, value_name = "DIR", default_value = "runs/random_label_mnist")]
    out: PathBuf,
}

fn main() -> Result<()> {
    silence_device_select()?;
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let options = Options::parse();
    let start = Instant::now();

    let (compute, chosen) = Compute::open(options.backend)?;
    println!("backend: {chosen}");
    let dataset = match &options.data {
        Some(path) => data::load(path)?,
        None => data::embedded()?,
    };
    let images = ImageSet::training(&dataset)?;
    let experiment = experiment(&options).on(&images);
    experiment.check(&images)?;
    // Obstacles to the files are found now, and not after the training.
    let page = options.out.join("report.html");
    check_page(&page, Foreign::Keep)?;
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot create {}", options.out.display()))?;

    let bar = progress_bar(&experiment)?;
    let results = run(&experiment, &compute, &images, |event| match event {
        Event::Steps(steps) | Event::Resumed(steps) => bar.inc(steps),
        Event::Split { .. } => {}
        Event::Task(row) => bar.set_message(format!("{}: task {}", row.arm, row.task)),
        Event::Unmeasured { arm, seed, update } => bar.suspend(|| {
            println!("{arm}, seed {seed}: the probe at update {update} was not finite");
        }),
        Event::Diverged { arm, seed, halt } => bar.suspend(|| {
            println!(
                "{arm}, seed {seed}: diverged in task {} at update {} ({:?} not finite); stopped",
                halt.task + 1,
                halt.update,
                halt.cause,
            );
        }),
    })?;
    bar.finish_and_clear();
    ensure!(
        !results.tasks.is_empty(),
        "every replica diverged in the first task"
    );
    println!("{}", accuracy_table(&results.tasks));
    println!(
        "{}",
        score_table(
            &scores(&experiment, &results.tasks)?,
            score_name([&experiment])
        )
    );
    write_tables(&options.out, &experiment, &results)?;
    write_figures(&options.out, &experiment, &results)?;
    let file = options.out.join("experiment.toml");
    write_whole(&file, toml::to_string(&experiment)?.as_bytes())?;
    write_page(&[&options.out], &page, Foreign::Keep)?;
    println!(
        "{:.0} s; results in {}",
        start.elapsed().as_secs_f64(),
        options.out.display()
    );
    println!("{}", page.display());
    Ok(())
}

/// Turns off Mesa's Vulkan layer `device_select`. Without a desktop session it makes libwayland print a complaint on
/// standard error.
fn silence_device_select() -> Result<()> {
    let session = env::var_os("XDG_RUNTIME_DIR");
    if !session.is_some_and(|directory| Path::new(&directory).is_absolute()) {
        dotenvy::from_read(&b"NODEVICE_SELECT=1"[..])?;
    }
    Ok(())
}

/// Builds the experiment: the arms, on the stream that the options describe.
fn experiment(options: &Options) -> Experiment {
    let arm = |name: &str, activation, l2, control| Arm {
        name: name.to_owned(),
        activation,
        l2,
        control,
        step_size: options.step_size,
        ..Arm::default()
    };
    let l2 = |name, control| arm(name, Activation::Relu, 1e-3, control);
    let clipped = Arm {
        l2_init: 3e-3,
        update_clipping: Some(UpdateClipping {
            threshold: 1.75,
            ..UpdateClipping::with_hold()
        }),
        ..arm(
            "L2-init + clipping",
            Activation::Relu,
            0.0,
            Control::Constant,
        )
    };
    Experiment {
        name: "random_label_mnist".to_owned(),
        question: "Can the network still learn?".to_owned(),
        images: options.images,
        batch: options.batch,
        epochs: options.epochs,
        tasks: options.tasks,
        seeds: (1..=options.seeds).collect(),
        interval: options.probe_every,
        indicators_every: 0,
        figures: vec![Figure::Accuracies, Figure::LayerBounds, Figure::Probes],
        arms: vec![
            arm("ReLU", Activation::Relu, 0.0, Control::Constant),
            l2("L2", Control::Constant),
            l2("L2 + paper", Profile::Paper.control()),
            clipped,
            arm("CReLU", Activation::Crelu, 0.0, Control::Constant),
        ],
        ..Preset::Diagnosis.experiment(Scale::Small)
    }
}

fn progress_bar(experiment: &Experiment) -> Result<ProgressBar> {
    let template = "{msg:32} {wide_bar} {percent:>3}%  {elapsed} of {duration}";
    let style = ProgressStyle::with_template(template)?;
    let bar = ProgressBar::new(experiment.total_steps()).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// Formats the online accuracy, as a mean over seeds: a line per task, a column per arm.
fn accuracy_table(rows: &[TaskRow]) -> String {
    let series = online_accuracy_series(rows);
    let longest = series.iter().map(|one| one.name.chars().count()).max();
    let width = longest.unwrap_or(0) + 2;
    let names = series.iter().map(|one| format!("{:>width$}", one.name));
    let mut table = format!("task{}\n", names.collect::<String>());
    let tasks = rows.iter().map(|row| row.task).max().unwrap_or(0);
    for task in 1..=tasks {
        let of_task = |points: &[trainable::report::BandPoint]| {
            points
                .iter()
                .find(|point| point.x == f64::from(task))
                .map(|point| point.mean)
        };
        let cells = series.iter().map(|one| match of_task(&one.points) {
            Some(mean) => format!("{mean:width$.3}"),
            None => format!("{:>width$}", "-"),
        });
        table += &format!("{task:4}{}\n", cells.collect::<String>());
    }
    table
}
