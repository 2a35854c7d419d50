//! Limits of a device that are too small.

use crate::{adapters, foreign_devices, open, spec, stream_spec, trains};
use trainable::network::{Activation, Network};
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::{Engine, Requirements, gpu, wgpu};

/// A function that sets one limit.
type Set = fn(&mut wgpu::Limits, u32);

macro_rules! limits {
    ($($name:literal: $field:ident,)*) => {
        [$(($name, (|limits, to| limits.$field = to.into()) as Set),)*]
    };
}

#[test]
fn every_limit_that_is_too_small_is_refused_by_name() {
    let needs = Requirements::new(&stream_spec()).unwrap();
    let limits = limits! {
        "maxStorageBufferBindingSize": max_storage_buffer_binding_size,
        "maxUniformBufferBindingSize": max_uniform_buffer_binding_size,
        "maxBufferSize": max_buffer_size,
        "maxBindGroups": max_bind_groups,
        "maxBindingsPerBindGroup": max_bindings_per_bind_group,
        "maxStorageBuffersPerShaderStage": max_storage_buffers_per_shader_stage,
        "maxUniformBuffersPerShaderStage": max_uniform_buffers_per_shader_stage,
        "maxComputeWorkgroupStorageSize": max_compute_workgroup_storage_size,
        "maxComputeInvocationsPerWorkgroup": max_compute_invocations_per_workgroup,
        "maxComputeWorkgroupSizeX": max_compute_workgroup_size_x,
        "maxComputeWorkgroupSizeY": max_compute_workgroup_size_y,
        "maxComputeWorkgroupSizeZ": max_compute_workgroup_size_z,
        "maxComputeWorkgroupsPerDimension": max_compute_workgroups_per_dimension,
    };
    let refusal = |limits: &wgpu::Limits| match needs.check(limits) {
        Err(gpu::Error::Limit {
            limit,
            required,
            available,
            ..
        }) => (limit, required, available),
        other => panic!("{other:?}"),
    };
    let mut least = wgpu::Limits::default();
    for (name, set) in limits {
        let mut none = wgpu::Limits::default();
        set(&mut none, 0);
        let (limit, required, available) = refusal(&none);
        assert_eq!((limit, available), (name, 0));
        let mut short = wgpu::Limits::default();
        set(&mut short, required as u32 - 1);
        assert_eq!(refusal(&short), (name, required, required - 1));
        set(&mut least, required as u32);
    }
    needs.check(&least).unwrap();
    // The smallest distance between uniforms that any device allows; some uniforms are larger than it.
    let near = wgpu::Limits {
        min_uniform_buffer_offset_alignment: 32,
        ..wgpu::Limits::default()
    };
    // The expected limits are counted independently: optimiser_step has 8 buffers.
    assert_eq!(least.max_storage_buffers_per_shader_stage, 8);
    assert_eq!(least.max_bindings_per_bind_group, 9);
    for adapter in adapters(wgpu::InstanceFlags::default()) {
        trains(
            &open(&adapter, least.clone(), needs.features),
            stream_spec(),
        );
        if adapter.limits().min_uniform_buffer_offset_alignment <= 32 {
            let device = open(&adapter, near.clone(), needs.features);
            trains(&device, stream_spec());
        }
        let downlevel = wgpu::Limits::downlevel_defaults();
        let (name, device, _) = open(&adapter, downlevel, needs.features);
        let refused = Engine::new(&device, stream_spec())
            .err()
            .expect(&name)
            .to_string();
        let wanted = "maxStorageBuffersPerShaderStage is too small: 8 required";
        assert!(
            refused.contains(wanted) && refused.contains("4 available"),
            "{refused}"
        );
    }
}

#[test]
fn too_many_replicas_are_refused_with_how_many_fit() {
    let with = |replicas: usize| TrainingSpec {
        network: Network::mlp(&[4096, 256, 10], Activation::Relu).unwrap(),
        replicas: vec![ReplicaSpec::default(); replicas],
        probe: None,
        ..spec()
    };
    // WebGPU's default binding holds 128 MiB; one replica's parameters take more than 4 MiB.
    let limits = wgpu::Limits::default();
    let refused = |replicas| Requirements::new(&with(replicas)).unwrap().check(&limits);
    let Err(gpu::Error::Limit { fit: Some(fit), .. }) = refused(100) else {
        panic!("{:?}", refused(100));
    };
    assert!((20..32).contains(&fit), "{fit}");
    refused(fit as usize).unwrap();
    refused(fit as usize + 1).unwrap_err();
    for (name, device, _) in foreign_devices() {
        let error = Engine::new(&device, with(100)).err().expect(&name);
        let mention = format!("; {fit} replicas would fit");
        assert!(error.to_string().ends_with(&mention), "{name}: {error}");
    }
    // Where no smaller number of replicas would fit either, the error proposes none.
    let none = wgpu::Limits {
        max_bind_groups: 0,
        ..limits
    };
    let error = Requirements::new(&spec()).unwrap().check(&none);
    assert!(
        matches!(error, Err(gpu::Error::Limit { fit: None, .. })),
        "{error:?}"
    );
}
