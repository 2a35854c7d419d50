//! The plans of layer normalisation.

mod curvature;

use super::{PlanOp, Site};
use crate::kernels::{NormBackward, NormBackwardParameters, NormForward};
use crate::network::{LayerNorm, Network, Node, Value};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::Dispatch;
use crate::plan::probe::{ProbeSite, ProbedNode};

/// The number of rows that a workgroup handles (`ROWS` in `shaders/common/row_sum.wgsl`). Stored rows are a multiple of
/// it.
const ROWS: u32 = 4;

impl PlanOp for LayerNorm {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let output = at.spec.network.value(at.node.output);
        let params = NormForward {
            parameters_stride: at.parameters_stride(),
            offset: self.offset(&at.spec.network),
            batch_rows: at.spec.stored_rows(at.node.output),
            columns: output.padded_units(),
            units: output.units,
            activation: output.activation as u32,
            inverse_units: inverse_units(output),
            epsilon: Self::EPSILON,
        };
        let bound = [
            at.buffers.parameters,
            at.value(at.input()),
            at.value(at.node.output),
            at.buffers.kept_pre_activations(at.node.output),
            at.buffers.normalised(at.node.output),
        ];
        let grid = [params.batch_rows / ROWS, 1];
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch> {
        let input = to_input.then(|| backward(at, *self));
        let parameters = backward_parameters(at, *self);
        input.into_iter().chain([parameters]).collect()
    }

    fn tangent_forward(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch> {
        curvature::tangent_forward(at, *self, at.probed(node), direction)
    }

    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch> {
        let node = at.probed(node);
        if node.reads_constant() {
            return Vec::new();
        }
        curvature::tangent_backward_input(at, *self, node, direction)
    }

    fn tangent_backward_parameters(
        &self,
        at: &ProbeSite<'_>,
        node: &ProbedNode<'_>,
    ) -> Vec<Dispatch> {
        vec![curvature::tangent_backward_parameters(at, node)]
    }

    fn sample_gradient_norms(&self, at: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Vec<Dispatch> {
        vec![curvature::gradient_norms(at, node), at.mean_norm(node)]
    }
}

impl LayerNorm {
    /// The number of vec4s of a replica's parameters before the gain.
    fn offset(self, network: &Network) -> u32 {
        network.tensors()[self.gain].layout.start / 4
    }
}

/// Computes the gradient of the input from the gradient of the output.
fn backward(at: &Site<'_>, norm: LayerNorm) -> Dispatch {
    let input = at.spec.network.value(at.input());
    let params = NormBackward {
        parameters_stride: at.parameters_stride(),
        offset: norm.offset(&at.spec.network),
        batch_rows: at.spec.stored_rows(at.node.output),
        columns: input.padded_units(),
        units: input.units,
        activation: input.activation as u32,
        accumulate: at.accumulates(at.input()),
        inverse_units: inverse_units(input),
    };
    let bound = [
        at.buffers.parameters,
        at.buffers.normalised(at.node.output),
        at.buffers.derivative_argument(at.input()),
        at.gradient(at.node.output),
        at.buffers.value_gradients(at.node.output),
        at.gradient(at.input()),
    ];
    let grid = [params.batch_rows / ROWS, 1];
    Dispatch::new(params, bound, grid)
}

/// Computes the gradients of gain and bias.
fn backward_parameters(at: &Site<'_>, norm: LayerNorm) -> Dispatch {
    let params = NormBackwardParameters {
        parameters_stride: at.parameters_stride(),
        offset: norm.offset(&at.spec.network),
        batch: at.spec.rows(at.node.output),
        batch_rows: at.spec.stored_rows(at.node.output),
        columns: at.spec.network.value(at.node.output).padded_units(),
    };
    let bound = [
        at.buffers.normalised(at.node.output),
        at.gradient(at.node.output),
        at.buffers.gradients,
    ];
    let grid = [params.columns / 4, 1];
    Dispatch::new(params, bound, grid)
}

fn inverse_units(value: &Value) -> f32 {
    (1.0 / f64::from(value.units)) as f32
}
