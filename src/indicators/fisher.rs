//! The Gram matrix of the gradients of single samples.

use faer::Mat;

use super::FISHER_SAMPLES;
use super::pass::{BlockPass, Samples};

/// The largest number of elements of sample gradients that are formed at once.
const MOST_ELEMENTS: usize = 1 << 22;

/// Computes the Gram matrix `G[s, t] = g_s . g_t` of the first [`FISHER_SAMPLES`] samples. It has the eigenvalues of the Fisher
/// matrix, except for a factor and zeros. Every block adds its share.
pub(super) fn fisher_gram(batch: usize, blocks: &[BlockPass<'_>]) -> Mat<f64> {
    let samples = batch.min(FISHER_SAMPLES);
    let mut gram = Mat::<f64>::zeros(samples, samples);
    for block in blocks {
        gram += match block {
            BlockPass::Linear { inputs, gradients } if inputs.positions == 1 => {
                linear_share(samples, inputs, gradients)
            }
            BlockPass::Linear { inputs, gradients } => shared_share(samples, inputs, gradients),
            BlockPass::SampleGradients(rows) => {
                gram_of_rows(&Mat::from_fn(samples, rows[0].len(), |s, i| rows[s][i]))
            }
        };
    }
    gram
}

fn gram_of_rows(rows: &Mat<f64>) -> Mat<f64> {
    rows * rows.transpose()
}

/// The share of a linear operation on vectors, `(d_s . d_t) (a_s . a_t + 1)`: the gradients are not formed.
fn linear_share(samples: usize, inputs: &Samples<'_>, gradients: &Samples<'_>) -> Mat<f64> {
    let [inputs, gradients] =
        [inputs, gradients].map(|part| gram_of_rows(&part.matrix(0..samples)));
    Mat::from_fn(samples, samples, |s, t| {
        gradients[(s, t)] * (inputs[(s, t)] + 1.0)
    })
}

/// The share of a linear operation that acts at several positions,
/// `sum over p, q of (a_sp . a_tq + 1) (d_sp . d_tq) = g_s . g_t` with `g_s = sum over p of [a_sp; 1] d_sp^T`. The gradients g
/// are formed for some outputs at a time.
fn shared_share(samples: usize, inputs: &Samples<'_>, gradients: &Samples<'_>) -> Mat<f64> {
    let (positions, rows) = (inputs.positions, inputs.columns() + 1);
    let outputs = gradients.columns();
    let each = (MOST_ELEMENTS / (samples * rows)).clamp(1, outputs);
    let mut gram = Mat::<f64>::zeros(samples, samples);
    for first in (0..outputs).step_by(each) {
        let end = (first + each).min(outputs);
        let mut all = Mat::<f64>::zeros(samples, rows * (end - first));
        for sample in 0..samples {
            let of_sample = sample * positions..(sample + 1) * positions;
            let mut a = inputs.matrix(of_sample.clone());
            a.resize_with(positions, rows, |_, _| 1.0);
            let d = gradients.matrix(of_sample);
            let gradient = a.transpose() * d.as_ref().subcols(first, end - first);
            for (column, element) in gradient.col_iter().flat_map(|c| c.iter()).enumerate() {
                all[(sample, column)] = *element;
            }
        }
        gram += gram_of_rows(&all);
    }
    gram
}
