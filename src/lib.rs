#![doc = include_str!("../CRATE.md")]
#![forbid(unsafe_code)]

// This module waits for a device to open, which a browser does not allow.
#[cfg(not(target_arch = "wasm32"))]
mod compute;
pub mod cpu;
pub mod data;
mod decode;
mod engine;
mod error;
mod executor;
#[cfg(feature = "report")]
pub mod experiment;
#[cfg(feature = "report")]
pub mod files;
mod form;
pub mod gpu;
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
#[cfg(feature = "report")]
pub mod scoreboard;
mod snapshot;
pub mod spec;
pub mod state;
#[cfg(feature = "report")]
pub mod statistics;
pub mod tasks;
#[cfg(feature = "report")]
pub mod tensors;
// This module waits for its device, which a browser does not allow.
#[cfg(not(target_arch = "wasm32"))]
mod trainer;

#[cfg(not(target_arch = "wasm32"))]
pub use compute::{Backend, Compute};
pub use engine::Engine;
pub use error::Error;
pub use gpu::Requirements;
pub use progress::{Halt, HaltCause, ReplicaProgress, TaskScore};
pub use snapshot::{Snapshot, SnapshotBuffer};
#[cfg(not(target_arch = "wasm32"))]
pub use trainer::Trainer;
pub use wgpu;

/// The repository's README; its code examples must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
