//! Twin of `shaders/probe/primal_copy.wgsl`.

use crate::cpu::Array;
use crate::kernels::PrimalCopy;
use crate::state::ProbeSegment;

pub(crate) fn run(params: &PrimalCopy, arrays: &mut [Array; 3]) {
    let [segments, source, destination] = arrays;
    let segments = segments.read::<ProbeSegment>().iter();
    for segment in segments.filter(|segment| segment.image_offset == 0) {
        let iterate = segment.iterate();
        let vector = segment.vector_offset as usize * 4;
        let vector = vector..vector + iterate.len();
        let (from, to) = match params.to_vectors {
            0 => (vector, iterate),
            _ => (iterate, vector),
        };
        destination.write::<f32>()[to].copy_from_slice(&source.read::<f32>()[from]);
    }
}
