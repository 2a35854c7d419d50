//! A program's buffers, pipelines and bind groups on a device that somebody else owns.

use std::collections::HashMap;
use std::num::NonZeroU64;

use super::faults::{caught, create_buffer};
use super::{Error, Tiling};
use crate::kernels::{Access, Kernel, Variant};
use crate::plan::{BufferId, BufferSpec, Contents, Dispatch, Plan, Program};

/// The buffers of a program on a device, and the pipelines of the kernels used so far.
///
/// Most programs train with [`crate::Engine`]. A recorder is for programs that record plans, or single dispatches of
/// plans, in a loop of their own.
pub struct Recorder {
    buffers: Vec<wgpu::Buffer>,
    pipelines: HashMap<PipelineKey, Pipeline>,
    replicas: u32,
    tiling: Tiling,
}

/// The names of a kernel and of its variant, and the activation that it is compiled for.
type PipelineKey = (&'static str, &'static str, Option<u32>);

/// A plan with its pipelines and bind groups, ready to be recorded any number of times.
pub struct RecordedPlan {
    name: &'static str,
    dispatches: Vec<RecordedDispatch>,
}

struct RecordedDispatch {
    kernel: &'static str,
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

impl Recorder {
    /// Allocates and fills a program's buffers. Limits are not checked: see [`crate::Engine::new`].
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or a device that is lost.
    pub fn new(device: &wgpu::Device, program: &Program) -> Result<Self, Error> {
        let create = |buffer: &BufferSpec| create_storage(device, program, buffer);
        let buffers: Result<_, _> = program.declared.iter().map(create).collect();
        Ok(Self {
            buffers: buffers?,
            pipelines: HashMap::new(),
            replicas: program.replicas,
            tiling: Tiling::Auto,
        })
    }

    /// Sets the variants of the products.
    #[must_use]
    pub fn with_tiling(self, tiling: Tiling) -> Self {
        Self { tiling, ..self }
    }

    /// A buffer on the device.
    pub fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        &self.buffers[id.0]
    }

    /// Compiles the kernels of `plan` and binds its buffers.
    ///
    /// # Errors
    /// [`Error::Device`] for a kernel that the device refuses; [`Error::OutOfMemory`].
    pub fn prepare(&mut self, device: &wgpu::Device, plan: &Plan) -> Result<RecordedPlan, Error> {
        let uniforms = create_uniforms(device, plan)?;
        let internal = wgpu::ErrorFilter::Internal;
        let validation = wgpu::ErrorFilter::Validation;
        caught(device, validation, || {
            caught(device, internal, || self.bind(device, plan, &uniforms))
        })
        .and_then(|inner| inner)
        .map_err(|error| Error::Device {
            doing: "compiling kernels",
            reason: error.to_string(),
        })
    }

    fn bind(
        &mut self,
        device: &wgpu::Device,
        plan: &Plan,
        uniforms: &wgpu::Buffer,
    ) -> RecordedPlan {
        let stride = uniform_stride(device, plan) as u64;
        let (kind, limits) = (device.adapter_info().device_type, device.limits());
        let record = |(slot, dispatch): (u64, &Dispatch)| {
            let kernel = dispatch.kernel;
            let variant = self.tiling.choose(dispatch, self.replicas, kind, &limits);
            let activation = dispatch.activation();
            let (pipeline, layout) = self
                .pipelines
                .entry((kernel.name, variant.name, activation))
                .or_insert_with(|| create_pipeline(device, kernel, variant, activation));
            let uniform = wgpu::BufferBinding {
                buffer: uniforms,
                offset: slot * stride,
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
            let [x, y] = dispatch.workgroups(variant);
            let workgroups = [x, y, self.replicas];
            RecordedDispatch {
                kernel: kernel.name,
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
    /// The name of the plan, which is the label of its passes.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The number of its dispatches.
    pub fn dispatches(&self) -> usize {
        self.dispatches.len()
    }

    /// Records one dispatch into a compute pass of its own, for programs that cut a plan into several submissions.
    /// `index` is less than [`Self::dispatches`].
    pub fn encode_dispatch(&self, encoder: &mut wgpu::CommandEncoder, index: usize) {
        let descriptor = wgpu::ComputePassDescriptor {
            label: Some(self.name),
            timestamp_writes: None,
        };
        self.dispatches[index].encode_in(&mut encoder.begin_compute_pass(&descriptor));
    }

    /// Records the plan `times` times into one compute pass.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, times: u32) {
        let descriptor = wgpu::ComputePassDescriptor {
            label: Some(self.name),
            timestamp_writes: None,
        };
        self.encode_in(&mut encoder.begin_compute_pass(&descriptor), times);
    }

    /// Records the plan `times` times into the caller's compute pass, each dispatch in a debug group with the
    /// name of its kernel.
    pub fn encode_in(&self, pass: &mut wgpu::ComputePass<'_>, times: u32) {
        for dispatch in (0..times).flat_map(|_| &self.dispatches) {
            dispatch.encode_in(pass);
        }
    }

    /// Records the plan once, each dispatch in a pass of its own between two timestamps: dispatch i begins at query 2 i
    /// and ends at query 2 i + 1. It shows where the time goes; a single pass is faster.
    pub fn encode_timed(&self, encoder: &mut wgpu::CommandEncoder, queries: &wgpu::QuerySet) {
        for (dispatch, query) in self.dispatches.iter().zip((0..).step_by(2)) {
            let descriptor = wgpu::ComputePassDescriptor {
                label: Some(dispatch.kernel),
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: queries,
                    beginning_of_pass_write_index: Some(query),
                    end_of_pass_write_index: Some(query + 1),
                }),
            };
            dispatch.encode_in(&mut encoder.begin_compute_pass(&descriptor));
        }
    }
}

impl RecordedDispatch {
    fn encode_in(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.push_debug_group(self.kernel);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        let [x, y, z] = self.workgroups;
        pass.dispatch_workgroups(x, y, z);
        pass.pop_debug_group();
    }
}

fn create_storage(
    device: &wgpu::Device,
    program: &Program,
    spec: &BufferSpec,
) -> Result<wgpu::Buffer, Error> {
    let usage =
        wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let size = program.total_words(spec) as u64 * 4;
    let contents = match &spec.contents {
        Contents::Zero => None,
        Contents::Words(words) => Some(bytemuck::cast_slice(words)),
    };
    create_buffer(device, &spec.name, size, usage, contents)
}

/// One kernel's pipeline and the layout of its bind group.
type Pipeline = (wgpu::ComputePipeline, wgpu::BindGroupLayout);

/// The bytes from one dispatch's uniform to the next: the largest uniform of the plan, aligned for the device.
fn uniform_stride(device: &wgpu::Device, plan: &Plan) -> usize {
    let largest = plan.dispatches.iter().map(|d| d.params.len()).max();
    let alignment = device.limits().min_uniform_buffer_offset_alignment;
    largest.unwrap_or(0).next_multiple_of(alignment as usize)
}

/// The uniforms of all dispatches of a plan in one buffer, written once.
fn create_uniforms(device: &wgpu::Device, plan: &Plan) -> Result<wgpu::Buffer, Error> {
    let stride = uniform_stride(device, plan);
    let padded = plan.dispatches.iter().flat_map(|dispatch| {
        let padding = stride - dispatch.params.len();
        dispatch
            .params
            .iter()
            .copied()
            .chain(std::iter::repeat_n(0, padding))
    });
    let contents: Vec<u8> = padded.collect();
    let usage = wgpu::BufferUsages::UNIFORM;
    let size = contents.len() as u64;
    create_buffer(device, plan.name, size, usage, Some(&contents))
}

/// Compiles a variant of a kernel for one activation, if the kernel has one.
fn create_pipeline(
    device: &wgpu::Device,
    kernel: &Kernel,
    variant: &Variant,
    activation: Option<u32>,
) -> Pipeline {
    let label = Some(kernel.name);
    let constants = activation.map(|number| ("KNOWN_ACTIVATION", f64::from(number)));
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label,
        source: wgpu::ShaderSource::Wgsl(variant.source.into()),
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
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: constants.as_slice(),
            // A product writes its workgroup memory before it reads it; some other kernels rely on zeros.
            zero_initialize_workgroup_memory: kernel.tiled.is_empty(),
        },
        cache: None,
    });
    (pipeline, bind_group_layout)
}
