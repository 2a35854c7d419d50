//! Early warning: how well each bound and indicator warns that accuracy drops. These are numbers for the paper's Fig. 4.

use std::collections::HashMap;

use super::Experiment;
use crate::error::Error;
use crate::record::{ALL_ARMS, EarlyWarningRow, TaskIndicatorRow, TaskRow};
use crate::statistics::{ACCURACY_DROP, Bootstrap, IndicatorRun, lead_time, pooled_auroc};

/// A quantity that is averaged over a task.
struct Indicator {
    name: &'static str,
    /// 1, or -1 where lower values are worse.
    sign: f64,
    place: Place,
    value: fn(&TaskIndicatorRow) -> Option<f64>,
}

/// The row from which an indicator is read.
enum Place {
    /// The network's row.
    Network,
    /// The row of the layer with the largest value.
    WorstLayer,
}

const fn network(name: &'static str, value: fn(&TaskIndicatorRow) -> Option<f64>) -> Indicator {
    Indicator {
        name,
        sign: 1.0,
        place: Place::Network,
        value,
    }
}

const fn worst_layer(name: &'static str, value: fn(&TaskIndicatorRow) -> Option<f64>) -> Indicator {
    Indicator {
        place: Place::WorstLayer,
        ..network(name, value)
    }
}

const fn low(name: &'static str, value: fn(&TaskIndicatorRow) -> Option<f64>) -> Indicator {
    Indicator {
        sign: -1.0,
        ..network(name, value)
    }
}

const INDICATORS: [Indicator; 25] = [
    worst_layer("step / combined bound, worst layer", |row| {
        row.step_over_combined
    }),
    worst_layer("step / noise bound, worst layer", |row| row.step_over_noise),
    worst_layer("step / volatility bound, worst layer", |row| {
        row.step_over_volatility
    }),
    worst_layer("step / tau, worst layer", |row| row.step_over_tau),
    network("step / combined bound, network", |row| {
        row.step_over_combined
    }),
    network("step / noise bound, network", |row| row.step_over_noise),
    network("step / volatility bound, network", |row| {
        row.step_over_volatility
    }),
    network("step / tau, network", |row| row.step_over_tau),
    worst_layer("probes above the combined bound, worst layer", |row| {
        row.above_combined
    }),
    network("probes above the combined bound, network", |row| {
        row.above_combined
    }),
    worst_layer("sharpness, worst layer", |row| row.sharpness),
    network("sharpness, network", |row| row.sharpness),
    worst_layer("normalised sharpness, worst layer", |row| {
        row.sharpness_normalised
    }),
    network("normalised sharpness, network", |row| {
        row.sharpness_normalised
    }),
    network("effective step, network", |row| row.effective_step),
    network("weight norm", |row| row.weight_norm),
    network("gradient norm", |row| row.grad_norm),
    network("gradient norm / weight norm", |row| {
        row.grad_norm_over_weight_norm
    }),
    network("dead units", |row| row.dead),
    network("dormant units", |row| row.dormant),
    low("unit-sign entropy", |row| row.sign_entropy),
    low("effective rank of features", |row| row.effective_rank),
    low("stable rank of features", |row| row.stable_rank),
    low("Hessian rank (empirical Fisher, 99%)", |row| {
        row.fisher_rank
    }),
    low("Hessian rank (empirical Fisher, effective)", |row| {
        row.fisher_effective_rank
    }),
];

/// The rows of each task of each replica.
type Tasks<'a> = HashMap<(&'a str, u32, u32), Vec<&'a TaskIndicatorRow>>;

/// Computes the rows of early_warning.csv from those of tasks.csv and task_indicators.csv. Every indicator has a row over all
/// arms together, and then one over each arm in which accuracy ever drops.
///
/// # Errors
/// [`Error::Invalid`] for a NaN among the rows.
pub fn early_warning(
    experiment: &Experiment,
    tasks: &[TaskRow],
    indicators: &[TaskIndicatorRow],
) -> Result<Vec<EarlyWarningRow>, Error> {
    let mut means = Tasks::new();
    for row in indicators {
        let task = (&row.arm[..], row.seed, row.task);
        means.entry(task).or_default().push(row);
    }
    let mut rows = Vec::new();
    let names: Vec<_> = experiment.arms.iter().map(|arm| &arm.name[..]).collect();
    for (label, arms) in [(ALL_ARMS, &names[..])]
        .into_iter()
        .chain(names.iter().map(|name| (*name, std::slice::from_ref(name))))
    {
        for indicator in &INDICATORS {
            let clusters = clusters(experiment, tasks, &means, indicator, arms)?;
            rows.extend(row(&clusters, indicator, label)?);
        }
    }
    Ok(rows)
}

/// The runs of `arms`, in a cluster for each seed: runs of one seed see the same images, labels and orders.
fn clusters(
    experiment: &Experiment,
    tasks: &[TaskRow],
    means: &Tasks<'_>,
    indicator: &Indicator,
    arms: &[&str],
) -> Result<Vec<Vec<IndicatorRun>>, Error> {
    let chance = experiment.chance();
    let of_seed = |seed: &u32| {
        let runs = arms.iter().map(|arm| {
            let own = tasks
                .iter()
                .filter(|row| row.arm == *arm && row.seed == *seed);
            stretches(own, means, indicator, chance)
        });
        let runs: Result<Vec<_>, _> = runs.collect();
        runs.map(|runs| runs.into_iter().flatten().collect())
    };
    experiment.seeds.iter().map(of_seed).collect()
}

/// The row of one indicator; `None` where no run has two tasks, or accuracy never drops.
fn row(
    clusters: &[Vec<IndicatorRun>],
    indicator: &Indicator,
    label: &str,
) -> Result<Option<EarlyWarningRow>, Error> {
    let all: Vec<&IndicatorRun> = clusters.iter().flatten().collect();
    let pairs: Vec<_> = all.iter().flat_map(|run| run.pairs()).collect();
    let drops = pairs.iter().filter(|(_, drops)| *drops).count();
    if drops == 0 {
        return Ok(None);
    }
    let interval = Bootstrap::default().interval(clusters, |sample| {
        let runs: Vec<_> = sample.iter().flat_map(|cluster| cluster.iter()).collect();
        pooled_auroc(&runs)
    })?;
    let lead = lead_time(&all);
    let auroc = pooled_auroc(&all);
    Ok(Some(EarlyWarningRow {
        arm: label.to_owned(),
        indicator: indicator.name.into(),
        drops,
        pairs: pairs.len(),
        auroc,
        auroc_low: interval.map(|interval| interval.low),
        auroc_high: interval.map(|interval| interval.high),
        threshold: lead.map(|lead| lead.threshold),
        youden: lead.map(|lead| lead.youden),
        warned: lead.map(|lead| lead.warned),
        false_alarms: lead.map(|lead| lead.false_alarms),
        median_lead: lead
            .filter(|_| auroc.is_some_and(|auroc| auroc > 0.5))
            .map(|lead| lead.median),
    }))
}

/// One replica's scores and accuracies. They are cut where a task has no score, because a drop is from one task to the next.
/// A stretch of a single task has no drop and is left out.
fn stretches<'a>(
    tasks: impl Iterator<Item = &'a TaskRow>,
    means: &Tasks<'_>,
    indicator: &Indicator,
    chance: f64,
) -> Result<Vec<IndicatorRun>, Error> {
    let scored = tasks.filter_map(|row| {
        let rows = means.get(&(&row.arm[..], row.seed, row.task))?;
        let score = indicator.read(rows)?;
        Some((row.task, indicator.sign * score, row.online_accuracy))
    });
    let scored: Vec<_> = scored.collect();
    let stretches = scored.chunk_by(|before, after| before.0 + 1 == after.0);
    let long = stretches.filter(|stretch| stretch.len() > 1);
    let run = |stretch: &[(u32, f64, f64)]| {
        let tasks = stretch
            .iter()
            .map(|(_, score, accuracy)| (*score, *accuracy));
        let (scores, accuracies): (Vec<_>, Vec<_>) = tasks.unzip();
        IndicatorRun::new(&scores, &accuracies, ACCURACY_DROP, chance)
    };
    long.map(run).collect()
}

impl Indicator {
    /// Reads the indicator from the rows of one task; `None` where nothing was measured.
    fn read(&self, rows: &[&TaskIndicatorRow]) -> Option<f64> {
        let of = |is_network: bool| {
            let rows = rows
                .iter()
                .filter(move |row| row.is_network() == is_network);
            rows.copied().filter_map(self.value)
        };
        match self.place {
            Place::Network => of(true).next(),
            Place::WorstLayer => of(false).max_by(f64::total_cmp),
        }
    }
}
