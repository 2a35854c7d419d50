//! Twin of `shaders/add/add_tangent_backward.wgsl`.

use crate::cpu::Array;
use crate::cpu::activation::{add_before, add_curvature, from_number, multiply_by_derivative};
use crate::kernels::AddTangentBackward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &AddTangentBackward, arrays: &mut [Array; 6]) {
    let [
        slots,
        activations,
        lower_tangents,
        output_gradients,
        upper,
        lower,
    ] = arrays;
    let columns = params.columns as usize;
    let size = params.batch_rows as usize * columns;
    let activation = from_number(params.activation);
    let activations = activations.read::<f32>();
    let slots = slots.read::<ProbeSlot>().iter();
    let lower_tangents = lower_tangents.read::<f32>().chunks(size);
    let rd = lower.write::<f32>().chunks_mut(size);
    let rd = rd.zip(lower_tangents).zip(upper.read::<f32>().chunks(size));
    for (state, ((lower, tangents), upper)) in slots.zip(rd).take(params.slots as usize) {
        if state.status != SLOT_RUNNING {
            continue;
        }
        let before = (params.accumulate != 0).then(|| lower.to_vec());
        lower.copy_from_slice(upper);
        multiply_by_derivative(activation, columns, activations, lower);
        let gradients = output_gradients.read();
        add_curvature(activation, columns, activations, tangents, gradients, lower);
        add_before(lower, before);
    }
}
