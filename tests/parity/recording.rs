//! Every dispatch with the words before and after it, in files: for a WebGPU implementation that this program cannot
//! call, such as a browser's.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;
use trainable::cpu::CpuExecutor;
use trainable::kernels::{Access, Kernel};
use trainable::plan::{BufferId, Dispatch, Elements, Program};

use crate::pair::{TOLERANCE, alone, words_of};

/// The contents of `recording.json`.
#[derive(Serialize)]
struct Index {
    atol: f64,
    rtol: f64,
    kernels: Vec<RecordedKernel>,
    dispatches: Vec<RecordedDispatch>,
}

#[derive(Serialize)]
struct RecordedKernel {
    name: &'static str,
    source: &'static str,
    /// Types of the storage bindings 1, 2, ..., by their WebGPU names.
    bindings: Vec<&'static str>,
}

#[derive(Serialize)]
struct RecordedDispatch {
    kernel: &'static str,
    case: u32,
    workgroups: [u32; 3],
    /// The bytes of the uniform.
    params: Vec<u8>,
    buffers: Vec<RecordedBuffer>,
}

#[derive(Serialize)]
struct RecordedBuffer {
    name: String,
    /// The kinds of one element's words, `f32` or `u32`; the buffer repeats them.
    kinds: Vec<&'static str>,
    words: usize,
    /// Offset of its words in `recording.bin`, in words.
    before: usize,
    after: usize,
}

/// The index and the words of all buffers. Equal words are stored once.
pub(crate) struct Recording {
    index: Index,
    words: Vec<u32>,
    known: HashMap<Vec<u32>, usize>,
}

impl Recording {
    pub(crate) fn new(kernels: &[&'static Kernel]) -> Self {
        let recorded = |kernel: &&'static Kernel| RecordedKernel {
            name: kernel.name,
            source: kernel.plain.source,
            bindings: kernel
                .bindings
                .iter()
                .map(|b| binding_type(b.access))
                .collect(),
        };
        let index = Index {
            atol: TOLERANCE.atol,
            rtol: TOLERANCE.rtol,
            kernels: kernels.iter().map(recorded).collect(),
            dispatches: Vec::new(),
        };
        Self {
            index,
            words: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Runs a dispatch on the CPU executor and records it.
    pub(crate) fn run(
        &mut self,
        case: u32,
        program: &Program,
        cpu: &mut CpuExecutor,
        dispatch: &Dispatch,
    ) {
        let [x, y] = dispatch.workgroups(&dispatch.kernel.plain);
        let mut all = |cpu: &CpuExecutor| -> Vec<usize> {
            let places = dispatch.buffers.iter();
            places
                .map(|id| self.place(words_of(cpu, program, *id)))
                .collect()
        };
        let before = all(cpu);
        cpu.run(&alone(dispatch), 1);
        let after = all(cpu);
        let buffer = |((id, before), after): ((&BufferId, usize), usize)| {
            let spec = program.buffer(*id);
            RecordedBuffer {
                name: spec.name.clone(),
                kinds: kinds(&spec.elements),
                words: words_of(cpu, program, *id).len(),
                before,
                after,
            }
        };
        let buffers = dispatch.buffers.iter().zip(before).zip(after);
        self.index.dispatches.push(RecordedDispatch {
            kernel: dispatch.kernel.name,
            case,
            workgroups: [x, y, program.replicas],
            params: dispatch.params.clone(),
            buffers: buffers.map(buffer).collect(),
        });
    }

    /// Whether some dispatch of this kernel was recorded.
    pub(crate) fn has(&self, kernel: &str) -> bool {
        self.index.dispatches.iter().any(|d| d.kernel == kernel)
    }

    /// Writes `recording.json` and `recording.bin`.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::write(
            folder.join("recording.json"),
            serde_json::to_vec(&self.index)?,
        )?;
        std::fs::write(
            folder.join("recording.bin"),
            bytemuck::cast_slice(&self.words),
        )
    }

    /// Stores the words, unless they are stored already. Returns their offset in words.
    fn place(&mut self, words: Vec<u32>) -> usize {
        let end = self.words.len();
        *self.known.entry(words).or_insert_with_key(|words| {
            self.words.extend(words);
            end
        })
    }
}

fn binding_type(access: Access) -> &'static str {
    match access {
        Access::Read => "read-only-storage",
        Access::ReadWrite => "storage",
    }
}

fn kinds(elements: &Elements) -> Vec<&'static str> {
    match elements {
        Elements::F32 => vec!["f32"],
        Elements::U32 => vec!["u32"],
        Elements::Struct(layout) => layout.fields.iter().map(|field| field.kind).collect(),
    }
}
