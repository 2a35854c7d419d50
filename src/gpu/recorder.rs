//! A program's buffers, pipelines and bind groups on a device that somebody else owns.

use std::collections::HashMap;
use std::num::NonZeroU64;

use wgpu::util::{BufferInitDescriptor, DeviceExt};

use crate::kernels::{Access, Kernel};
use crate::plan::{BufferId, BufferSpec, Contents, Dispatch, Plan, Program};

/// The buffers of a program on a device, and the pipelines of the kernels used so far.
///
/// [`crate::Engine`] is the way to train; this is for those who want to record plans, or single
/// dispatches of them, in a loop of their own.
pub struct Recorder {
    buffers: Vec<wgpu::Buffer>,
    pipelines: HashMap<&'static str, Pipeline>,
    replicas: u32,
}

/// A plan with everything bound, ready to be recorded any number of times.
pub struct RecordedPlan {
    name: &'static str,
    dispatches: Vec<RecordedDispatch>,
}

struct RecordedDispatch {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

impl Recorder {
    /// Allocates and fills a program's buffers. Limits are not checked: see [`crate::Engine::new`].
    pub fn new(device: &wgpu::Device, program: &Program) -> Self {
        let create = |buffer: &BufferSpec| create_buffer(device, program, buffer);
        Self {
            buffers: program.buffers.iter().map(create).collect(),
            pipelines: HashMap::new(),
            replicas: program.replicas,
        }
    }

    /// A buffer on the device.
    pub fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        &self.buffers[id.0]
    }

    /// Compiles what `plan` needs and binds its buffers.
    pub fn prepare(&mut self, device: &wgpu::Device, plan: &Plan) -> RecordedPlan {
        let uniforms = create_uniforms(device, plan);
        let record = |(slot, dispatch): (u64, &Dispatch)| {
            let kernel = dispatch.kernel;
            let (pipeline, layout) = self
                .pipelines
                .entry(kernel.name)
                .or_insert_with(|| create_pipeline(device, kernel));
            let uniform = wgpu::BufferBinding {
                buffer: &uniforms,
                offset: slot * uniform_stride(device),
                size: NonZeroU64::new(kernel.params.size as u64),
            };
            let storage = dispatch
                .buffers
                .iter()
                .map(|id| self.buffers[id.0].as_entire_binding());
            let entries: Vec<_> = std::iter::once(wgpu::BindingResource::Buffer(uniform))
                .chain(storage)
                .zip(0..)
                .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.name),
                layout,
                entries: &entries,
            });
            let [x, y] = dispatch.workgroups;
            let workgroups = [x, y, self.replicas];
            RecordedDispatch {
                pipeline: pipeline.clone(),
                bind_group,
                workgroups,
            }
        };
        let dispatches = (0..).zip(&plan.dispatches).map(record).collect();
        RecordedPlan {
            name: plan.name,
            dispatches,
        }
    }
}

impl RecordedPlan {
    /// Records the plan `times` times into one compute pass.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, times: u32) {
        let descriptor = wgpu::ComputePassDescriptor {
            label: Some(self.name),
            timestamp_writes: None,
        };
        let mut pass = encoder.begin_compute_pass(&descriptor);
        for dispatch in (0..times).flat_map(|_| &self.dispatches) {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.bind_group, &[]);
            let [x, y, z] = dispatch.workgroups;
            pass.dispatch_workgroups(x, y, z);
        }
    }
}

fn create_buffer(device: &wgpu::Device, program: &Program, spec: &BufferSpec) -> wgpu::Buffer {
    let usage =
        wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let label = Some(spec.name.as_str());
    match &spec.contents {
        Contents::Zero => {
            let size = program.total_words(spec) as u64 * 4;
            device.create_buffer(&wgpu::BufferDescriptor {
                label,
                size,
                usage,
                mapped_at_creation: false,
            })
        }
        Contents::Words(words) => {
            let contents = bytemuck::cast_slice(words);
            device.create_buffer_init(&BufferInitDescriptor {
                label,
                contents,
                usage,
            })
        }
    }
}

/// One kernel's pipeline and the layout of its bind group.
type Pipeline = (wgpu::ComputePipeline, wgpu::BindGroupLayout);

fn uniform_stride(device: &wgpu::Device) -> u64 {
    u64::from(device.limits().min_uniform_buffer_offset_alignment)
}

/// The uniforms of all dispatches of a plan in one buffer, written once.
fn create_uniforms(device: &wgpu::Device, plan: &Plan) -> wgpu::Buffer {
    let stride = uniform_stride(device) as usize;
    let mut contents = vec![0; plan.dispatches.len() * stride];
    for (slot, dispatch) in contents.chunks_mut(stride).zip(&plan.dispatches) {
        slot[..dispatch.params.len()].copy_from_slice(&dispatch.params);
    }
    device.create_buffer_init(&BufferInitDescriptor {
        label: Some(plan.name),
        contents: &contents,
        usage: wgpu::BufferUsages::UNIFORM,
    })
}

fn create_pipeline(device: &wgpu::Device, kernel: &'static Kernel) -> Pipeline {
    let label = Some(kernel.name);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label,
        source: wgpu::ShaderSource::Wgsl(kernel.source.into()),
    });
    let uniform = (0, wgpu::BufferBindingType::Uniform);
    let storage = kernel.bindings.iter().zip(1..).map(|(binding, number)| {
        let read_only = binding.access == Access::Read;
        (number, wgpu::BufferBindingType::Storage { read_only })
    });
    let entries: Vec<_> = std::iter::once(uniform)
        .chain(storage)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    let bind_group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label,
        entries: &entries,
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&bind_group_layout)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    (pipeline, bind_group_layout)
}
