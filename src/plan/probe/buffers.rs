//! The buffers that only a probe needs.

use super::segments::{ProbedLayer, probed_layers, segments, stride};
use crate::layout::ShaderStruct;
use crate::plan::{BufferId, BufferSpec, Contents, Elements, declare_structs};
use crate::probe::{ProbeMethod, ProbeSpec};
use crate::spec::TrainingSpec;
use crate::state::{
    LayerRecord, LayerSums, LobpcgStep, PARTIALS, ProbeSegment, ProbeSlot, ReplicaState,
};

/// The buffers of a probe, by name. `[slots]` stands for the slots that reach a layer: the network's, and those of the
/// blocks up to it. `[stride]` stands for the segments of all slots: the network's, then the blocks'.
#[derive(Clone, Debug)]
pub struct ProbeBuffers {
    /// `[replica]` [`ReplicaState`]: loss and accuracy of the probed minibatch, its task and update.
    pub states: BufferId,
    /// `[replica, layers + 1]` [`ProbeSlot`]: the network's first; persists from probe to probe.
    pub slots: BufferId,
    /// Start vectors, and at the end of a probe its eigenvectors: `[replica, 2, parameter stride]` f32, all blocks', then
    /// the network's; persists from probe to probe.
    pub vectors: BufferId,
    /// `[2 layers]` [`ProbeSegment`], shared: the network's, then the blocks'.
    pub segments: BufferId,
    /// Iterates `[replica, stride]` f32.
    pub iterates: BufferId,
    /// Hessian-vector products of the iterates (power) or of the directions (LOBPCG); layout as `iterates`.
    pub products: BufferId,
    /// Previous iterates (power) or previous directions (LOBPCG); layout as `iterates`.
    pub previous: BufferId,
    /// `tangents[l]` are the tangents of `activations[l]`: `[replica, slots, batch_rows, columns]` f32. The input has
    /// none: `tangents[0]` is a placeholder.
    pub tangents: Vec<BufferId>,
    /// The tangents of each layer's pre-activation gradients: `[replica, slots, batch_rows, columns]` f32
    pub tangent_gradients: Vec<BufferId>,
    /// The Gram matrix of each layer's inputs `[replica, batch_rows, batch_rows]` f32; only where a segment of the layer
    /// is dual.
    pub grams: Vec<Option<BufferId>>,
    /// `[replica, 2 layers, PARTIALS]` vec4 f32: partial sums over the segments.
    pub partials: BufferId,
    /// `[replica, layers]` f32: mean squared norm of per-sample gradients.
    pub norms: BufferId,
    /// `[replica, layers, PARTIALS]` [`LayerSums`]
    pub sums: BufferId,
    /// `[replica, layers + 1]` [`LayerRecord`]: the last is the network's.
    pub records: BufferId,
    /// The buffers of LOBPCG; `None` for power iteration.
    pub lobpcg: Option<LobpcgBuffers>,
}

/// The buffers that only LOBPCG needs.
#[derive(Clone, Debug)]
pub struct LobpcgBuffers {
    /// Directions; layout as [`ProbeBuffers::iterates`].
    pub directions: BufferId,
    /// Hessian-vector products of the previous directions; layout as [`ProbeBuffers::iterates`].
    pub previous_products: BufferId,
    /// `[replica, 2 layers, PARTIALS]` vec4 f32: partial sums over the segments of the directions.
    pub partials: BufferId,
    /// `[replica, layers + 1]` [`LobpcgStep`]
    pub steps: BufferId,
}

/// Words of a buffer that a kernel binds and does not read.
const PLACEHOLDER_WORDS: usize = 4;

pub(in crate::plan) fn declare_buffers(
    spec: &TrainingSpec,
    probe: &ProbeSpec,
    arena: &mut Vec<BufferSpec>,
) -> ProbeBuffers {
    let layers = probed_layers(spec, probe);
    let mut declare = Declare { arena };
    let slots = layers.len() + 1;
    let partials = 2 * layers.len() * PARTIALS as usize * 4;
    let iterate_words = 4 * stride(&layers);
    let lobpcg = (probe.method == ProbeMethod::Lobpcg).then(|| LobpcgBuffers {
        directions: declare.floats("directions", iterate_words),
        previous_products: declare.floats("previous products", iterate_words),
        partials: declare.floats("direction partials", partials),
        steps: declare.structs::<LobpcgStep>("lobpcg steps", slots),
    });
    ProbeBuffers {
        states: declare.states(spec),
        slots: declare.structs::<ProbeSlot>("slots", slots),
        vectors: declare.floats("vectors", 2 * spec.network.parameter_stride()),
        segments: declare.segments(&segments(&layers)),
        iterates: declare.floats("iterates", iterate_words),
        products: declare.floats("products", iterate_words),
        previous: declare.floats("previous", iterate_words),
        tangents: declare.tangents(spec, &layers),
        tangent_gradients: declare.tangent_gradients(spec, &layers),
        grams: declare.grams(spec, &layers),
        partials: declare.floats("partials", partials),
        norms: declare.floats("gradient norms", layers.len()),
        sums: declare.structs::<LayerSums>("layer sums", layers.len() * PARTIALS as usize),
        records: declare.structs::<LayerRecord>("layer records", slots),
        lobpcg,
    }
}

/// Adds buffers to the program's.
struct Declare<'a> {
    arena: &'a mut Vec<BufferSpec>,
}

impl Declare<'_> {
    fn add(&mut self, buffer: BufferSpec) -> BufferId {
        self.arena.push(buffer);
        BufferId(self.arena.len() - 1)
    }

    fn zeros(&mut self, name: String, elements: Elements, words: usize) -> BufferId {
        self.add(BufferSpec {
            name,
            words,
            elements,
            shared: false,
            contents: Contents::Zero,
        })
    }

    fn floats(&mut self, name: &str, words: usize) -> BufferId {
        self.zeros(name.to_owned(), Elements::F32, words)
    }

    fn structs<T: ShaderStruct>(&mut self, name: &str, count: usize) -> BufferId {
        let words = count * size_of::<T>() / 4;
        self.zeros(name.to_owned(), Elements::Struct(T::LAYOUT), words)
    }

    fn states(&mut self, spec: &TrainingSpec) -> BufferId {
        let states: Vec<_> = spec
            .replicas
            .iter()
            .map(|replica| ReplicaState::start(&replica.config()))
            .collect();
        let mut add = |name, words, elements, contents| {
            self.add(BufferSpec {
                name,
                words,
                elements,
                shared: false,
                contents,
            })
        };
        declare_structs(&mut add, "probe states", &states, 1)
    }

    fn segments(&mut self, segments: &[ProbeSegment]) -> BufferId {
        let words: &[u32] = bytemuck::cast_slice(segments);
        self.add(BufferSpec {
            name: "segments".to_owned(),
            words: words.len(),
            elements: Elements::Struct(ProbeSegment::LAYOUT),
            shared: true,
            contents: Contents::Words(words.into()),
        })
    }

    fn tangents(&mut self, spec: &TrainingSpec, layers: &[ProbedLayer<'_>]) -> Vec<BufferId> {
        let mut tangents = vec![self.floats("tangents 0", PLACEHOLDER_WORDS)];
        tangents.extend(layers.iter().map(|l| {
            let rows = l.slots() as usize * spec.batch_rows() as usize;
            let words = rows * l.layer.activation_columns() as usize;
            self.floats(&format!("tangents {}", l.index + 1), words)
        }));
        tangents
    }

    fn tangent_gradients(
        &mut self,
        spec: &TrainingSpec,
        layers: &[ProbedLayer<'_>],
    ) -> Vec<BufferId> {
        let gradients = layers.iter().map(|l| {
            let rows = l.slots() as usize * spec.batch_rows() as usize;
            let words = rows * l.layer.columns as usize;
            self.floats(&format!("tangent gradients {}", l.index + 1), words)
        });
        gradients.collect()
    }

    fn grams(&mut self, spec: &TrainingSpec, layers: &[ProbedLayer<'_>]) -> Vec<Option<BufferId>> {
        let rows = spec.batch_rows() as usize;
        let gram = |l: &ProbedLayer<'_>| {
            let name = format!("gram {}", l.index + 1);
            (l.duals() > 0).then(|| self.floats(&name, rows * rows))
        };
        layers.iter().map(gram).collect()
    }
}
