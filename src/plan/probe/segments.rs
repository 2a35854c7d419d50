//! The layout of iterates. An iterate of an eigenproblem has one segment for each node with parameters that it covers;
//! `shaders/common/probe.wgsl` describes the two forms of a segment.

use crate::network::{Network, Node, ValueId};
use crate::plan::ops::{self, Dual, PlanOp};
use crate::probe::{IterateForm, ProbeSpec};
use crate::spec::TrainingSpec;
use crate::state::ProbeSegment;

/// One node with parameters in a probe, and its segments of the network's iterate and of its own block's.
pub(in crate::plan) struct ProbedNode<'a> {
    pub(in crate::plan) node: &'a Node,
    /// The index of its block.
    pub(in crate::plan) index: u32,
    reads_constant: bool,
    pub(in crate::plan) network: ProbeSegment,
    pub(in crate::plan) block: ProbeSegment,
}

impl ProbedNode<'_> {
    /// The plans of its operation.
    pub(in crate::plan) fn op(&self) -> &dyn PlanOp {
        ops::plans(&self.node.op)
    }

    /// The index of the value that the node reads.
    pub(in crate::plan) fn input(&self) -> usize {
        self.node.inputs[0].index()
    }

    /// The index of the value that the node makes.
    pub(in crate::plan) fn output(&self) -> usize {
        self.node.output.index()
    }

    /// Whether no parameter reaches what the node reads, so that it has no tangent.
    pub(in crate::plan) fn reads_constant(&self) -> bool {
        self.reads_constant
    }

    /// The number of slots that reach the node: the network's, and those of the blocks up to its own.
    pub(in crate::plan) fn slots(&self) -> u32 {
        self.index + 2
    }

    /// The segments of the node, each with its slot.
    pub(in crate::plan) fn segments(&self) -> [&ProbeSegment; 2] {
        [&self.network, &self.block]
    }

    /// The number of its segments that are dual.
    pub(in crate::plan) fn duals(&self) -> u32 {
        let segments = self.segments().into_iter();
        segments.filter(|segment| segment.is_dual()).count() as u32
    }

    /// The first slot with a dual segment; [`Self::slots`] where there is none.
    pub(in crate::plan) fn first_dual(&self) -> u32 {
        let mut segments = self.segments().into_iter();
        let dual = segments.find(|segment| segment.is_dual());
        dual.map_or(self.slots(), |segment| segment.slot)
    }
}

impl ProbeSegment {
    pub(in crate::plan) fn is_dual(&self) -> bool {
        self.image_offset != 0
    }

    /// The number of vec4s before the image of a dual segment, or before the vector of a primal one.
    pub(in crate::plan) fn image_or_vector(&self) -> u32 {
        self.offset + self.image_offset
    }

    /// The number of vec4s of the segment, with its image.
    pub(super) fn size(&self) -> usize {
        self.length as usize + self.image_offset as usize
    }
}

/// The number of slots that reach a value; see [`super::ProbeSite::value_slots`].
pub(in crate::plan) fn value_slots(network: &Network, value: ValueId) -> u32 {
    match network.blocks_up_to(value) {
        0 => 0,
        blocks => 1 + blocks,
    }
}

/// The nodes with their segments. In memory the network's segments come first, then the blocks'.
pub(super) fn probed_nodes<'a>(spec: &'a TrainingSpec, probe: &ProbeSpec) -> Vec<ProbedNode<'a>> {
    let network = &spec.network;
    let parameters = network.parameter_stride() as u32 / 4;
    let magnitude = |pairs: usize| (1.0 / (pairs as f64).sqrt()) as f32;
    let pairs = |block: usize| network.block_parameters(block).div_ceil(2);
    let all_pairs = (0..network.blocks().len()).map(pairs).sum();
    let mut end = 0_usize;
    let mut place = |slot: u32, block: usize, dual: Option<Dual>| {
        let stored = stored(network, block);
        let (length, image_offset) = match dual {
            Some(dual) => (dual.length, dual.length),
            None => (stored[1] - stored[0], 0),
        };
        let segment = ProbeSegment {
            slot,
            offset: end as u32,
            length,
            image_offset,
            vector_offset: if slot == 0 { parameters } else { 0 } + stored[0],
            parameters: network.block_parameters(block) as u32,
            magnitude: magnitude(if slot == 0 { all_pairs } else { pairs(block) }),
        };
        end += segment.size();
        segment
    };
    let with_parameters = || {
        let nodes = network.nodes().iter();
        nodes.filter_map(|node| Some((node, node.block?)))
    };
    // A dual segment needs an input without a tangent, which only a constant input has in the network's products.
    let of_network: Vec<_> = with_parameters()
        .map(|(node, block)| {
            let dual = dual(spec, probe, node).filter(|_| reads_constant(network, node));
            place(0, block, dual)
        })
        .collect();
    with_parameters()
        .zip(of_network)
        .map(|((node, block), network)| ProbedNode {
            node,
            index: block as u32,
            reads_constant: reads_constant(&spec.network, node),
            network,
            block: place(block as u32 + 1, block, dual(spec, probe, node)),
        })
        .collect()
}

/// Whether no parameter reaches any value that a node reads.
fn reads_constant(network: &Network, node: &Node) -> bool {
    node.inputs.iter().all(|input| network.is_constant(*input))
}

/// The first vec4 of a block in a replica's parameters, and the one after its last.
fn stored(network: &Network, block: usize) -> [u32; 2] {
    let tensors = network.block_tensors(block);
    let (first, last) = (tensors[0].stored(), tensors[tensors.len() - 1].stored());
    [first.start, last.end].map(|element| element as u32 / 4)
}

/// The dual form of a node's segments; `None` where they are primal.
fn dual(spec: &TrainingSpec, probe: &ProbeSpec, node: &Node) -> Option<Dual> {
    let dual = ops::plans(&node.op).dual(spec, node);
    dual.filter(|dual| match probe.form {
        IterateForm::Auto => dual.is_cheaper,
        IterateForm::SampleGradients => true,
        IterateForm::Parameters => false,
    })
}

/// All segments, in the order of their partial sums and of memory.
pub(super) fn segments(nodes: &[ProbedNode<'_>]) -> Vec<ProbeSegment> {
    let network = nodes.iter().map(|node| node.network);
    let blocks = nodes.iter().map(|node| node.block);
    network.chain(blocks).collect()
}

/// The number of vec4s of one replica's iterates.
pub(super) fn stride(nodes: &[ProbedNode<'_>]) -> usize {
    let segments = nodes.iter().flat_map(ProbedNode::segments);
    segments.map(ProbeSegment::size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Network};
    use crate::spec::ReplicaSpec;

    #[test]
    fn segments_fill_the_iterates_in_order_and_vectors_once() {
        let forms = [
            (IterateForm::Auto, 3),
            (IterateForm::SampleGradients, 4),
            (IterateForm::Parameters, 0),
        ];
        for (form, duals) in forms {
            let spec = TrainingSpec {
                network: Network::mlp(&[40, 9, 5, 3], Activation::Crelu).unwrap(),
                batch: 40,
                replicas: vec![ReplicaSpec::default()],
                stream: None,
                probe: None,
            };
            let probe = ProbeSpec {
                form,
                ..ProbeSpec::default()
            };
            let nodes = probed_nodes(&spec, &probe);
            let segments = segments(&nodes);
            let slots: Vec<_> = segments.iter().map(|segment| segment.slot).collect();
            assert_eq!(slots, [0, 0, 0, 1, 2, 3], "{form:?}");
            let found = segments.iter().filter(|segment| segment.is_dual());
            assert_eq!(found.count(), duals, "{form:?}");

            let mut end = 0;
            for segment in &segments {
                assert_eq!(segment.offset as usize, end, "{form:?}");
                end += segment.size();
            }
            assert_eq!(end, stride(&nodes), "{form:?}");

            let mut vectors: Vec<_> = segments
                .iter()
                .zip(nodes.iter().cycle())
                .map(|(segment, node)| {
                    let [start, end] = stored(&spec.network, node.index as usize);
                    (segment.vector_offset, end - start)
                })
                .collect();
            vectors.sort_unstable();
            let end = vectors.iter().fold(0, |end, (offset, length)| {
                assert_eq!(*offset, end, "{form:?}");
                end + length
            });
            assert_eq!(
                end as usize,
                spec.network.parameter_stride() / 2,
                "{form:?}"
            );
        }
    }
}
