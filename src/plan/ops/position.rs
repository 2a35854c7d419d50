//! The plans of the position embedding.

use super::{PlanOp, Site, add};
use crate::kernels::{
    PositionBackwardParameters, PositionForward, PositionGradientNorms,
    PositionTangentBackwardParameters, PositionTangentForward,
};
use crate::network::{Network, Node, PositionEmbedding};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, Grid, workgroups};
use crate::plan::probe::{ProbeSite, ProbedNode};

impl PlanOp for PositionEmbedding {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let output = at.spec.network.value(at.node.output);
        let params = PositionForward {
            parameters_stride: at.parameters_stride(),
            offset: self.offset(&at.spec.network),
            batch_rows: at.spec.stored_rows(at.node.output),
            positions: output.positions(),
            columns: output.padded_units(),
            units: output.units,
            activation: output.activation as u32,
        };
        let bound = [
            at.buffers.parameters,
            at.value(at.input()),
            at.value(at.node.output),
            at.buffers.kept_pre_activations(at.node.output),
        ];
        let grid = Grid::elements::<PositionForward>(params.batch_rows * params.columns / 4);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch> {
        let output = at.spec.network.value(at.node.output);
        let params = PositionBackwardParameters {
            parameters_stride: at.parameters_stride(),
            offset: self.offset(&at.spec.network),
            batch: at.spec.batch,
            batch_rows: at.spec.batch_rows(),
            positions: output.positions(),
            columns: output.padded_units(),
        };
        let bound = [at.gradient(at.node.output), at.buffers.gradients];
        let elements = params.positions * params.columns;
        let grid = Grid::elements::<PositionBackwardParameters>(elements / 4);
        let input = to_input.then(|| add::backward(at, at.input(), at.gradient(at.node.output)));
        let parameters = Dispatch::new(params, bound, grid);
        input.into_iter().chain([parameters]).collect()
    }

    fn tangent_forward(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch> {
        let (output, buffers, probed) = (node.output, at.probe_buffers, at.probed(node));
        let value = at.spec.network.value(output);
        let params = PositionTangentForward {
            batch_rows: at.spec.stored_rows(output),
            positions: value.positions(),
            columns: value.padded_units(),
            activation: value.activation as u32,
            slots: probed.slots(),
            all_slots: at.slots(),
            lower_slots: at.value_slots(node.inputs[0]),
            iterates_stride: at.iterates_stride(),
            network_offset: probed.network.offset,
            block_offset: probed.block.offset,
        };
        let bound = [
            buffers.slots,
            direction,
            buffers.tangents[probed.input()],
            at.buffers.derivative_argument(output),
            buffers.tangents[output.index()],
            at.kept_tangents(output),
        ];
        let elements = params.batch_rows * params.columns;
        let grid = [
            workgroups::<PositionTangentForward>(elements / 4),
            params.slots,
        ];
        vec![Dispatch::new(params, bound, grid)]
    }

    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        _: BufferId,
    ) -> Vec<Dispatch> {
        let term = (!at.probed(node).reads_constant()).then(|| node.inputs[0]);
        let gradients = add::SumGradients::of(at, node);
        term.map(|term| add::tangent_backward(at, node, term, gradients))
            .into_iter()
            .collect()
    }

    fn tangent_backward_parameters(
        &self,
        at: &ProbeSite<'_>,
        node: &ProbedNode<'_>,
    ) -> Vec<Dispatch> {
        let (value, buffers) = (at.spec.network.value(node.node.output), at.probe_buffers);
        let params = PositionTangentBackwardParameters {
            batch: at.spec.batch,
            batch_rows: at.spec.batch_rows(),
            positions: value.positions(),
            columns: value.padded_units(),
            slots: node.slots(),
            all_slots: at.slots(),
            products_stride: at.iterates_stride(),
            network_offset: node.network.offset,
            block_offset: node.block.offset,
        };
        let bound = [
            buffers.slots,
            buffers.tangent_gradients[node.output() - 1],
            buffers.products,
        ];
        let elements = params.positions * params.columns;
        let grid = [
            workgroups::<PositionTangentBackwardParameters>(elements / 4),
            2,
        ];
        vec![Dispatch::new(params, bound, grid)]
    }

    fn sample_gradient_norms(&self, at: &ProbeSite<'_>, node: &ProbedNode<'_>) -> Vec<Dispatch> {
        let value = at.spec.network.value(node.node.output);
        let params = PositionGradientNorms {
            columns: value.padded_units(),
            batch: at.spec.batch,
            batch_rows: at.spec.batch_rows(),
            positions: value.positions(),
        };
        let bound = [
            at.buffers.pre_activation_gradients[node.output() - 1],
            at.probe_buffers.sample_norms,
        ];
        let norms = Dispatch::new(params, bound, [params.batch, 1]);
        vec![norms, at.mean_norm(node)]
    }
}

impl PositionEmbedding {
    /// The number of vec4s of a replica's parameters before E.
    fn offset(self, network: &Network) -> u32 {
        network.tensors()[self.weight].layout.start / 4
    }
}
