//! Every shader stands in the table of kernels, has a twin, validates without optional features,
//! translates to every platform's language and agrees with the host on names, offsets and constants.
//! Needs no GPU: naga reads the WGSL and reflects what it declares.

#[path = "shaders/bindings.rs"]
mod bindings;
#[path = "shaders/constants.rs"]
mod constants;
#[path = "shaders/files.rs"]
mod files;
#[path = "shaders/kernels.rs"]
mod kernels;
#[path = "shaders/layouts.rs"]
mod layouts;
#[path = "shaders/translation.rs"]
mod translation;
#[path = "shaders/validation.rs"]
mod validation;
#[path = "shaders/workgroups.rs"]
mod workgroups;
