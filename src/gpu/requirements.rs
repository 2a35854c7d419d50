//! The limits that a device must reach, for hosts that ask before they create theirs.

use super::Error;
use super::tiling::required_variant;
use crate::plan::{BufferSpec, Program};
#[cfg(not(target_arch = "wasm32"))]
use crate::spec::MOST_REPLICAS;
use crate::spec::TrainingSpec;

/// The requirements of an [`crate::Engine`] on its device.
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
    /// Optional features: none.
    pub features: wgpu::Features,
    /// Bytes of device memory for all buffers. Readbacks in flight and the driver's own memory come on top.
    pub bytes: u64,
    needs: Vec<Need>,
}

/// The size of the largest buffer whose elements of four bytes a kernel can number in u32.
const MOST_BYTES: u64 = 4 * u32::MAX as u64;

/// The largest size of a storage buffer that is bound on a device with these limits.
fn most_bytes(limits: &wgpu::Limits) -> u64 {
    limits.max_storage_buffer_binding_size.min(MOST_BYTES)
}

/// The largest need of one limit.
#[derive(Clone, Debug)]
struct Need {
    limit: Limit,
    what: String,
    required: u64,
    /// The number of replicas, where the need grows with it.
    replicas: Option<u32>,
}

/// A limit that training needs.
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

const STORAGE_BINDING: Limit = Limit {
    name: "maxStorageBufferBindingSize",
    of: most_bytes,
    raise: |limits, required| {
        let known = limits.max_storage_buffer_binding_size;
        limits.max_storage_buffer_binding_size = known.max(required);
    },
};

impl Requirements {
    /// The requirements of the training that `spec` describes.
    ///
    /// # Errors
    /// A specification that [`TrainingSpec::check`] refuses.
    pub fn new(spec: &TrainingSpec) -> Result<Self, crate::Error> {
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

    /// Compares the requirements with the limits of a device.
    ///
    /// # Errors
    /// [`Error::Limit`] with the first limit that `available` does not reach.
    pub fn check(&self, available: &wgpu::Limits) -> Result<(), Error> {
        let too_small = |need: &&Need| (need.limit.of)(available) < need.required;
        match self.needs.iter().find(too_small) {
            None => Ok(()),
            Some(need) => Err(need.unmet((need.limit.of)(available))),
        }
    }

    fn add_buffers(&mut self, program: &Program) {
        for buffer in &program.declared {
            let bytes = program.total_words(buffer) as u64 * 4;
            let replicas = (!buffer.shared).then_some(program.replicas);
            let what = || name(buffer, program.replicas);
            self.bytes += bytes;
            self.add(STORAGE_BINDING, what, bytes, replicas);
            self.add(BUFFER, what, bytes, replicas);
        }
        // No uniform is larger than this alignment.
        let stride = u64::from(self.limits.min_uniform_buffer_offset_alignment);
        for plan in program.plans() {
            let bytes = plan.dispatches.len() as u64 * stride;
            self.bytes += bytes;
            self.add(
                BUFFER,
                || format!("the uniforms of {}", plan.name),
                bytes,
                None,
            );
        }
    }

    fn add_dispatches(&mut self, program: &Program) {
        for dispatch in program.plans().flat_map(|plan| &plan.dispatches) {
            let kernel = dispatch.kernel;
            let what = || format!("the kernel {}", kernel.name);
            let storage_buffers = kernel.bindings.len() as u64;
            // A device runs another variant only where that fits.
            let variant = required_variant(dispatch);
            let [width, height, depth] = variant.workgroup;
            let [x, y] = dispatch.workgroups(variant);
            let small = [
                (WORKGROUP_MEMORY, variant.workgroup_memory),
                (INVOCATIONS, width * height * depth),
                (WORKGROUP_X, width),
                (WORKGROUP_Y, height),
                (WORKGROUP_Z, depth),
                (WORKGROUPS, x.max(y)),
            ];
            self.add(BIND_GROUPS, what, 1, None);
            self.add(BINDINGS, what, 1 + storage_buffers, None);
            self.add(STORAGE_BUFFERS, what, storage_buffers, None);
            self.add(UNIFORM_BUFFERS, what, 1, None);
            self.add(UNIFORM_BINDING, what, kernel.params.size as u64, None);
            for (limit, required) in small {
                self.add(limit, what, required.into(), None);
            }
        }
        let replicas = program.replicas;
        let what = || format!("{replicas} replicas");
        self.add(WORKGROUPS, what, replicas.into(), Some(replicas));
    }

    /// Records a need, unless a recorded need of the same limit is at least as large.
    fn add(
        &mut self,
        limit: Limit,
        what: impl Fn() -> String,
        required: u64,
        replicas: Option<u32>,
    ) {
        (limit.raise)(&mut self.limits, required);
        let same = |need: &&mut Need| need.limit.name == limit.name;
        match self.needs.iter_mut().find(same) {
            Some(known) if known.required >= required => {}
            known => {
                let need = Need {
                    limit,
                    what: what(),
                    required,
                    replicas,
                };
                match known {
                    Some(known) => *known = need,
                    None => self.needs.push(need),
                }
            }
        }
    }
}

impl Need {
    /// The error of a device that has only `available`.
    fn unmet(&self, available: u64) -> Error {
        let each = |replicas: u32| (self.required / u64::from(replicas)).max(1);
        Error::Limit {
            limit: self.limit.name,
            what: self.what.clone(),
            required: self.required,
            available,
            fit: self.replicas.map(|replicas| available / each(replicas)),
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

/// The number of replicas that the limits allow in one program where each may be like any of `spec`'s. Every replica has the
/// buffers that one of them needs.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn replicas_that_fit(
    spec: &TrainingSpec,
    limits: &wgpu::Limits,
) -> Result<usize, crate::Error> {
    let program = Program {
        replicas: 1,
        ..Program::new(spec)?
    };
    Requirements::of(&program).check(limits)?;
    let own = program.declared.iter().filter(|buffer| !buffer.shared);
    let largest = own.map(|buffer| buffer.words as u64 * 4).max();
    let bytes = most_bytes(limits).min(limits.max_buffer_size);
    let fit = bytes / largest.unwrap_or(1).max(1);
    let fit = fit.min(limits.max_compute_workgroups_per_dimension.into());
    Ok((fit as usize).min(MOST_REPLICAS))
}
