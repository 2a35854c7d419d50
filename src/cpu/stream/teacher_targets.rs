//! Twin of `shaders/stream/teacher_targets.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::rows_per_task;
use crate::kernels::TeacherTargets;
use crate::state::{ReplicaConfig, ReplicaState};
use crate::tasks::Teacher;

pub(crate) fn run(params: &TeacherTargets, arrays: &mut [Array; 5]) {
    let [configs, states, images, labels, targets] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let task = states.read::<ReplicaState>()[0].task;
    let (pixels, outputs) = (params.pixels, params.classes);
    let teacher = Teacher::new(seed, task, params.replaced, pixels, outputs);
    let (words, columns) = (params.words as usize, params.columns as usize);
    let images = images.read::<u32>();
    let targets = targets.write::<f32>();
    targets.fill(0.0);
    let write_row = |(image, targets): (&u32, &mut [f32])| {
        let image = &images[*image as usize * words..][..words];
        pulp::Arch::new().dispatch(|| match params.floats {
            0 => teacher.write_targets::<u8>(bytemuck::cast_slice(image), targets),
            _ => teacher.write_targets::<f32>(bytemuck::cast_slice(image), targets),
        });
    };
    let samples = &labels.read::<u32>()[..params.batch as usize];
    let rows = targets.par_chunks_mut(rows_per_task() * columns);
    rows.zip(samples.par_chunks(rows_per_task()))
        .for_each(|(targets, samples)| {
            samples
                .iter()
                .zip(targets.chunks_mut(columns))
                .for_each(write_row);
        });
}
