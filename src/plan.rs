//! A training step as a flat list of dispatches over named buffers, built once and replayed.
//!
//! A [`Program`] says which buffers there are, what they hold at the start and which dispatches make
//! up each [`Plan`]. It knows no device: [`crate::Engine`] records its plans into a command encoder,
//! [`crate::cpu::CpuExecutor`] runs the twins of the same dispatches.

mod probe;
mod regularisers;
mod sort;

use std::sync::Arc;

pub use probe::{LobpcgBuffers, ProbeBuffers, ProbePlans};
pub use regularisers::{L2InitBuffers, RegulariserBuffers, WassersteinBuffers};
pub use sort::{SORT_DIGITS, SORT_TILE, SortBuffers};

use bytemuck::bytes_of;

use crate::error::Error;
use crate::kernels::{
    AdamStep, BatchGather, Kernel, LinearBackwardInput, LinearBackwardWeights, LinearForward,
    ParameterInit, Params, SgdStep, SoftmaxCrossEntropy, StepFinish, TaskReset, Variant,
};
use crate::layout::{ShaderStruct, StructLayout};
use crate::network::{Activation, Layer};
use crate::probe::ProbeStart;
use crate::spec::{Optimiser, ReplicaSpec, StreamKind, TaskSwitch, TrainingSpec};
use crate::state::{LayerControl, ReplicaState, TaskRecord};

/// How many finished tasks a replica remembers.
pub(crate) const TASK_LOG_LENGTH: u32 = 64;

/// Names a buffer of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferId(pub(crate) usize);

/// What a buffer holds before the first plan runs.
#[derive(Clone, Debug)]
pub enum Contents {
    /// Zeros.
    Zero,
    /// These words, all replicas one after the other.
    Words(Arc<[u32]>),
}

/// What the words of a buffer are.
#[derive(Clone, Copy, Debug)]
pub enum Elements {
    /// Numbers.
    F32,
    /// Counts, labels, packed bytes.
    U32,
    /// Structs that the shaders declare too.
    Struct(StructLayout),
}

/// One buffer.
#[derive(Clone, Debug)]
pub struct BufferSpec {
    /// Its name.
    pub name: String,
    /// Four-byte words: of one replica, or of all of it when it is shared.
    pub words: usize,
    /// What the words are.
    pub elements: Elements,
    /// Whether all replicas read the same words.
    pub shared: bool,
    /// What it holds at the start.
    pub contents: Contents,
}

/// One kernel at work on some buffers.
#[derive(Clone)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Its uniform.
    pub params: Vec<u8>,
    /// Its storage bindings, in the kernel's order.
    pub buffers: Vec<BufferId>,
    /// How much is to be done.
    pub grid: Grid,
}

impl Dispatch {
    /// Workgroups of a variant along x and y; along z stand the replicas.
    pub fn workgroups(&self, variant: &Variant) -> [u32; 2] {
        match self.grid {
            Grid::Workgroups(workgroups) => workgroups,
            Grid::Product {
                columns,
                rows,
                blocks,
            } => {
                let [width, height] = variant.tile;
                [columns.div_ceil(width), rows.div_ceil(height) * blocks]
            }
        }
    }
}

/// How much a dispatch computes of each replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// So many workgroups along x and y.
    Workgroups([u32; 2]),
    /// Matrices that are cut into a variant's tiles.
    Product {
        /// Columns of each.
        columns: u32,
        /// Rows of each.
        rows: u32,
        /// Matrices, one below the other along y.
        blocks: u32,
    },
}

impl From<[u32; 2]> for Grid {
    fn from(workgroups: [u32; 2]) -> Self {
        Self::Workgroups(workgroups)
    }
}

/// Dispatches in the order in which they run.
#[derive(Clone)]
pub struct Plan {
    /// What the plan does; the label of its passes.
    pub name: &'static str,
    /// Its dispatches.
    pub dispatches: Vec<Dispatch>,
}

/// The buffers by name.
#[derive(Clone, Debug)]
pub struct Buffers {
    /// `[replica]` [`crate::state::ReplicaConfig`]
    pub configs: BufferId,
    /// `[replica]` [`ReplicaState`]
    pub states: BufferId,
    /// `[replica, layers]` [`LayerControl`]
    pub layer_controls: BufferId,
    /// `[replica]` u32
    pub divergence: BufferId,
    /// `[replica, TASK_LOG_LENGTH]` [`TaskRecord`]
    pub task_log: BufferId,
    /// `[total, words]` packed u8 or f32, shared; only with a task stream.
    pub images: Option<BufferId>,
    /// `[total]` u32, shared; one zero on random labels; only with a task stream.
    pub image_labels: Option<BufferId>,
    /// `[channels, 2]` f32, factor and addend that standardise a pixel, shared; only with a task stream.
    pub standards: Option<BufferId>,
    /// `[replica, batch_rows]` u32
    pub labels: BufferId,
    /// `activations[0]` is the minibatch, `activations[l]` what layer l made, the last the logits:
    /// `[replica, batch_rows, columns]` f32
    pub activations: Vec<BufferId>,
    /// Gradients at the pre-activations of each layer: `[replica, batch_rows, columns]` f32
    pub pre_activation_gradients: Vec<BufferId>,
    /// `[replica, stride]` f32
    pub parameters: BufferId,
    /// `[replica, stride]` f32: of the loss and, where replicas use them, of L2-init and the Wasserstein
    /// regulariser; without the coupled L2 term, which the optimiser adds by itself
    pub gradients: BufferId,
    /// `[replica, stride]` f32: Adam's first moment, SGD's momentum buffer
    pub first_moment: BufferId,
    /// `[replica, stride]` f32: Adam's second moment, 0 for SGD
    pub second_moment: BufferId,
    /// Those of a probe; only with [`TrainingSpec::probe`].
    pub probe: Option<ProbeBuffers>,
    /// Those of regularisers with kernels of their own.
    pub regularisers: RegulariserBuffers,
}

impl Buffers {
    /// What [`crate::indicators`] are computed from after a probe: its states and records, the inputs of
    /// every layer, and the gradients at its pre-activations.
    pub(crate) fn indicator_sources(&self) -> Result<Vec<BufferId>, Error> {
        let probe = self.probe.as_ref().ok_or(Error::NoProbe)?;
        let inputs = &self.activations[..self.pre_activation_gradients.len()];
        let pass = inputs.iter().chain(&self.pre_activation_gradients);
        let found = [probe.states, probe.records].into_iter();
        Ok(found.chain(pass.copied()).collect())
    }
}

/// Everything that executors need to know.
#[derive(Clone)]
pub struct Program {
    /// Replicas, the leading axis of every buffer that is not shared.
    pub replicas: u32,
    /// All buffers.
    pub buffers: Vec<BufferSpec>,
    /// The buffers by name.
    pub names: Buffers,
    /// The buffers that carry something from one step or probe to the next, and so belong in a snapshot;
    /// every other one is written before it is read, or never written.
    pub carried: Vec<BufferId>,
    /// Draws initial parameters, clears the moments, and anchors.
    pub initialise: Plan,
    /// Takes the current parameters as those that regularisers pull towards; does nothing where no
    /// replica uses any.
    pub anchor: Plan,
    /// Forward, backward, regularisers and the optimiser on the minibatch that is loaded.
    pub update: Plan,
    /// Gathers the stream's next minibatch, updates, and resets what a task switch resets; only with a
    /// task stream.
    pub step: Option<Plan>,
    /// What is left of a step right after a probe, which has gathered its minibatch and leaves its gradients; only with
    /// a task stream and a probe.
    pub probed_step: Option<Plan>,
    /// Statistics and curvature of the coming minibatch; only with [`TrainingSpec::probe`].
    pub probe: Option<ProbePlans>,
}

impl Program {
    /// # Errors
    /// A specification that [`TrainingSpec::check`] refuses, or one replica of which has 2^32 elements in a buffer.
    pub fn new(spec: &TrainingSpec) -> Result<Self, Error> {
        spec.check()?;
        let mut arena = Vec::new();
        let names = declare_buffers(spec, &mut arena);
        check_sizes(&arena)?;
        let anchor = Plan {
            name: "anchor",
            dispatches: regularisers::anchor(spec, &names),
        };
        let mut dispatches = initialise(spec, &names);
        dispatches.extend(anchor.dispatches.iter().cloned());
        let initialise = Plan {
            name: "initialise",
            dispatches,
        };
        let update = Plan {
            name: "update",
            dispatches: update(spec, &names),
        };
        let step = gather(spec, &names).map(|gather| {
            let mut dispatches = vec![gather];
            dispatches.extend(update.dispatches.iter().cloned());
            dispatches.extend(task_reset(spec, &names));
            Plan {
                name: "step",
                dispatches,
            }
        });
        let is_probed = spec.stream.is_some() && spec.probe.is_some();
        let probed_step = is_probed.then(|| {
            let mut dispatches = vec![loss(spec, &names, names.states)];
            dispatches.extend(apply(spec, &names));
            dispatches.extend(task_reset(spec, &names));
            Plan {
                name: "probed step",
                dispatches,
            }
        });
        let probe = spec
            .probe
            .as_ref()
            .zip(names.probe.as_ref())
            .map(|(probe, own)| probe::plans(spec, probe, &names, own));
        let replicas = spec.replicas.len() as u32;
        Ok(Self {
            replicas,
            buffers: arena,
            carried: carried(spec, &names),
            names,
            initialise,
            anchor,
            update,
            step,
            probed_step,
            probe,
        })
    }

    /// The buffers' identifiers, in the order of [`Self::buffers`].
    pub fn buffer_ids(&self) -> impl Iterator<Item = BufferId> {
        (0..self.buffers.len()).map(BufferId)
    }

    /// A buffer's declaration.
    pub fn buffer(&self, id: BufferId) -> &BufferSpec {
        &self.buffers[id.0]
    }

    /// Every plan.
    pub(crate) fn plans(&self) -> impl Iterator<Item = &Plan> {
        [&self.initialise, &self.anchor, &self.update]
            .into_iter()
            .chain(&self.step)
            .chain(&self.probed_step)
            .chain(self.probe.iter().flat_map(ProbePlans::all))
    }

    /// Bytes of what each replica has of its own.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn replica_bytes(&self) -> u64 {
        let own = self.buffers.iter().filter(|buffer| !buffer.shared);
        own.map(|buffer| buffer.words as u64 * 4).sum()
    }

    /// Bytes of what a snapshot holds of each replica.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn carried_bytes(&self) -> u64 {
        let carried = self.carried.iter();
        carried.map(|id| self.buffer(*id).words as u64 * 4).sum()
    }

    /// Words of a whole buffer.
    pub(crate) fn total_words(&self, buffer: &BufferSpec) -> usize {
        if buffer.shared {
            buffer.words
        } else {
            buffer.words * self.replicas as usize
        }
    }
}

/// Kernels count the elements of a replica in u32.
fn check_sizes(arena: &[BufferSpec]) -> Result<(), Error> {
    let is_too_long = |buffer: &&BufferSpec| u32::try_from(buffer.words).is_err();
    match arena.iter().find(is_too_long) {
        None => Ok(()),
        Some(buffer) => {
            let wanted = format!("fewer than 2^32 {} of one replica", buffer.name);
            Err(Error::invalid("elements of a buffer", wanted, buffer.words))
        }
    }
}

fn declare_buffers(spec: &TrainingSpec, arena: &mut Vec<BufferSpec>) -> Buffers {
    let layers = spec.network.layers();
    let rows = spec.batch_rows() as usize;
    let configs: Vec<_> = spec
        .replicas
        .iter()
        .map(|replica| replica.config())
        .collect();
    let states: Vec<_> = configs.iter().map(ReplicaState::start).collect();
    let controls: Vec<_> = spec
        .replicas
        .iter()
        .flat_map(|replica| {
            layers
                .iter()
                .map(|layer| LayerControl::new(layer, replica.step_size))
        })
        .collect();

    let mut declare = |name: String, words: usize, elements: Elements, contents: Contents| {
        arena.push(BufferSpec {
            name,
            words,
            elements,
            shared: false,
            contents,
        });
        BufferId(arena.len() - 1)
    };
    let mut zeros = |name: String, elements: Elements, words: usize| {
        declare(name, words, elements, Contents::Zero)
    };
    let activation_columns = layers.iter().map(Layer::activation_columns);
    let activations = std::iter::once(spec.input_columns())
        .chain(activation_columns)
        .enumerate()
        .map(|(l, columns)| {
            zeros(
                format!("activations {l}"),
                Elements::F32,
                rows * columns as usize,
            )
        })
        .collect();
    let pre_activation_gradients = layers
        .iter()
        .zip(1..)
        .map(|(layer, l)| {
            let words = rows * layer.columns as usize;
            zeros(
                format!("pre-activation gradients {l}"),
                Elements::F32,
                words,
            )
        })
        .collect();
    let stride = spec.network.parameter_stride();
    let [parameters, gradients, first_moment, second_moment] =
        ["parameters", "gradients", "first moment", "second moment"]
            .map(|name| zeros(name.to_owned(), Elements::F32, stride));
    let labels = zeros("labels".to_owned(), Elements::U32, rows);
    let divergence = zeros("divergence".to_owned(), Elements::U32, 1);
    let log_words = TASK_LOG_LENGTH as usize * size_of::<TaskRecord>() / 4;
    let task_log = zeros(
        "task log".to_owned(),
        Elements::Struct(TaskRecord::LAYOUT),
        log_words,
    );
    let configs = declare_structs(&mut declare, "configs", &configs, 1);
    let states = declare_structs(&mut declare, "states", &states, 1);
    let layer_controls = declare_structs(&mut declare, "layer controls", &controls, layers.len());
    let mut declare_shared = |name: &str, words: &Arc<[u32]>| {
        arena.push(BufferSpec {
            name: name.to_owned(),
            words: words.len(),
            elements: Elements::U32,
            shared: true,
            contents: Contents::Words(words.clone()),
        });
        BufferId(arena.len() - 1)
    };
    let stream = spec.stream.as_ref();
    let images = stream.map(|stream| declare_shared("images", stream.images.words()));
    let image_labels = stream.map(|stream| declare_shared("image labels", &stream.image_labels()));
    let standards = stream.map(|stream| declare_shared("standards", &stream.images.standards()));
    let probe = spec
        .probe
        .as_ref()
        .map(|probe| probe::declare_buffers(spec, probe, arena));
    let regularisers = regularisers::declare_buffers(spec, arena);
    Buffers {
        configs,
        states,
        layer_controls,
        divergence,
        task_log,
        images,
        image_labels,
        standards,
        labels,
        activations,
        pre_activation_gradients,
        parameters,
        gradients,
        first_moment,
        second_moment,
        probe,
        regularisers,
    }
}

/// A replica's divergence is carried within a step only, but must not be left over from another run. The host loads minibatches where there is no stream, and a probe that starts
/// cold remembers nothing.
fn carried(spec: &TrainingSpec, names: &Buffers) -> Vec<BufferId> {
    let mut carried = vec![
        names.parameters,
        names.first_moment,
        names.second_moment,
        names.states,
        names.layer_controls,
        names.divergence,
        names.task_log,
    ];
    if spec.stream.is_none() {
        carried.extend([names.activations[0], names.labels]);
    }
    carried.extend(names.regularisers.anchors());
    if let (Some(probe), Some(own)) = (&spec.probe, &names.probe)
        && probe.start == ProbeStart::Warm
    {
        carried.extend([own.slots, own.vectors]);
    }
    carried
}

/// Declares a buffer of `per_replica` structs for every replica, holding `structs`.
fn declare_structs<T: ShaderStruct>(
    declare: &mut impl FnMut(String, usize, Elements, Contents) -> BufferId,
    name: &str,
    structs: &[T],
    per_replica: usize,
) -> BufferId {
    let words = per_replica * size_of::<T>() / 4;
    let contents = Contents::Words(bytemuck::cast_slice(structs).into());
    declare(
        name.to_owned(),
        words,
        Elements::Struct(T::LAYOUT),
        contents,
    )
}

fn dispatch<P: Params, const N: usize>(
    params: P,
    buffers: [BufferId; N],
    grid: impl Into<Grid>,
) -> Dispatch {
    let kernel = P::KERNEL;
    debug_assert_eq!(N, kernel.bindings.len());
    debug_assert!(
        (1..N).all(|i| !buffers[..i].contains(&buffers[i])),
        "{} aliases",
        kernel.name
    );
    Dispatch {
        kernel,
        params: bytes_of(&params).to_vec(),
        buffers: buffers.to_vec(),
        grid: grid.into(),
    }
}

fn initialise(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let one_layer = |(number, layer): (usize, &Layer)| {
        let params = ParameterInit {
            parameters_stride,
            offset: layer.offset / 4,
            rows: layer.rows,
            columns: layer.columns,
            inputs: layer.inputs,
            outputs: layer.outputs,
            half_rows: layer.rows / layer.halves,
            half_inputs: layer.inputs / layer.halves,
            layer: number as u32,
            bound: kaiming_bound(layer),
        };
        let buffers = [
            names.configs,
            names.parameters,
            names.first_moment,
            names.second_moment,
        ];
        dispatch(
            params,
            buffers,
            [(layer.columns / 4).div_ceil(64), layer.rows + 1],
        )
    };
    spec.network
        .layers()
        .iter()
        .enumerate()
        .map(one_layer)
        .collect()
}

/// The stream's next minibatch; `None` without a stream.
fn gather(spec: &TrainingSpec, names: &Buffers) -> Option<Dispatch> {
    let stream = spec.stream.as_ref()?;
    let params = BatchGather {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        columns: spec.input_columns(),
        pixels: stream.images.pixels(),
        words: stream.images.words_per_image(),
        total: stream.images.count(),
        images: stream.subset,
        relabelled: stream.relabelled(),
        classes: spec.network.classes(),
        permuted: u32::from(stream.kind == StreamKind::PermutedPixels),
        floats: u32::from(stream.images.is_of_floats()),
        plane: stream.images.plane(),
    };
    let buffers = [
        names.configs,
        names.states,
        names.images?,
        names.image_labels?,
        names.standards?,
        names.activations[0],
        names.labels,
    ];
    Some(dispatch(params, buffers, [spec.batch_rows(), 1]))
}

/// Forward, loss, backward, regularisers, optimiser: 3 dispatches a layer less one, and three more (four
/// when the replicas differ in their optimiser), without those of regularisers.
fn update(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let mut dispatches = forward_and_backward(spec, names, names.states);
    dispatches.extend(regularisers::add_gradients(spec, names));
    dispatches.extend(apply(spec, names));
    dispatches
}

/// The gradients of the loss on the minibatch that is loaded; the loss itself goes into `states`.
fn forward_and_backward(spec: &TrainingSpec, names: &Buffers, states: BufferId) -> Vec<Dispatch> {
    let layers: Vec<_> = spec.network.layers().iter().enumerate().collect();
    let mut dispatches: Vec<_> = layers
        .iter()
        .map(|(l, layer)| forward(spec, names, *l, layer))
        .collect();
    dispatches.push(loss(spec, names, states));
    for (l, layer) in layers.iter().rev() {
        if *l > 0 {
            dispatches.push(backward_input(spec, names, *l, layer));
        }
        dispatches.push(backward_weights(spec, names, *l, layer));
    }
    dispatches
}

/// What the gradients do to the parameters, and the end of the step.
fn apply(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let mut dispatches = optimisers(spec, names);
    dispatches.push(finish(spec, names));
    dispatches
}

fn forward(spec: &TrainingSpec, names: &Buffers, l: usize, layer: &Layer) -> Dispatch {
    let params = LinearForward {
        parameters_stride: spec.network.parameter_stride() as u32 / 4,
        offset: layer.offset / 4,
        rows: layer.rows,
        columns: layer.columns,
        batch_rows: spec.batch_rows(),
        activation: layer.activation as u32,
    };
    let buffers = [
        names.parameters,
        names.activations[l],
        names.activations[l + 1],
    ];
    dispatch(params, buffers, matrix(layer.columns, spec.batch_rows()))
}

/// The loss goes into `states`.
fn loss(spec: &TrainingSpec, names: &Buffers, states: BufferId) -> Dispatch {
    let classes = spec.network.classes();
    let layers = spec.network.layers().len();
    let params = SoftmaxCrossEntropy {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        classes,
        columns: spec.network.layers()[layers - 1].columns,
        inverse_batch: (1.0 / f64::from(spec.batch)) as f32,
    };
    let logits = names.activations[layers];
    let gradients = names.pre_activation_gradients[layers - 1];
    dispatch(params, [logits, names.labels, gradients, states], [1, 1])
}

/// From the gradient at layer `l`'s pre-activations to that at the layer below, `l` from 1 on.
fn backward_input(spec: &TrainingSpec, names: &Buffers, l: usize, layer: &Layer) -> Dispatch {
    let below = &spec.network.layers()[l - 1];
    let params = LinearBackwardInput {
        parameters_stride: spec.network.parameter_stride() as u32 / 4,
        offset: layer.offset / 4,
        rows: layer.rows,
        columns: layer.columns,
        batch_rows: spec.batch_rows(),
        activation: below.activation as u32,
    };
    let buffers = [
        names.parameters,
        names.activations[l],
        names.pre_activation_gradients[l],
        names.pre_activation_gradients[l - 1],
    ];
    dispatch(params, buffers, matrix(below.columns, spec.batch_rows()))
}

fn backward_weights(spec: &TrainingSpec, names: &Buffers, l: usize, layer: &Layer) -> Dispatch {
    let params = LinearBackwardWeights {
        parameters_stride: spec.network.parameter_stride() as u32 / 4,
        offset: layer.offset / 4,
        rows: layer.rows,
        columns: layer.columns,
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
    };
    let buffers = [
        names.activations[l],
        names.pre_activation_gradients[l],
        names.gradients,
    ];
    dispatch(params, buffers, matrix(layer.columns, layer.rows + 1))
}

/// The kernels that some replica needs; each leaves the others' replicas alone.
fn optimisers(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let is_adam = |replica: &ReplicaSpec| matches!(replica.optimiser, Optimiser::Adam { .. });
    let adam = spec.replicas.iter().any(is_adam).then(|| adam(spec, names));
    let all_adam = spec.replicas.iter().all(is_adam);
    let sgd = (!all_adam).then(|| sgd(spec, names));
    adam.into_iter().chain(sgd).collect()
}

fn adam(spec: &TrainingSpec, names: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = AdamStep {
        parameters_stride,
        layers: spec.network.layers().len() as u32,
    };
    let buffers = [
        names.configs,
        names.states,
        names.layer_controls,
        names.gradients,
        names.parameters,
        names.first_moment,
        names.second_moment,
        names.divergence,
    ];
    dispatch(
        params,
        buffers,
        [
            parameters_stride.div_ceil(AdamStep::KERNEL.plain.workgroup[0]),
            1,
        ],
    )
}

fn sgd(spec: &TrainingSpec, names: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = SgdStep {
        parameters_stride,
        layers: spec.network.layers().len() as u32,
    };
    let buffers = [
        names.configs,
        names.states,
        names.layer_controls,
        names.gradients,
        names.parameters,
        names.first_moment,
        names.divergence,
    ];
    dispatch(
        params,
        buffers,
        [
            parameters_stride.div_ceil(SgdStep::KERNEL.plain.workgroup[0]),
            1,
        ],
    )
}

fn finish(spec: &TrainingSpec, names: &Buffers) -> Dispatch {
    let params = StepFinish {
        batches_per_epoch: spec.batches_per_epoch(),
        epochs: spec.stream.as_ref().map_or(1, |stream| stream.epochs),
        log_length: TASK_LOG_LENGTH,
    };
    dispatch(
        params,
        [
            names.configs,
            names.divergence,
            names.states,
            names.task_log,
        ],
        [1, 1],
    )
}

/// Nothing when all replicas carry everything over.
fn task_reset(spec: &TrainingSpec, names: &Buffers) -> Vec<Dispatch> {
    let carries = |replica: &ReplicaSpec| replica.at_task_switch == TaskSwitch::Carry;
    if spec.replicas.iter().all(carries) {
        return Vec::new();
    }
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let one_layer = |(number, layer): (u32, &Layer)| {
        let params = TaskReset {
            parameters_stride,
            offset: layer.offset / 4,
            columns: layer.columns,
            rows: layer.rows,
            inputs: layer.inputs,
            outputs: layer.outputs,
            half_rows: layer.rows / layer.halves,
            half_inputs: layer.inputs / layer.halves,
            layer: number,
            bound: kaiming_bound(layer),
        };
        let buffers = [
            names.configs,
            names.states,
            names.parameters,
            names.first_moment,
            names.second_moment,
        ];
        dispatch(
            params,
            buffers,
            [(layer.columns / 4).div_ceil(64), layer.rows + 1],
        )
    };
    (0..).zip(spec.network.layers()).map(one_layer).collect()
}

/// Of uniform weights whose layer keeps the variance of ReLU activations: He et al., ICCV 2015.
fn kaiming_bound(layer: &Layer) -> f32 {
    (6.0 / f64::from(layer.inputs)).sqrt() as f32
}

/// One matrix of a product.
fn matrix(columns: u32, rows: u32) -> Grid {
    Grid::Product {
        columns,
        rows,
        blocks: 1,
    }
}

/// The uniform number of an activation is its discriminant, here and in the shaders.
const _: () = assert!(Activation::Tanh as u32 == 4);
