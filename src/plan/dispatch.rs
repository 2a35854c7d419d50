//! Dispatches: one kernel at work on some buffers.

use bytemuck::bytes_of;

use super::declare::BufferId;
use crate::kernels::{Kernel, Params, Variant};
use crate::network::Network;

/// One kernel at work on some buffers.
#[derive(Clone)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The bytes of its uniform.
    pub params: Vec<u8>,
    /// Its storage bindings, in the kernel's order.
    pub buffers: Vec<BufferId>,
    /// How much is to be done.
    pub grid: Grid,
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

/// Dispatches in the order in which they run.
#[derive(Clone)]
pub struct Plan {
    /// What the plan does; the label of its passes.
    pub name: &'static str,
    /// Its dispatches.
    pub dispatches: Vec<Dispatch>,
}

impl Dispatch {
    /// One kernel on these buffers, which are its bindings in its order.
    pub(super) fn new<P: Params, const N: usize>(
        params: P,
        buffers: [BufferId; N],
        grid: impl Into<Grid>,
    ) -> Self {
        let kernel = P::KERNEL;
        debug_assert_eq!(N, kernel.bindings.len());
        debug_assert!(
            (1..N).all(|i| !buffers[..i].contains(&buffers[i])),
            "{} aliases",
            kernel.name
        );
        Self {
            kernel,
            params: bytes_of(&params).to_vec(),
            buffers: buffers.to_vec(),
            grid: grid.into(),
        }
    }

    /// Workgroups of a variant along x and y; the replicas are along z.
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

impl Grid {
    /// One matrix of a product.
    pub(super) fn matrix(columns: u32, rows: u32) -> Self {
        Self::Product {
            columns,
            rows,
            blocks: 1,
        }
    }

    /// One invocation for each of `elements`.
    pub(super) fn elements<P: Params>(elements: u32) -> Self {
        Self::Workgroups([elements.div_ceil(P::KERNEL.plain.workgroup[0]), 1])
    }

    /// The table of tensors: along x the tiles of the longest, along y the tensors.
    pub(super) fn tensors(network: &Network) -> Self {
        let tensors = network.tensors();
        let longest = tensors.iter().map(|tensor| tensor.layout.tiles()).max();
        Self::Workgroups([longest.unwrap_or(0), tensors.len() as u32])
    }
}

impl From<[u32; 2]> for Grid {
    fn from(workgroups: [u32; 2]) -> Self {
        Self::Workgroups(workgroups)
    }
}
