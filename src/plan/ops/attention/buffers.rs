//! The buffers that self-attention needs beside those of its values.

use crate::network::{Activation, Attention, Network, Node, Op, ValueId};
use crate::plan::buffers::PLACEHOLDER_WORDS;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::probe::value_slots;
use crate::plan::{Buffers, ProbeBuffers};
use crate::spec::TrainingSpec;

/// The buffers of one attention in a training step.
#[derive(Clone, Copy, Debug)]
pub struct AttentionBuffers {
    /// The weights A, then the gradient dS with respect to the products of queries and keys:
    /// `[replica, 2, batch_rows, heads, queries, keys]` f32
    pub weights: BufferId,
    /// The gradient with respect to f(z) of the input, `[replica, stored rows, padded units]` f32; `None` where f is the
    /// identity.
    pub input_gradients: Option<BufferId>,
}

/// The buffers of one attention in a probe.
#[derive(Clone, Copy, Debug)]
pub struct ProbeAttentionBuffers {
    /// The tangents RA, then RdS, of [`AttentionBuffers::weights`]:
    /// `[replica, slots, 2, batch_rows, heads, queries, keys]` f32
    pub weight_tangents: BufferId,
    /// The tangents of [`AttentionBuffers::input_gradients`]: `[replica, slots, stored rows, padded units]` f32
    pub input_gradient_tangents: Option<BufferId>,
}

impl AttentionBuffers {
    pub(in crate::plan) fn declare(
        spec: &TrainingSpec,
        declare: &mut Declare,
    ) -> Vec<Option<Self>> {
        each_value(&spec.network, |node, attention| {
            let number = node.output.index();
            let words = Words::of(spec, node, attention);
            Self {
                weights: declare.floats(format!("attention {number}"), words.matrices),
                input_gradients: words.input.map(|words| {
                    declare.floats(format!("attention input gradients {number}"), words)
                }),
            }
        })
    }
}

impl ProbeAttentionBuffers {
    pub(in crate::plan) fn declare(
        spec: &TrainingSpec,
        declare: &mut Declare,
    ) -> Vec<Option<Self>> {
        each_value(&spec.network, |node, attention| {
            let number = node.output.index();
            let words = Words::of(spec, node, attention);
            let slots = value_slots(&spec.network, node.output) as usize;
            let mut floats = |name: &str, words: usize| {
                let words = (slots * words).max(PLACEHOLDER_WORDS);
                declare.floats(format!("{name} {number}"), words)
            };
            Self {
                weight_tangents: floats("attention tangents", words.matrices),
                input_gradient_tangents: words
                    .input
                    .map(|words| floats("attention input gradient tangents", words)),
            }
        })
    }
}

impl Buffers {
    /// The buffers of the attention that makes a value.
    pub(super) fn attention_of(&self, output: ValueId) -> AttentionBuffers {
        self.attention[output.index()].expect("attention makes the value")
    }
}

impl ProbeBuffers {
    /// The buffers of the attention that makes a value.
    pub(super) fn attention_of(&self, output: ValueId) -> ProbeAttentionBuffers {
        self.attention[output.index()].expect("attention makes the value")
    }
}

/// The numbers of words of one replica's buffers, in a probe for each slot.
struct Words {
    matrices: usize,
    /// `None` where the activation of the input is the identity.
    input: Option<usize>,
}

impl Words {
    fn of(spec: &TrainingSpec, node: &Node, attention: Attention) -> Self {
        let input = spec.network.value(node.inputs[0]);
        let positions = input.positions() as usize;
        let matrices = spec.batch_rows() as usize * attention.heads as usize;
        let gradients = spec.stored_rows(node.inputs[0]) as usize * input.padded_units() as usize;
        Self {
            matrices: 2 * matrices * positions * positions,
            input: (input.activation != Activation::Identity).then_some(gradients),
        }
    }
}

/// The result of `make` for every value that attention makes.
fn each_value<B>(network: &Network, mut make: impl FnMut(&Node, Attention) -> B) -> Vec<Option<B>> {
    let made = network.nodes().iter().map(|node| match node.op {
        Op::Attention(attention) => Some(make(node, attention)),
        _ => None,
    });
    std::iter::once(None).chain(made).collect()
}
