//! Networks with sums, normalisations and position embeddings against dense float64 Hessians.

use crate::common::{Tolerance, compare, computes, noise};
use crate::oracle::{self, Activation as A, eigen, multiply};
use crate::oracle_graph::{Graph, Operation};
use crate::point::{Point, in_the_crate};
use crate::probes::{EIGENVALUE, ONE_PASS, all, check, dot, eigenvalues, numbers, probe, swift};
use crate::products::{hessian_vector_product, like};
use Operation::{Activation as F, Add, Linear, Norm, Position};
use trainable::network::{Item, Network};

/// Sums of neighbours and of values far apart, of the input, of a value with three readers, and of terms whose activations
/// are curved, keep z, have a kink, or are none. Normalisations of the input, of values with each kind of activation, and of
/// a value that a later node reads, too; the same of position embeddings. Each of the three on values of two copies.
fn graphs() -> Vec<Graph> {
    let lists: [(usize, &[Operation]); 11] = [
        (3, &[Linear(3), Add(0), F(A::Tanh), Linear(3)]),
        (
            4,
            &[
                Linear(4),
                F(A::Relu),
                Linear(4),
                F(A::Gelu),
                Add(2),
                Linear(3),
            ],
        ),
        (
            3,
            &[
                Linear(4),
                F(A::Silu),
                Linear(4),
                Add(2),
                F(A::Tanh),
                Linear(4),
                Add(2),
                F(A::Crelu),
                Linear(2),
            ],
        ),
        (
            5,
            &[
                Linear(3),
                F(A::Tanh),
                Linear(5),
                F(A::Fourier),
                Linear(5),
                Add(0),
                F(A::LeakyRelu),
                Linear(3),
                Add(2),
                Linear(2),
            ],
        ),
        (
            2,
            &[
                Linear(3),
                Linear(3),
                Add(1),
                F(A::Fourier),
                Linear(3),
                Add(2),
                Linear(3),
            ],
        ),
        (5, &[Norm, Linear(4), Norm, F(A::Gelu), Norm, Linear(3)]),
        (
            4,
            &[
                Linear(5),
                F(A::Tanh),
                Norm,
                F(A::Crelu),
                Linear(6),
                Norm,
                F(A::Relu),
                Linear(3),
            ],
        ),
        (
            3,
            &[
                Position,
                Linear(5),
                Norm,
                Linear(5),
                F(A::Silu),
                Norm,
                F(A::Fourier),
                Linear(5),
                Add(2),
                Position,
                F(A::Tanh),
                Norm,
                Add(9),
                Linear(2),
            ],
        ),
        (
            4,
            &[
                Position,
                F(A::Silu),
                Position,
                F(A::Crelu),
                Linear(4),
                F(A::Gelu),
                Position,
                Add(6),
                Linear(3),
            ],
        ),
        (
            3,
            &[
                Linear(5),
                F(A::Crelu),
                Norm,
                F(A::Tanh),
                Linear(5),
                F(A::Fourier),
                Add(2),
                Position,
                Linear(2),
            ],
        ),
        (
            4,
            &[
                Linear(3),
                F(A::Fourier),
                Position,
                F(A::Crelu),
                Norm,
                F(A::Fourier),
                Linear(6),
                Add(2),
                F(A::Silu),
                Linear(3),
            ],
        ),
    ];
    let seeds = [1, 50];
    let all = lists.iter().flat_map(|list| seeds.map(|seed| (list, seed)));
    all.map(|((inputs, operations), seed)| Graph::random(*inputs, operations, 5, seed))
        .collect()
}

fn point(graph: &Graph) -> Point {
    let item = |operation: &Operation| match *operation {
        Linear(units) => Item::Linear(units as u32),
        F(activation) => Item::Activation(in_the_crate(activation)),
        Add(from) => Item::Add(from),
        Norm => Item::LayerNorm,
        Position => Item::PositionEmbedding,
    };
    let items: Vec<_> = graph.operations.iter().map(item).collect();
    let network = Network::sequence(graph.inputs as u32, &items).unwrap();
    Point {
        batch: graph.y.len() as u32,
        l2: 0.0,
        x: graph.x.iter().map(|x| *x as f32).collect(),
        y: graph.y.clone(),
        parameters: like(&network, &graph.parameters),
        network,
    }
}

/// H v of the network, and of every block.
fn products(graph: &Graph, v: &[f64]) -> [Vec<f64>; 2] {
    let hessian = graph.hessian();
    let block = |range: &std::ops::Range<usize>| {
        let rows = hessian[range.clone()].iter();
        rows.map(|row| dot(&row[range.clone()], &v[range.clone()]))
            .collect::<Vec<_>>()
    };
    [
        multiply(&hessian, v),
        graph.ranges.iter().flat_map(block).collect(),
    ]
}

fn vector(count: usize) -> Vec<f64> {
    noise(31, count).iter().map(|x| f64::from(*x)).collect()
}

fn near_norm(wanted: &[f64]) -> Tolerance {
    Tolerance {
        atol: 2e-6 * dot(wanted, wanted).sqrt(),
        rtol: 0.0,
    }
}

#[test]
fn products_of_graphs_equal_dense_hessians() {
    let devices = computes();
    for graph in graphs() {
        let v = vector(graph.parameters.len());
        let wanted = products(&graph, &v);
        let point = point(&graph);
        for (device, compute) in &devices {
            let found = hessian_vector_product(compute, &point, &like(&point.network, &v));
            for (found, wanted) in found.iter().zip(&wanted) {
                let what = format!("{:?}, {device}", graph.operations);
                check(&what, numbers(found), wanted.clone(), near_norm(wanted));
            }
        }
    }
}

#[test]
fn eigenvalues_and_variances_of_graphs_equal_the_dense_ones() {
    for graph in graphs() {
        let hessian = graph.hessian();
        let blocks = graph.ranges.iter().map(|range| {
            let rows = hessian[range.clone()].iter();
            rows.map(|row| row[range.clone()].to_vec())
                .collect::<Vec<_>>()
        });
        let matrices: Vec<_> = blocks.chain([hessian.clone()]).collect();
        let variances = graph.variances();
        let whole = variances.iter().sum();
        let variances: Vec<f64> = variances.into_iter().chain([whole]).collect();
        for spec in swift(2_000) {
            let stats =
                probe(&mut point(&graph).trainer(&trainable::Compute::Cpu, spec, 1)).remove(0);
            let what = format!("{:?}, {:?}, {:?}", graph.operations, spec.method, spec.form);
            let found = all(&stats)
                .iter()
                .map(|layer| layer.grad_variance)
                .collect();
            check(&what, found, variances.clone(), ONE_PASS);
            for (found, matrix) in eigenvalues(&stats).into_iter().zip(&matrices) {
                let dense = eigen(matrix);
                let sizes = [0, 1].map(|i| dense[i].value.abs());
                // Where two eigenvalues of opposite signs are near a tie, neither method settles on one of them.
                if sizes[1] <= 0.95 * sizes[0] {
                    check(&what, vec![found], vec![dense[0].value], EIGENVALUE);
                }
            }
        }
    }
}

#[test]
fn the_oracle_of_graphs_holds_on_its_own_terms() {
    for graph in graphs() {
        let at = |index, step| graph.moved(index, step).loss();
        let difference = |index| (at(index, 1e-5) - at(index, -1e-5)) / 2e-5;
        let differences = (0..graph.parameters.len()).map(difference);
        let tolerance = Tolerance {
            atol: 1e-9,
            rtol: 1e-8,
        };
        compare(graph.gradient(), differences, tolerance).unwrap();
    }
    // A perceptron's gradient is that of the other oracle.
    let operations = [Linear(4), F(A::Gelu), Linear(3)];
    let graph = Graph::random(3, &operations, 5, 1);
    let layer = |range: &std::ops::Range<usize>, inputs: usize, units: usize| {
        let (weight, bias) = graph.parameters[range.clone()].split_at(inputs * units);
        (weight.to_vec(), bias.to_vec())
    };
    let mlp = oracle::Mlp {
        widths: vec![3, 4, 3],
        activation: A::Gelu,
        layers: vec![layer(&graph.ranges[0], 3, 4), layer(&graph.ranges[1], 4, 3)],
    };
    let wanted = oracle::gradient(&mlp, &graph.x, &graph.y);
    let tolerance = Tolerance {
        atol: 1e-14,
        rtol: 1e-12,
    };
    compare(graph.gradient(), wanted, tolerance).unwrap();
}

#[test]
fn the_comparison_with_dense_hessians_notices_another_term() {
    let graph = &graphs()[8];
    let mut other = graph.clone();
    other.operations[5] = Add(1);
    let v = vector(graph.parameters.len());
    let wanted = products(&other, &v);
    let point = point(graph);
    let v = like(&point.network, &v);
    let found = hessian_vector_product(&trainable::Compute::Cpu, &point, &v);
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!(compare(numbers(found), wanted.clone(), near_norm(wanted)).is_err());
    }
}

#[test]
fn the_comparison_with_dense_hessians_notices_another_activation_below_a_normalisation() {
    let graph = &graphs()[10];
    assert!(matches!(graph.operations[3..5], [F(A::Gelu), Norm]));
    let mut other = graph.clone();
    other.operations[3] = F(A::Silu);
    let v = vector(graph.parameters.len());
    let wanted = products(&other, &v);
    let point = point(graph);
    let v = like(&point.network, &v);
    let found = hessian_vector_product(&trainable::Compute::Cpu, &point, &v);
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!(compare(numbers(found), wanted.clone(), near_norm(wanted)).is_err());
    }
}
