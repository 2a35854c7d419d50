//! Bindings are those of the kernel table, in its order, and all are used.

use crate::kernels::{compile, compile_shader, optimiser_step, reflect, shaders};
use crate::layouts::{compare_layouts, shader_layout};
use naga::valid::Capabilities;
use naga::{AddressSpace, GlobalVariable, Handle, Module, StorageAccess};
use trainable::kernels::{Access, Binding};

/// The limit that every WebGPU device supports: <https://www.w3.org/TR/webgpu/#limits>.
const MAX_STORAGE_BUFFERS_PER_SHADER_STAGE: usize = 8;

/// The globals with a binding, in the order of their numbers. Another group than 0 or a gap is an error.
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
        ("access", |bindings| bindings[0].access = Access::ReadWrite),
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
