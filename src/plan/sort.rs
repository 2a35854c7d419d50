//! A stable radix sort of every parameter tensor, all tensors and replicas in the same dispatches:
//! least significant digit first, four passes of eight bits.
//!
//! The kernels themselves skip replicas that need no sort (`is_sorted` in `shaders/common/sort.wgsl`).

use super::buffers::Buffers;
use super::declare::{BufferId, Declare};
use super::dispatch::{Dispatch, Grid};
use crate::kernels::{RadixCount, RadixKeys, RadixScan, RadixScatter};
use crate::network::Network;
use crate::spec::TrainingSpec;

/// The number of values of a digit.
pub const SORT_DIGITS: u32 = 256;

/// The scratch buffers of a sort. Passes read one buffer of each pair and write the other, in turn.
#[derive(Clone, Debug)]
pub struct SortBuffers {
    /// `[replica, stride]` u32: keys. The first buffer holds them at the start and at the end.
    pub keys: [BufferId; 2],
    /// `[replica, stride]` u32: indices in the replica's parameters. The first buffer holds them at the start and at
    /// the end.
    pub payloads: [BufferId; 2],
    /// `[replica, tiles, SORT_DIGITS]` u32
    pub counts: BufferId,
}

/// The number of tiles of all tensors. Every tensor begins with a tile of its own.
fn tiles(network: &Network) -> u32 {
    network
        .tensors()
        .iter()
        .map(|tensor| tensor.layout.tiles())
        .sum()
}

impl SortBuffers {
    pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Self {
        let stride = spec.network.parameter_stride();
        let counts = (tiles(&spec.network) * SORT_DIGITS) as usize;
        Self {
            keys: ["sort keys", "sort keys, other"].map(|name| declare.integers(name, stride)),
            payloads: ["sort payloads", "sort payloads, other"]
                .map(|name| declare.integers(name, stride)),
            counts: declare.integers("sort counts", counts),
        }
    }
}

/// Sorts the parameters: keys and payloads end up in the first buffers of each pair.
pub(super) fn sort(spec: &TrainingSpec, buffers: &Buffers, own: &SortBuffers) -> Vec<Dispatch> {
    let stride = spec.network.parameter_stride() as u32;
    let tiles = tiles(&spec.network);
    let grid = Grid::tensors(&spec.network);
    let each_tensor = [1, spec.network.tensors().len() as u32];
    let (configs, states, tensors) = (buffers.configs, buffers.states, buffers.tensors);
    let keys = Dispatch::new(
        RadixKeys { stride },
        [
            configs,
            states,
            tensors,
            buffers.parameters,
            own.keys[0],
            own.payloads[0],
        ],
        grid,
    );
    let pass = |number: u32| {
        let shift = 8 * number;
        let from = number as usize % 2;
        let to = 1 - from;
        let count = Dispatch::new(
            RadixCount {
                stride,
                tiles,
                shift,
            },
            [configs, states, tensors, own.keys[from], own.counts],
            grid,
        );
        let scan = Dispatch::new(
            RadixScan { tiles },
            [configs, states, tensors, own.counts],
            each_tensor,
        );
        let scatter = Dispatch::new(
            RadixScatter {
                stride,
                tiles,
                shift,
            },
            [
                configs,
                states,
                tensors,
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
