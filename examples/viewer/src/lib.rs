//! A window onto networks that lose trainability, trained on its own device while it draws.
//!
//! - [`settings`]: what is trained.
//! - [`controller`]: what steers the step sizes.
//! - [`session`]: the state machine. Knows of a device, not of a window, and never waits.
//! - [`history`]: what was read back so far.
//! - [`app`], [`controls`], [`plots`], [`weights`]: the window.
//!
//! Data flow one way, once a frame: controls -> session -> device -> history -> plots. The weights take no such way:
//! a fragment shader reads them where training keeps them.

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
