//! The plans of the linear operation: one matrix product forward, two backward in one dispatch.

mod curvature;

use super::{Dual, PlanOp, Site};
use crate::kernels::{LinearBackward, LinearBackwardWeights, LinearForward};
use crate::network::{Linear, Node};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, Grid};
use crate::plan::probe::{ProbeSite, ProbedNode};
use crate::spec::TrainingSpec;

impl PlanOp for Linear {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let matrix = at.spec.network.linear_matrix(at.node, *self);
        let output = at.spec.network.value(at.node.output);
        let params = LinearForward {
            parameters_stride: at.parameters_stride(),
            offset: matrix.offset,
            rows: matrix.rows,
            columns: matrix.columns,
            batch_rows: at.spec.stored_rows(at.node.output),
            activation: output.activation as u32,
            units: output.units,
        };
        let bound = [
            at.buffers.parameters,
            at.value(at.input()),
            at.value(at.node.output),
            at.buffers.kept_pre_activations(at.node.output),
        ];
        let grid = Grid::matrix(matrix.columns, params.batch_rows);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch> {
        vec![if to_input {
            backward(at, *self)
        } else {
            backward_weights(at, *self)
        }]
    }

    fn tangent_forward(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch> {
        vec![curvature::tangent_forward(at, at.probed(node), direction)]
    }

    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch> {
        let node = at.probed(node);
        let input = (!node.reads_constant())
            .then(|| curvature::tangent_backward_input(at, node, direction));
        input.into_iter().collect()
    }

    fn tangent_backward_parameters(
        &self,
        at: &ProbeSite<'_>,
        node: &ProbedNode<'_>,
    ) -> Vec<Dispatch> {
        curvature::tangent_backward_weights(at, node)
    }

    fn sample_gradient_norms(&self, at: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Vec<Dispatch> {
        curvature::gradient_norms(at, node)
    }

    /// The dual form replaces two products with the inputs, 4 B inputs outputs flop, by one product with their Gram
    /// matrix, 2 B^2 outputs flop.
    fn dual(&self, spec: &TrainingSpec, node: &Node) -> Option<Dual> {
        let matrix = spec.network.linear_matrix(node, *self);
        let samples = spec.stored_rows(node.output);
        let elements = u64::from(samples) * u64::from(matrix.columns);
        Some(Dual {
            length: (elements / 4) as u32,
            is_cheaper: samples < 2 * matrix.rows,
        })
    }

    fn dual_start(&self, at: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Vec<Dispatch> {
        curvature::dual_start(at, node)
    }

    fn dual_vectors(&self, at: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Vec<Dispatch> {
        curvature::dual_vectors(at, node)
    }
}

/// Computes the gradients of the input and of the weights from the gradient of the output.
fn backward(at: &Site<'_>, linear: Linear) -> Dispatch {
    let matrix = at.spec.network.linear_matrix(at.node, linear);
    let input = at.spec.network.value(at.input());
    let params = LinearBackward {
        parameters_stride: at.parameters_stride(),
        offset: matrix.offset,
        rows: matrix.rows,
        columns: matrix.columns,
        batch: at.spec.rows(at.node.output),
        batch_rows: at.spec.stored_rows(at.node.output),
        activation: input.activation as u32,
        accumulate: at.accumulates(at.input()),
    };
    let bound = [
        at.buffers.parameters,
        at.value(at.input()),
        at.buffers.kept_pre_activations(at.input()),
        at.gradient(at.node.output),
        at.gradient(at.input()),
        at.buffers.gradients,
    ];
    let grid = Grid::Pair([
        [input.padded_units(), params.batch_rows],
        [matrix.columns, matrix.rows + 1],
    ]);
    Dispatch::new(params, bound, grid)
}

/// Computes the gradient of the weights alone.
fn backward_weights(at: &Site<'_>, linear: Linear) -> Dispatch {
    let matrix = at.spec.network.linear_matrix(at.node, linear);
    let params = LinearBackwardWeights {
        parameters_stride: at.parameters_stride(),
        offset: matrix.offset,
        rows: matrix.rows,
        columns: matrix.columns,
        batch: at.spec.rows(at.node.output),
        batch_rows: at.spec.stored_rows(at.node.output),
    };
    let bound = [
        at.value(at.input()),
        at.gradient(at.node.output),
        at.buffers.gradients,
    ];
    let grid = Grid::matrix(matrix.columns, matrix.rows + 1);
    Dispatch::new(params, bound, grid)
}
