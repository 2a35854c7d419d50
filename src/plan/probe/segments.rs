//! The layout of iterates. An iterate of an eigenproblem has one segment for each layer that it covers;
//! `shaders/common/probe.wgsl` describes the two forms of a segment.
//!
//! The dual form replaces two products with the layer's inputs, 4 B inputs outputs flop, by one product with their Gram
//! matrix, 2 B^2 outputs flop.

use crate::network::Layer;
use crate::probe::{IterateForm, ProbeSpec};
use crate::spec::TrainingSpec;
use crate::state::ProbeSegment;

/// One layer in a probe, and its segments of the network's iterate and of its own block's.
pub(super) struct ProbedLayer<'a> {
    pub(super) layer: &'a Layer,
    /// The layer's number, from 0 on.
    pub(super) index: u32,
    pub(super) network: ProbeSegment,
    pub(super) block: ProbeSegment,
}

impl ProbedLayer<'_> {
    /// Slots that reach the layer: the network's, and those of the blocks up to this one.
    pub(super) fn slots(&self) -> u32 {
        self.index + 2
    }

    /// The segments of the layer, each with its slot.
    pub(super) fn segments(&self) -> [&ProbeSegment; 2] {
        [&self.network, &self.block]
    }

    /// How many segments of the layer are dual.
    pub(super) fn duals(&self) -> u32 {
        let segments = self.segments().into_iter();
        segments.filter(|segment| segment.is_dual()).count() as u32
    }

    /// The first slot with a dual segment; [`Self::slots`] where there is none.
    pub(super) fn first_dual(&self) -> u32 {
        let mut segments = self.segments().into_iter();
        let dual = segments.find(|segment| segment.is_dual());
        dual.map_or(self.slots(), |segment| segment.slot)
    }
}

impl ProbeSegment {
    pub(super) fn is_dual(&self) -> bool {
        self.image_offset != 0
    }

    /// Vec4s before the image of a dual segment, or before the vector of a primal one.
    pub(super) fn image_or_vector(&self) -> u32 {
        self.offset + self.image_offset
    }

    /// Vec4s of the segment, with its image.
    pub(super) fn size(&self) -> usize {
        self.length as usize + self.image_offset as usize
    }
}

/// The layers with their segments. In memory the network's segments come first, then the blocks'.
pub(super) fn probed_layers<'a>(spec: &'a TrainingSpec, probe: &ProbeSpec) -> Vec<ProbedLayer<'a>> {
    let layers = spec.network.layers();
    let parameters = spec.network.parameter_stride() as u32 / 4;
    let mut end = 0_usize;
    let mut place = |slot: u32, layer: &Layer, is_dual: bool| {
        let dual = (u64::from(spec.batch_rows()) * u64::from(layer.columns) / 4) as u32;
        let segment = ProbeSegment {
            slot,
            offset: end as u32,
            length: if is_dual { dual } else { layer.len() / 4 },
            image_offset: if is_dual { dual } else { 0 },
            vector_offset: if slot == 0 { parameters } else { 0 } + layer.offset / 4,
        };
        end += segment.size();
        segment
    };
    // The input of a later layer has a tangent where the network's Hessian is multiplied.
    let is_dual = |layer: &Layer| prefers_dual(spec, probe, layer);
    let network: Vec<_> = (layers.iter().enumerate())
        .map(|(index, layer)| place(0, layer, index == 0 && is_dual(layer)))
        .collect();
    (0..)
        .zip(layers.iter().zip(network))
        .map(|(index, (layer, network))| ProbedLayer {
            layer,
            index,
            network,
            block: place(index + 1, layer, is_dual(layer)),
        })
        .collect()
}

/// Whether the segments of a layer are dual where they may be.
fn prefers_dual(spec: &TrainingSpec, probe: &ProbeSpec, layer: &Layer) -> bool {
    match probe.form {
        IterateForm::Auto => spec.batch_rows() < 2 * layer.rows,
        IterateForm::SampleGradients => true,
        IterateForm::Parameters => false,
    }
}

/// All segments, in the order of their partial sums and of memory.
pub(super) fn segments(layers: &[ProbedLayer<'_>]) -> Vec<ProbeSegment> {
    let network = layers.iter().map(|layer| layer.network);
    let blocks = layers.iter().map(|layer| layer.block);
    network.chain(blocks).collect()
}

/// Vec4s of one replica's iterates.
pub(super) fn stride(layers: &[ProbedLayer<'_>]) -> usize {
    let segments = layers.iter().flat_map(ProbedLayer::segments);
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
                network: Network::new(&[40, 9, 5, 3], Activation::Crelu).unwrap(),
                batch: 40,
                replicas: vec![ReplicaSpec::default()],
                stream: None,
                probe: None,
            };
            let probe = ProbeSpec {
                form,
                ..ProbeSpec::default()
            };
            let layers = probed_layers(&spec, &probe);
            let segments = segments(&layers);
            let slots: Vec<_> = segments.iter().map(|segment| segment.slot).collect();
            assert_eq!(slots, [0, 0, 0, 1, 2, 3], "{form:?}");
            let found = segments.iter().filter(|segment| segment.is_dual());
            assert_eq!(found.count(), duals, "{form:?}");

            let mut end = 0;
            for segment in &segments {
                assert_eq!(segment.offset as usize, end, "{form:?}");
                end += segment.size();
            }
            assert_eq!(end, stride(&layers), "{form:?}");

            let mut vectors: Vec<_> = segments
                .iter()
                .zip(layers.iter().cycle())
                .map(|(segment, l)| (segment.vector_offset, l.layer.len() / 4))
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
