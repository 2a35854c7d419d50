//! Every variant of every kernel, parsed and validated by naga.

use naga::Module;
use naga::front::wgsl;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use trainable::kernels::{self, Kernel, Variant};

/// One variant of one kernel.
pub(crate) struct Shader {
    pub(crate) kernel: &'static Kernel,
    pub(crate) variant: &'static Variant,
    /// Both names.
    pub(crate) name: String,
}

pub(crate) fn shaders() -> impl Iterator<Item = Shader> {
    kernels::all().flat_map(|kernel| {
        kernel.variants().map(move |variant| Shader {
            kernel,
            variant,
            name: format!("{} ({})", kernel.name, variant.name),
        })
    })
}

/// The plain variant of a kernel.
pub(crate) fn plain(name: &str) -> Shader {
    let named = |shader: &Shader| shader.kernel.name == name && shader.variant.name == "plain";
    shaders()
        .find(named)
        .unwrap_or_else(|| panic!("{name} is a kernel"))
}

pub(crate) fn optimiser_step() -> Shader {
    plain("optimiser_step")
}

/// Parses and validates WGSL, with the given optional features of naga.
pub(crate) fn compile(source: &str, allowed: Capabilities) -> Result<(Module, ModuleInfo), String> {
    let options = wgsl::Options {
        parse_doc_comments: false,
        capabilities: allowed,
    };
    let module = wgsl::Frontend::new_with_options(options)
        .parse(source)
        .map_err(|error| error.emit_to_string(source))?;
    let info = Validator::new(ValidationFlags::all(), allowed)
        .validate(&module)
        .map_err(|error| error.emit_to_string(source))?;
    Ok((module, info))
}

/// Compiles a kernel as every device takes it: without optional features.
pub(crate) fn compile_shader(shader: &Shader) -> (Module, ModuleInfo) {
    compile(shader.variant.source, Capabilities::empty())
        .unwrap_or_else(|error| panic!("{}: {error}", shader.name))
}

pub(crate) fn reflect(shader: &Shader) -> Module {
    compile_shader(shader).0
}
