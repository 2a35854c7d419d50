//! The plans of a sum of two values.

use super::{PlanOp, Site};
use crate::kernels::{AddBackward, AddForward, AddTangentBackward, AddTangentForward, Params};
use crate::network::{Add, Network, Node, ValueId};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, Grid, workgroups};
use crate::plan::probe::ProbeSite;

impl PlanOp for Add {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let output = at.spec.network.value(at.node.output);
        let params = AddForward {
            batch_rows: at.spec.stored_rows(at.node.output),
            columns: output.padded_units(),
            units: output.units,
            activation: output.activation as u32,
        };
        let bound = [
            at.value(at.node.inputs[0]),
            at.value(at.node.inputs[1]),
            at.value(at.node.output),
            at.buffers.kept_pre_activations(at.node.output),
        ];
        let grid = Grid::elements::<AddForward>(params.batch_rows * params.columns / 4);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, _: bool) -> Vec<Dispatch> {
        let terms = terms(&at.spec.network, at.node);
        let above = at.gradient(at.node.output);
        terms.map(|term| backward(at, term, above)).collect()
    }

    fn tangent_forward(&self, at: &ProbeSite<'_>, node: &Node, _: BufferId) -> Vec<Dispatch> {
        let (output, buffers) = (node.output, at.probe_buffers);
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let params = AddTangentForward {
            batch_rows: at.spec.stored_rows(output),
            columns: at.spec.network.value(output).padded_units(),
            activation: at.spec.network.value(output).activation as u32,
            slots: at.value_slots(output),
            left_slots: at.value_slots(left),
            right_slots: at.value_slots(right),
            all_slots: at.slots(),
        };
        let bound = [
            buffers.slots,
            buffers.tangents[left.index()],
            buffers.tangents[right.index()],
            at.buffers.derivative_argument(output),
            buffers.tangents[output.index()],
            at.kept_tangents(output),
        ];
        vec![Dispatch::new(
            params,
            bound,
            each_slot::<AddTangentForward>(params.batch_rows * params.columns, params.slots),
        )]
    }

    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        _: BufferId,
    ) -> Vec<Dispatch> {
        let terms = terms(&at.spec.network, node);
        let gradients = SumGradients::of(at, node);
        terms
            .map(|term| tangent_backward(at, node, term, gradients))
            .collect()
    }
}

/// The terms that have a gradient.
fn terms(network: &Network, node: &Node) -> impl Iterator<Item = ValueId> {
    let inputs = node.inputs.iter().copied();
    inputs.filter(|input| !network.is_constant(*input))
}

/// Computes the gradient with respect to the pre-activations of a term from `above`, the gradient with respect to its
/// activations.
pub(super) fn backward(at: &Site<'_>, term: ValueId, above: BufferId) -> Dispatch {
    let value = at.spec.network.value(term);
    let params = AddBackward {
        batch_rows: at.spec.stored_rows(at.node.output),
        columns: value.padded_units(),
        activation: value.activation as u32,
        accumulate: at.accumulates(term),
    };
    let bound = [
        at.buffers.derivative_argument(term),
        above,
        at.gradient(term),
    ];
    let grid = Grid::elements::<AddBackward>(params.batch_rows * params.columns / 4);
    Dispatch::new(params, bound, grid)
}

/// The gradients with respect to f(z) of a term: those of the sum's output.
#[derive(Clone, Copy)]
pub(super) struct SumGradients {
    /// The gradients, like the term's.
    pub(super) primal: BufferId,
    /// Their tangents, for `slots` slots.
    pub(super) tangents: BufferId,
    pub(super) slots: u32,
}

impl SumGradients {
    /// The gradients of a node's output.
    pub(super) fn of(at: &ProbeSite<'_>, node: &Node) -> Self {
        let output = node.output.index() - 1;
        Self {
            primal: at.buffers.pre_activation_gradients[output],
            tangents: at.probe_buffers.tangent_gradients[output],
            slots: at.value_slots(node.output),
        }
    }
}

/// Computes the tangents of the gradient with respect to z of one term from those with respect to f(z).
pub(super) fn tangent_backward(
    at: &ProbeSite<'_>,
    node: &Node,
    term: ValueId,
    gradients: SumGradients,
) -> Dispatch {
    let (value, buffers) = (at.spec.network.value(term), at.probe_buffers);
    let params = AddTangentBackward {
        batch_rows: at.spec.stored_rows(node.output),
        columns: value.padded_units(),
        activation: value.activation as u32,
        slots: at.value_slots(term),
        upper_slots: gradients.slots,
        all_slots: at.slots(),
        accumulate: at.spec.network.is_read_after(node, term).into(),
    };
    let bound = [
        buffers.slots,
        at.buffers.derivative_argument(term),
        at.curvature_argument(term),
        gradients.primal,
        gradients.tangents,
        buffers.tangent_gradients[term.index() - 1],
    ];
    let grid = each_slot::<AddTangentBackward>(params.batch_rows * params.columns, params.slots);
    Dispatch::new(params, bound, grid)
}

/// The grid with one invocation for each vec4 of `elements`, with the slots along y.
fn each_slot<P: Params>(elements: u32, slots: u32) -> [u32; 2] {
    [workgroups::<P>(elements / 4), slots]
}
