//! Training in a browser tab, on the browser's WebGPU.
//!
//! Three copies of a small network learn one task of random labels after another. `index.html` draws how much of each task
//! they learn. To build and serve the page, from this folder:
//!
//!     cargo build --release --lib --target wasm32-unknown-unknown
//!     wasm-bindgen --target web --out-dir pkg ../../target/wasm32-unknown-unknown/release/trainable_web.wasm
//!     python3 -m http.server
//!
//! wasm-bindgen must have the version in `Cargo.lock`. The program of this crate does the same training on the CPU
//! executor.

#[cfg(target_arch = "wasm32")]
mod laboratory;
mod training;

#[cfg(target_arch = "wasm32")]
pub use laboratory::Laboratory;
pub use training::{flat, training};
