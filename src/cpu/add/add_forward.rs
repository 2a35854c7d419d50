//! Twin of `shaders/add/add_forward.wgsl`.

use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::kernels::AddForward;

pub(crate) fn run(params: &AddForward, arrays: &mut [Array; 4]) {
    let [left, right, outputs, pre_activations] = arrays;
    let (columns, units) = (params.columns as usize, params.units as usize);
    let rows = params.batch_rows as usize;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let terms = left.read::<f32>().chunks(columns);
    let terms = terms.zip(right.read::<f32>().chunks(columns));
    let kept = activation.keeps_pre_activations();
    let kept = optional_chunks(kept.then(|| pre_activations.write()), rows, columns);
    let outputs = outputs.write::<f32>().chunks_mut(stride);
    for ((output, (left, right)), kept) in outputs.zip(terms).zip(kept) {
        for ((z, left), right) in output.iter_mut().zip(left).zip(right) {
            *z = left + right;
        }
        write_value(activation, columns, units, output, kept);
    }
}
