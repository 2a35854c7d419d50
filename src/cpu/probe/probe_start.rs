//! Twin of `shaders/probe/probe_start.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::kernels::ProbeStart;
use crate::rng::{Stream, draw, unit_uniform};
use crate::state::{ProbeSegment, ProbeSlot, ReplicaConfig, TensorLayout};

pub(crate) fn run(params: &ProbeStart, arrays: &mut [Array; 5]) {
    let [configs, slots, segments, tensors, vectors] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0]
        .seed
        .wrapping_add(params.seed);
    let slots = slots.read::<ProbeSlot>();
    let (network, blocks) = segments
        .read::<ProbeSegment>()
        .split_at(params.blocks as usize);
    let tensors = tensors.read::<TensorLayout>();
    // The blocks' vectors come first.
    let vectors = vectors.write::<f32>().chunks_mut(params.stride as usize);
    for (vector, segments) in vectors.zip([blocks, network]) {
        for tensor in tensors {
            let segment = &segments[tensor.block as usize];
            if params.cold == 0 && slots[segment.slot as usize].has_vector != 0 {
                continue;
            }
            let stream = segment.slot * params.blocks + tensor.block;
            let draw = |pair| draw(seed, Stream::Probe, stream, pair);
            start_vector(tensor, segment, draw, &mut vector[tensor.elements()]);
        }
    }
}

/// Draws a segment's elements of one tensor; `draw` returns the random word of a pair of elements.
fn start_vector(
    tensor: &TensorLayout,
    segment: &ProbeSegment,
    draw: impl Fn(u32) -> u32 + Sync,
    elements: &mut [f32],
) {
    let rows = elements.par_chunks_mut(tensor.columns as usize);
    rows.enumerate().for_each(|(row, elements)| {
        elements.fill(0.0);
        let Some(input) = tensor.input_of(row as u32) else {
            return;
        };
        for (column, element) in (0..tensor.outputs).zip(elements) {
            let place = tensor.first_place + column * tensor.inputs + input;
            let is_left_over = place.is_multiple_of(2) && place + 1 == segment.parameters;
            *element =
                segment.magnitude * point_on_circle(draw(place / 2), place % 2 == 1, is_left_over);
        }
    });
}

/// The first or second coordinate of a random point on the unit circle; 1 or -1 for an unpaired element.
fn point_on_circle(bits: u32, is_second: bool, is_left_over: bool) -> f32 {
    let t = if is_left_over {
        0.0
    } else {
        unit_uniform(bits)
    };
    let (numerator, sign) = if is_second {
        (2.0 * t, bits & 2)
    } else {
        (1.0 - t * t, bits & 1)
    };
    let size = numerator / (1.0 + t * t);
    if sign != 0 { -size } else { size }
}
