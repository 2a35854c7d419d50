//! The plans of pools. Maxima are computed again from the inputs wherever they are needed, so that nothing is stored.

use super::patches::{each_sample, gradients, windows};
use super::{PlanOp, Site};
use crate::kernels::{PoolBackward, PoolForward, PoolTangentBackward, PoolTangentForward};
use crate::network::{Node, Pool, PoolKind};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::Dispatch;
use crate::plan::probe::ProbeSite;

impl Pool {
    fn is_maximum(&self) -> u32 {
        u32::from(self.kind == PoolKind::Maximum)
    }

    /// The share of one element in a mean.
    fn share(&self) -> f32 {
        (1.0 / self.windows.area() as f64) as f32
    }
}

impl PlanOp for Pool {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let input = at.spec.network.value(at.input());
        let output = at.spec.network.value(at.node.output);
        let params = windows!(PoolForward {
            batch_rows: at.spec.batch_rows(),
            columns: output.padded_units(),
            units: output.units,
            activation: output.activation as u32,
            copy_units: input.units,
            copies: input.copies(),
            is_maximum: self.is_maximum(),
            share: self.share(),
        } of self.windows);
        let bound = [
            at.value(at.input()),
            at.value(at.node.output),
            at.buffers.kept_pre_activations(at.node.output),
        ];
        let grid = each_sample::<PoolForward>(&gradients(output), params.batch_rows);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch> {
        if !to_input {
            return Vec::new();
        }
        let (input, output) = (at.input(), at.node.output);
        let value = at.spec.network.value(input);
        let params = windows!(PoolBackward {
            batch_rows: at.spec.batch_rows(),
            columns: at.spec.network.value(output).padded_units(),
            activation: value.activation as u32,
            accumulate: at.accumulates(input),
            copy_units: value.units,
            copies: value.copies(),
            is_maximum: self.is_maximum(),
            share: self.share(),
        } of self.windows);
        let bound = [
            at.value(input),
            at.buffers.kept_pre_activations(input),
            at.gradient(output),
            at.gradient(input),
        ];
        let grid = each_sample::<PoolBackward>(&gradients(value), params.batch_rows);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn tangent_forward(&self, at: &ProbeSite<'_>, node: &Node, _: BufferId) -> Vec<Dispatch> {
        let (input, output) = (node.inputs[0], node.output);
        let (network, buffers) = (&at.spec.network, at.probe_buffers);
        let (read, made) = (network.value(input), network.value(output));
        let params = windows!(PoolTangentForward {
            batch_rows: at.spec.batch_rows(),
            columns: made.padded_units(),
            activation: made.activation as u32,
            copy_units: read.units,
            copies: read.copies(),
            is_maximum: self.is_maximum(),
            share: self.share(),
            slots: at.value_slots(output),
            lower_slots: at.value_slots(input),
            all_slots: at.slots(),
        } of self.windows);
        let bound = [
            buffers.slots,
            at.buffers.activations[input.index()],
            buffers.tangents[input.index()],
            at.buffers.derivative_argument(output),
            buffers.tangents[output.index()],
            at.kept_tangents(output),
        ];
        let samples = params.batch_rows * params.slots;
        let grid = each_sample::<PoolTangentForward>(&gradients(made), samples);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        _: BufferId,
    ) -> Vec<Dispatch> {
        let (input, output) = (node.inputs[0], node.output);
        let (network, buffers) = (&at.spec.network, at.probe_buffers);
        if network.is_constant(input) {
            return Vec::new();
        }
        let value = network.value(input);
        let params = windows!(PoolTangentBackward {
            batch_rows: at.spec.batch_rows(),
            columns: network.value(output).padded_units(),
            activation: value.activation as u32,
            accumulate: network.is_read_after(node, input).into(),
            copy_units: value.units,
            copies: value.copies(),
            is_maximum: self.is_maximum(),
            share: self.share(),
            slots: at.value_slots(input),
            upper_slots: at.value_slots(output),
            all_slots: at.slots(),
        } of self.windows);
        let bound = [
            buffers.slots,
            at.buffers.activations[input.index()],
            at.buffers.kept_pre_activations(input),
            at.curvature_argument(input),
            at.buffers.pre_activation_gradients[output.index() - 1],
            buffers.tangent_gradients[output.index() - 1],
            buffers.tangent_gradients[input.index() - 1],
        ];
        let samples = params.batch_rows * params.slots;
        let grid = each_sample::<PoolTangentBackward>(&gradients(value), samples);
        vec![Dispatch::new(params, bound, grid)]
    }
}
