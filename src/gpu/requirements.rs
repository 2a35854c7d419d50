//! What a device must offer, for hosts that ask before they create theirs.

use crate::error::Error;
use crate::kernels;
use crate::plan::{BufferSpec, Program};
use crate::spec::TrainingSpec;

/// What an [`crate::Engine`] needs of a device.
///
/// ```no_run
/// # use trainable::{Error, Requirements, spec::TrainingSpec, wgpu};
/// fn device(spec: &TrainingSpec) -> Result<wgpu::DeviceDescriptor<'static>, Error> {
///     let needs = Requirements::new(spec)?;
///     Ok(wgpu::DeviceDescriptor {
///         required_limits: needs.limits,
///         required_features: needs.features,
///         ..Default::default()
///     })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Requirements {
    /// WebGPU's default limits, raised where the network needs more.
    pub limits: wgpu::Limits,
    /// None.
    pub features: wgpu::Features,
    /// Bytes of device memory for all buffers; readbacks in flight and the driver's own come on top.
    pub bytes: u64,
    needs: Vec<Need>,
}

/// The most that anything needs of one limit.
#[derive(Clone, Debug)]
struct Need {
    limit: Limit,
    what: String,
    required: u64,
}

/// One of the limits that matter to us.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Its name in WebGPU.
    name: &'static str,
    of: fn(&wgpu::Limits) -> u64,
    raise: fn(&mut wgpu::Limits, u64),
}

macro_rules! limits {
    ($($constant:ident = $field:ident: $kind:ty, $name:literal;)*) => {
        $(const $constant: Limit = Limit {
            name: $name,
            of: |limits| limits.$field as u64,
            raise: |limits, required| limits.$field = limits.$field.max(required as $kind),
        };)*
    };
}

limits! {
    STORAGE_BINDING = max_storage_buffer_binding_size: u64, "maxStorageBufferBindingSize";
    UNIFORM_BINDING = max_uniform_buffer_binding_size: u64, "maxUniformBufferBindingSize";
    BUFFER = max_buffer_size: u64, "maxBufferSize";
    BIND_GROUPS = max_bind_groups: u32, "maxBindGroups";
    BINDINGS = max_bindings_per_bind_group: u32, "maxBindingsPerBindGroup";
    STORAGE_BUFFERS = max_storage_buffers_per_shader_stage: u32, "maxStorageBuffersPerShaderStage";
    UNIFORM_BUFFERS = max_uniform_buffers_per_shader_stage: u32, "maxUniformBuffersPerShaderStage";
    WORKGROUP_MEMORY = max_compute_workgroup_storage_size: u32, "maxComputeWorkgroupStorageSize";
    INVOCATIONS = max_compute_invocations_per_workgroup: u32, "maxComputeInvocationsPerWorkgroup";
    WORKGROUP_X = max_compute_workgroup_size_x: u32, "maxComputeWorkgroupSizeX";
    WORKGROUP_Y = max_compute_workgroup_size_y: u32, "maxComputeWorkgroupSizeY";
    WORKGROUP_Z = max_compute_workgroup_size_z: u32, "maxComputeWorkgroupSizeZ";
    WORKGROUPS = max_compute_workgroups_per_dimension: u32, "maxComputeWorkgroupsPerDimension";
}

impl Requirements {
    /// What the training that `spec` describes needs.
    ///
    /// # Errors
    /// A specification that [`TrainingSpec::check`] refuses.
    pub fn new(spec: &TrainingSpec) -> Result<Self, Error> {
        Ok(Self::of(&Program::new(spec)?))
    }

    pub(crate) fn of(program: &Program) -> Self {
        let mut requirements = Self {
            limits: wgpu::Limits::default(),
            features: wgpu::Features::empty(),
            bytes: 0,
            needs: Vec::new(),
        };
        requirements.add_buffers(program);
        requirements.add_dispatches(program);
        requirements
    }

    /// # Errors
    /// [`Error::Limit`] with the first limit that `available` does not reach, what is required and why.
    pub fn check(&self, available: &wgpu::Limits) -> Result<(), Error> {
        let too_small = |need: &&Need| (need.limit.of)(available) < need.required;
        match self.needs.iter().find(too_small) {
            None => Ok(()),
            Some(need) => Err(Error::Limit {
                limit: need.limit.name,
                what: need.what.clone(),
                required: need.required,
                available: (need.limit.of)(available),
            }),
        }
    }

    fn add_buffers(&mut self, program: &Program) {
        for buffer in &program.buffers {
            let bytes = program.total_words(buffer) as u64 * 4;
            let what = || name(buffer, program.replicas);
            self.bytes += bytes;
            self.add(STORAGE_BINDING, what, bytes);
            self.add(BUFFER, what, bytes);
        }
        // No uniform is larger than this alignment.
        let stride = u64::from(self.limits.min_uniform_buffer_offset_alignment);
        for plan in program.plans() {
            let bytes = plan.dispatches.len() as u64 * stride;
            self.bytes += bytes;
            self.add(BUFFER, || format!("the uniforms of {}", plan.name), bytes);
        }
    }

    fn add_dispatches(&mut self, program: &Program) {
        for dispatch in program.plans().flat_map(|plan| &plan.dispatches) {
            let kernel = dispatch.kernel;
            let what = || format!("the kernel {}", kernel.name);
            let storage_buffers = kernel.bindings.len() as u64;
            let [width, height, depth] = kernel.workgroup;
            let [x, y] = dispatch.workgroups;
            let small = [
                (WORKGROUP_MEMORY, kernels::WORKGROUP_MEMORY),
                (INVOCATIONS, width * height * depth),
                (WORKGROUP_X, width),
                (WORKGROUP_Y, height),
                (WORKGROUP_Z, depth),
                (WORKGROUPS, x.max(y).max(program.replicas)),
            ];
            self.add(BIND_GROUPS, what, 1);
            self.add(BINDINGS, what, 1 + storage_buffers);
            self.add(STORAGE_BUFFERS, what, storage_buffers);
            self.add(UNIFORM_BUFFERS, what, 1);
            self.add(UNIFORM_BINDING, what, kernel.params.size as u64);
            for (limit, required) in small {
                self.add(limit, what, required.into());
            }
        }
    }

    /// Takes note of a need, unless something else needs as much of the same limit.
    fn add(&mut self, limit: Limit, what: impl Fn() -> String, required: u64) {
        (limit.raise)(&mut self.limits, required);
        let same = |need: &&mut Need| need.limit.name == limit.name;
        match self.needs.iter_mut().find(same) {
            Some(known) if known.required >= required => {}
            Some(known) => (known.what, known.required) = (what(), required),
            None => self.needs.push(Need {
                limit,
                what: what(),
                required,
            }),
        }
    }
}

fn name(buffer: &BufferSpec, replicas: u32) -> String {
    if buffer.shared {
        format!("the {}", buffer.name)
    } else {
        format!("the {} of {replicas} replicas", buffer.name)
    }
}

/// How many replicas like those of `spec` the limits allow in one program.
pub(crate) fn replicas_that_fit(
    spec: &TrainingSpec,
    limits: &wgpu::Limits,
) -> Result<usize, Error> {
    let one = TrainingSpec {
        replicas: spec.replicas.iter().take(1).cloned().collect(),
        ..spec.clone()
    };
    let program = Program::new(&one)?;
    Requirements::of(&program).check(limits)?;
    let own = program.buffers.iter().filter(|buffer| !buffer.shared);
    let largest = own.map(|buffer| buffer.words as u64 * 4).max();
    let bytes = limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size);
    let fit = bytes / largest.unwrap_or(1).max(1);
    let fit = fit.min(limits.max_compute_workgroups_per_dimension.into());
    Ok(fit as usize)
}
