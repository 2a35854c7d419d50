//! Weight matrices: their table on the device, and the dispatches that work on them as matrices.

use super::buffers::Buffers;
use super::declare::{BufferId, Declare};
use super::dispatch::{Dispatch, Grid, workgroups};
use crate::kernels::{
    MatrixGram, MatrixNormalise, MatrixNorms, MatrixPolynomial, MatrixProduct, Params,
};
use crate::network::{Network, Tensor};
use crate::spec::TrainingSpec;
use crate::state::MatrixLayout;

/// The number of vec4s of a matrix that one workgroup handles, in kernels without a product.
pub const MATRIX_TILE: u32 = 1024;

/// The rows and columns of a product that one workgroup computes.
const PRODUCT_EDGE: u32 = 16;

/// The table of weight matrices, for methods that work on them, and scratch for products.
#[derive(Clone, Debug)]
pub struct MatrixBuffers {
    /// `[matrices]` [`MatrixLayout`], shared, in stored order.
    pub layouts: BufferId,
    /// Scratch; only where a replica uses a method that multiplies matrices.
    pub products: Option<ProductBuffers>,
}

/// Scratch for products of weight matrices, which methods use one after another.
#[derive(Clone, Copy, Debug)]
pub struct ProductBuffers {
    /// `[replica, stride]` f32, in the layout of the parameters, twice: a product reads one and writes the other.
    pub results: [BufferId; 2],
    /// `[replica, grams]` f32: the Gram matrices.
    pub grams: BufferId,
    /// `[replica, matrices]` f32: the Frobenius norms.
    pub norms: BufferId,
}

impl MatrixBuffers {
    /// Declares the table; `None` where no replica uses a method that reads it.
    pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Self> {
        spec.works_on_matrices().then(|| Self {
            layouts: declare.table("matrices", &layouts(&spec.network)),
            products: spec
                .multiplies_matrices()
                .then(|| ProductBuffers::declare(spec, declare)),
        })
    }
}

impl ProductBuffers {
    fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Self {
        let stride = spec.network.parameter_stride();
        let results = ["matrix results", "other matrix results"];
        Self {
            results: results.map(|name| declare.floats(name, stride)),
            grams: declare.floats("matrix grams", grams(&spec.network) as usize),
            norms: declare.floats("matrix norms", count(&spec.network) as usize),
        }
    }
}

impl Buffers {
    /// Scratch for products of weight matrices, which every method that needs it has declared.
    pub(super) fn matrix_products(&self) -> ProductBuffers {
        let own = self.matrices.as_ref().and_then(|own| own.products);
        own.expect("a replica multiplies matrices")
    }

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
            by_rows: u32::from(tensor.layout.inputs <= tensor.layout.outputs),
            gram_start: before.map_or(0, |before| before.gram_start + before.side().pow(2)),
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

/// The number of elements of the Gram matrices of all matrices.
pub(super) fn grams(network: &Network) -> u32 {
    layouts(network).iter().map(|own| own.side().pow(2)).sum()
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

/// Divides every matrix of `elements` by its norm, into the first of the results, which `elements` is not.
pub(super) fn normalise(
    spec: &TrainingSpec,
    buffers: &Buffers,
    iterations: BufferId,
    elements: BufferId,
) -> [Dispatch; 2] {
    let own = buffers.matrix_products();
    let params = MatrixNormalise {
        stride: spec.network.parameter_stride() as u32 / 4,
        matrices: count(&spec.network),
    };
    let bound = [
        iterations,
        buffers.matrix_layouts(),
        own.norms,
        elements,
        own.results[0],
    ];
    [
        norms(spec, buffers, elements, own.norms),
        Dispatch::new(params, bound, tiles(&spec.network)),
    ]
}

/// A cubic polynomial of matrices: X becomes `linear X + cubic X X^T X`.
#[derive(Clone, Copy)]
pub(super) struct Cubic {
    pub(super) linear: f32,
    pub(super) cubic: f32,
}

impl Cubic {
    /// Applies the polynomial to the matrices of `elements`, for the replicas whose `iterations` are more than `iteration`. The
    /// others have `results = elements`, but for those with 0 iterations, which are left alone.
    pub(super) fn apply(
        self,
        spec: &TrainingSpec,
        buffers: &Buffers,
        (iterations, iteration): (BufferId, u32),
        [elements, results]: [BufferId; 2],
    ) -> [Dispatch; 2] {
        let network = &spec.network;
        let (layouts, own) = (buffers.matrix_layouts(), buffers.matrix_products());
        let (stride, all) = (network.parameter_stride() as u32, grams(network));
        let gram = MatrixGram {
            stride,
            grams: all,
            iteration,
        };
        let product = MatrixProduct {
            stride,
            grams: all,
            iteration,
            linear: self.linear,
            quadratic: self.cubic,
        };
        [
            Dispatch::new(
                gram,
                [iterations, layouts, elements, own.grams],
                product_tiles(network, |own| [own.side(); 2]),
            ),
            Dispatch::new(
                product,
                [iterations, layouts, elements, own.grams, results],
                product_tiles(network, |own| [own.rows, own.columns]),
            ),
        ]
    }
}

/// A quintic polynomial of matrices: X becomes `linear X + cubic (X X^T) X + quintic (X X^T)^2 X`.
#[derive(Clone, Copy)]
pub(super) struct Quintic {
    pub(super) linear: f32,
    pub(super) cubic: f32,
    pub(super) quintic: f32,
}

impl Quintic {
    /// Applies the polynomial to the matrices of `elements`, for the replicas whose `uses` are not 0. `polynomials` is scratch
    /// like [`ProductBuffers::grams`].
    pub(super) fn apply(
        self,
        spec: &TrainingSpec,
        buffers: &Buffers,
        [uses, polynomials]: [BufferId; 2],
        [elements, results]: [BufferId; 2],
    ) -> [Dispatch; 3] {
        let network = &spec.network;
        let (layouts, own) = (buffers.matrix_layouts(), buffers.matrix_products());
        let (stride, grams) = (network.parameter_stride() as u32, grams(network));
        let gram = MatrixGram {
            stride,
            grams,
            iteration: 0,
        };
        let polynomial = MatrixPolynomial {
            grams,
            linear: self.cubic,
            quadratic: self.quintic,
        };
        let product = MatrixProduct {
            stride,
            grams,
            iteration: 0,
            linear: self.linear,
            quadratic: 1.0,
        };
        [
            Dispatch::new(
                gram,
                [uses, layouts, elements, own.grams],
                product_tiles(network, |own| [own.side(); 2]),
            ),
            Dispatch::new(
                polynomial,
                [uses, layouts, own.grams, polynomials],
                product_tiles(network, |own| [own.side(); 2]),
            ),
            Dispatch::new(
                product,
                [uses, layouts, elements, polynomials, results],
                product_tiles(network, |own| [own.rows, own.columns]),
            ),
        ]
    }
}

/// The grid of a product: the tiles of the largest result along x, the matrices along y.
fn product_tiles(network: &Network, shape: impl Fn(&MatrixLayout) -> [u32; 2]) -> Grid {
    let tiles = |own: &MatrixLayout| {
        let [rows, columns] = shape(own).map(|length| length.div_ceil(PRODUCT_EDGE));
        rows * columns
    };
    let most = layouts(network).iter().map(tiles).max();
    Grid::from([most.unwrap_or(0), count(network)])
}
