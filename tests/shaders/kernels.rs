//! Every variant of every kernel, parsed and validated by naga.

use naga::back::PipelineConstants;
use naga::back::pipeline_constants::process_overrides;
use naga::front::wgsl;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};
use trainable::kernels::{self, Kernel, Variant};
use trainable::network::Activation;

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

/// The activations that a kernel can be compiled for; `None` alone for a kernel without one.
pub(crate) fn activations(kernel: &Kernel) -> Vec<Option<Activation>> {
    use Activation::{Crelu, Fourier, Gelu, Identity, LeakyRelu, Relu, Silu, Tanh};
    let has_one = kernel.params.fields.iter().any(|f| f.name == "activation");
    let all = [Identity, Relu, Crelu, LeakyRelu, Tanh, Gelu, Silu, Fourier];
    if has_one {
        all.map(Some).to_vec()
    } else {
        vec![None]
    }
}

/// Compiles a kernel as every device takes it, for one activation where it has one.
pub(crate) fn compile_for(shader: &Shader, activation: Option<Activation>) -> (Module, ModuleInfo) {
    let (module, info) = compile_shader(shader);
    let number = activation.map(|activation| f64::from(activation as u32));
    let constants = number.map(|number| ("KNOWN_ACTIVATION".to_owned(), number));
    let constants: PipelineConstants = constants.into_iter().collect();
    let main = Some((ShaderStage::Compute, "main"));
    let (module, info) = process_overrides(&module, &info, main, &constants)
        .unwrap_or_else(|error| panic!("{}: {error}", shader.name));
    (module.into_owned(), info.into_owned())
}

pub(crate) fn reflect(shader: &Shader) -> Module {
    compile_shader(shader).0
}
