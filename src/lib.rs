#![doc = include_str!("../CRATE.md")]
#![forbid(unsafe_code)]

pub mod cpu;
pub mod data;
mod engine;
mod error;
#[cfg(feature = "report")]
pub mod experiment;
#[cfg(feature = "report")]
pub mod files;
mod form;
pub mod gpu;
mod images;
pub mod indicators;
pub mod kernels;
pub mod layout;
#[cfg(not(target_arch = "wasm32"))]
mod memory;
pub mod network;
pub mod plan;
pub mod probe;
mod progress;
#[cfg(feature = "report")]
pub mod record;
#[cfg(feature = "report")]
pub mod report;
pub mod rng;
pub mod scheduler;
mod snapshot;
pub mod spec;
pub mod state;
#[cfg(feature = "report")]
pub mod statistics;
pub mod tasks;
#[cfg(feature = "report")]
pub mod tensors;
// It waits for its device, which a browser does not allow.
#[cfg(not(target_arch = "wasm32"))]
mod trainer;

pub use engine::Engine;
pub use error::Error;
pub use gpu::Requirements;
pub use progress::{Halt, HaltCause, ReplicaProgress, TaskScore};
pub use snapshot::{Snapshot, SnapshotBuffer};
#[cfg(not(target_arch = "wasm32"))]
pub use trainer::{Backend, Compute, Trainer};
pub use wgpu;

/// The repository's front page, whose code must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
