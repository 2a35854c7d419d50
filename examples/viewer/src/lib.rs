//! A window onto networks that lose trainability, trained on its own device while it draws.
//!
//! - [`settings`]: the settings of the networks and their training.
//! - [`controller`]: the choices of a controller for the step sizes.
//! - [`session`]: the state machine. It knows a device but no window, and never waits.
//! - [`history`]: the data read back so far.
//! - [`app`], [`controls`], [`plots`], [`weights`]: the window.
//!
//! Data flow one way, once a frame: controls -> session -> device -> history -> plots. Weights are not read back: a fragment
//! shader reads them in the buffer that training uses.

pub mod app;
pub mod controller;
pub mod controls;
pub mod history;
mod legend;
pub mod plots;
pub mod session;
pub mod settings;
mod stopwatch;
pub mod weights;
