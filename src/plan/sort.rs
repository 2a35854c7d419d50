//! A stable radix sort of every parameter tensor, all tensors and replicas in the same dispatches:
//! least significant digit first, four passes of eight bits.
//!
//! The sort of a replica that has no use for it is left out by the kernels themselves
//! (`is_sorted` in `shaders/common/sort.wgsl`).

use std::sync::Arc;

use super::{BufferId, BufferSpec, Buffers, Contents, Dispatch, Elements, dispatch};
use crate::kernels::{RadixCount, RadixKeys, RadixScan, RadixScatter};
use crate::layout::ShaderStruct;
use crate::network::{Layer, Network};
use crate::spec::TrainingSpec;
use crate::state::SortSegment;

/// Elements that one workgroup counts and scatters.
pub const SORT_TILE: u32 = 4096;
/// Values of a digit.
pub const SORT_DIGITS: u32 = 256;

/// What a sort works on. Of two buffers, passes read one and write the other, in turn.
#[derive(Clone, Debug)]
pub struct SortBuffers {
    /// `[segments]` [`SortSegment`], shared: weights and bias of every layer, in stored order.
    pub segments: BufferId,
    /// `[replica, stride]` u32: at the start and in the end, the first holds the keys.
    pub keys: [BufferId; 2],
    /// `[replica, stride]` u32: places among the replica's parameters, alike.
    pub payloads: [BufferId; 2],
    /// `[replica, tiles, SORT_DIGITS]` u32
    pub counts: BufferId,
}

/// Weights and bias of every layer, in stored order.
fn segments(network: &Network) -> Vec<SortSegment> {
    let mut segments: Vec<_> = network.layers().iter().flat_map(of_layer).collect();
    let mut first_tile = 0;
    for segment in &mut segments {
        segment.first_tile = first_tile;
        first_tile += segment.length.div_ceil(SORT_TILE);
    }
    segments
}

/// A layer's two segments, as if there were no others.
fn of_layer(layer: &Layer) -> [SortSegment; 2] {
    let weights = SortSegment {
        start: layer.offset,
        length: layer.rows * layer.columns,
        count: layer.inputs * layer.outputs,
        first_tile: 0,
        columns: layer.columns,
        outputs: layer.outputs,
        half_rows: layer.rows / layer.halves,
        half_inputs: layer.inputs / layer.halves,
    };
    let bias = SortSegment {
        start: weights.start + weights.length,
        length: layer.columns,
        count: layer.outputs,
        half_rows: 1,
        half_inputs: 1,
        ..weights
    };
    [weights, bias]
}

/// Tiles of all segments, each of which begins with one of its own.
fn tiles(segments: &[SortSegment]) -> u32 {
    segments.iter().map(|s| s.length.div_ceil(SORT_TILE)).sum()
}

/// Workgroups of the kernels that go through tiles: along x those of the longest segment.
pub(super) fn grid(network: &Network) -> [u32; 2] {
    let segments = segments(network);
    let longest = segments.iter().map(|s| s.length.div_ceil(SORT_TILE)).max();
    [longest.unwrap_or(0), segments.len() as u32]
}

pub(super) fn declare_buffers(spec: &TrainingSpec, arena: &mut Vec<BufferSpec>) -> SortBuffers {
    let segments = segments(&spec.network);
    let stride = spec.network.parameter_stride();
    let mut declare = |name: &str, elements, words, contents: Option<Arc<[u32]>>| {
        arena.push(BufferSpec {
            name: name.to_owned(),
            words,
            elements,
            shared: contents.is_some(),
            contents: contents.map_or(Contents::Zero, Contents::Words),
        });
        BufferId(arena.len() - 1)
    };
    let words: Arc<[u32]> = bytemuck::cast_slice(&segments).into();
    let layout = Elements::Struct(SortSegment::LAYOUT);
    let segment_buffer = declare("sort segments", layout, words.len(), Some(words.clone()));
    let mut integers = |name, words| declare(name, Elements::U32, words, None);
    SortBuffers {
        segments: segment_buffer,
        keys: ["sort keys", "sort keys, other"].map(|name| integers(name, stride)),
        payloads: ["sort payloads", "sort payloads, other"].map(|name| integers(name, stride)),
        counts: integers("sort counts", (tiles(&segments) * SORT_DIGITS) as usize),
    }
}

/// Sorts the parameters: keys and payloads end up in the first buffers of each pair.
pub(super) fn sort(spec: &TrainingSpec, names: &Buffers, own: &SortBuffers) -> Vec<Dispatch> {
    let stride = spec.network.parameter_stride() as u32;
    let tiles = tiles(&segments(&spec.network));
    let grid = grid(&spec.network);
    let (configs, states, segments) = (names.configs, names.states, own.segments);
    let keys = dispatch(
        RadixKeys { stride },
        [
            configs,
            states,
            segments,
            names.parameters,
            own.keys[0],
            own.payloads[0],
        ],
        grid,
    );
    let pass = |number: u32| {
        let shift = 8 * number;
        let from = number as usize % 2;
        let to = 1 - from;
        let count = dispatch(
            RadixCount {
                stride,
                tiles,
                shift,
            },
            [configs, states, segments, own.keys[from], own.counts],
            grid,
        );
        let scan = dispatch(
            RadixScan { tiles },
            [configs, states, segments, own.counts],
            [1, grid[1]],
        );
        let scatter = dispatch(
            RadixScatter {
                stride,
                tiles,
                shift,
            },
            [
                configs,
                states,
                segments,
                own.counts,
                own.keys[from],
                own.payloads[from],
                own.keys[to],
                own.payloads[to],
            ],
            grid,
        );
        [count, scan, scatter]
    };
    std::iter::once(keys).chain((0..4).flat_map(pass)).collect()
}
