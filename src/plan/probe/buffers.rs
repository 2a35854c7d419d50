//! The buffers that only a probe needs.

use super::segments::{ProbedNode, probed_nodes, segments, stride, value_slots};
use crate::network::{Activation, Node, Value, ValueId};
use crate::plan::buffers::{PLACEHOLDER_WORDS, norms};
use crate::plan::declare::{BufferId, Declare};
use crate::plan::ops::ProbeAttentionBuffers;
use crate::probe::{ProbeMethod, ProbeSpec};
use crate::spec::TrainingSpec;
use crate::state::{
    LayerRecord, LayerSums, LobpcgStep, PARTIALS, ProbeSegment, ProbeSlot, ReplicaState,
};

/// The buffers of a probe, by name. In a shape, `slots` is the number of slots that reach a value: the network's, and
/// those of the blocks up to the node that makes it. `stride` is the length of the segments of all slots: the network's, then the
/// blocks'.
#[derive(Clone, Debug)]
pub struct ProbeBuffers {
    /// `[replica]` [`ReplicaState`]: loss and accuracy of the probed minibatch, its task and update.
    pub states: BufferId,
    /// `[replica, layers + 1]` [`ProbeSlot`]: the network's first; persists from probe to probe.
    pub slots: BufferId,
    /// Start vectors, and at the end of a probe its eigenvectors: `[replica, 2, parameter stride]` f32, all blocks',
    /// then the network's; persists from probe to probe.
    pub vectors: BufferId,
    /// `[2 layers]` [`ProbeSegment`], shared: the network's, then the blocks'.
    pub segments: BufferId,
    /// Iterates `[replica, stride]` f32.
    pub iterates: BufferId,
    /// Hessian-vector products of the iterates (power) or of the directions (LOBPCG); layout as `iterates`.
    pub products: BufferId,
    /// Previous iterates (power) or previous directions (LOBPCG); layout as `iterates`.
    pub previous: BufferId,
    /// `tangents[l]` are the tangents of `activations[l]`: `[replica, slots, stored rows, columns]` f32. Values
    /// that no parameter reaches have a placeholder.
    pub tangents: Vec<BufferId>,
    /// The tangents of the pre-activations of values that keep them: `[replica, slots, stored rows, padded units]` f32
    pub pre_activation_tangents: Vec<Option<BufferId>>,
    /// The tangents of the pre-activation gradients of every value but the minibatch: `[replica, slots, stored rows, padded units]` f32
    pub tangent_gradients: Vec<BufferId>,
    /// The tangents of the normalised inputs of every layer normalisation, by its output, each row followed by
    /// `mean(xhat Rx)` and three zeros: `[replica, slots of the input, stored rows, padded units + 4]` f32; a placeholder
    /// where the input is a constant.
    pub normalised_tangents: Vec<Option<BufferId>>,
    /// The tangents of the gradients with respect to the inputs f(z) of a layer normalisation, by its output:
    /// `[replica, slots of the input, stored rows, padded units]` f32. `None` where the input is a constant, or where they
    /// are all of the tangents with respect to z: f is the identity, and no later node reads the input.
    pub value_tangent_gradients: Vec<Option<BufferId>>,
    /// The buffers of attention, for every value: `None` where no attention makes it.
    pub attention: Vec<Option<ProbeAttentionBuffers>>,
    /// The Gram matrix of each layer's inputs `[replica, batch_rows, batch_rows]` f32; only where a segment of the
    /// layer is dual.
    pub grams: Vec<Option<BufferId>>,
    /// `[replica, 2 layers, PARTIALS]` vec4 f32: partial sums over the segments.
    pub partials: BufferId,
    /// `[replica, batch_rows]` f32: squared norms of the per-sample gradients of the layer at hand.
    pub sample_norms: BufferId,
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

impl ProbeBuffers {
    pub(in crate::plan) fn declare(
        spec: &TrainingSpec,
        probe: &ProbeSpec,
        declare: &mut Declare,
    ) -> Self {
        let nodes = probed_nodes(spec, probe);
        let slots = nodes.len() + 1;
        let partials = 2 * nodes.len() * PARTIALS as usize * 4;
        let iterate_words = 4 * stride(&nodes);
        let lobpcg = (probe.method == ProbeMethod::Lobpcg).then(|| LobpcgBuffers {
            directions: declare.floats("directions", iterate_words),
            previous_products: declare.floats("previous products", iterate_words),
            partials: declare.floats("direction partials", partials),
            steps: declare.zeroed::<LobpcgStep>("lobpcg steps", slots),
        });
        let replicas = spec.replicas.iter();
        let states = replicas.map(|replica| ReplicaState::start(&replica.config()));
        Self {
            states: declare.structs("probe states", &states.collect::<Vec<_>>(), 1),
            slots: declare.zeroed::<ProbeSlot>("slots", slots),
            vectors: declare.floats("vectors", 2 * spec.network.parameter_stride()),
            segments: declare.table::<ProbeSegment>("segments", &segments(&nodes)),
            iterates: declare.floats("iterates", iterate_words),
            products: declare.floats("products", iterate_words),
            previous: declare.floats("previous", iterate_words),
            tangents: tangents(spec, declare),
            pre_activation_tangents: pre_activation_tangents(spec, declare),
            tangent_gradients: tangent_gradients(spec, declare),
            normalised_tangents: normalised_tangents(spec, declare),
            value_tangent_gradients: value_tangent_gradients(spec, declare),
            attention: ProbeAttentionBuffers::declare(spec, declare),
            grams: grams(spec, &nodes, declare),
            partials: declare.floats("partials", partials),
            sample_norms: declare.floats("sample norms", spec.batch_rows() as usize),
            norms: declare.floats("gradient norms", nodes.len()),
            sums: declare.zeroed::<LayerSums>("layer sums", nodes.len() * PARTIALS as usize),
            records: declare.zeroed::<LayerRecord>("layer records", slots),
            lobpcg,
        }
    }
}

/// The values but the minibatch, each with its number and the number of rows of its tangents, one minibatch for each slot
/// that reaches it.
fn values(spec: &TrainingSpec) -> impl Iterator<Item = (usize, &Value, usize)> {
    let network = &spec.network;
    let values = network.values().iter().enumerate().skip(1);
    values.map(|(number, value)| {
        let slots = value_slots(network, ValueId(number)) as usize;
        (
            number,
            value,
            slots * spec.stored_rows(ValueId(number)) as usize,
        )
    })
}

fn tangents(spec: &TrainingSpec, declare: &mut Declare) -> Vec<BufferId> {
    let mut tangents = vec![declare.floats("tangents 0", PLACEHOLDER_WORDS)];
    tangents.extend(values(spec).map(|(number, value, rows)| {
        let words = (rows * value.columns() as usize).max(PLACEHOLDER_WORDS);
        declare.floats(format!("tangents {number}"), words)
    }));
    tangents
}

fn pre_activation_tangents(spec: &TrainingSpec, declare: &mut Declare) -> Vec<Option<BufferId>> {
    let kept = values(spec).map(|(number, value, rows)| {
        let words = (rows * value.padded_units() as usize).max(PLACEHOLDER_WORDS);
        let name = format!("pre-activation tangents {number}");
        let keeps = value.activation.keeps_pre_activations();
        keeps.then(|| declare.floats(name, words))
    });
    std::iter::once(None).chain(kept).collect()
}

fn tangent_gradients(spec: &TrainingSpec, declare: &mut Declare) -> Vec<BufferId> {
    let gradients = values(spec).map(|(number, value, rows)| {
        let words = (rows * value.padded_units() as usize).max(PLACEHOLDER_WORDS);
        declare.floats(format!("tangent gradients {number}"), words)
    });
    gradients.collect()
}

fn normalised_tangents(spec: &TrainingSpec, declare: &mut Declare) -> Vec<Option<BufferId>> {
    let buffer = |(number, node): (usize, Option<&Node>)| {
        let input = node?.inputs[0];
        let rows = value_slots(&spec.network, input) * spec.stored_rows(input);
        let columns = spec.network.value(input).padded_units() + 4;
        let words = rows as usize * columns as usize;
        let words = words.max(PLACEHOLDER_WORDS);
        Some(declare.floats(format!("normalised tangents {number}"), words))
    };
    norms(&spec.network).enumerate().map(buffer).collect()
}

fn value_tangent_gradients(spec: &TrainingSpec, declare: &mut Declare) -> Vec<Option<BufferId>> {
    let network = &spec.network;
    let buffer = |(number, node): (usize, Option<&Node>)| {
        let input = node?.inputs[0];
        let value = network.value(input);
        let is_gradient_of_z =
            value.activation == Activation::Identity && !network.is_read_after(node?, input);
        let rows = value_slots(network, input) * spec.stored_rows(input);
        let words = rows as usize * value.padded_units() as usize;
        let is_needed = words > 0 && !is_gradient_of_z;
        is_needed.then(|| declare.floats(format!("value tangent gradients {number}"), words))
    };
    norms(network).enumerate().map(buffer).collect()
}

fn grams(
    spec: &TrainingSpec,
    nodes: &[ProbedNode<'_>],
    declare: &mut Declare,
) -> Vec<Option<BufferId>> {
    let gram = |node: &ProbedNode<'_>| {
        let rows = spec.stored_rows(node.node.output) as usize;
        let name = format!("gram {}", node.index + 1);
        (node.duals() > 0).then(|| declare.floats(name, rows * rows))
    };
    nodes.iter().map(gram).collect()
}
