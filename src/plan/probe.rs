//! A probe as a few plans: statistics, start vectors and the first product; one further iteration of all
//! slots together; and the end, at which iterates become vectors again.
//!
//! Power iteration multiplies its iterate x at each iteration. The locally optimal method does so at the
//! first two products and then every [`REFRESH_EVERY`] (the plan `refresh`); between them it multiplies the
//! direction w in which it goes on, and its other products follow from those at hand. Every slot is at the
//! same product, so that the plan knows what is to be done, and not the slot.
//!
//! Slot 0 iterates on the whole network's Hessian, slot s on the block of layer s. A *part* is one
//! layer's share of one slot's iterate, and `shaders/common/probe.wgsl` says in which two forms it is
//! held. The form of sample gradients replaces two products with the layer's inputs,
//! 4 B inputs outputs flop, by one with their Gram matrix, 2 B^2 outputs flop.

use std::ops::Range;

use super::buffers::Buffers;
use super::declare::{BufferId, Declare, Elements};
use super::dispatch::{Dispatch, Grid, Plan};
use super::regularisers;
use super::step::{forward_and_backward, gather};
use crate::kernels::{
    GradientNorms, Gram, GramProduct, LayerStatsParams, LayerSumsParams, Params, ProbeDots,
    ProbeNormalise, ProbeReset, ProbeStart, ProbeUpdate, RitzCheck, RitzCombine, RitzSolve,
    RitzStart, TangentBackwardInput, TangentBackwardWeights, TangentForward, TangentSoftmax,
};
use crate::layout::ShaderStruct;
use crate::network::{Activation, Network, Node};
use crate::probe::{self, IterateForm, ProbeMethod, ProbeSpec};
use crate::spec::TrainingSpec;
use crate::state::{LayerRecord, LayerSums, PARTIALS, ProbeSlot, ReplicaState, Ritz};

/// The buffers that only a probe needs, by name. `[slots]` stands for the slots that reach a layer:
/// the network's, and those of the blocks up to it.
#[derive(Clone, Debug)]
pub struct ProbeBuffers {
    /// `[replica]` [`ReplicaState`]: loss and accuracy of the probed minibatch, its task and update.
    pub states: BufferId,
    /// `[replica, layers + 1]` [`ProbeSlot`]: the network's first.
    pub slots: BufferId,
    /// Iterates as vectors `[replica, 2, stride]` f32: all blocks', then the network's.
    pub vectors: BufferId,
    /// Their Hessian-vector products, alike.
    pub products: BufferId,
    /// The iterates before, or the directions before, alike.
    pub previous: BufferId,
    /// `tangents[l]`, of `activations[l]`: `[replica, slots, batch_rows, columns]` f32; the input has
    /// none.
    pub tangents: Vec<BufferId>,
    /// Of each layer's pre-activation gradients: `[replica, slots, batch_rows, columns]` f32
    pub tangent_gradients: Vec<BufferId>,
    /// Each layer's Gram matrix `[replica, batch_rows, batch_rows]` f32, where it is used.
    pub grams: Vec<BufferId>,
    /// Iterates as sample gradients and their images `[replica, members, 2, batch_rows, columns]` f32,
    /// where that form is used.
    pub sample_iterates: Vec<BufferId>,
    /// Their Hessian-vector products, alike.
    pub sample_products: Vec<BufferId>,
    /// The iterates before, or the directions before, alike.
    pub sample_previous: Vec<BufferId>,
    /// `[replica, parts, PARTIALS]` vec4 f32
    pub partials: BufferId,
    /// `[replica, layers]` f32: mean squared norm of per-sample gradients.
    pub norms: BufferId,
    /// `[replica, layers, PARTIALS]` [`LayerSums`]
    pub sums: BufferId,
    /// `[replica, layers + 1]` [`LayerRecord`]: the last is the network's.
    pub records: BufferId,
    /// Those of the locally optimal method only.
    pub ritz: Option<RitzBuffers>,
}

/// The buffers that only the locally optimal method needs.
#[derive(Clone, Debug)]
pub struct RitzBuffers {
    /// Directions, like [`ProbeBuffers::vectors`].
    pub directions: BufferId,
    /// Hessian-vector products of the directions before, alike.
    pub previous_products: BufferId,
    /// Directions, like [`ProbeBuffers::sample_iterates`].
    pub sample_directions: Vec<BufferId>,
    /// Hessian-vector products of the directions before, alike.
    pub sample_previous_products: Vec<BufferId>,
    /// `[replica, parts, PARTIALS]` vec4 f32
    pub partials: BufferId,
    /// `[replica, layers + 1]` [`Ritz`]
    pub steps: BufferId,
}

/// The plans of a probe, or what is made of them: `begin`, those of [`Self::products`], `end`.
#[derive(Clone)]
pub struct ProbePlans<P = Plan> {
    /// Forward, backward, statistics and the first Hessian-vector product.
    pub begin: P,
    /// A product of the iterate itself, for the locally optimal method to go on from.
    pub refresh: Option<P>,
    /// One more iteration.
    pub iterate: P,
    /// Leaves every iterate as a vector, for the next probe to start at.
    pub end: P,
}

/// From one refresh to the next, in products: so far rounding may add up.
pub(crate) const REFRESH_EVERY: u32 = 32;

impl<P> ProbePlans<P> {
    pub(super) fn all(&self) -> impl Iterator<Item = &P> {
        let refresh = self.refresh.iter();
        std::iter::once(&self.begin)
            .chain(refresh)
            .chain([&self.iterate, &self.end])
    }

    /// The same of every plan.
    pub(crate) fn map<Q, E>(
        &self,
        mut make: impl FnMut(&P) -> Result<Q, E>,
    ) -> Result<ProbePlans<Q>, E> {
        Ok(ProbePlans {
            begin: make(&self.begin)?,
            refresh: self.refresh.as_ref().map(&mut make).transpose()?,
            iterate: make(&self.iterate)?,
            end: make(&self.end)?,
        })
    }

    /// What makes the products of these numbers, and how often in a row. Number 0 is that of `begin`.
    pub fn products(&self, numbers: Range<u32>) -> impl Iterator<Item = (&P, u32)> {
        let mut next = numbers.start;
        std::iter::from_fn(move || {
            let left = numbers.end.checked_sub(next).filter(|left| *left > 0)?;
            let (plan, times) = match (&self.refresh, next % REFRESH_EVERY) {
                (None, _) => (&self.iterate, left),
                (Some(refresh), 1) => (refresh, 1),
                (Some(_), 0) => (&self.iterate, 1),
                (Some(_), place) => (&self.iterate, left.min(REFRESH_EVERY + 1 - place)),
            };
            next += times;
            Some((plan, times))
        })
    }
}

/// A linear node as a probe sees it.
struct Layer {
    inputs: u32,
    outputs: u32,
    rows: u32,
    columns: u32,
    offset: u32,
    halves: u32,
    activation: Activation,
}

impl Layer {
    fn new(network: &Network, node: &Node) -> Self {
        let matrix = network.linear_matrix(node);
        let input = network.value(node.inputs[0]);
        let output = network.value(node.output);
        Self {
            inputs: input.width(),
            outputs: output.units,
            rows: matrix.rows,
            columns: matrix.columns,
            offset: matrix.offset * 4,
            halves: input.copies(),
            activation: output.activation,
        }
    }

    /// Stored elements.
    fn len(&self) -> u32 {
        (self.rows + 1) * self.columns
    }

    fn parameters(&self) -> usize {
        (self.inputs as usize + 1) * self.outputs as usize
    }

    fn activation_columns(&self) -> u32 {
        self.columns * self.activation.copies()
    }
}

/// How one layer takes part in a probe.
struct ProbedLayer {
    layer: Layer,
    /// From 0 on.
    index: u32,
    /// Whether the slots that can hold their part as sample gradients do.
    in_gradients: bool,
}

impl ProbedLayer {
    /// Slots that reach this layer: the network's and the blocks up to this one.
    fn slots(&self) -> u32 {
        self.index + 2
    }

    /// The first slot held as sample gradients: both of the first layer, else the layer's own block.
    fn first_member(&self) -> u32 {
        match (self.in_gradients, self.index) {
            (false, _) => self.slots(),
            (true, 0) => 0,
            (true, index) => index + 1,
        }
    }

    fn members(&self) -> u32 {
        self.slots() - self.first_member()
    }

    /// The slots that have a part here: the network and the layer's own block.
    fn owners(&self) -> [u32; 2] {
        [0, self.index + 1]
    }
}

fn probed_layers(spec: &TrainingSpec, probe: &ProbeSpec) -> Vec<ProbedLayer> {
    let in_gradients = |layer: &Layer| match probe.form {
        IterateForm::Auto => spec.batch_rows() < 2 * layer.rows,
        IterateForm::SampleGradients => true,
        IterateForm::Parameters => false,
    };
    (0..)
        .zip(spec.network.nodes())
        .map(|(index, node)| {
            let layer = Layer::new(&spec.network, node);
            let in_gradients = in_gradients(&layer);
            ProbedLayer {
                layer,
                index,
                in_gradients,
            }
        })
        .collect()
}

/// A buffer that a kernel binds but does not touch.
const PLACEHOLDER_WORDS: usize = 4;

pub(super) fn declare_buffers(
    spec: &TrainingSpec,
    probe: &ProbeSpec,
    declare: &mut Declare,
) -> ProbeBuffers {
    let rows = spec.batch_rows() as usize;
    let layers = probed_layers(spec, probe);
    let stride = spec.network.parameter_stride();
    let slots = layers.len() + 1;
    let states: Vec<_> = spec
        .replicas
        .iter()
        .map(|replica| ReplicaState::start(&replica.config()))
        .collect();
    let states = declare.structs("probe states", &states, 1);
    let mut zeros =
        |name: &str, elements: Elements, words: usize| declare.zeros(name, elements, words);
    let mut of_structs =
        |name, layout, size, count| zeros(name, Elements::Struct(layout), count * size / 4);
    let slot_buffer = of_structs("slots", ProbeSlot::LAYOUT, size_of::<ProbeSlot>(), slots);
    let sums = of_structs(
        "layer sums",
        LayerSums::LAYOUT,
        size_of::<LayerSums>(),
        layers.len() * PARTIALS as usize,
    );
    let records = of_structs(
        "layer records",
        LayerRecord::LAYOUT,
        size_of::<LayerRecord>(),
        slots,
    );
    let is_optimal = probe.method == ProbeMethod::LocallyOptimal;
    let steps = is_optimal.then(|| of_structs("ritz", Ritz::LAYOUT, size_of::<Ritz>(), slots));
    let mut floats = |name: &str, words: usize| zeros(name, Elements::F32, words);
    let mut per_layer = |name: &str, words: &dyn Fn(&ProbedLayer) -> usize| -> Vec<BufferId> {
        layers
            .iter()
            .map(|layer| floats(&format!("{name} {}", layer.index + 1), words(layer)))
            .collect()
    };
    let samples = |l: &ProbedLayer| match l.members() as usize {
        0 => PLACEHOLDER_WORDS,
        members => members * 2 * rows * l.layer.columns as usize,
    };
    let mut tangents = per_layer("tangents", &|l| {
        l.slots() as usize * rows * l.layer.activation_columns() as usize
    });
    let tangent_gradients = per_layer("tangent gradients", &|l| {
        l.slots() as usize * rows * l.layer.columns as usize
    });
    let grams = per_layer("gram", &|l| match l.members() {
        0 => PLACEHOLDER_WORDS,
        _ => rows * rows,
    });
    let sample_iterates = per_layer("sample iterates", &samples);
    let sample_products = per_layer("sample products", &samples);
    let sample_previous = per_layer("sample previous", &samples);
    let sample_ritz = steps.map(|steps| {
        let names = ["sample directions", "sample previous products"];
        (steps, names.map(|name| per_layer(name, &samples)))
    });
    tangents.insert(0, floats("tangents 0", PLACEHOLDER_WORDS));
    let partials = 2 * layers.len() * PARTIALS as usize * 4;
    let ritz = sample_ritz.map(|(steps, [directions, previous_products])| RitzBuffers {
        directions: floats("directions", 2 * stride),
        previous_products: floats("previous products", 2 * stride),
        sample_directions: directions,
        sample_previous_products: previous_products,
        partials: floats("direction partials", partials),
        steps,
    });
    ProbeBuffers {
        states,
        slots: slot_buffer,
        vectors: floats("vectors", 2 * stride),
        products: floats("products", 2 * stride),
        previous: floats("previous", 2 * stride),
        tangents,
        tangent_gradients,
        grams,
        sample_iterates,
        sample_products,
        sample_previous,
        partials: floats("partials", partials),
        norms: floats("gradient norms", layers.len()),
        sums,
        records,
        ritz,
    }
}

pub(super) fn plans(
    spec: &TrainingSpec,
    probe: &ProbeSpec,
    names: &Buffers,
    own: &ProbeBuffers,
) -> ProbePlans {
    let planner = Planner {
        spec,
        probe,
        names,
        own,
        layers: probed_layers(spec, probe),
    };
    let mut begin = planner.primal();
    begin.extend(planner.statistics());
    begin.extend(planner.start());
    begin.extend(planner.power_iteration(true));
    let plan = |name, dispatches| Plan { name, dispatches };
    let (refresh, iterate) = match &own.ritz {
        None => (None, planner.power_iteration(false)),
        Some(ritz) => (Some(planner.refresh(ritz)), planner.ritz_iteration(ritz)),
    };
    ProbePlans {
        begin: plan("probe begin", begin),
        refresh: refresh.map(|dispatches| plan("probe refresh", dispatches)),
        iterate: plan("probe iterate", iterate),
        end: plan("probe end", planner.end()),
    }
}

struct Planner<'a> {
    spec: &'a TrainingSpec,
    probe: &'a ProbeSpec,
    names: &'a Buffers,
    own: &'a ProbeBuffers,
    layers: Vec<ProbedLayer>,
}

/// What is multiplied by the Hessian, in both forms.
struct Factors<'a> {
    vectors: BufferId,
    samples: &'a [BufferId],
}

/// Where one part of an iterate lies, and what goes with it: buffers, and vec4s in them.
struct Part {
    slot: u32,
    /// Its place among the partial sums.
    index: u32,
    iterates: BufferId,
    products: BufferId,
    previous: BufferId,
    /// The layer whose sample gradients it is; `None` where it is a vector.
    samples_of: Option<usize>,
    stride: u32,
    offset: u32,
    length: u32,
    /// Vec4s from the part to its image; 0 where it is a vector.
    image_offset: u32,
}

impl RitzBuffers {
    fn directions_of(&self, part: &Part) -> BufferId {
        part.samples_of
            .map_or(self.directions, |layer| self.sample_directions[layer])
    }

    fn previous_products_of(&self, part: &Part) -> BufferId {
        part.samples_of.map_or(self.previous_products, |layer| {
            self.sample_previous_products[layer]
        })
    }
}

impl Planner<'_> {
    fn slots(&self) -> u32 {
        self.layers.len() as u32 + 1
    }

    fn parameters_stride(&self) -> u32 {
        self.spec.network.parameter_stride() as u32 / 4
    }

    /// Vec4s before a slot's part of a layer in `vectors` and `products`.
    fn vector_offset(&self, slot: u32, layer: &Layer) -> u32 {
        let of_slot = if slot == 0 {
            self.parameters_stride()
        } else {
            0
        };
        of_slot + layer.offset / 4
    }

    /// Every part, the network's first.
    fn parts(&self) -> Vec<Part> {
        let network = self.layers.iter().map(|l| (0, l.index, l));
        let blocks = self
            .layers
            .iter()
            .map(|l| (l.index + 1, self.layers.len() as u32 + l.index, l));
        network
            .chain(blocks)
            .map(|(slot, index, l)| self.part(slot, index, l))
            .collect()
    }

    fn part(&self, slot: u32, index: u32, l: &ProbedLayer) -> Part {
        if slot < l.first_member() {
            return Part {
                slot,
                index,
                iterates: self.own.vectors,
                products: self.own.products,
                previous: self.own.previous,
                samples_of: None,
                stride: 2 * self.parameters_stride(),
                offset: self.vector_offset(slot, &l.layer),
                length: l.layer.len() / 4,
                image_offset: 0,
            };
        }
        let length = self.spec.batch_rows() * l.layer.columns / 4;
        let layer = l.index as usize;
        Part {
            slot,
            index,
            iterates: self.own.sample_iterates[layer],
            products: self.own.sample_products[layer],
            previous: self.own.sample_previous[layer],
            samples_of: Some(layer),
            stride: l.members() * 2 * length,
            offset: (slot - l.first_member()) * 2 * length,
            length,
            image_offset: length,
        }
    }

    /// The minibatch that the next step will train on, forward and backward: as in a training step,
    /// but the loss goes into a state of the probe's own.
    fn primal(&self) -> Vec<Dispatch> {
        let (spec, names) = (self.spec, self.names);
        let gather = gather(spec, names).into_iter();
        gather
            .chain(forward_and_backward(spec, names, self.own.states))
            .collect()
    }

    /// The gradients are those of the loss; once they are summed, regularisers add theirs, and the
    /// objective's are summed again.
    fn statistics(&self) -> Vec<Dispatch> {
        let (names, own) = (self.names, self.own);
        let layers = self.layers.len() as u32;
        let norms = self.layers.iter().map(|l| {
            let params = GradientNorms {
                rows: l.layer.rows,
                columns: l.layer.columns,
                batch: self.spec.batch,
                batch_rows: self.spec.batch_rows(),
                layer: l.index,
                layers,
            };
            let index = l.index as usize;
            let buffers = [
                names.activations[index],
                names.pre_activation_gradients[index],
                own.norms,
            ];
            Dispatch::new(params, buffers, [1, 1])
        });
        let mut sums = vec![self.sums(false)];
        if names.regularisers.are_used() {
            sums.extend(regularisers::add_gradients(self.spec, names));
            sums.push(self.sums(true));
        }
        let stats = Dispatch::new(
            LayerStatsParams { layers },
            [
                names.configs,
                names.states,
                names.layer_controls,
                own.sums,
                own.norms,
                own.records,
            ],
            [1, 1],
        );
        norms.chain(sums).chain([stats]).collect()
    }

    /// All sums of the gradients as they are; or only that of the objective's.
    fn sums(&self, objective_only: bool) -> Dispatch {
        let (names, own) = (self.names, self.own);
        let layers = self.layers.len() as u32;
        Dispatch::new(
            LayerSumsParams {
                parameters_stride: self.parameters_stride(),
                layers,
                objective_only: objective_only.into(),
            },
            [
                names.configs,
                names.states,
                names.layer_controls,
                names.gradients,
                names.parameters,
                names.first_moment,
                names.second_moment,
                own.sums,
            ],
            [PARTIALS, layers],
        )
    }

    fn start(&self) -> Vec<Dispatch> {
        let vectors = self
            .layers
            .iter()
            .flat_map(|l| l.owners().map(|slot| self.start_vector(slot, l)));
        let reset = Dispatch::new(
            ProbeReset {
                slots: self.slots(),
            },
            [self.names.states, self.own.states, self.own.slots],
            [1, 1],
        );
        let grams = self.layers.iter().filter(|l| l.members() > 0).map(|l| {
            let index = l.index as usize;
            let batch_rows = self.spec.batch_rows();
            Dispatch::new(
                Gram {
                    rows: l.layer.rows,
                    batch_rows,
                },
                [self.names.activations[index], self.own.grams[index]],
                Grid::matrix(batch_rows, batch_rows),
            )
        });
        vectors.chain([reset]).chain(grams).collect()
    }

    fn start_vector(&self, slot: u32, l: &ProbedLayer) -> Dispatch {
        let layer = &l.layer;
        // Norm 1 over all that the slot covers: pairs of elements, with what is left over in a layer.
        let pairs = |layer: &Layer| layer.parameters().div_ceil(2);
        let pairs = match slot {
            0 => self.layers.iter().map(|l| pairs(&l.layer)).sum(),
            _ => pairs(layer),
        };
        let params = ProbeStart {
            vectors_stride: 2 * self.parameters_stride(),
            offset: self.vector_offset(slot, layer),
            rows: layer.rows,
            columns: layer.columns,
            inputs: layer.inputs,
            outputs: layer.outputs,
            half_rows: layer.rows / layer.halves,
            half_inputs: layer.inputs / layer.halves,
            slot,
            slots: self.slots(),
            stream_index: slot * self.layers.len() as u32 + l.index,
            seed: self.probe.seed.wrapping_mul(SEED_STEP),
            cold: u32::from(self.probe.start == probe::ProbeStart::Cold),
            magnitude: (1.0 / (pairs as f64).sqrt()) as f32,
        };
        Dispatch::new(
            params,
            [self.names.configs, self.own.slots, self.own.vectors],
            [(layer.columns / 4).div_ceil(64), layer.rows + 1],
        )
    }

    /// A product of the iterate, and the next iterate from it.
    fn power_iteration(&self, begin: bool) -> Vec<Dispatch> {
        let mut dispatches = self.measured_product(begin);
        let parts = self.parts();
        dispatches.extend(parts.iter().map(|part| self.normalise(part)));
        dispatches
    }

    /// A product of the iterate, and the direction in which the locally optimal method leaves it.
    fn refresh(&self, ritz: &RitzBuffers) -> Vec<Dispatch> {
        let mut dispatches = self.measured_product(false);
        let parts = self.parts();
        dispatches.extend(parts.iter().map(|part| self.ritz_start(part, ritz)));
        dispatches.push(self.ritz_check(ritz));
        dispatches
    }

    /// A product of the direction, and the next iterate and direction from it.
    fn ritz_iteration(&self, ritz: &RitzBuffers) -> Vec<Dispatch> {
        let directions = Factors {
            vectors: ritz.directions,
            samples: &ritz.sample_directions,
        };
        let mut dispatches = self.product(&directions, false);
        let parts = self.parts();
        let dots = |part| self.dots(part, ritz.directions_of(part));
        dispatches.extend(parts.iter().map(dots));
        dispatches.push(self.each_slot(
            RitzSolve {
                layers: self.layers.len() as u32,
                slots: self.slots(),
            },
            [self.own.partials, ritz.partials, self.own.slots, ritz.steps],
        ));
        dispatches.extend(parts.iter().map(|part| self.combine(part, ritz)));
        dispatches.push(self.ritz_check(ritz));
        dispatches
    }

    /// A product of the iterate, its Rayleigh quotient and residual, and whether to stop.
    fn measured_product(&self, begin: bool) -> Vec<Dispatch> {
        let iterates = Factors {
            vectors: self.own.vectors,
            samples: &self.own.sample_iterates,
        };
        let mut dispatches = self.product(&iterates, begin);
        let parts = self.parts();
        dispatches.extend(parts.iter().map(|part| self.dots(part, part.iterates)));
        dispatches.push(self.each_slot(
            ProbeUpdate {
                layers: self.layers.len() as u32,
                slots: self.slots(),
                tolerance: self.probe.tolerance,
                momentum: self.probe.power_momentum(),
            },
            [self.own.partials, self.own.slots],
        ));
        dispatches
    }

    /// One Hessian-vector product of every running slot.
    fn product(&self, of: &Factors<'_>, begin: bool) -> Vec<Dispatch> {
        let forward = |l| self.forward(l, of, begin);
        let mut dispatches: Vec<_> = self.layers.iter().map(forward).collect();
        dispatches.push(self.softmax());
        for l in self.layers.iter().skip(1).rev() {
            dispatches.push(self.backward_input(l, of));
        }
        for l in &self.layers {
            let vectors = l
                .owners()
                .into_iter()
                .filter(|slot| *slot < l.first_member());
            dispatches.extend(vectors.map(|slot| self.backward_weights(slot, l)));
            if l.members() > 0 {
                dispatches.push(self.gram_product(l));
            }
        }
        dispatches
    }

    /// A kernel of which one invocation does one slot, 32 a workgroup.
    fn each_slot<P: Params, const N: usize>(&self, params: P, buffers: [BufferId; N]) -> Dispatch {
        Dispatch::new(params, buffers, [self.slots().div_ceil(32), 1])
    }

    fn forward(&self, l: &ProbedLayer, of: &Factors<'_>, begin: bool) -> Dispatch {
        let index = l.index as usize;
        let params = TangentForward {
            parameters_stride: self.parameters_stride(),
            offset: l.layer.offset / 4,
            rows: l.layer.rows,
            columns: l.layer.columns,
            batch_rows: self.spec.batch_rows(),
            activation: l.layer.activation as u32,
            slots: l.slots(),
            all_slots: self.slots(),
            has_lower: u32::from(index > 0),
            first_member: l.first_member(),
            begin: u32::from(begin),
        };
        let buffers = [
            self.own.slots,
            self.names.parameters,
            self.own.tangents[index],
            self.names.activations[index],
            of.vectors,
            self.names.activations[index + 1],
            of.samples[index],
            self.own.tangents[index + 1],
        ];
        Dispatch::new(
            params,
            buffers,
            self.slot_products(l.layer.columns, l.slots()),
        )
    }

    /// A matrix of `columns` by the minibatch for each of `slots`.
    fn slot_products(&self, columns: u32, slots: u32) -> Grid {
        Grid::Product {
            columns,
            rows: self.spec.batch_rows(),
            blocks: slots,
        }
    }

    fn softmax(&self) -> Dispatch {
        let layers = self.layers.len();
        let params = TangentSoftmax {
            batch: self.spec.batch,
            batch_rows: self.spec.batch_rows(),
            classes: self.spec.network.classes(),
            columns: self.layers[layers - 1].layer.columns,
            slots: self.slots(),
            inverse_batch: (1.0 / f64::from(self.spec.batch)) as f32,
        };
        let buffers = [
            self.own.slots,
            self.names.activations[layers],
            self.own.tangents[layers],
            self.own.tangent_gradients[layers - 1],
        ];
        let samples = self
            .spec
            .batch_rows()
            .div_ceil(TangentSoftmax::KERNEL.plain.workgroup[0]);
        Dispatch::new(params, buffers, [samples, self.slots()])
    }

    /// From layer `l` to the one below it.
    fn backward_input(&self, l: &ProbedLayer, of: &Factors<'_>) -> Dispatch {
        let index = l.index as usize;
        let below = &self.layers[index - 1];
        let params = TangentBackwardInput {
            parameters_stride: self.parameters_stride(),
            offset: l.layer.offset / 4,
            rows: l.layer.rows,
            columns: l.layer.columns,
            batch_rows: self.spec.batch_rows(),
            activation: below.layer.activation as u32,
            slots: below.slots(),
            all_slots: self.slots(),
        };
        let buffers = [
            self.own.slots,
            self.names.parameters,
            of.vectors,
            self.names.activations[index],
            self.own.tangents[index],
            self.names.pre_activation_gradients[index],
            self.own.tangent_gradients[index],
            self.own.tangent_gradients[index - 1],
        ];
        Dispatch::new(
            params,
            buffers,
            self.slot_products(below.layer.columns, below.slots()),
        )
    }

    /// A part that is a vector: its Hessian-vector product.
    fn backward_weights(&self, slot: u32, l: &ProbedLayer) -> Dispatch {
        let has_lower = slot == 0 && l.index > 0;
        let batch_rows = self.spec.batch_rows();
        let params = TangentBackwardWeights {
            gradients_stride: l.slots() * batch_rows,
            gradients_first: slot * batch_rows,
            lower_stride: if has_lower {
                (l.slots() - 1) * batch_rows
            } else {
                0
            },
            ..self.weights_params(slot, l)
        };
        let gradients = self.own.tangent_gradients[l.index as usize];
        self.weights_dispatch(params, l, gradients, self.own.products)
    }

    /// A part in sample gradients: the vector that it stands for.
    fn as_vector(&self, slot: u32, l: &ProbedLayer) -> Dispatch {
        let batch_rows = self.spec.batch_rows();
        let params = TangentBackwardWeights {
            gradients_stride: l.members() * 2 * batch_rows,
            gradients_first: (slot - l.first_member()) * 2 * batch_rows,
            end: 1,
            ..self.weights_params(slot, l)
        };
        let iterates = self.own.sample_iterates[l.index as usize];
        self.weights_dispatch(params, l, iterates, self.own.vectors)
    }

    fn weights_params(&self, slot: u32, l: &ProbedLayer) -> TangentBackwardWeights {
        TangentBackwardWeights {
            products_stride: 2 * self.parameters_stride(),
            offset: self.vector_offset(slot, &l.layer),
            rows: l.layer.rows,
            columns: l.layer.columns,
            batch: self.spec.batch,
            batch_rows: self.spec.batch_rows(),
            slot,
            all_slots: self.slots(),
            ..bytemuck::Zeroable::zeroed()
        }
    }

    fn weights_dispatch(
        &self,
        params: TangentBackwardWeights,
        l: &ProbedLayer,
        gradients: BufferId,
        target: BufferId,
    ) -> Dispatch {
        let index = l.index as usize;
        let buffers = [
            self.own.slots,
            self.names.activations[index],
            self.own.tangents[index],
            self.names.pre_activation_gradients[index],
            gradients,
            target,
        ];
        Dispatch::new(
            params,
            buffers,
            Grid::matrix(l.layer.columns, l.layer.rows + 1),
        )
    }

    fn gram_product(&self, l: &ProbedLayer) -> Dispatch {
        let index = l.index as usize;
        let params = GramProduct {
            columns: l.layer.columns,
            batch_rows: self.spec.batch_rows(),
            slots: l.slots(),
            all_slots: self.slots(),
            first_member: l.first_member(),
        };
        let buffers = [
            self.own.slots,
            self.own.grams[index],
            self.own.tangent_gradients[index],
            self.own.sample_products[index],
        ];
        Dispatch::new(
            params,
            buffers,
            self.slot_products(l.layer.columns, l.members()),
        )
    }

    /// The partial sums that a product of `factors` needs.
    fn dots(&self, part: &Part, factors: BufferId) -> Dispatch {
        let params = ProbeDots {
            stride: part.stride,
            offset: part.offset,
            length: part.length,
            image_offset: part.image_offset,
            part: part.index,
            parts: self.part_count(),
            slot: part.slot,
            slots: self.slots(),
            momentum: self.probe.power_momentum(),
        };
        let buffers = [
            self.own.slots,
            factors,
            part.products,
            part.previous,
            self.own.partials,
        ];
        Dispatch::new(params, buffers, [PARTIALS, 1])
    }

    fn part_count(&self) -> u32 {
        2 * self.layers.len() as u32
    }

    fn normalise(&self, part: &Part) -> Dispatch {
        let params = ProbeNormalise {
            stride: part.stride,
            offset: part.offset,
            length: part.length + part.image_offset,
            slot: part.slot,
            slots: self.slots(),
            momentum: self.probe.power_momentum(),
        };
        let workgroups = params
            .length
            .div_ceil(ProbeNormalise::KERNEL.plain.workgroup[0]);
        let buffers = [self.own.slots, part.products, part.iterates, part.previous];
        Dispatch::new(params, buffers, [workgroups, 1])
    }

    fn ritz_start(&self, part: &Part, ritz: &RitzBuffers) -> Dispatch {
        let params = RitzStart {
            stride: part.stride,
            offset: part.offset,
            length: part.length,
            image_offset: part.image_offset,
            part: part.index,
            parts: self.part_count(),
            slot: part.slot,
            slots: self.slots(),
        };
        let buffers = [
            self.own.slots,
            part.iterates,
            part.products,
            ritz.directions_of(part),
            part.previous,
            ritz.previous_products_of(part),
            ritz.partials,
        ];
        Dispatch::new(params, buffers, [PARTIALS, 1])
    }

    fn combine(&self, part: &Part, ritz: &RitzBuffers) -> Dispatch {
        let params = RitzCombine {
            stride: part.stride,
            offset: part.offset,
            length: part.length,
            image_offset: part.image_offset,
            part: part.index,
            parts: self.part_count(),
            slot: part.slot,
            slots: self.slots(),
        };
        let buffers = [
            self.own.slots,
            ritz.steps,
            part.products,
            part.iterates,
            ritz.directions_of(part),
            part.previous,
            ritz.previous_products_of(part),
            ritz.partials,
        ];
        Dispatch::new(params, buffers, [PARTIALS, 1])
    }

    fn ritz_check(&self, ritz: &RitzBuffers) -> Dispatch {
        self.each_slot(
            RitzCheck {
                layers: self.layers.len() as u32,
                slots: self.slots(),
                tolerance: self.probe.tolerance,
            },
            [ritz.partials, ritz.steps, self.own.slots],
        )
    }

    /// Nothing to do where the next probe starts cold.
    fn end(&self) -> Vec<Dispatch> {
        if self.probe.start == probe::ProbeStart::Cold {
            return Vec::new();
        }
        self.layers
            .iter()
            .flat_map(|l| {
                let members = l
                    .owners()
                    .into_iter()
                    .filter(|slot| *slot >= l.first_member());
                members.map(move |slot| self.as_vector(slot, l))
            })
            .collect()
    }
}

/// Sets the start vectors of neighbouring probe seeds apart: 2^32 over the golden ratio.
const SEED_STEP: u32 = 0x9e37_79b9;

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(refresh: Option<&'static str>) -> ProbePlans<&'static str> {
        ProbePlans {
            begin: "begin",
            refresh,
            iterate: "iterate",
            end: "end",
        }
    }

    fn one_by_one(plans: &ProbePlans<&'static str>, numbers: Range<u32>) -> Vec<&'static str> {
        let runs = plans.products(numbers);
        runs.flat_map(|(plan, times)| std::iter::repeat_n(*plan, times as usize))
            .collect()
    }

    #[test]
    fn the_second_product_and_every_32nd_from_there_are_of_the_iterate() {
        let optimal = plans(Some("refresh"));
        let wanted: Vec<_> = (1..200)
            .map(|number| match number {
                1 | 33 | 65 | 97 | 129 | 161 | 193 => "refresh",
                _ => "iterate",
            })
            .collect();
        assert_eq!(one_by_one(&optimal, 1..200), wanted);
        for cut in 1..200 {
            let pieces = [1..cut, cut..200].map(|numbers| one_by_one(&optimal, numbers));
            assert_eq!(pieces.concat(), wanted, "cut at {cut}");
        }
    }

    #[test]
    fn power_iteration_does_the_same_at_every_product() {
        assert_eq!(
            plans(None).products(1..100).collect::<Vec<_>>(),
            [(&"iterate", 99)]
        );
        for refresh in [None, Some("refresh")] {
            assert_eq!(plans(refresh).products(1..1).count(), 0);
        }
    }
}
