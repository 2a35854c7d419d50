//! The linear operation: one product a direction.

use super::{PlanOp, Site};
use crate::kernels::{LinearBackwardInput, LinearBackwardWeights, LinearForward};
use crate::network::Linear;
use crate::plan::dispatch::{Dispatch, Grid};

impl PlanOp for Linear {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let matrix = at.spec.network.linear_matrix(at.node);
        let params = LinearForward {
            parameters_stride: at.parameters_stride(),
            offset: matrix.offset,
            rows: matrix.rows,
            columns: matrix.columns,
            batch_rows: at.spec.batch_rows(),
            activation: at.spec.network.value(at.node.output).activation as u32,
        };
        let bound = [
            at.buffers.parameters,
            at.value(at.input()),
            at.value(at.node.output),
        ];
        let grid = Grid::matrix(matrix.columns, at.spec.batch_rows());
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch> {
        let input = to_input.then(|| backward_input(at));
        input.into_iter().chain([backward_weights(at)]).collect()
    }
}

/// From the gradient of the output to that of the input.
fn backward_input(at: &Site<'_>) -> Dispatch {
    let matrix = at.spec.network.linear_matrix(at.node);
    let input = at.spec.network.value(at.input());
    let params = LinearBackwardInput {
        parameters_stride: at.parameters_stride(),
        offset: matrix.offset,
        rows: matrix.rows,
        columns: matrix.columns,
        batch_rows: at.spec.batch_rows(),
        activation: input.activation as u32,
    };
    let bound = [
        at.buffers.parameters,
        at.value(at.input()),
        at.gradient(at.node.output),
        at.gradient(at.input()),
    ];
    let grid = Grid::matrix(input.padded_units(), at.spec.batch_rows());
    Dispatch::new(params, bound, grid)
}

fn backward_weights(at: &Site<'_>) -> Dispatch {
    let matrix = at.spec.network.linear_matrix(at.node);
    let params = LinearBackwardWeights {
        parameters_stride: at.parameters_stride(),
        offset: matrix.offset,
        rows: matrix.rows,
        columns: matrix.columns,
        batch: at.spec.batch,
        batch_rows: at.spec.batch_rows(),
    };
    let bound = [
        at.value(at.input()),
        at.gradient(at.node.output),
        at.buffers.gradients,
    ];
    let grid = Grid::matrix(matrix.columns, matrix.rows + 1);
    Dispatch::new(params, bound, grid)
}
