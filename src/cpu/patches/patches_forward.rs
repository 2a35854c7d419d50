//! Twin of `shaders/patches/patches_forward.wgsl`.

use rayon::prelude::*;

use super::{Cutter, gather};
use crate::cpu::Array;
use crate::kernels::PatchesForward;

pub(crate) fn run(params: &PatchesForward, arrays: &mut [Array; 2]) {
    let [inputs, outputs] = arrays;
    let gather = gather!(params);
    let samples = inputs
        .read::<f32>()
        .par_chunks(params.sample_stride as usize);
    let patches = outputs.write::<f32>().par_chunks_mut(gather.size());
    let samples = patches.zip(samples);
    let scratch = || Cutter::new(gather);
    samples.for_each_init(scratch, |cutter, (patches, image)| {
        cutter.sample(image, patches);
    });
}
