//! Weight matrices: their table on the device, and the dispatches that work on them as matrices.

use super::buffers::Buffers;
use super::declare::{BufferId, Declare};
use super::dispatch::{Dispatch, Grid, workgroups};
use crate::kernels::{MatrixNorms, Params};
use crate::network::{Network, Tensor};
use crate::spec::TrainingSpec;
use crate::state::MatrixLayout;

/// The number of vec4s of a matrix that one workgroup handles, in kernels without a product.
pub const MATRIX_TILE: u32 = 1024;

/// The table of weight matrices, for methods that work on them.
#[derive(Clone, Debug)]
pub struct MatrixBuffers {
    /// `[matrices]` [`MatrixLayout`], shared, in stored order.
    pub layouts: BufferId,
}

impl MatrixBuffers {
    /// Declares the table; `None` where no replica uses a method that reads it.
    pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Self> {
        spec.works_on_matrices().then(|| Self {
            layouts: declare.table("matrices", &layouts(&spec.network)),
        })
    }
}

impl Buffers {
    /// The table of weight matrices, which every method that reads it has declared.
    pub(super) fn matrix_layouts(&self) -> BufferId {
        let own = self.matrices.as_ref();
        own.expect("a replica works on matrices").layouts
    }
}

/// The layouts of all weight matrices.
pub(super) fn layouts(network: &Network) -> Vec<MatrixLayout> {
    let mut layouts: Vec<MatrixLayout> = Vec::new();
    for tensor in network.weight_matrices() {
        let before = layouts.last().copied();
        layouts.push(MatrixLayout {
            start: tensor.layout.start,
            rows: tensor.layout.length / tensor.layout.columns,
            columns: tensor.layout.columns,
            inputs: tensor.layout.inputs,
            outputs: tensor.layout.outputs,
            block: tensor.layout.block,
            first_row: before.map_or(0, |before| before.first_row + before.rows),
            first_column: before.map_or(0, |before| before.first_column + before.columns),
        });
    }
    layouts
}

/// The numbers of stored rows and of stored columns of all matrices.
pub(super) fn lengths(network: &Network) -> [u32; 2] {
    let layouts = layouts(network).into_iter();
    layouts.fold([0; 2], |[rows, columns], own| {
        [rows + own.rows, columns + own.columns]
    })
}

/// The grid with one invocation for each of the elements of the longest vector, for every matrix along y.
pub(super) fn vectors<P: Params>(network: &Network, length: impl Fn(&MatrixLayout) -> u32) -> Grid {
    let longest = layouts(network).iter().map(length).max();
    Grid::from([workgroups::<P>(longest.unwrap_or(0)), count(network)])
}

/// The number of weight matrices.
pub(super) fn count(network: &Network) -> u32 {
    network.weight_matrices().count() as u32
}

/// The grid over the table of matrices: the tiles of the longest along x, the matrices along y.
pub(super) fn tiles(network: &Network) -> Grid {
    let length = |tensor: &Tensor| (tensor.layout.length / 4).div_ceil(MATRIX_TILE);
    let longest = network.weight_matrices().map(length).max();
    Grid::from([longest.unwrap_or(0), count(network)])
}

/// Computes the Frobenius norm of every matrix in `elements` `[replica, stride]`.
pub(super) fn norms(
    spec: &TrainingSpec,
    buffers: &Buffers,
    elements: BufferId,
    norms: BufferId,
) -> Dispatch {
    let params = MatrixNorms {
        stride: spec.network.parameter_stride() as u32 / 4,
        matrices: count(&spec.network),
    };
    let bound = [buffers.matrix_layouts(), elements, norms];
    Dispatch::new(params, bound, [count(&spec.network), 1])
}
