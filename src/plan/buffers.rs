//! The buffers of a program, by name.

use super::declare::{BufferId, Declare, Elements};
use super::matrices::MatrixBuffers;
use super::ops::AttentionBuffers;
use super::optimiser::{self, MuonBuffers};
use super::probe::ProbeBuffers;
use super::regularisers::{self, RegulariserBuffers};
use super::stages::Stages;
use crate::network::{Network, Node, Op, Value, ValueId};
use crate::probe::ProbeStart;
use crate::spec::{Loss, TrainingSpec};
use crate::state::{ReplicaState, SQUARE_PARTS, StepSum, TaskRecord, TensorLayout};

/// The number of finished tasks in a replica's log.
pub(crate) const TASK_LOG_LENGTH: u32 = 64;

/// The number of words of a buffer that a kernel binds but neither reads nor writes.
pub(super) const PLACEHOLDER_WORDS: usize = 4;

/// The buffers of a program, by name.
#[derive(Clone, Debug)]
pub struct Buffers {
    /// `[replica]` [`crate::state::ReplicaConfig`]
    pub configs: BufferId,
    /// `[replica]` [`ReplicaState`]
    pub states: BufferId,
    /// `[replica, blocks]` [`crate::state::LayerControl`]
    pub layer_controls: BufferId,
    /// `[replica, blocks, SQUARE_PARTS]` [`StepSum`]: the squared gradients of the current step, where a replica clips, and
    /// its divergence
    pub step_sums: BufferId,
    /// `[replica, TASK_LOG_LENGTH]` [`TaskRecord`]
    pub task_log: BufferId,
    /// `[tensors]` [`TensorLayout`], shared: the table of parameter tensors, in stored order.
    pub tensors: BufferId,
    /// The table of weight matrices; only where a replica works on them.
    pub matrices: Option<MatrixBuffers>,
    /// `[replica]` 1 where AdamO steps towards isometry, else 0; only where a replica has AdamO.
    pub isometry: Option<BufferId>,
    /// The buffers of Muon; only where a replica has it.
    pub muon: Option<MuonBuffers>,
    /// `[total, words]` packed u8 or f32, shared; only with a task stream.
    pub images: Option<BufferId>,
    /// `[total]` u32, shared; one zero on random labels; only with a task stream.
    pub image_labels: Option<BufferId>,
    /// `[channels, 2]` f32, factor and addend that standardise a pixel, shared; only with a task stream.
    pub standards: Option<BufferId>,
    /// `[replica, batch_rows]` u32: the label of each sample; for squared error its image in the data set
    pub labels: BufferId,
    /// `[replica, batch_rows, columns]` f32: the targets of squared error; only with that loss.
    pub targets: Option<BufferId>,
    /// The network's values; `activations[0]` is the minibatch, the last the logits:
    /// `[replica, stored rows, columns]` f32; a stored row is one position of a stored sample
    pub activations: Vec<BufferId>,
    /// The pre-activations z of every value, as its activation keeps them: `[replica, stored rows, padded units]` f32
    pub pre_activations: Vec<Option<BufferId>>,
    /// Gradients with respect to the pre-activations z of every value but the minibatch; a placeholder for other constants:
    /// `[replica, stored rows, padded units]` f32
    pub pre_activation_gradients: Vec<BufferId>,
    /// The normalised inputs of every layer normalisation, by its output, each row followed by the inverse standard
    /// deviation and three zeros: `[replica, stored rows, padded units + 4]` f32
    pub normalised: Vec<Option<BufferId>>,
    /// The gradients with respect to the inputs f(z) of a layer normalisation, by its output, where f is curved:
    /// `[replica, stored rows, padded units]` f32
    pub value_gradients: Vec<Option<BufferId>>,
    /// The buffers of attention, for every value: `None` where no attention makes it.
    pub attention: Vec<Option<AttentionBuffers>>,
    /// `[replica, stride]` f32
    pub parameters: BufferId,
    /// `[replica, stride]` f32: gradients of the loss and, where replicas use them, of L2-init, spectral regularisation and
    /// the Wasserstein regulariser; without the coupled L2 term, which the optimiser adds by itself
    pub gradients: BufferId,
    /// `[replica, stride]` f32: Adam's first moment, SGD's momentum buffer
    pub first_moment: BufferId,
    /// `[replica, moments, stride]` f32: the second moment that the step size is divided by, 0 for SGD, then those that
    /// [`crate::spec::Optimiser::second_moment_names`] lists; as many as the replica with most has
    pub second_moment: BufferId,
    /// A buffer for bindings that a kernel neither reads nor writes: `[replica, 4]` f32
    pub placeholder: BufferId,
    /// The buffers of the probe; only with [`TrainingSpec::probe`].
    pub probe: Option<ProbeBuffers>,
    /// Buffers of regularisers that have kernels of their own.
    pub regularisers: RegulariserBuffers,
}

impl Buffers {
    pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Self {
        let rows = |number| spec.stored_rows(ValueId(number)) as usize;
        let values = || (0..).zip(spec.network.values());
        let activation = |declare: &mut Declare, (number, value): (usize, &Value)| {
            let words = rows(number) * value.columns() as usize;
            declare.floats(format!("activations {number}"), words)
        };
        let gradient = |declare: &mut Declare, (number, value): (usize, &Value)| {
            let words = match spec.network.is_constant(ValueId(number)) {
                true => PLACEHOLDER_WORDS,
                false => rows(number) * value.padded_units() as usize,
            };
            declare.floats(format!("pre-activation gradients {number}"), words)
        };
        let kept = |declare: &mut Declare, (number, value): (usize, &Value)| {
            let words = rows(number) * value.padded_units() as usize;
            let keeps = value.activation.keeps_pre_activations();
            keeps.then(|| declare.floats(format!("pre-activations {number}"), words))
        };
        let activations = values().map(|value| activation(declare, value)).collect();
        let pre_activation_gradients = values()
            .skip(1)
            .map(|value| gradient(declare, value))
            .collect();
        let pre_activations = values().map(|value| kept(declare, value)).collect();
        let normalised = normalised(spec, declare);
        let value_gradients = value_gradients(spec, declare);
        let attention = AttentionBuffers::declare(spec, declare);
        let stride = spec.network.parameter_stride();
        let [parameters, gradients, first_moment] =
            ["parameters", "gradients", "first moment"].map(|name| declare.floats(name, stride));
        let second_moments = spec.second_moments() as usize;
        let second_moment = declare.floats("second moment", second_moments * stride);
        let layouts = spec.network.tensors().iter().map(|tensor| tensor.layout);
        let tensors = declare.table::<TensorLayout>("tensors", &layouts.collect::<Vec<_>>());
        let configs: Vec<_> = spec
            .replicas
            .iter()
            .map(|replica| replica.config())
            .collect();
        let states: Vec<_> = configs.iter().map(ReplicaState::start).collect();
        let blocks = spec.network.blocks().len();
        let controls: Vec<_> = spec
            .replicas
            .iter()
            .flat_map(|replica| {
                (0..blocks).map(|block| spec.layer_control(block, replica.step_size))
            })
            .collect();
        let stream = spec.stream.as_ref();
        let images = stream.map(|stream| declare.shared("images", stream.images.words().clone()));
        let image_labels =
            stream.map(|stream| declare.shared("image labels", stream.image_labels()));
        let standards = stream.map(|stream| declare.shared("standards", stream.images.standards()));
        Self {
            configs: declare.structs("configs", &configs, 1),
            states: declare.structs("states", &states, 1),
            layer_controls: declare.structs("layer controls", &controls, blocks),
            step_sums: declare.zeroed::<StepSum>("step sums", blocks * SQUARE_PARTS as usize),
            task_log: declare.zeroed::<TaskRecord>("task log", TASK_LOG_LENGTH as usize),
            tensors,
            matrices: MatrixBuffers::declare(spec, declare),
            isometry: optimiser::declare_isometry(spec, declare),
            muon: MuonBuffers::declare(spec, declare),
            images,
            image_labels,
            standards,
            labels: declare.zeros("labels", Elements::U32, rows(0)),
            targets: targets(spec, declare),
            activations,
            pre_activations,
            pre_activation_gradients,
            normalised,
            value_gradients,
            attention,
            parameters,
            gradients,
            first_moment,
            second_moment,
            placeholder: declare.floats("placeholder", PLACEHOLDER_WORDS),
            probe: spec
                .probe
                .as_ref()
                .map(|own| ProbeBuffers::declare(spec, own, declare)),
            regularisers: regularisers::declare_buffers(spec, declare),
        }
    }

    /// The argument of a value's derivatives: its pre-activations where it keeps them, else its activations.
    pub(super) fn derivative_argument(&self, value: ValueId) -> BufferId {
        self.pre_activations[value.index()].unwrap_or(self.activations[value.index()])
    }

    /// The buffer to which a value's pre-activations are written; a placeholder where it does not keep them.
    pub(super) fn kept_pre_activations(&self, value: ValueId) -> BufferId {
        self.pre_activations[value.index()].unwrap_or(self.placeholder)
    }

    /// The normalised inputs of the layer normalisation that makes a value.
    pub(super) fn normalised(&self, output: ValueId) -> BufferId {
        self.normalised[output.index()].expect("a normalisation has the buffer")
    }

    /// The buffer for the gradients with respect to f(z) of a layer normalisation; a placeholder where f is not curved.
    pub(super) fn value_gradients(&self, output: ValueId) -> BufferId {
        self.value_gradients[output.index()].unwrap_or(self.placeholder)
    }

    /// The buffers whose contents persist from one step or probe to the next, without those of stages.
    ///
    /// `step_sums` matters within a step only, at the end of which its divergence is cleared. The minibatch is included without a stream, because the host loads it. The probe's vectors are included for
    /// warm starts.
    pub(super) fn persistent(&self, spec: &TrainingSpec, stages: &Stages) -> Vec<BufferId> {
        let mut persistent = vec![
            self.parameters,
            self.first_moment,
            self.second_moment,
            self.states,
            self.layer_controls,
            self.task_log,
        ];
        if spec.stream.is_none() {
            persistent.extend([self.activations[0], self.labels]);
        }
        persistent.extend(self.regularisers.references());
        persistent.extend(stages.references());
        if let (Some(probe), Some(buffers)) = (&spec.probe, &self.probe)
            && probe.start == ProbeStart::Warm
        {
            persistent.extend([buffers.slots, buffers.vectors]);
        }
        persistent
    }
}

/// The node that makes each value, if it is a layer normalisation.
pub(super) fn norms(network: &Network) -> impl Iterator<Item = Option<&Node>> {
    let nodes = network.nodes().iter();
    let norms = nodes.map(|node| Some(node).filter(|node| matches!(node.op, Op::LayerNorm(_))));
    std::iter::once(None).chain(norms)
}

fn targets(spec: &TrainingSpec, declare: &mut Declare) -> Option<BufferId> {
    let logits = spec.network.logits();
    let words = spec.stored_rows(logits) as usize * spec.network.value(logits).columns() as usize;
    let is_used = spec.loss() == Loss::SquaredError;
    is_used.then(|| declare.floats("targets", words))
}

fn normalised(spec: &TrainingSpec, declare: &mut Declare) -> Vec<Option<BufferId>> {
    let buffer = |(number, node): (usize, Option<&Node>)| {
        let output = node?.output;
        let columns = spec.network.value(output).padded_units() + 4;
        let words = spec.stored_rows(output) as usize * columns as usize;
        Some(declare.floats(format!("normalised {number}"), words))
    };
    norms(&spec.network).enumerate().map(buffer).collect()
}

fn value_gradients(spec: &TrainingSpec, declare: &mut Declare) -> Vec<Option<BufferId>> {
    let buffer = |(number, node): (usize, Option<&Node>)| {
        let input = node?.inputs[0];
        let value = spec.network.value(input);
        let words = spec.stored_rows(input) as usize * value.padded_units() as usize;
        let name = format!("value gradients {number}");
        let activation = value.activation;
        activation.is_curved().then(|| declare.floats(name, words))
    };
    norms(&spec.network).enumerate().map(buffer).collect()
}
