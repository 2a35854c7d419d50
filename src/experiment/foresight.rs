//! Which bound or indicator foretells that accuracy falls? (the paper's Fig. 4 as numbers)

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::results::mean;
use super::{Experiment, Results};
use crate::data::CLASSES;
use crate::error::Error;
use crate::report::{
    ACCURACY_DROP, Bootstrap, IndicatorRow, IndicatorRun, ProbeRow, lead_time, pooled_auroc,
};

/// How well one indicator, over one task, tells that the next task's online accuracy is lower by more
/// than [`ACCURACY_DROP`]: a row of foresight.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForesightRow {
    /// The arm, or `all arms` pooled.
    pub arm: String,
    /// What is measured; where it is the lower the worse, its negative is scored.
    pub indicator: Cow<'static, str>,
    /// Drops, over all seeds.
    pub drops: usize,
    /// Pairs of neighbouring tasks between which accuracy can drop, over all seeds.
    pub pairs: usize,
    /// Area under the ROC curve; one half is chance.
    pub auroc: Option<f64>,
    /// Lower end of its 95% bootstrap interval over seeds.
    pub auroc_low: Option<f64>,
    /// Upper end of it.
    pub auroc_high: Option<f64>,
    /// An alarm is a score above this: where Youden's J is largest.
    pub threshold: Option<f64>,
    /// Youden's J there: the share of drops with an alarm less that of other pairs with one.
    pub youden: Option<f64>,
    /// Drops with an alarm at the task before.
    pub warned: Option<usize>,
    /// Alarms that no drop followed.
    pub false_alarms: Option<usize>,
    /// Median number of tasks from the first alarm to the drop; none where the area is one half or less, since an
    /// alarm that is always on leads every drop.
    pub median_lead: Option<f64>,
}

/// What [`ForesightRow::arm`] says of all arms together.
pub(crate) const ALL_ARMS: &str = "all arms";

pub(crate) const HEADER: [&str; 12] = [
    "arm",
    "indicator",
    "drops",
    "pairs",
    "auroc",
    "auroc_low",
    "auroc_high",
    "threshold",
    "youden",
    "warned",
    "false_alarms",
    "median_lead",
];

/// Something measured at every probe, or at some, and averaged over a task.
struct Indicator {
    name: &'static str,
    /// 1, or -1 where it is the lower the worse.
    sign: f64,
    value: Value,
}

/// Where an indicator is read.
enum Value {
    /// In the network's rows of probes.csv.
    Network(fn(&ProbeRow) -> Option<f64>),
    /// In the rows of the layer in which its mean over the task is largest.
    WorstLayer(fn(&ProbeRow) -> Option<f64>),
    /// In the rows of indicators.csv.
    Minibatch(fn(&IndicatorRow) -> Option<f64>),
}

/// alpha over a bound; 0 where the bound is infinite, nothing where none was measured.
fn share(row: &ProbeRow, bound: Option<f64>) -> Option<f64> {
    row.violation?;
    let step = row.effective_step?;
    Some(bound.map_or(0.0, |bound| step / bound.max(f64::MIN_POSITIVE)))
}

/// 1 where alpha is above the combined bound, else 0: its mean is the share of such probes.
fn violations(row: &ProbeRow) -> Option<f64> {
    row.violation.map(|violates| f64::from(u8::from(violates)))
}

const fn high(name: &'static str, value: Value) -> Indicator {
    let sign = 1.0;
    Indicator { name, sign, value }
}

const fn low(name: &'static str, value: Value) -> Indicator {
    let sign = -1.0;
    Indicator { name, sign, value }
}

const INDICATORS: [Indicator; 25] = {
    use Value::{Minibatch, Network, WorstLayer};
    [
        high(
            "step / combined bound, worst layer",
            WorstLayer(|row| share(row, row.bound_combined)),
        ),
        high(
            "step / noise bound, worst layer",
            WorstLayer(|row| share(row, row.bound_noise)),
        ),
        high(
            "step / volatility bound, worst layer",
            WorstLayer(|row| share(row, row.bound_volatility)),
        ),
        high(
            "step / tau, worst layer",
            WorstLayer(|row| share(row, row.bound_tau)),
        ),
        high(
            "step / combined bound, network",
            Network(|row| share(row, row.bound_combined)),
        ),
        high(
            "step / noise bound, network",
            Network(|row| share(row, row.bound_noise)),
        ),
        high(
            "step / volatility bound, network",
            Network(|row| share(row, row.bound_volatility)),
        ),
        high(
            "step / tau, network",
            Network(|row| share(row, row.bound_tau)),
        ),
        high(
            "probes above the combined bound, worst layer",
            WorstLayer(violations),
        ),
        high(
            "probes above the combined bound, network",
            Network(violations),
        ),
        high("sharpness, worst layer", WorstLayer(|row| row.sharpness)),
        high("sharpness, network", Network(|row| row.sharpness)),
        high(
            "normalised sharpness, worst layer",
            WorstLayer(|row| row.sharpness_normalised),
        ),
        high(
            "normalised sharpness, network",
            Network(|row| row.sharpness_normalised),
        ),
        high("effective step, network", Network(|row| row.effective_step)),
        high("weight norm", Network(|row| Some(row.weight_norm))),
        high(
            "gradient norm",
            Network(|row| Some(row.grad_norm_sq.sqrt())),
        ),
        high(
            "gradient norm / weight norm",
            Network(|row| Some(row.grad_norm_sq.sqrt() / row.weight_norm)),
        ),
        high("dead units", Minibatch(|row| row.dead)),
        high("dormant units", Minibatch(|row| row.dormant)),
        low("unit-sign entropy", Minibatch(|row| row.sign_entropy)),
        low(
            "effective rank of features",
            Minibatch(|row| Some(row.effective_rank)),
        ),
        low(
            "stable rank of features",
            Minibatch(|row| Some(row.stable_rank)),
        ),
        low(
            "Hessian rank (empirical Fisher, 99%)",
            Minibatch(|row| Some(row.fisher_rank as f64)),
        ),
        low(
            "Hessian rank (empirical Fisher, effective)",
            Minibatch(|row| Some(row.fisher_effective_rank)),
        ),
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
    for (label, arms) in [(ALL_ARMS, &names[..])]
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
    let lead = lead_time(&all);
    let auroc = pooled_auroc(&all);
    Ok(Some(ForesightRow {
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

/// One replica's scores and accuracies, over the tasks that have both; `None` for fewer than two.
fn run(
    results: &Results,
    indicator: &Indicator,
    arm: &str,
    seed: u32,
) -> Result<Option<IndicatorRun>, Error> {
    let probes = results.probes.iter();
    let minibatches = results.indicators.iter();
    let record = Record {
        probes: probes
            .filter(|row| row.arm == arm && row.seed == seed)
            .collect(),
        minibatches: minibatches
            .filter(|row| row.arm == arm && row.seed == seed)
            .collect(),
    };
    let tasks = results.tasks.iter();
    let scored = tasks
        .filter(|row| row.arm == arm && row.seed == seed)
        .filter_map(|row| {
            let score = record.mean_over(row.task, &indicator.value)?;
            Some((indicator.sign * score, row.online_accuracy))
        });
    let (scores, accuracies): (Vec<_>, Vec<_>) = scored.unzip();
    if scores.len() < 2 {
        return Ok(None);
    }
    IndicatorRun::new(&scores, &accuracies, ACCURACY_DROP, 1.0 / CLASSES as f64).map(Some)
}

/// What was measured of one replica.
struct Record<'a> {
    probes: Vec<&'a ProbeRow>,
    minibatches: Vec<&'a IndicatorRow>,
}

impl Record<'_> {
    /// `None` where nothing was measured in the task.
    fn mean_over(&self, task: u32, value: &Value) -> Option<f64> {
        let probes = || self.probes.iter().filter(|row| row.task == task).copied();
        match value {
            Value::Network(value) => {
                mean(probes().filter(|row| row.is_network()).filter_map(value))
            }
            Value::WorstLayer(value) => {
                let layers = || probes().filter(|row| !row.is_network());
                let names: BTreeSet<_> = layers().map(|row| &row.layer).collect();
                let means = names.into_iter().filter_map(|name| {
                    mean(layers().filter(|row| row.layer == *name).filter_map(value))
                });
                means.max_by(f64::total_cmp)
            }
            Value::Minibatch(value) => {
                let rows = self.minibatches.iter().filter(|row| row.task == task);
                mean(rows.copied().filter_map(value))
            }
        }
    }
}
