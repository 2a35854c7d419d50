//! TensorBoard's event files of a run: one file for each replica, in `ARM/seed-N/`.
//!
//! A step is the number of parameter updates done. Layers are named `layer 1`, `layer 2` and so on, and `network`. An empty
//! cell of a table gives no point. Numbers that are not finite are written as they are, and TensorBoard marks them. A wall
//! time is the time of writing. Files hold nothing but rows, so that a file written again has the same bytes except for the
//! wall times. A TensorBoard that has read half of a file can then read the other half of its replacement.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::events::{file_start, scalars_record};
use super::{IndicatorRow, ProbeRow, TaskRow};
use crate::files::WriteError;
use crate::tasks::TaskLengths;

/// The directory of all event files, in the directory of a run.
const DIRECTORY: &str = "tensorboard";

/// An event file's name, with zeros where other programs write the time.
const FILE: &str = "events.out.tfevents.0000000000.trainable";

/// The number of characters of an arm's name that are kept in the name of its directory.
const LONGEST_NAME: usize = 60;

/// The group of a curve, and the value of a row on it.
type Curve<T> = (&'static str, fn(&T) -> Option<f64>);

/// Curves of a finished task.
const OF_TASK: [Curve<TaskRow>; 4] = [
    ("accuracy/online", |row| Some(row.online_accuracy)),
    ("accuracy/final", |row| Some(row.final_accuracy)),
    ("loss/online", |row| Some(row.online_loss)),
    ("loss/final", |row| Some(row.final_loss)),
];

/// Curves of a probe, the same for all layers.
const OF_PROBE: [Curve<ProbeRow>; 2] = [
    ("accuracy/probe", |row| Some(row.accuracy)),
    ("loss/probe", |row| Some(row.loss)),
];

/// Curves of a layer; the layer's name is appended to the group.
const OF_LAYER: [Curve<ProbeRow>; 17] = [
    ("step size", |row| Some(row.step_size)),
    ("effective step", |row| row.effective_step),
    ("sharpness", |row| row.sharpness),
    ("sharpness residual", |row| row.residual),
    ("sharpness normalised", |row| row.sharpness_normalised),
    ("volatility", |row| row.volatility),
    ("gradient norm squared", |row| Some(row.grad_norm_sq)),
    ("gradient variance", |row| Some(row.grad_variance)),
    ("noise bound", |row| row.bound_noise),
    ("volatility bound", |row| row.bound_volatility),
    ("combined bound", |row| row.bound_combined),
    ("tau bound", |row| row.bound_tau),
    ("violation", |row| row.violation.map(f64::from)),
    ("weight norm", |row| Some(row.weight_norm)),
    ("update norm", |row| Some(row.update_norm)),
    ("clip ratio", |row| row.clip_ratio),
    ("clip factor", |row| row.clip_factor),
];

/// Curves of the indicators of a minibatch.
const OF_INDICATORS: [Curve<IndicatorRow>; 7] = [
    ("units/dead", |row| row.dead),
    ("units/dormant", |row| row.dormant),
    ("units/sign entropy", |row| row.sign_entropy),
    ("rank/effective", |row| Some(row.effective_rank)),
    ("rank/stable", |row| Some(row.stable_rank)),
    ("rank/fisher", |row| Some(row.fisher_rank as f64)),
    ("rank/fisher effective", |row| {
        Some(row.fisher_effective_rank)
    }),
];

/// The replicas of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replicas<'a> {
    /// The names of the arms.
    pub(crate) arms: &'a [&'a str],
    /// The seeds of each arm.
    pub(crate) seeds: &'a [u32],
    /// The lengths of tasks.
    pub(crate) lengths: TaskLengths,
}

/// The event files of a run, which grow as its tables do.
#[derive(Debug)]
pub(crate) struct EventFiles {
    /// The path of each replica's file, by arm and seed.
    files: BTreeMap<(String, u32), PathBuf>,
    lengths: TaskLengths,
    /// The numbers of rows in the files: tasks, probes and indicators.
    written: [usize; 3],
}

impl EventFiles {
    /// Creates the files of `replicas`, without rows, in the directory of their run. Those that are there are replaced.
    pub(crate) fn create(directory: &Path, replicas: &Replicas<'_>) -> Result<Self, WriteError> {
        let start = file_start(wall_time());
        let mut files = BTreeMap::new();
        for (arm, name) in replicas.arms.iter().zip(directory_names(replicas.arms)) {
            for seed in replicas.seeds {
                let place = directory.join(DIRECTORY).join(&name);
                let place = place.join(format!("seed-{seed}"));
                let file = place.join(FILE);
                fs::create_dir_all(&place)
                    .and_then(|()| fs::write(&file, &start))
                    .map_err(|source| WriteError::new(&file, source))?;
                files.insert(((*arm).to_owned(), *seed), file);
            }
        }
        Ok(Self {
            files,
            lengths: replicas.lengths,
            written: [0; 3],
        })
    }

    /// Appends the rows that the files do not have yet. Each slice holds all rows so far. The operating system has received
    /// the rows when this returns.
    pub(crate) fn append(
        &mut self,
        tasks: &[TaskRow],
        probes: &[ProbeRow],
        indicators: &[IndicatorRow],
    ) -> Result<(), WriteError> {
        let mut points = Points::default();
        for row in &tasks[self.written[0]..] {
            let task = row.task.checked_sub(1);
            let step = task.map_or(0, |task| self.lengths.end_of(task));
            points.add((&row.arm, row.seed), step, tagged(row, &OF_TASK, ""));
        }
        for row in &probes[self.written[1]..] {
            points.add((&row.arm, row.seed), row.update.into(), probe_scalars(row));
        }
        for row in &indicators[self.written[2]..] {
            let scalars = tagged(row, &OF_INDICATORS, "");
            points.add((&row.arm, row.seed), row.update.into(), scalars);
        }
        let wall_time = wall_time();
        for ((arm, seed), file) in &self.files {
            let Some(mut points) = points.0.remove(&(&arm[..], *seed)) else {
                continue;
            };
            points.sort_by_key(|(step, _)| *step);
            let records = points.iter();
            let records = records.map(|(step, scalars)| scalars_record(wall_time, *step, scalars));
            let records: Vec<u8> = records.flatten().collect();
            let open = File::options().append(true).open(file);
            open.and_then(|mut open| open.write_all(&records))
                .map_err(|source| WriteError::new(file, source))?;
        }
        self.written = [tasks.len(), probes.len(), indicators.len()];
        Ok(())
    }
}

/// A tag and its value.
type Scalar = (String, f64);

/// A step, and its scalars.
type Point = (u64, Vec<Scalar>);

/// The points of each replica.
#[derive(Default)]
struct Points<'a>(BTreeMap<(&'a str, u32), Vec<Point>>);

impl<'a> Points<'a> {
    fn add(&mut self, replica: (&'a str, u32), step: u64, scalars: Vec<Scalar>) {
        self.0.entry(replica).or_default().push((step, scalars));
    }
}

/// The scalars of one row of a probe.
fn probe_scalars(row: &ProbeRow) -> Vec<Scalar> {
    if row.is_network() {
        let mut scalars = tagged(row, &OF_PROBE, "");
        scalars.extend(tagged(row, &OF_LAYER, "/network"));
        scalars
    } else {
        tagged(row, &OF_LAYER, &format!("/layer {}", row.layer))
    }
}

/// The scalars of `row` on `curves`, whose tags are the groups with `suffix`.
fn tagged<T>(row: &T, curves: &[Curve<T>], suffix: &str) -> Vec<Scalar> {
    let curves = curves.iter();
    curves
        .filter_map(|(group, value)| Some((format!("{group}{suffix}"), value(row)?)))
        .collect()
}

/// Returns the seconds since 1970, or 0 where the clock is earlier.
fn wall_time() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64()
}

/// Returns names of directories, one for each of `names`. A name is kept where every file system accepts it. No two are the
/// same, even on a file system that ignores case.
fn directory_names(names: &[&str]) -> Vec<String> {
    let fold = |name: &str| name.to_uppercase().to_lowercase();
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let name = safe_name(name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut free = [name.clone()].into_iter().chain(numbered);
        let is_free = |name: &String| taken.iter().all(|other| fold(other) != fold(name));
        taken.extend(free.find(is_free));
    }
    taken
}

/// Returns the first characters of `name`. Letters, digits, spaces and `-_.+=,()` are kept, and `_` replaces others. Windows
/// accepts neither a name that ends in a dot or a space, nor a device's name, with or without an extension.
fn safe_name(name: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || " -_.+=,()".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(safe).take(LONGEST_NAME).collect();
    let name = name.trim_matches([' ', '.']);
    let device = name.split('.').next().unwrap_or(name).trim_end();
    if name.is_empty() || is_device(&device.to_uppercase()) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

fn is_device(name: &str) -> bool {
    let numbered = name.strip_prefix("COM").or(name.strip_prefix("LPT"));
    let mut number = numbered.unwrap_or_default().chars();
    ["CON", "PRN", "AUX", "NUL"].contains(&name)
        || (number.next().is_some_and(char::is_numeric) && number.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_have_names_that_any_file_system_takes() {
        for (name, wanted) in [
            ("ReLU + L2 (0.001)", "ReLU + L2 (0.001)"),
            ("L2: combined", "L2_ combined"),
            ("../../etc", "_.._etc"),
            ("a\\b/c|d?e*f<g>h\"i\nj\0k", "a_b_c_d_e_f_g_h_i_j_k"),
            ("ends. . ", "ends"),
            ("", "_"),
            ("...", "_"),
            ("con", "_con"),
            ("Nul.txt", "_Nul.txt"),
            ("aux .x", "_aux .x"),
            ("COM1", "_COM1"),
            ("lpt³", "_lpt³"),
            ("COM12", "COM12"),
            ("control", "control"),
            ("Lernrate λ, 学習率", "Lernrate λ, 学習率"),
        ] {
            assert_eq!(directory_names(&[name]), [wanted], "{name:?}");
        }
        let long = "学".repeat(300);
        assert!(directory_names(&[&long])[0].len() <= 255 - "-10000".len());
    }

    #[test]
    fn two_arms_never_share_a_directory() {
        let long = "x".repeat(100);
        let longer = format!("{long}y");
        let names = [
            "a/b", "a:b", "A_B", "a_b-2", "a_b", "ß", "SS", &long, &longer,
        ];
        let cut = "x".repeat(LONGEST_NAME);
        let wanted = [
            "a_b",
            "a_b-2",
            "A_B-3",
            "a_b-2-2",
            "a_b-4",
            "ß",
            "SS-2",
            &cut,
            &format!("{cut}-2"),
        ];
        assert_eq!(directory_names(&names), wanted);
    }
}
