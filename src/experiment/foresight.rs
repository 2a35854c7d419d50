//! Which bound or indicator foretells that accuracy falls? (the paper's Fig. 4 as numbers)

use serde::Serialize;

use super::{Experiment, Results};
use crate::error::Error;
use crate::report::{ACCURACY_DROP, Bootstrap, IndicatorRun, ProbeRow, lead_time, pooled_auroc};

/// How well one indicator, over one task, tells that the next task's online accuracy is lower by more
/// than [`ACCURACY_DROP`]: a row of foresight.csv.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForesightRow {
    /// The arm, or `all arms` pooled.
    pub arm: String,
    /// What is measured; where it is the lower the worse, its negative is scored.
    pub indicator: &'static str,
    /// Drops, over all seeds.
    pub drops: usize,
    /// Pairs of neighbouring tasks, over all seeds.
    pub pairs: usize,
    /// Area under the ROC curve; one half is chance.
    pub auroc: Option<f64>,
    /// Lower end of its 95% bootstrap interval over seeds.
    pub auroc_low: Option<f64>,
    /// Upper end of it.
    pub auroc_high: Option<f64>,
    /// An alarm is a score above this: where Youden's J is largest.
    pub threshold: Option<f64>,
    /// Drops with an alarm at the task before.
    pub warned: Option<usize>,
    /// Median number of tasks from the first alarm to the drop.
    pub median_lead: Option<f64>,
}

pub(super) const HEADER: [&str; 10] = [
    "arm",
    "indicator",
    "drops",
    "pairs",
    "auroc",
    "auroc_low",
    "auroc_high",
    "threshold",
    "warned",
    "median_lead",
];

/// Something measured at every probe, averaged over a task.
struct Indicator {
    name: &'static str,
    /// 1, or -1 where it is the lower the worse.
    sign: f64,
    of: Place,
    value: fn(&ProbeRow) -> Option<f64>,
}

/// Whose rows an indicator reads.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Network,
    /// The layer in which its mean over the task is largest.
    WorstLayer,
}

/// alpha over a bound; 0 where nothing bounds.
fn share(row: &ProbeRow, bound: Option<f64>) -> Option<f64> {
    let step = row.effective_step?;
    Some(bound.map_or(0.0, |bound| step / bound.max(f64::MIN_POSITIVE)))
}

const INDICATORS: [Indicator; 15] = {
    use Place::{Network, WorstLayer};
    const fn up(name: &'static str, of: Place, value: fn(&ProbeRow) -> Option<f64>) -> Indicator {
        Indicator {
            name,
            sign: 1.0,
            of,
            value,
        }
    }
    [
        up("step / combined bound, worst layer", WorstLayer, |row| {
            share(row, row.bound_combined)
        }),
        up("step / noise bound, worst layer", WorstLayer, |row| {
            share(row, row.bound_noise)
        }),
        up("step / volatility bound, worst layer", WorstLayer, |row| {
            share(row, row.bound_volatility)
        }),
        up("step / tau, worst layer", WorstLayer, |row| {
            share(row, row.bound_tau)
        }),
        up("step / combined bound, network", Network, |row| {
            share(row, row.bound_combined)
        }),
        up("step / noise bound, network", Network, |row| {
            share(row, row.bound_noise)
        }),
        up("step / volatility bound, network", Network, |row| {
            share(row, row.bound_volatility)
        }),
        up("sharpness, worst layer", WorstLayer, |row| row.sharpness),
        up("sharpness, network", Network, |row| row.sharpness),
        up("normalised sharpness, worst layer", WorstLayer, |row| {
            row.sharpness_normalised
        }),
        up("effective step, network", Network, |row| row.effective_step),
        up("weight norm", Network, |row| Some(row.weight_norm)),
        up("gradient norm", Network, |row| {
            Some(row.grad_norm_sq.sqrt())
        }),
        up("gradient norm / weight norm", Network, |row| {
            Some(row.grad_norm_sq.sqrt() / row.weight_norm)
        }),
        Indicator {
            name: "accuracy of the probed minibatches, negative",
            sign: -1.0,
            of: Network,
            value: |row| Some(row.accuracy),
        },
    ]
};

/// Every indicator over all arms together, then over each arm in which accuracy ever drops.
///
/// # Errors
/// [`Error::Invalid`] for a NaN among the rows.
pub(super) fn table(
    experiment: &Experiment,
    results: &Results,
) -> Result<Vec<ForesightRow>, Error> {
    let mut rows = Vec::new();
    let names: Vec<_> = experiment.arms.iter().map(|arm| &arm.name[..]).collect();
    for (label, arms) in [("all arms", &names[..])]
        .into_iter()
        .chain(names.iter().map(|name| (*name, std::slice::from_ref(name))))
    {
        for indicator in &INDICATORS {
            rows.extend(row(experiment, results, indicator, label, arms)?);
        }
    }
    Ok(rows)
}

/// `None` where no run has two tasks, or accuracy never drops.
fn row(
    experiment: &Experiment,
    results: &Results,
    indicator: &Indicator,
    label: &str,
    arms: &[&str],
) -> Result<Option<ForesightRow>, Error> {
    // A seed's runs are one cluster: they see the same images, labels and orders.
    let clusters = experiment
        .seeds
        .iter()
        .map(|seed| {
            let runs = arms.iter().map(|arm| run(results, indicator, arm, *seed));
            runs.filter_map(Result::transpose).collect()
        })
        .collect::<Result<Vec<Vec<IndicatorRun>>, Error>>()?;
    let all: Vec<&IndicatorRun> = clusters.iter().flatten().collect();
    let pairs: Vec<_> = all.iter().flat_map(|run| run.pairs()).collect();
    let drops = pairs.iter().filter(|(_, drops)| *drops).count();
    if drops == 0 {
        return Ok(None);
    }
    let interval = Bootstrap::default().interval(&clusters, |sample| {
        let runs: Vec<_> = sample.iter().flat_map(|cluster| cluster.iter()).collect();
        pooled_auroc(&runs)
    })?;
    let owned: Vec<IndicatorRun> = all.iter().map(|run| (*run).clone()).collect();
    let lead = lead_time(&owned);
    Ok(Some(ForesightRow {
        arm: label.to_owned(),
        indicator: indicator.name,
        drops,
        pairs: pairs.len(),
        auroc: pooled_auroc(&all),
        auroc_low: interval.map(|interval| interval.low),
        auroc_high: interval.map(|interval| interval.high),
        threshold: lead.map(|lead| lead.threshold),
        warned: lead.map(|lead| lead.warned),
        median_lead: lead.map(|lead| lead.median),
    }))
}

/// One replica's scores and accuracies, over the tasks that have both; `None` for fewer than two.
fn run(
    results: &Results,
    indicator: &Indicator,
    arm: &str,
    seed: u32,
) -> Result<Option<IndicatorRun>, Error> {
    let tasks = results
        .tasks
        .iter()
        .filter(|row| row.arm == arm && row.seed == seed);
    let probes: Vec<_> = results
        .probes
        .iter()
        .filter(|row| row.arm == arm && row.seed == seed)
        .collect();
    let scored = tasks.filter_map(|task| {
        let of_task = probes.iter().filter(|row| row.task == task.task);
        let score = task_score(indicator, &of_task.copied().collect::<Vec<_>>())?;
        Some((indicator.sign * score, task.online_accuracy))
    });
    let (scores, accuracies): (Vec<_>, Vec<_>) = scored.unzip();
    if scores.len() < 2 {
        return Ok(None);
    }
    IndicatorRun::new(&scores, &accuracies, ACCURACY_DROP).map(Some)
}

/// The mean over a task's probes, in the network or the worst layer; `None` where nothing was measured.
fn task_score(indicator: &Indicator, rows: &[&ProbeRow]) -> Option<f64> {
    let mut layers: Vec<(&str, f64, f64)> = Vec::new();
    for row in rows {
        let Some(value) = (indicator.value)(row) else {
            continue;
        };
        if row.is_network() != (indicator.of == Place::Network) {
            continue;
        }
        match layers.iter_mut().find(|(layer, ..)| *layer == row.layer) {
            Some((_, sum, count)) => {
                *sum += value;
                *count += 1.0;
            }
            None => layers.push((&row.layer, value, 1.0)),
        }
    }
    let means = layers.iter().map(|(_, sum, count)| sum / count);
    means.max_by(f64::total_cmp)
}
