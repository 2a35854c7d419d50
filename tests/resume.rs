//! Experiments that survive their end: `trainable run` killed, stopped and refused, as it is run. However often
//! a run was interrupted, its tables are those of a run that was not, byte for byte.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Arm, Event, Experiment, Placebo, PlaceboKind, RunDirectory, run, run_in,
};
use trainable::network::Network;
use trainable::rng::pcg4d;
use trainable::scheduler::{BoundControl, Control};
use trainable::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
};
use trainable::{Compute, Trainer, data};

const CHECKPOINT: &str = "checkpoint.safetensors";

/// Three batches of replicas (two shapes, then placebos) of 60 steps each, probed at every seventh.
fn experiment() -> Experiment {
    let plain = Arm {
        hidden: vec![8],
        step_size: 1e-2,
        ..Arm::default()
    };
    let bound = Arm {
        name: "bound, \"quoted\"".to_owned(),
        control: Control::Bound(BoundControl::paper()),
        ..plain.clone()
    };
    let placebo = |kind| Arm {
        name: format!("{kind:?}"),
        placebo: Some(Placebo {
            of: bound.name.clone(),
            kind,
        }),
        ..plain.clone()
    };
    Experiment {
        name: "resumed".to_owned(),
        question: "Is it the same?".to_owned(),
        images: 64,
        batch: 16,
        epochs: 3,
        tasks: 5,
        relabel_fraction: 0.5,
        seeds: vec![1, 2],
        interval: 7,
        indicators_every: 3,
        figures: Vec::new(),
        arms: vec![
            bound.clone(),
            Arm {
                name: "regularised".to_owned(),
                l2_init: 0.01,
                wasserstein: 0.01,
                optimiser: Optimiser::Sgd { momentum: 0.9 },
                at_task_switch: TaskSwitch::FreshNetwork,
                ..plain.clone()
            },
            Arm {
                name: "deeper".to_owned(),
                hidden: vec![8, 8],
                at_task_switch: TaskSwitch::ResetOptimiser,
                ..plain.clone()
            },
            Arm {
                name: "diverges".to_owned(),
                step_size: 1e30,
                ..plain.clone()
            },
            placebo(PlaceboKind::RandomCool),
            placebo(PlaceboKind::Replay),
        ],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

/// An experiment file, and a place for directories of runs.
struct Case {
    place: TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self {
            place: tempfile::tempdir().unwrap(),
        };
        case.write(&experiment());
        case
    }

    fn write(&self, experiment: &Experiment) {
        fs::write(self.file(), toml::to_string(experiment).unwrap()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("asked.toml")
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A checkpoint after every piece of training.
    fn command(&self, directory: &str, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
        command.env_remove("RUST_LOG").arg("run").arg(self.file());
        command.args(["--backend", "cpu", "--checkpoint-seconds", "0", "--out"]);
        command.arg(self.directory(directory)).args(options);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, directory: &str, options: &[&str]) -> Output {
        self.command(directory, options).output().unwrap()
    }

    fn spawn(&self, directory: &str) -> Child {
        self.command(directory, &["--resume"]).spawn().unwrap()
    }

    /// A run that was stopped at a checkpoint within a batch.
    fn stopped(directory: &str) -> Self {
        let case = Self::new();
        let mut child = case.spawn(directory);
        case.await_checkpoints(directory, &mut child, 5);
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        case
    }

    /// Returns when `count` new checkpoints were seen, or the child has ended.
    fn await_checkpoints(&self, directory: &str, child: &mut Child, count: u32) {
        let checkpoint = self.directory(directory).join(CHECKPOINT);
        let written = || {
            fs::metadata(&checkpoint)
                .and_then(|file| file.modified())
                .ok()
        };
        let mut latest: Option<SystemTime> = written();
        let mut seen = 0;
        while seen < count && child.try_wait().unwrap().is_none() {
            let now = written();
            if now != latest {
                (latest, seen) = (now, seen + 1);
            }
            sleep(Duration::from_micros(200));
        }
    }
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is in a directory, by name.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

fn assert_same(found: &Path, wanted: &Path) {
    let (found, wanted) = (contents(found), contents(wanted));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&wanted));
    for (name, bytes) in &wanted {
        // The order in the checkpoint's JSON is fixed, and so all of the file is.
        assert!(found[name] == *bytes, "{name} differs");
    }
    let rows = |name: &str| wanted[name].iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(
        rows("tasks.csv"),
        1 + 5 * 2 * 5,
        "all but the diverging arm's tasks"
    );
    assert!(rows("probes.csv") > 100);
}

fn assert_refused(output: &Output, exit_code: i32, message: &str) {
    let found = stderr(output);
    assert_eq!(output.status.code(), Some(exit_code), "{found}");
    assert!(found.contains(message), "wanted {message:?} in {found:?}");
    assert!(output.stdout.is_empty());
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_tables() {
    let case = Case::new();
    let output = case.run("whole", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut random = 0;
    let mut draw = |below: u32| {
        random += 1;
        pcg4d([random, 17, 0, 0])[0] % below
    };
    let mut kills = 0;
    loop {
        let mut child = case.spawn("killed");
        let count = if kills == 0 { 0 } else { draw(4) };
        case.await_checkpoints("killed", &mut child, count);
        sleep(Duration::from_micros(draw(20_000).into()));
        // An error says that it has ended.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.signal(), Some(9), "{}", stderr(&output));
        kills += 1;
        assert!(kills < 200, "it does not get on");
    }
    eprintln!("killed {kills} times");
    assert!(kills >= 5, "killed only {kills} times: nothing was tested");
    assert_same(&case.directory("killed"), &case.directory("whole"));

    // And once it is finished, it stays so.
    let output = case.run("killed", &["--resume"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("finished already"),
        "{}",
        stderr(&output)
    );
    assert_same(&case.directory("killed"), &case.directory("whole"));
    let output = case.run("killed", &[]);
    assert_refused(
        &output,
        2,
        "holds a run already\nhint: --resume continues it",
    );
}

#[test]
fn stopped_it_says_how_to_go_on() {
    let case = Case::stopped("stopped");
    let mut child = case.spawn("stopped");
    case.await_checkpoints("stopped", &mut child, 3);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_refused(
        &output,
        130,
        "stopped at a checkpoint; the same command with --resume continues",
    );
    let stopped = contents(&case.directory("stopped"));
    assert!(stopped.contains_key("tasks.part.csv") && !stopped.contains_key("tasks.csv"));

    assert!(case.run("stopped", &["--resume"]).status.success());
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("stopped"), &case.directory("whole"));
    let described = &contents(&case.directory("stopped"))["experiment.toml"];
    let described = String::from_utf8(described.clone()).unwrap();
    let version = concat!("# trainable ", env!("CARGO_PKG_VERSION"), "\n# revision ");
    assert!(described.starts_with(version), "{described}");
    assert_eq!(
        toml::from_str::<Experiment>(&described).unwrap(),
        experiment()
    );
}

#[test]
fn a_stream_of_permuted_pixels_goes_on_where_it_stood() {
    let case = Case::new();
    let random = Experiment {
        relabel_fraction: 1.0,
        ..experiment()
    };
    let permuted = Experiment {
        stream: StreamKind::PermutedPixels,
        ..random.clone()
    };
    case.write(&permuted);
    let mut child = case.spawn("stopped");
    case.await_checkpoints("stopped", &mut child, 5);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    case.write(&random);
    let output = case.run("stopped", &["--resume"]);
    let other = "stream: wanted \"random-labels\", found \"permuted-pixels\"";
    assert_refused(&output, 2, other);

    case.write(&permuted);
    assert!(case.run("stopped", &["--resume"]).status.success());
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("stopped"), &case.directory("whole"));
}

/// Every way in which a directory can be unfit to go on with. Nothing is changed by any.
#[test]
fn what_is_not_this_run_is_refused_and_left_alone() {
    let case = Case::stopped("run");
    let directory = case.directory("run");
    let checkpoint = directory.join(CHECKPOINT);
    let good = fs::read(&checkpoint).unwrap();
    let refused = |message: &str| {
        let before = contents(&directory);
        let output = case.run("run", &["--resume"]);
        assert_refused(&output, 2, message);
        assert!(
            contents(&directory) == before,
            "{message}: something was changed"
        );
    };

    let damaged = "checkpoint.safetensors is damaged: ";
    fs::write(&checkpoint, &good[..good.len() - 1]).unwrap();
    let (wanted, found) = (good.len(), good.len() - 1);
    refused(&format!("{damaged}wanted {wanted} bytes, found {found}"));
    fs::write(&checkpoint, []).unwrap();
    refused(&format!(
        "{damaged}it ends after 0 bytes, within its header"
    ));
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    fs::write(&checkpoint, &flipped).unwrap();
    refused(&format!("{damaged}its checksum is another"));

    let foreign = [0; 4];
    let foreign = TensorView::new(Dtype::F32, vec![1], &foreign).unwrap();
    fs::write(
        &checkpoint,
        safetensors::serialize([("x", foreign)], None).unwrap(),
    )
    .unwrap();
    refused("wanted a checkpoint of this program, found another safetensors file");

    let at = find(&good, b"\\\"format\\\":1");
    let mut old = good.clone();
    old[at + 11] = b'0';
    fs::write(&checkpoint, &old).unwrap();
    refused("wanted a checkpoint of format 1, found format 0");
    fs::write(&checkpoint, &good).unwrap();

    let rows = directory.join("probes.part.csv");
    let whole = fs::read(&rows).unwrap();
    fs::write(&rows, &whole[..whole.len() / 2]).unwrap();
    refused("probes.part.csv is damaged: wanted ");
    fs::write(&rows, &whole).unwrap();

    let mut other = experiment();
    other.arms[1].step_size = 0.5;
    case.write(&other);
    let field = "arms[1].step_size: wanted 0.5, found 0.01\nhint: --out takes another directory";
    refused(&format!("experiment.toml is of another run: {field}"));
    let described = directory.join("experiment.toml");
    let aside = case.directory("aside.toml");
    fs::rename(&described, &aside).unwrap();
    refused(&format!(
        "{CHECKPOINT} is of another run: experiment.{field}"
    ));
    fs::rename(&aside, &described).unwrap();
    case.write(&experiment());
    let lock = File::open(directory.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    refused("is in use by another run");
    drop(lock);

    fs::remove_file(&checkpoint).unwrap();
    fs::write(directory.join("tasks.csv"), "of somebody").unwrap();
    refused("holds the tables of a run, but no checkpoint");
    fs::remove_file(directory.join("tasks.csv")).unwrap();

    fs::write(&checkpoint, &good).unwrap();
    assert!(case.run("run", &["--resume"]).status.success());
}

/// The checkpoint with other contents and a checksum of its own.
fn forged(
    good: &[u8],
    change: impl FnOnce(&mut String, &mut BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>),
) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(good).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(good).unwrap();
    let mut tensors: BTreeMap<_, _> = file
        .iter()
        .map(|(name, view)| {
            let contents = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), contents)
        })
        .collect();
    tensors.remove("checksum");
    let standing = metadata.get_mut("trainable").unwrap();
    change(standing, &mut tensors);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(standing.as_bytes());
    for (name, (_, _, bytes)) in &tensors {
        hasher.update(name.as_bytes());
        hasher.update(bytes);
    }
    let checksum = hasher.finalize().to_le_bytes().to_vec();
    tensors.insert("checksum".to_owned(), (Dtype::U32, vec![1], checksum));
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, Some(metadata)).unwrap()
}

#[test]
fn a_forged_checkpoint_is_refused_and_left_alone() {
    let case = Case::stopped("run");
    let directory = case.directory("run");
    let checkpoint = directory.join(CHECKPOINT);
    let good = fs::read(&checkpoint).unwrap();
    assert!(forged(&good, |_, _| {}) == good, "the forger's own");
    let refused = |bytes: &[u8], message: &str| {
        fs::write(&checkpoint, bytes).unwrap();
        let before = contents(&directory);
        let output = case.run("run", &["--resume"]);
        assert_refused(&output, 2, message);
        assert!(
            contents(&directory) == before,
            "{message}: something was changed"
        );
    };
    // Words of the first replica's state: task, epoch, batch, updates.
    for (word, message) in [
        (
            1,
            "checkpoint.safetensors is damaged: epoch: wanted below 3 in replica 0, found 4294967295",
        ),
        (
            2,
            "is damaged: batch of the epoch: wanted below 4 in replica 0, found 4294967295",
        ),
        (3, "is damaged: updates: wanted "),
    ] {
        let state = forged(&good, |_, tensors| {
            tensors.get_mut("training/states").unwrap().2[word * 4..][..4].fill(0xff);
        });
        refused(&state, message);
    }
    let controls = forged(&good, |_, tensors| {
        tensors.get_mut("training/layer controls").unwrap().2[8..12].fill(0xff);
    });
    refused(&controls, "is damaged: layer control: wanted ");
    let step = forged(&good, |standing, _| {
        let from = standing.find("\"step\":").unwrap();
        let to = from + standing[from..].find(',').unwrap();
        standing.replace_range(from..to, "\"step\":4000000000");
    });
    refused(
        &step,
        "is damaged: wanted 60 steps at most, found 4000000000",
    );
    let windows = forged(&good, |standing, _| {
        *standing = standing.replacen("\"length\":30", "\"length\":3", 1);
    });
    refused(
        &windows,
        "is damaged: values of a window: wanted 30 at most of 30, found ",
    );
    let nobody = forged(&good, |standing, _| {
        let mut read: serde_json::Value = serde_json::from_str(standing).unwrap();
        read["replicas"] = serde_json::json!([]);
        *standing = read.to_string();
    });
    refused(
        &nobody,
        "its replicas are not those that train together here",
    );

    fs::write(&checkpoint, &good).unwrap();
    assert!(case.run("run", &["--resume"]).status.success());
}

/// In so little address space that 44 GB are refused wherever this runs.
#[test]
fn what_needs_more_memory_than_there_is_leaves_no_directory() {
    let case = Case::new();
    let mut huge = experiment();
    huge.arms[1].hidden = vec![1_000_000];
    case.write(&huge);
    let run = case.command("run", &[]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 8000000; exec \"$@\"", "sh"]);
    limited.arg(run.get_program()).args(run.get_args());
    let output = limited.env_remove("RUST_LOG").output().unwrap();
    let message = "leaves too little memory: ";
    assert_refused(&output, 1, message);
    let what = " MiB required for a replica of 784-1000000-10 at minibatches of 16, ";
    assert!(stderr(&output).contains(what), "{}", stderr(&output));
    assert_eq!(
        stderr(&output).matches("error").count(),
        1,
        "{}",
        stderr(&output)
    );
    assert!(!case.directory("run").exists());
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    let mut windows = bytes.windows(wanted.len());
    windows
        .position(|window| window == wanted)
        .expect("it is there")
}

/// In the middle of a run files may no longer grow: to the program it is as if the disk were full.
#[test]
fn a_full_disk_loses_nothing_that_was_written() {
    let case = Case::new();
    let command = case.command("full", &["--resume"]);
    let mut shell = Command::new("sh");
    // The signal would kill it; ignored, writing fails.
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    case.await_checkpoints("full", &mut child, 5);
    let id = child.id().to_string();
    let limit = Command::new("prlimit")
        .args(["--fsize=4096", "--pid", &id])
        .status();
    if !limit.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no prlimit to limit a process with");
        let _ = child.kill();
        child.wait().unwrap();
        return;
    }
    let output = child.wait_with_output().unwrap();
    assert_refused(&output, 1, "error: cannot write ");
    assert!(stderr(&output).contains("too large"), "{}", stderr(&output));
    let left = contents(&case.directory("full"));
    let names: Vec<_> = left.keys().map(String::as_str).collect();
    let [lock, tasks, probes] = [".lock", "tasks.part.csv", "probes.part.csv"];
    let indicators = "indicators.part.csv";
    assert_eq!(
        names,
        [
            lock,
            CHECKPOINT,
            "experiment.toml",
            indicators,
            probes,
            tasks
        ]
    );

    assert!(case.run("full", &["--resume"]).status.success());
    assert!(case.run("whole", &[]).status.success());
    assert_same(&case.directory("full"), &case.directory("whole"));
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    let case = Case::new();
    fs::write(case.directory("file"), "kept").unwrap();
    for directory in ["file", "file/below"] {
        let output = case.run(directory, &[]);
        assert_refused(&output, 1, "error: cannot write ");
    }
    assert_eq!(fs::read(case.directory("file")).unwrap(), b"kept");

    let read_only = case.directory("read-only");
    fs::create_dir(&read_only).unwrap();
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    if File::create(read_only.join("probe")).is_ok() {
        eprintln!("skipped: this user may write to read-only directories");
        return;
    }
    let output = case.run("read-only", &[]);
    assert_refused(&output, 1, "error: cannot write ");
}

/// In a mount namespace of its own, where the directory is a read-only file system: that stops root, too.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_disk_is_an_error() {
    let case = Case::new();
    let disk = case.directory("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = |command: &Command| {
        let script = "mount -t tmpfs -o ro none \"$0\" || exit 99; exec \"$@\"";
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-c", script]);
        unshare.arg(&disk).arg(command.get_program());
        unshare.args(command.get_args()).output()
    };
    match mounted(&Command::new("true")) {
        Ok(output) if output.status.success() => {}
        _ => {
            eprintln!("skipped: this user may not mount anything");
            return;
        }
    }
    for directory in ["disk", "disk/run"] {
        let output = mounted(&case.command(directory, &[])).unwrap();
        assert_refused(&output, 1, "error: cannot write ");
        let reason = stderr(&output);
        assert!(reason.contains("Read-only file system"), "{reason}");
    }
}

/// Names, shapes and numbers as PyTorch has them, in a file that says where the run stands.
#[test]
fn a_checkpoint_holds_parameters_by_their_pytorch_names() {
    let place = tempfile::tempdir().unwrap();
    let images = ImageSet::training(&data::embedded().unwrap()).unwrap();
    let arms = experiment().arms;
    let experiment = Experiment {
        arms: arms.into_iter().take(2).collect(),
        ..experiment()
    };
    let directory =
        RunDirectory::create(place.path(), &experiment, &Compute::Cpu, &images).unwrap();
    let quiet = |_: Event<'_>| {};
    let kept = run_in(directory, &experiment, &Compute::Cpu, &images, quiet).unwrap();
    let in_memory = run(&experiment, &Compute::Cpu, &images, quiet).unwrap();
    assert!(in_memory.probes.len() > 50);
    assert_eq!(kept.unwrap().0, in_memory);
    let bytes = fs::read(place.path().join(CHECKPOINT)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: String, shape: &[usize]| -> Vec<f32> {
        let tensor = file.tensor(&name).unwrap_or_else(|_| panic!("no {name}"));
        assert_eq!(
            (tensor.dtype(), tensor.shape()),
            (Dtype::F32, shape),
            "{name}"
        );
        let numbers = tensor.data().chunks(4);
        numbers
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    };

    // The second arm, as it trains without the first: nothing steers it.
    let mut alone = alone(&experiment.arms[1], &images);
    alone.train(60).unwrap();
    for (seed, layers) in [1, 2].iter().zip(alone.parameters().unwrap()) {
        for ((k, layer), [inputs, outputs]) in (1..).zip(layers).zip([[784, 8], [8, 10]]) {
            let name = |what: &str| format!("regularised/{seed}/fc{k}.{what}");
            assert_eq!(floats(name("weight"), &[outputs, inputs]), layer.weight);
            assert_eq!(floats(name("bias"), &[outputs]), layer.bias);
            assert!(layer.weight.iter().all(|w| w.is_finite()));
            assert_eq!(
                floats(name("weight.momentum_buffer"), &[outputs, inputs]).len(),
                inputs * outputs
            );
            assert!(file.tensor(&name("weight.exp_avg")).is_err());
        }
    }
    for what in ["weight.exp_avg", "weight.exp_avg_sq"] {
        let moment = floats(format!("bound, \"quoted\"/1/fc1.{what}"), &[8, 784]);
        assert!(moment.iter().any(|x| *x != 0.0), "{what}");
    }
    let names: Vec<_> = file
        .names()
        .into_iter()
        .filter(|name| name.contains("training/"))
        .collect();
    assert!(names.contains(&"training/task log"), "{names:?}");
}

/// A trainer of an arm of [`experiment`] by itself.
fn alone(arm: &Arm, images: &ImageSet) -> Trainer {
    let experiment = experiment();
    let replica = |seed: &u32| ReplicaSpec {
        seed: *seed,
        step_size: arm.step_size as f32,
        l2: arm.l2,
        l2_init: arm.l2_init,
        wasserstein: arm.wasserstein,
        optimiser: arm.optimiser,
        at_task_switch: arm.at_task_switch,
    };
    let spec = TrainingSpec {
        network: Network::new(&[784, 8, 10], arm.activation).unwrap(),
        batch: experiment.batch,
        replicas: experiment.seeds.iter().map(replica).collect(),
        stream: Some(TaskStream {
            kind: experiment.stream,
            images: images.clone(),
            subset: experiment.images,
            epochs: experiment.epochs,
            relabel_fraction: experiment.relabel_fraction,
        }),
        probe: None,
    };
    Trainer::new(&Compute::Cpu, spec).unwrap()
}
