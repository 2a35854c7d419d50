//! Every shader stands in the table of kernels, has a twin, validates without optional features,
//! translates to every platform's language and agrees with the host on names, offsets and constants.
//! Needs no GPU: naga reads the WGSL and reflects what it declares.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use naga::back::{glsl, hlsl, msl, spv};
use naga::front::wgsl;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{
    AddressSpace, Expression, GlobalVariable, Handle, Literal, Module, ResourceBinding, Scalar,
    ShaderStage, StorageAccess, Type, TypeInner,
};
use trainable::kernels::{Access, Binding, KERNELS, Kernel, Variant, WORKGROUP_MEMORY};
use trainable::layout::{Field, ShaderStruct, StructLayout};
use trainable::network::{Activation, TENSOR_TILE};
use trainable::plan::SORT_DIGITS;
use trainable::rng::Stream;
use trainable::spec::optimiser::{OPTIMISER_ADAM, OPTIMISER_ADAMW, OPTIMISER_LION, OPTIMISER_SGD};
use trainable::state::{
    LayerControl, LayerRecord, LayerSums, LobpcgStep, ProbeSegment, ProbeSlot, ReplicaConfig,
    ReplicaState, SWITCH_CARRY, SWITCH_FRESH_NETWORK, SWITCH_RESET_OPTIMISER, TaskRecord,
    TensorLayout,
};

/// What every WebGPU device has: <https://www.w3.org/TR/webgpu/#limits>.
const MAX_STORAGE_BUFFERS_PER_SHADER_STAGE: usize = 8;
const MAX_COMPUTE_INVOCATIONS_PER_WORKGROUP: u32 = 256;
const MAX_COMPUTE_WORKGROUP_STORAGE_SIZE: u32 = 16_384;

const SPIRV_MAGIC: u32 = 0x0723_0203;

// ---- files ----

fn file_names(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names: BTreeSet<_> = entries
        .map(|entry| entry.expect("a directory entry").file_name())
        .map(|name| name.into_string().expect("a file name in UTF-8"))
        .collect();
    assert!(!names.is_empty(), "found nothing in {}", path.display());
    names
}

/// The rooms of the table: the folders of `shaders/` and of `src/cpu/`.
fn rooms() -> BTreeSet<String> {
    KERNELS
        .iter()
        .map(|kernel| kernel.room.to_owned())
        .collect()
}

/// The files that the kernels of a room should have, of those that `is_wanted` accepts.
fn kernel_files(room: &str, extension: &str, is_wanted: fn(&Kernel) -> bool) -> BTreeSet<String> {
    let kernels = KERNELS
        .iter()
        .filter(|kernel| kernel.room == room && is_wanted(kernel));
    kernels
        .map(|kernel| format!("{}.{extension}", kernel.name))
        .collect()
}

fn is_product(kernel: &Kernel) -> bool {
    !kernel.tiled.is_empty()
}

/// One variant of one kernel.
struct Shader {
    kernel: &'static Kernel,
    variant: &'static Variant,
    /// Of both.
    name: String,
}

fn shaders() -> impl Iterator<Item = Shader> {
    KERNELS.into_iter().flat_map(|kernel| {
        kernel.variants().map(move |variant| Shader {
            kernel,
            variant,
            name: format!("{} ({})", kernel.name, variant.name),
        })
    })
}

/// The plain variant of a kernel.
fn plain(name: &str) -> Shader {
    let named = |shader: &Shader| shader.kernel.name == name && shader.variant.name == "plain";
    shaders()
        .find(named)
        .unwrap_or_else(|| panic!("{name} is a kernel"))
}

#[test]
fn a_kernel_is_listed_once() {
    let names: BTreeSet<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
    assert_eq!(names.len(), KERNELS.len());
}

#[test]
fn every_tiled_shader_is_a_product_and_every_product_has_one() {
    for room in rooms() {
        let wanted = kernel_files(&room, "wgsl", is_product);
        if !wanted.is_empty() {
            let found = file_names(&format!("shaders/{room}/tiled"));
            assert_eq!(found, wanted, "left: shaders/{room}/tiled/, right: KERNELS");
        }
    }
    for shader in shaders() {
        let is_tiled = shader.variant.name != "plain";
        assert_eq!(is_tiled, ["wide", "deep"].contains(&shader.variant.name));
    }
}

#[test]
fn every_shader_is_a_kernel_and_every_kernel_has_a_shader() {
    let mut found = file_names("shaders");
    assert!(found.remove("common"), "found no shaders/common");
    assert_eq!(found, rooms(), "left: shaders/, right: rooms of KERNELS");
    for room in rooms() {
        let mut found = file_names(&format!("shaders/{room}"));
        found.remove("tiled");
        let wanted = kernel_files(&room, "wgsl", |_| true);
        assert_eq!(found, wanted, "left: shaders/{room}/, right: KERNELS");
    }
}

#[test]
fn every_shader_has_a_twin_and_every_twin_a_shader() {
    for room in rooms() {
        let found = file_names(&format!("src/cpu/{room}"));
        let wanted = kernel_files(&room, "rs", |_| true);
        assert_eq!(found, wanted, "left: src/cpu/{room}/, right: KERNELS");
    }
}

#[test]
fn a_kernels_source_ends_with_its_file_and_every_common_file_is_used() {
    let read = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    for Shader {
        kernel,
        variant,
        name,
    } in shaders()
    {
        let folder = match variant.name {
            "plain" => "",
            _ => "tiled/",
        };
        let own = read(&format!(
            "shaders/{}/{folder}{}.wgsl",
            kernel.room, kernel.name
        ));
        assert!(variant.source.ends_with(&own), "{name}");
    }
    for name in file_names("shaders/common") {
        let text = read(&format!("shaders/common/{name}"));
        assert!(
            shaders().any(|shader| shader.variant.source.contains(&text)),
            "no kernel uses shaders/common/{name}"
        );
    }
}

// ---- validation ----

/// Parses and validates, allowing the given optional features of naga.
fn compile(source: &str, allowed: Capabilities) -> Result<(Module, ModuleInfo), String> {
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

/// A kernel as any device takes it: no optional features.
fn compile_shader(shader: &Shader) -> (Module, ModuleInfo) {
    compile(shader.variant.source, Capabilities::empty())
        .unwrap_or_else(|error| panic!("{}: {error}", shader.name))
}

fn reflect(shader: &Shader) -> Module {
    compile_shader(shader).0
}

#[test]
fn every_kernel_validates_and_has_one_compute_entry_point_main() {
    for shader in shaders() {
        let module = reflect(&shader);
        let entry_points: Vec<_> = module
            .entry_points
            .iter()
            .map(|entry| (entry.name.as_str(), entry.stage))
            .collect();
        assert_eq!(
            entry_points,
            [("main", ShaderStage::Compute)],
            "{}",
            shader.name
        );
    }
}

#[test]
fn type_errors_are_refused() {
    let broken = [
        "fn broken() -> u32 { return 1.5f; }",
        "fn broken() { let x: vec4<f32> = vec3<f32>(0.0); }",
        "@group(0) @binding(9) var<storage, read> broken: array<f32>;
         fn write_broken() { broken[0] = 1.0; }",
    ];
    for shader in shaders() {
        for tail in broken {
            let source = format!("{}\n{tail}", shader.variant.source);
            assert!(
                compile(&source, Capabilities::empty()).is_err(),
                "{} with {tail} was accepted",
                shader.name
            );
        }
    }
}

#[test]
fn optional_features_are_refused() {
    let half = "enable f16;
        @compute @workgroup_size(1) fn main() { var x = 1.0h; x += 1.0h; }";
    let subgroup = "@compute @workgroup_size(32)
        fn main(@builtin(local_invocation_index) i: u32) { let sum = subgroupAdd(i); }";
    for (source, needed) in [
        (half, Capabilities::SHADER_FLOAT16),
        (subgroup, Capabilities::SUBGROUP),
    ] {
        compile(source, needed).unwrap_or_else(|error| panic!("with {needed:?}: {error}"));
        assert!(
            compile(source, Capabilities::empty()).is_err(),
            "accepted without {needed:?}: {source}"
        );
    }
}

// ---- translation ----

fn slots(kernel: &Kernel) -> impl Iterator<Item = (ResourceBinding, u8, bool)> {
    let writable = |binding: &Binding| binding.access == Access::ReadWrite;
    let bindings = std::iter::once(false).chain(kernel.bindings.iter().map(writable));
    (0_u8..).zip(bindings).map(|(slot, mutable)| {
        let binding = u32::from(slot);
        (ResourceBinding { group: 0, binding }, slot, mutable)
    })
}

fn to_spirv(module: &Module, info: &ModuleInfo) -> Result<Vec<u32>, String> {
    let options = spv::Options {
        capabilities: Some([spv::Capability::Shader].into_iter().collect()),
        fake_missing_bindings: true,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: "main".to_owned(),
    };
    spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|error| error.to_string())
}

/// With bounds checks as wgpu asks for them, and the buffer of array lengths that they need.
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
        let (module, info) = compile_shader(&shader);
        let words = to_spirv(&module, &info).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
        assert_eq!(words.first(), Some(&SPIRV_MAGIC), "{}", shader.name);
    }
}

#[test]
fn every_kernel_translates_to_metal_hlsl_and_glsl_es() {
    for shader in shaders() {
        let (module, info) = compile_shader(&shader);
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

// ---- layouts ----

/// A struct as the shader declares it: its size and `(name, offset, type)` of every field.
#[derive(Debug, PartialEq)]
struct Layout {
    size: usize,
    fields: Vec<(String, usize, String)>,
}

fn type_name(inner: &TypeInner) -> String {
    match *inner {
        TypeInner::Scalar(Scalar::U32) => "u32".to_owned(),
        TypeInner::Scalar(Scalar::F32) => "f32".to_owned(),
        ref other => format!("{other:?}"),
    }
}

fn shader_layout(module: &Module, ty: Handle<Type>) -> Option<Layout> {
    let TypeInner::Struct { members, span } = &module.types[ty].inner else {
        return None;
    };
    let fields = members.iter().map(|member| {
        (
            member.name.clone().unwrap_or_default(),
            member.offset as usize,
            type_name(&module.types[member.ty].inner),
        )
    });
    Some(Layout {
        size: *span as usize,
        fields: fields.collect(),
    })
}

fn host_layout(layout: &StructLayout) -> Layout {
    let fields = layout
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), field.offset, field.kind.to_owned()));
    Layout {
        size: layout.size,
        fields: fields.collect(),
    }
}

fn compare_layouts(shader: &Layout, host: &StructLayout) -> Result<(), String> {
    let expected = host_layout(host);
    if *shader == expected {
        return Ok(());
    }
    let name = host.name;
    Err(format!(
        "{name}: the shader has {shader:#?}, the host {expected:#?}"
    ))
}

fn find_struct(module: &Module, name: &str) -> Option<Layout> {
    module
        .types
        .iter()
        .find(|(_, ty)| ty.name.as_deref() == Some(name))
        .and_then(|(handle, _)| shader_layout(module, handle))
}

#[test]
fn shared_structs_agree_in_every_shader() {
    for host in [
        ReplicaConfig::LAYOUT,
        ReplicaState::LAYOUT,
        TaskRecord::LAYOUT,
        LayerControl::LAYOUT,
        ProbeSlot::LAYOUT,
        ProbeSegment::LAYOUT,
        LobpcgStep::LAYOUT,
        LayerSums::LAYOUT,
        LayerRecord::LAYOUT,
        TensorLayout::LAYOUT,
    ] {
        let mut found = 0;
        for shader in shaders() {
            if let Some(declared) = find_struct(&reflect(&shader), host.name) {
                compare_layouts(&declared, &host)
                    .unwrap_or_else(|difference| panic!("{}: {difference}", shader.name));
                found += 1;
            }
        }
        assert!(found > 0, "no shader declares {}", host.name);
    }
}

#[test]
fn a_layout_that_differs_in_one_place_is_reported() {
    type Change = fn(&mut StructLayout, &mut Vec<Field>);
    let changes: [(&str, Change); 6] = [
        ("offset", |_, fields| fields[3].offset += 4),
        ("name", |_, fields| fields[3].name = "other"),
        ("type", |_, fields| fields[3].kind = "i32"),
        ("order", |_, fields| fields.swap(2, 3)),
        ("length", |_, fields| fields.truncate(7)),
        ("size", |layout, _| layout.size += 16),
    ];
    let host = ReplicaConfig::LAYOUT;
    let shader =
        find_struct(&reflect(&optimiser_step()), host.name).expect("optimiser_step reads configs");
    compare_layouts(&shader, &host).expect("agrees before the change");
    for (what, change) in changes {
        let mut changed = host;
        let mut fields = host.fields.to_vec();
        change(&mut changed, &mut fields);
        changed.fields = fields.leak();
        let difference = compare_layouts(&shader, &changed);
        assert!(difference.is_err(), "a changed {what} went unnoticed");
    }
}

fn optimiser_step() -> Shader {
    plain("optimiser_step")
}

// ---- bindings and workgroups ----

/// The globals with a binding, in the order of their numbers; group 0 only, numbered without a gap.
fn bound_globals(
    module: &Module,
) -> Result<Vec<(Handle<GlobalVariable>, &GlobalVariable)>, String> {
    let mut globals: Vec<_> = module
        .global_variables
        .iter()
        .filter_map(|(handle, global)| global.binding.map(|at| (at, (handle, global))))
        .collect();
    globals.sort_by_key(|(at, _)| (at.group, at.binding));
    for (number, (at, (_, global))) in (0..).zip(&globals) {
        if (at.group, at.binding) != (0, number) {
            return Err(format!("{:?} at {at:?}, not {number}", global.name));
        }
    }
    Ok(globals.into_iter().map(|(_, global)| global).collect())
}

fn name_and_access(global: &GlobalVariable) -> Result<(&str, Access), String> {
    let AddressSpace::Storage { access } = global.space else {
        return Err(format!("{:?} is in {:?}", global.name, global.space));
    };
    let access = if access.contains(StorageAccess::STORE) {
        Access::ReadWrite
    } else {
        Access::Read
    };
    Ok((global.name.as_deref().unwrap_or_default(), access))
}

fn compare_bindings(module: &Module, listed: &[Binding]) -> Result<(), String> {
    let declared = bound_globals(module)?
        .into_iter()
        .skip(1)
        .map(|(_, global)| name_and_access(global))
        .collect::<Result<Vec<_>, _>>()?;
    let listed: Vec<_> = listed.iter().map(|b| (b.name, b.access)).collect();
    if declared == listed {
        return Ok(());
    }
    Err(format!(
        "the shader binds {declared:?}, the table {listed:?}"
    ))
}

#[test]
fn binding_0_is_the_uniform_that_the_host_fills() {
    for shader in shaders() {
        let name = &shader.name;
        let module = reflect(&shader);
        let globals = bound_globals(&module).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (_, uniform) = globals
            .first()
            .unwrap_or_else(|| panic!("{name} binds nothing"));
        assert_eq!(uniform.space, AddressSpace::Uniform, "{name}");
        let layout = shader_layout(&module, uniform.ty)
            .unwrap_or_else(|| panic!("{name}: the uniform is not a struct"));
        compare_layouts(&layout, &shader.kernel.params)
            .unwrap_or_else(|difference| panic!("{name}: {difference}"));
    }
}

#[test]
fn storage_bindings_are_those_of_the_table_in_its_order() {
    for shader in shaders() {
        let name = &shader.name;
        compare_bindings(&reflect(&shader), shader.kernel.bindings)
            .unwrap_or_else(|difference| panic!("{name}: {difference}"));
        let count = shader.kernel.bindings.len();
        assert!(
            (1..=MAX_STORAGE_BUFFERS_PER_SHADER_STAGE).contains(&count),
            "{name} binds {count} storage buffers"
        );
    }
}

#[test]
fn every_binding_is_used() {
    for shader in shaders() {
        let name = &shader.name;
        let (module, info) = compile_shader(&shader);
        let globals = bound_globals(&module).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (handle, global) in globals {
            let usage = info.get_entry_point(0)[handle];
            assert!(!usage.is_empty(), "{name} never uses {:?}", global.name);
        }
    }
}

#[test]
fn a_binding_that_differs_in_one_place_is_reported() {
    type Change = fn(&mut Vec<Binding>);
    let changes: [(&str, Change); 4] = [
        ("name", |bindings| bindings[1].name = "other"),
        ("access", |bindings| bindings[1].access = Access::ReadWrite),
        ("order", |bindings| bindings.swap(0, 1)),
        ("length", |bindings| bindings.truncate(7)),
    ];
    let shader = optimiser_step();
    let (kernel, module) = (shader.kernel, reflect(&shader));
    compare_bindings(&module, kernel.bindings).expect("agrees before the change");
    for (what, change) in changes {
        let mut changed = kernel.bindings.to_vec();
        change(&mut changed);
        assert!(
            compare_bindings(&module, &changed).is_err(),
            "a changed {what} went unnoticed"
        );
    }
    let other_group = shader
        .variant
        .source
        .replace("@group(0) @binding(8)", "@group(1) @binding(8)");
    let (module, _) = compile(&other_group, Capabilities::empty()).expect("group 1 is valid WGSL");
    assert!(
        compare_bindings(&module, kernel.bindings).is_err(),
        "a binding in group 1 went unnoticed"
    );
}

/// Bytes of workgroup memory as WebGPU counts them: every variable rounded up to 16.
fn workgroup_memory(module: &Module) -> u32 {
    module
        .global_variables
        .iter()
        .filter(|(_, global)| global.space == AddressSpace::WorkGroup)
        .map(|(_, global)| module.types[global.ty].inner.size(module.to_ctx()))
        .map(|bytes| bytes.next_multiple_of(16))
        .sum()
}

#[test]
fn workgroups_are_those_of_the_table_and_within_webgpus_limits() {
    for shader in shaders() {
        let name = &shader.name;
        let module = reflect(&shader);
        let entry = &module.entry_points[0];
        assert_eq!(entry.workgroup_size, shader.variant.workgroup, "{name}");
        assert!(entry.workgroup_size_overrides.is_none(), "{name}");
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!(
            (1..=MAX_COMPUTE_INVOCATIONS_PER_WORKGROUP).contains(&invocations),
            "{name}: {invocations} invocations in a workgroup"
        );
    }
}

#[test]
fn workgroup_memory_is_what_the_table_says_and_within_webgpus_limits() {
    for variant in ["plain", "wide", "deep"] {
        let of_variant = || shaders().filter(|shader| shader.variant.name == variant);
        let needed = of_variant().map(|shader| workgroup_memory(&reflect(&shader)));
        let listed = of_variant().map(|shader| shader.variant.workgroup_memory);
        let most = needed.max().expect("there are such variants");
        assert!(most <= MAX_COMPUTE_WORKGROUP_STORAGE_SIZE);
        assert!(
            listed.into_iter().all(|listed| listed == most),
            "{variant}: {most}"
        );
    }
    assert_eq!(
        plain("optimiser_step").variant.workgroup_memory,
        WORKGROUP_MEMORY
    );
}

#[test]
fn workgroup_memory_is_counted() {
    let source = "var<workgroup> a: array<vec4<f32>, 100>; var<workgroup> b: u32;
        @compute @workgroup_size(1) fn main() { a[0].x = 1.0; b = 1u; }";
    let (module, _) = compile(source, Capabilities::empty()).expect("valid WGSL");
    assert_eq!(workgroup_memory(&module), 1_600 + 16);
}

// ---- constants ----

/// The `u32` constants whose names begin with `prefix`, by name.
fn shader_constants(module: &Module, prefix: &str) -> BTreeSet<(String, u32)> {
    let value = |init| match module.global_expressions[init] {
        Expression::Literal(Literal::U32(value)) => value,
        ref other => panic!("a constant {prefix}* is {other:?}, not a u32"),
    };
    module
        .constants
        .iter()
        .filter_map(|(_, constant)| Some((constant.name.clone()?, constant.init)))
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, init)| (name, value(init)))
        .collect()
}

/// Compares in every shader that has any such constant.
fn check_constants(prefix: &str, host: &[(&str, u32)]) {
    let host: BTreeSet<_> = host
        .iter()
        .map(|&(name, value)| (format!("{prefix}{name}"), value))
        .collect();
    let mut found = 0;
    for shader in shaders() {
        let declared = shader_constants(&reflect(&shader), prefix);
        if !declared.is_empty() {
            assert_eq!(declared, host, "{}: left: shader, right: host", shader.name);
            found += 1;
        }
    }
    assert!(found > 0, "no shader declares {prefix}*");
}

#[test]
fn tiles_have_the_same_sizes() {
    let tiled = |shader: &Shader| shader.variant.name != "plain";
    for shader in shaders().filter(tiled) {
        let declared = shader_constants(&reflect(&shader), "TILE_");
        let [columns, rows] = shader.variant.tile;
        for (name, size) in [("TILE_COLUMNS", columns), ("TILE_ROWS", rows)] {
            assert!(
                declared.contains(&(name.to_owned(), size)),
                "{}: {name} is not {size}: {declared:?}",
                shader.name
            );
        }
    }
}

#[test]
fn activations_have_the_same_numbers() {
    check_constants(
        "ACTIVATION_",
        &[
            ("IDENTITY", Activation::Identity as u32),
            ("RELU", Activation::Relu as u32),
            ("CRELU", Activation::Crelu as u32),
            ("LEAKY_RELU", Activation::LeakyRelu as u32),
            ("TANH", Activation::Tanh as u32),
        ],
    );
}

#[test]
fn optimisers_have_the_same_numbers() {
    check_constants(
        "OPTIMISER_",
        &[
            ("ADAM", OPTIMISER_ADAM),
            ("SGD", OPTIMISER_SGD),
            ("ADAMW", OPTIMISER_ADAMW),
            ("LION", OPTIMISER_LION),
        ],
    );
}

#[test]
fn task_switches_have_the_same_numbers() {
    check_constants(
        "SWITCH_",
        &[
            ("CARRY", SWITCH_CARRY),
            ("RESET_OPTIMISER", SWITCH_RESET_OPTIMISER),
            ("FRESH_NETWORK", SWITCH_FRESH_NETWORK),
        ],
    );
}

#[test]
fn random_streams_have_the_same_numbers() {
    check_constants(
        "STREAM_",
        &[
            ("PARAMETERS", Stream::Parameters as u32),
            ("SUBSET", Stream::Subset as u32),
            ("ORDER", Stream::Order as u32),
            ("LABELS", Stream::Labels as u32),
            ("RELABEL", Stream::Relabel as u32),
            ("PROBE", Stream::Probe as u32),
            ("COOLING", Stream::Cooling as u32),
            ("BOOTSTRAP", Stream::Bootstrap as u32),
            ("PIXELS", Stream::Pixels as u32),
            ("PERTURBATION", Stream::Perturbation as u32),
        ],
    );
}

#[test]
fn tensors_have_the_same_tiles_and_sorts_the_same_digits() {
    check_constants("TENSOR_", &[("TILE", TENSOR_TILE)]);
    check_constants("SORT_", &[("DIGITS", SORT_DIGITS), ("PADDING", u32::MAX)]);
}

#[test]
#[should_panic(expected = "left: shader, right: host")]
fn a_constant_that_differs_is_reported() {
    check_constants("ACTIVATION_", &[("RELU", Activation::Relu as u32 + 1)]);
}
