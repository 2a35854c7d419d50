//! Small networks with dense float64 Hessians from the oracle.

use crate::oracle;

/// Networks with every activation and one to four layers, none near a kink, each with a batch.
pub(crate) fn small_networks() -> Vec<(oracle::Mlp, Vec<f64>, Vec<u32>)> {
    use oracle::Activation::{Crelu, Fourier, Gelu, Identity, LeakyRelu, Relu, Silu, Tanh};
    let shapes: [&[usize]; 4] = [&[4, 3], &[5, 6, 3], &[3, 5, 4, 4], &[4, 5, 3, 4, 2]];
    let activations = [Identity, Relu, Crelu, LeakyRelu, Tanh, Gelu, Silu, Fourier];
    let cases = activations
        .into_iter()
        .flat_map(|activation| shapes.map(|widths| (activation, widths)));
    let network = |(activation, widths): (_, &[usize])| {
        let (inputs, classes) = (widths[0], widths[widths.len() - 1]);
        (1..)
            .map(|seed| {
                let (x, y) = oracle::batch(inputs, classes, 7, seed + 100);
                (oracle::Mlp::random(widths, activation, 1.0, seed), x, y)
            })
            .find(|(mlp, x, _)| oracle::kink_margin(mlp, x) > 1e-3)
            .expect("a seed away from kinks")
    };
    cases.map(network).collect()
}

pub(crate) fn describe(mlp: &oracle::Mlp) -> String {
    format!("{:?} {:?}", mlp.activation, mlp.widths)
}

/// The dense eigenvalues of every block and of the network, by size.
pub(crate) fn dense_eigenvalues(mlp: &oracle::Mlp, x: &[f64], y: &[u32]) -> Vec<Vec<f64>> {
    let hessian = oracle::hessian(mlp, x, y);
    let blocks = (0..mlp.layers.len()).map(|l| oracle::block(mlp, &hessian, l));
    blocks
        .chain([hessian.clone()])
        .map(|matrix| {
            oracle::eigen(&matrix)
                .iter()
                .map(|pair| pair.value)
                .collect()
        })
        .collect()
}
