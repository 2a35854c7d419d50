//! One program on the CPU executor and on an adapter, and the comparison of its buffers.

use crate::common::{Tolerance, compare, read_buffer};
use crate::fillings::fillings;
use bytemuck::cast_slice;
use trainable::cpu::CpuExecutor;
use trainable::gpu::{Gpu, Recorder, Tiling};
use trainable::plan::{BufferId, Dispatch, Elements, Plan, Program};

pub(crate) const TOLERANCE: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};

/// Every variant of every kernel: all plain ones, and then the products' others.
pub(crate) const TILINGS: [Tiling; 3] = [Tiling::Plain, Tiling::Wide, Tiling::Deep];

/// Whether this dispatch is compared with this tiling. A kernel without other variants is compared as a plain one only.
pub(crate) fn is_compared(dispatch: &Dispatch, tiling: Tiling) -> bool {
    tiling == TILINGS[0] || !dispatch.kernel.tiled.is_empty()
}

/// One program on the CPU executor and on an adapter.
pub(crate) struct Pair<'a> {
    pub(crate) program: &'a Program,
    pub(crate) cpu: CpuExecutor,
    pub(crate) gpu: &'a Gpu,
    pub(crate) recorder: Recorder,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(program: &'a Program, gpu: &'a Gpu, tiling: Tiling) -> Self {
        let recorder = Recorder::new(&gpu.device, program).unwrap();
        let recorder = recorder.with_tiling(tiling);
        Self {
            program,
            cpu: CpuExecutor::new(program),
            gpu,
            recorder,
        }
    }

    pub(crate) fn fill(&mut self, seed: u32) {
        for (id, words) in fillings(self.program, seed) {
            self.write(id, &words);
        }
    }

    /// Sets a buffer of all replicas on both sides.
    pub(crate) fn write(&mut self, id: BufferId, words: &[u32]) {
        write_words(&mut self.cpu, self.program, id, words);
        let buffer = self.recorder.buffer(id);
        self.gpu.queue.write_buffer(buffer, 0, cast_slice(words));
    }

    /// Returns the words of a buffer, which must be the same on both sides.
    pub(crate) fn assert_same_bits(&self, id: BufferId) -> Vec<u32> {
        let (found, wanted) = (self.gpu_words(id), self.cpu_words(id));
        let buffer = &self.program.buffer(id).name;
        assert!(found == wanted, "{}: {buffer}", self.gpu.adapter);
        found
    }

    pub(crate) fn run(&mut self, dispatch: &Dispatch) {
        let plan = alone(dispatch);
        self.cpu.run(&plan, 1);
        let prepared = self.recorder.prepare(&self.gpu.device, &plan).unwrap();
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        prepared.encode(&mut encoder, 1);
        self.gpu.queue.submit([encoder.finish()]);
    }

    pub(crate) fn gpu_words(&self, id: BufferId) -> Vec<u32> {
        read_buffer(&self.gpu.device, &self.gpu.queue, self.recorder.buffer(id))
    }

    pub(crate) fn cpu_words(&self, id: BufferId) -> Vec<u32> {
        words_of(&self.cpu, self.program, id)
    }
}

/// All dispatches of all plans.
pub(crate) fn dispatches(program: &Program) -> Vec<&Dispatch> {
    let steps = program.steps.as_ref().expect("a stream was given");
    let probe = program.probe.as_ref().expect("a probe was given");
    [&program.initialise, &steps.step, &steps.task_end]
        .into_iter()
        .chain(&steps.task_switch)
        .chain(steps.periodic.iter().map(|periodic| &periodic.plan))
        .chain([&probe.begin])
        .chain(&probe.refresh)
        .chain([&probe.iterate, &probe.end])
        .flat_map(|plan| &plan.dispatches)
        .collect()
}

/// The dispatches that must run before `dispatches[number]`: a scatter writes to places that follow from its own
/// keys, or two elements would go to one place.
pub(crate) fn preparation<'a>(dispatches: &'a [&Dispatch], number: usize) -> &'a [&'a Dispatch] {
    match dispatches[number].kernel.name {
        "radix_scatter" => &dispatches[number - 2..number],
        _ => &[],
    }
}

/// Makes a plan of one dispatch, which the CPU executor runs by its own twin.
pub(crate) fn alone(dispatch: &Dispatch) -> Plan {
    let dispatch = Dispatch {
        fused: None,
        ..dispatch.clone()
    };
    Plan {
        name: dispatch.kernel.name,
        dispatches: vec![dispatch],
    }
}

/// Sets a buffer of all replicas on the CPU executor.
pub(crate) fn write_words(cpu: &mut CpuExecutor, program: &Program, id: BufferId, words: &[u32]) {
    let parts = words.chunks(words.len() / program.replicas as usize);
    parts
        .enumerate()
        .for_each(|(r, part)| cpu.write(id, r, part));
}

/// Reads a buffer of all replicas on the CPU executor.
pub(crate) fn words_of(cpu: &CpuExecutor, program: &Program, id: BufferId) -> Vec<u32> {
    let parts = if program.buffer(id).shared {
        1
    } else {
        program.replicas
    };
    (0..parts as usize)
        .flat_map(|r| cpu.read(id, r).to_vec())
        .collect()
}

/// Compares word by word: integers exactly, floats within [`TOLERANCE`].
pub(crate) fn compare_words(
    elements: &Elements,
    found: &[u32],
    wanted: &[u32],
) -> Result<(), String> {
    let is_float = |word: usize| match elements {
        Elements::F32 => true,
        Elements::U32 => false,
        Elements::Struct(layout) => layout.fields[word % layout.fields.len()].kind == "f32",
    };
    if let Some(i) = (0..wanted.len()).find(|&i| !is_float(i) && found[i] != wanted[i]) {
        return Err(format!(
            "integer at {i}: {} instead of {}",
            found[i], wanted[i]
        ));
    }
    let floats = |words: &[u32]| -> Vec<f64> {
        let float = |i: usize| f64::from(f32::from_bits(words[i]));
        (0..words.len())
            .filter(|&i| is_float(i))
            .map(float)
            .collect()
    };
    compare(floats(found), floats(wanted), TOLERANCE)
}
