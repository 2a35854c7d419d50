//! Structs that host and shader share have the same fields at the same offsets.

use crate::kernels::{optimiser_step, reflect, shaders};
use naga::{Handle, Module, Scalar, Type, TypeInner};
use trainable::layout::{Field, ShaderStruct, StructLayout};
use trainable::state::{
    HiddenLayer, LayerControl, LayerRecord, LayerSums, LobpcgStep, MatrixLayout, ProbeSegment,
    ProbeSlot, RenewalSettings, ReplicaConfig, ReplicaState, StepSum, TaskRecord, TensorLayout,
    UnitRecord, UnitStatistic,
};

/// A struct as the shader declares it: its size and `(name, offset, type)` of every field.
#[derive(Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) size: usize,
    pub(crate) fields: Vec<(String, usize, String)>,
}

fn type_name(inner: &TypeInner) -> String {
    match *inner {
        TypeInner::Scalar(Scalar::U32) | TypeInner::Atomic(Scalar::U32) => "u32".to_owned(),
        TypeInner::Scalar(Scalar::F32) => "f32".to_owned(),
        ref other => format!("{other:?}"),
    }
}

pub(crate) fn shader_layout(module: &Module, ty: Handle<Type>) -> Option<Layout> {
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

pub(crate) fn compare_layouts(shader: &Layout, host: &StructLayout) -> Result<(), String> {
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
        StepSum::LAYOUT,
        ProbeSlot::LAYOUT,
        ProbeSegment::LAYOUT,
        LobpcgStep::LAYOUT,
        LayerSums::LAYOUT,
        LayerRecord::LAYOUT,
        TensorLayout::LAYOUT,
        RenewalSettings::LAYOUT,
        HiddenLayer::LAYOUT,
        UnitStatistic::LAYOUT,
        UnitRecord::LAYOUT,
        MatrixLayout::LAYOUT,
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
