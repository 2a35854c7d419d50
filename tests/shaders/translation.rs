//! Every kernel translates to SPIR-V, Metal, HLSL and GLSL ES.

use std::path::Path;

use crate::kernels::{activations, compile_for, shaders};
use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::ModuleInfo;
use naga::{Module, ResourceBinding, ShaderStage};
use trainable::kernels::{Access, Binding, Kernel};

/// Names a directory for the SPIR-V, KERNEL.VARIANT.ACTIVATION.spv. `tests/portability/static_gpus` compiles it for GPUs that are
/// not here.
const SPIRV_DIRECTORY: &str = "TRAINABLE_SPIRV";
const SPIRV_MAGIC: u32 = 0x0723_0203;

fn slots(kernel: &Kernel) -> impl Iterator<Item = (ResourceBinding, u8, bool)> {
    let writable = |binding: &Binding| binding.access == Access::ReadWrite;
    let bindings = std::iter::once(false).chain(kernel.bindings.iter().map(writable));
    (0_u8..).zip(bindings).map(|(slot, mutable)| {
        let binding = u32::from(slot);
        (ResourceBinding { group: 0, binding }, slot, mutable)
    })
}

/// Translates as wgpu does for a Vulkan 1.3 device whose buffers are robust.
fn to_spirv(module: &Module, info: &ModuleInfo) -> Result<Vec<u32>, String> {
    let options = spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::empty(),
        capabilities: Some([spv::Capability::Shader].into_iter().collect()),
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            buffer: BoundsCheckPolicy::Unchecked,
            ..Default::default()
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::Native,
        force_loop_bounding: true,
        fake_missing_bindings: true,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: "main".to_owned(),
    };
    spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|error| error.to_string())
}

/// Translates with the bounds checks that wgpu asks for, and the buffer of array lengths that they need.
fn to_msl(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let target = |(binding, slot, mutable)| {
        let target = msl::BindTarget {
            buffer: Some(slot),
            mutable,
            ..Default::default()
        };
        (binding, target)
    };
    let resources = msl::EntryPointResources {
        resources: slots(kernel).map(target).collect(),
        immediates_buffer: None,
        sizes_buffer: Some(kernel.bindings.len() as u8 + 1),
    };
    let options = msl::Options {
        lang_version: (2, 0),
        per_entry_point_map: [("main".to_owned(), resources)].into(),
        fake_missing_bindings: false,
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            buffer: BoundsCheckPolicy::Restrict,
            ..Default::default()
        },
        ..Default::default()
    };
    let pipeline = msl::PipelineOptions {
        entry_point: Some((ShaderStage::Compute, "main".to_owned())),
        ..Default::default()
    };
    let (text, translation) =
        msl::write_string(module, info, &options, &pipeline).map_err(|error| error.to_string())?;
    for name in translation.entry_point_names {
        name.map_err(|error| error.to_string())?;
    }
    Ok(text)
}

fn to_hlsl(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let target = |(binding, slot, _)| {
        let target = hlsl::BindTarget {
            register: u32::from(slot),
            restrict_indexing: true,
            ..Default::default()
        };
        (binding, target)
    };
    let options = hlsl::Options {
        shader_model: hlsl::ShaderModel::V5_1,
        binding_map: slots(kernel).map(target).collect(),
        fake_missing_bindings: false,
        ..Default::default()
    };
    let pipeline = hlsl::PipelineOptions {
        entry_point: Some((ShaderStage::Compute, "main".to_owned())),
    };
    let mut text = String::new();
    let translation = hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(module, info, None)
        .map_err(|error| error.to_string())?;
    for name in translation.entry_point_names {
        name.map_err(|error| error.to_string())?;
    }
    Ok(text)
}

fn to_glsl_es(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let options = glsl::Options {
        version: glsl::Version::Embedded {
            version: 310,
            is_webgl: false,
        },
        writer_flags: glsl::WriterFlags::empty(),
        binding_map: slots(kernel)
            .map(|(binding, slot, _)| (binding, slot))
            .collect(),
        zero_initialize_workgroup_memory: true,
    };
    let pipeline = glsl::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: "main".to_owned(),
        multiview: None,
    };
    let mut text = String::new();
    let policies = BoundsCheckPolicies::default();
    glsl::Writer::new(&mut text, module, info, &options, &pipeline, policies)
        .and_then(|mut writer| writer.write())
        .map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn every_kernel_translates_to_spirv_with_the_shader_capability_alone() {
    for shader in shaders() {
        for activation in activations(shader.kernel) {
            let name = &shader.name;
            let (module, info) = compile_for(&shader, activation);
            let words = to_spirv(&module, &info).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(words.first(), Some(&SPIRV_MAGIC), "{name}");
            if let Some(directory) = std::env::var_os(SPIRV_DIRECTORY) {
                let (kernel, variant) = (shader.kernel.name, shader.variant.name);
                let activation = activation.map(|a| format!("{a:?}").to_lowercase());
                let activation = activation.as_deref().unwrap_or("any");
                let file = format!("{kernel}.{variant}.{activation}.spv");
                let bytes: &[u8] = bytemuck::cast_slice(&words);
                std::fs::write(Path::new(&directory).join(file), bytes).unwrap();
            }
        }
    }
}

#[test]
fn every_kernel_translates_to_metal_hlsl_and_glsl_es() {
    for shader in shaders() {
        let (module, info) = compile_for(&shader, None);
        let [x, y, z] = shader.variant.workgroup;
        let local_size =
            format!("layout(local_size_x = {x}, local_size_y = {y}, local_size_z = {z}) in;");
        let numthreads = format!("[numthreads({x}, {y}, {z})]");
        for (language, translated, wanted) in [
            (
                "MSL",
                to_msl(shader.kernel, &module, &info),
                ["kernel void", "[[buffer(0)]]"],
            ),
            (
                "HLSL",
                to_hlsl(shader.kernel, &module, &info),
                [&numthreads, "void main("],
            ),
            (
                "GLSL",
                to_glsl_es(shader.kernel, &module, &info),
                ["#version 310 es", &local_size],
            ),
        ] {
            let name = &shader.name;
            let text = translated.unwrap_or_else(|e| panic!("{name} to {language}: {e}"));
            for mention in wanted {
                assert!(
                    text.contains(mention),
                    "{name}: no {mention} in {language}:\n{text}"
                );
            }
        }
    }
}
