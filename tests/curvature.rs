//! Probes against PyTorch float64 (`assets/reference`), against a dense float64 Hessian and against
//! themselves, on the CPU executor and on every adapter.

mod common;
#[path = "common/oracle.rs"]
mod oracle;
#[path = "common/oracle_graph.rs"]
mod oracle_graph;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/run.rs"]
mod run;

#[path = "curvature/attention.rs"]
mod attention;
#[path = "curvature/convergence.rs"]
mod convergence;
#[path = "curvature/dense_graphs.rs"]
mod dense_graphs;
#[path = "curvature/graphs.rs"]
mod graphs;
#[path = "curvature/hyper.rs"]
mod hyper;
#[path = "curvature/images.rs"]
mod images;
#[path = "curvature/planes.rs"]
mod planes;
#[path = "curvature/point.rs"]
mod point;
#[path = "curvature/probes.rs"]
mod probes;
#[path = "curvature/products.rs"]
mod products;
#[path = "curvature/sharpness.rs"]
mod sharpness;
#[path = "curvature/small_networks.rs"]
mod small_networks;
#[path = "curvature/statistics.rs"]
mod statistics;
#[path = "curvature/training.rs"]
mod training;
