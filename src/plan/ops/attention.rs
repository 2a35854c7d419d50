//! The plans of self-attention: in each direction a dispatch for the matrices of the heads, and one for the rows.

mod buffers;

pub use buffers::{AttentionBuffers, ProbeAttentionBuffers};

use super::add::{SumGradients, backward, tangent_backward};
use super::{PlanOp, Site};
use crate::kernels::{
    AttentionBackward, AttentionForward, AttentionSoftmax, AttentionSoftmaxBackward,
    AttentionTangentBackward, AttentionTangentForward, AttentionTangentSoftmax,
    AttentionTangentSoftmaxBackward, Params,
};
use crate::network::{Attention, Node};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, Grid, workgroups};
use crate::plan::probe::ProbeSite;
use crate::spec::TrainingSpec;

/// The sizes that the kernels take.
struct Sizes {
    samples: u32,
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    scale: f32,
}

impl Sizes {
    fn of(attention: Attention, spec: &TrainingSpec, node: &Node) -> Self {
        let [input, output] = [node.inputs[0], node.output].map(|id| spec.network.value(id));
        let head_units = output.units / attention.heads;
        Self {
            samples: spec.batch_rows(),
            positions: output.positions(),
            heads: attention.heads,
            head_units,
            input_columns: input.padded_units(),
            columns: output.padded_units(),
            scale: (1.0 / f64::from(head_units).sqrt()) as f32,
        }
    }

    /// The rows of all matrices.
    fn matrix_rows(&self) -> u32 {
        self.samples * self.heads * self.positions
    }

    /// The elements of the input.
    fn input_elements(&self) -> u32 {
        self.samples * self.positions * self.input_columns
    }

    /// The elements of one copy of the output.
    fn elements(&self) -> u32 {
        self.samples * self.positions * self.columns
    }
}

impl PlanOp for Attention {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let sizes = Sizes::of(*self, at.spec, at.node);
        let weights = at.buffers.attention_of(at.node.output).weights;
        vec![softmax(at, &sizes, weights), forward(at, &sizes, weights)]
    }

    fn backward(&self, at: &Site<'_>, _: bool) -> Vec<Dispatch> {
        let sizes = Sizes::of(*self, at.spec, at.node);
        let buffers = at.buffers.attention_of(at.node.output);
        let mut dispatches = vec![softmax_backward(at, &sizes, buffers.weights)];
        dispatches.extend(match buffers.input_gradients {
            None => vec![input_gradient(at, &sizes, buffers.weights, None)],
            Some(above) => vec![
                input_gradient(at, &sizes, buffers.weights, Some(above)),
                backward(at, at.input(), above),
            ],
        });
        dispatches
    }

    fn tangent_forward(&self, at: &ProbeSite<'_>, node: &Node, _: BufferId) -> Vec<Dispatch> {
        let sizes = Sizes::of(*self, at.spec, node);
        vec![
            tangent_softmax(at, node, &sizes),
            tangent_forward(at, node, &sizes),
        ]
    }

    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        _: BufferId,
    ) -> Vec<Dispatch> {
        let sizes = Sizes::of(*self, at.spec, node);
        let gradients = at.buffers.attention_of(node.output).input_gradients;
        let tangents = at.probe_buffers.attention_of(node.output);
        let above = gradients.zip(tangents.input_gradient_tangents);
        let mut dispatches = vec![
            tangent_softmax_backward(at, node, &sizes),
            input_gradient_tangents(at, node, &sizes),
        ];
        dispatches.extend(above.map(|(primal, tangents)| {
            let gradients = SumGradients {
                primal,
                tangents,
                slots: at.value_slots(node.output),
            };
            tangent_backward(at, node, node.inputs[0], gradients)
        }));
        dispatches
    }
}

/// Computes A.
fn softmax(at: &Site<'_>, sizes: &Sizes, weights: BufferId) -> Dispatch {
    let params = AttentionSoftmax {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        scale: sizes.scale,
    };
    let grid = Grid::elements::<AttentionSoftmax>(sizes.matrix_rows());
    Dispatch::new(params, [at.value(at.input()), weights], grid)
}

/// Computes the output from A.
fn forward(at: &Site<'_>, sizes: &Sizes, weights: BufferId) -> Dispatch {
    let output = at.spec.network.value(at.node.output);
    let params = AttentionForward {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        columns: sizes.columns,
        units: output.units,
        activation: output.activation as u32,
    };
    let bound = [
        at.value(at.input()),
        weights,
        at.value(at.node.output),
        at.buffers.kept_pre_activations(at.node.output),
    ];
    let grid = Grid::elements::<AttentionForward>(sizes.elements() / 4);
    Dispatch::new(params, bound, grid)
}

/// Computes dS.
fn softmax_backward(at: &Site<'_>, sizes: &Sizes, weights: BufferId) -> Dispatch {
    let params = AttentionSoftmaxBackward {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        columns: sizes.columns,
        scale: sizes.scale,
    };
    let bound = [at.value(at.input()), at.gradient(at.node.output), weights];
    let grid = Grid::elements::<AttentionSoftmaxBackward>(sizes.matrix_rows());
    Dispatch::new(params, bound, grid)
}

/// Computes the gradient with respect to f(z) of the input, into `apart` where f is not the identity.
fn input_gradient(
    at: &Site<'_>,
    sizes: &Sizes,
    weights: BufferId,
    apart: Option<BufferId>,
) -> Dispatch {
    let accumulates = apart.map_or_else(|| at.accumulates(at.input()), |_| 0);
    let params = AttentionBackward {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        columns: sizes.columns,
        accumulate: accumulates,
    };
    let bound = [
        at.value(at.input()),
        at.gradient(at.node.output),
        weights,
        apart.unwrap_or_else(|| at.gradient(at.input())),
    ];
    let grid = Grid::elements::<AttentionBackward>(sizes.input_elements());
    Dispatch::new(params, bound, grid)
}

/// Computes RA.
fn tangent_softmax(at: &ProbeSite<'_>, node: &Node, sizes: &Sizes) -> Dispatch {
    let input = node.inputs[0];
    let params = AttentionTangentSoftmax {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        scale: sizes.scale,
        slots: slots(at, node),
        all_slots: at.slots(),
    };
    let bound = [
        at.probe_buffers.slots,
        at.buffers.activations[input.index()],
        at.probe_buffers.tangents[input.index()],
        at.buffers.attention_of(node.output).weights,
        at.probe_buffers.attention_of(node.output).weight_tangents,
    ];
    let grid = each_slot::<AttentionTangentSoftmax>(sizes.matrix_rows(), params.slots);
    Dispatch::new(params, bound, grid)
}

/// Computes the tangents of the output from RA.
fn tangent_forward(at: &ProbeSite<'_>, node: &Node, sizes: &Sizes) -> Dispatch {
    let [input, output] = [node.inputs[0], node.output];
    let made = at.spec.network.value(output);
    let params = AttentionTangentForward {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        columns: sizes.columns,
        units: made.units,
        activation: made.activation as u32,
        slots: slots(at, node),
        all_slots: at.slots(),
    };
    let bound = [
        at.probe_buffers.slots,
        at.buffers.activations[input.index()],
        at.probe_buffers.tangents[input.index()],
        at.buffers.attention_of(output).weights,
        at.probe_buffers.attention_of(output).weight_tangents,
        at.buffers.derivative_argument(output),
        at.probe_buffers.tangents[output.index()],
        at.kept_tangents(output),
    ];
    let grid = each_slot::<AttentionTangentForward>(sizes.elements() / 4, params.slots);
    Dispatch::new(params, bound, grid)
}

/// Computes RdS.
fn tangent_softmax_backward(at: &ProbeSite<'_>, node: &Node, sizes: &Sizes) -> Dispatch {
    let [input, output] = [node.inputs[0], node.output];
    let params = AttentionTangentSoftmaxBackward {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        columns: sizes.columns,
        scale: sizes.scale,
        slots: slots(at, node),
        all_slots: at.slots(),
    };
    let bound = [
        at.probe_buffers.slots,
        at.buffers.activations[input.index()],
        at.probe_buffers.tangents[input.index()],
        at.buffers.attention_of(output).weights,
        at.buffers.pre_activation_gradients[output.index() - 1],
        at.probe_buffers.tangent_gradients[output.index() - 1],
        at.probe_buffers.attention_of(output).weight_tangents,
    ];
    let grid = each_slot::<AttentionTangentSoftmaxBackward>(sizes.matrix_rows(), params.slots);
    Dispatch::new(params, bound, grid)
}

/// Computes the tangents of the gradient with respect to f(z) of the input, apart where f is not the identity.
fn input_gradient_tangents(at: &ProbeSite<'_>, node: &Node, sizes: &Sizes) -> Dispatch {
    let [input, output] = [node.inputs[0], node.output];
    let buffers = at.probe_buffers.attention_of(output);
    let apart = buffers.input_gradient_tangents;
    let accumulates = apart.is_none() && at.spec.network.is_read_after(node, input);
    let params = AttentionTangentBackward {
        batch_rows: sizes.samples,
        positions: sizes.positions,
        heads: sizes.heads,
        head_units: sizes.head_units,
        input_columns: sizes.input_columns,
        columns: sizes.columns,
        slots: slots(at, node),
        all_slots: at.slots(),
        accumulate: accumulates.into(),
    };
    let bound = [
        at.probe_buffers.slots,
        at.buffers.activations[input.index()],
        at.probe_buffers.tangents[input.index()],
        at.buffers.attention_of(output).weights,
        buffers.weight_tangents,
        at.buffers.pre_activation_gradients[output.index() - 1],
        at.probe_buffers.tangent_gradients[output.index() - 1],
        apart.unwrap_or(at.probe_buffers.tangent_gradients[input.index() - 1]),
    ];
    let grid = each_slot::<AttentionTangentBackward>(sizes.input_elements(), params.slots);
    Dispatch::new(params, bound, grid)
}

/// The number of slots that reach the input. They are those of the output: attention reads the value before it.
fn slots(at: &ProbeSite<'_>, node: &Node) -> u32 {
    let slots = at.value_slots(node.output);
    debug_assert_eq!(slots, at.value_slots(node.inputs[0]));
    slots
}

/// The grid with so many invocations for each slot, with the slots along y.
fn each_slot<P: Params>(invocations: u32, slots: u32) -> [u32; 2] {
    [workgroups::<P>(invocations), slots]
}
