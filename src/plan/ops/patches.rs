//! The plans of patches: a gather of windows forward, a sum over windows backward.

use super::{PlanOp, Site};
use crate::kernels::{
    Params, PatchesBackward, PatchesForward, PatchesTangentBackward, PatchesTangentForward,
};
use crate::network::{Activation, Node, Patches, Value};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, workgroups};
use crate::plan::probe::ProbeSite;

/// The numbers of a uniform that describe windows.
macro_rules! windows {
    ($params:ident { $($field:ident: $value:expr,)* } of $windows:expr) => {{
        let windows = $windows;
        $params {
            $($field: $value,)*
            height: windows.grid[0],
            width: windows.grid[1],
            kernel_height: windows.size[0],
            kernel_width: windows.size[1],
            stride: windows.stride,
            padding: windows.padding,
            out_height: windows.outputs[0],
            out_width: windows.outputs[1],
        }
    }};
}

impl PlanOp for Patches {
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch> {
        let output = at.spec.network.value(at.node.output);
        let layout = Layout::of(self, at.spec.network.value(at.input()));
        let params = windows!(PatchesForward {
            batch_rows: at.spec.batch_rows(),
            columns: output.columns(),
            units: layout.units,
            copies: layout.copies,
            sample_stride: layout.sample_stride,
            copy_stride: layout.copy_stride,
            channel_stride: layout.channel_stride,
            row_stride: layout.row_stride,
            column_stride: layout.column_stride,
        } of self.windows);
        let bound = [at.value(at.input()), at.value(at.node.output)];
        let grid = each_sample::<PatchesForward>(output, params.batch_rows);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch> {
        if !to_input {
            return Vec::new();
        }
        let (input, output) = (at.input(), at.node.output);
        let value = at.spec.network.value(input);
        let params = windows!(PatchesBackward {
            batch_rows: at.spec.batch_rows(),
            columns: at.spec.network.value(output).columns(),
            units: value.units,
            activation: value.activation as u32,
            accumulate: at.accumulates(input),
        } of self.windows);
        let bound = [
            at.buffers.derivative_argument(input),
            at.gradient(output),
            at.gradient(input),
        ];
        let grid = each_sample::<PatchesBackward>(&gradients(value), params.batch_rows);
        vec![Dispatch::new(params, bound, grid)]
    }

    fn tangent_forward(&self, at: &ProbeSite<'_>, node: &Node, _: BufferId) -> Vec<Dispatch> {
        let (input, output) = (node.inputs[0], node.output);
        let (made, buffers) = (at.spec.network.value(output), at.probe_buffers);
        let layout = Layout::of(self, at.spec.network.value(input));
        let (batch_rows, slots) = (at.spec.batch_rows(), at.value_slots(output));
        let params = windows!(PatchesTangentForward {
            batch_rows: batch_rows,
            columns: made.columns(),
            units: layout.units,
            copies: layout.copies,
            sample_stride: layout.sample_stride,
            copy_stride: layout.copy_stride,
            channel_stride: layout.channel_stride,
            row_stride: layout.row_stride,
            column_stride: layout.column_stride,
            slots: slots,
            lower_slots: at.value_slots(input),
            all_slots: at.slots(),
        } of self.windows);
        let bound = [
            buffers.slots,
            buffers.tangents[input.index()],
            buffers.tangents[output.index()],
        ];
        let grid = each_sample::<PatchesTangentForward>(made, batch_rows * slots);
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
        let params = windows!(PatchesTangentBackward {
            batch_rows: at.spec.batch_rows(),
            columns: network.value(output).columns(),
            units: value.units,
            activation: value.activation as u32,
            accumulate: network.is_read_after(node, input).into(),
            slots: at.value_slots(input),
            upper_slots: at.value_slots(output),
            all_slots: at.slots(),
        } of self.windows);
        let bound = [
            buffers.slots,
            at.buffers.derivative_argument(input),
            at.curvature_argument(input),
            at.buffers.pre_activation_gradients[output.index() - 1],
            buffers.tangent_gradients[output.index() - 1],
            buffers.tangent_gradients[input.index() - 1],
        ];
        let samples = params.batch_rows * params.slots;
        let grid = each_sample::<PatchesTangentBackward>(&gradients(value), samples);
        vec![Dispatch::new(params, bound, grid)]
    }
}

/// The places of an image's elements: its channels, and the distances of one element from the next.
struct Layout {
    units: u32,
    copies: u32,
    sample_stride: u32,
    copy_stride: u32,
    channel_stride: u32,
    row_stride: u32,
    column_stride: u32,
}

impl Layout {
    fn of(patches: &Patches, value: &Value) -> Self {
        let [height, width] = patches.windows.grid;
        let sample_stride = value.positions() * value.columns();
        if patches.is_planar {
            return Self {
                units: value.units / (height * width),
                copies: 1,
                sample_stride,
                copy_stride: 0,
                channel_stride: height * width,
                row_stride: width,
                column_stride: 1,
            };
        }
        Self {
            units: value.units,
            copies: value.copies(),
            sample_stride,
            copy_stride: value.padded_units(),
            channel_stride: 1,
            row_stride: width * value.columns(),
            column_stride: value.columns(),
        }
    }
}

/// A value of the shape of another one's gradients.
pub(super) fn gradients(value: &Value) -> Value {
    Value {
        activation: Activation::Identity,
        ..*value
    }
}

/// The grid with one invocation for each vec4 of a sample of a value, with the samples along y.
pub(super) fn each_sample<P: Params>(value: &Value, samples: u32) -> [u32; 2] {
    let elements = value.positions() * value.columns();
    [workgroups::<P>(elements / 4), samples]
}
