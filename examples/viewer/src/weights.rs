//! Pictures of the first layer's weights: a fragment shader of the window reads the engine's parameters.

use std::sync::Arc;

use eframe::egui;
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use trainable::{Engine, wgpu};

/// The source of the shader.
pub const SHADER: &str = include_str!("weights.wgsl");

/// The shader's colour of weights at minus the limit and below.
pub const NEGATIVE: egui::Color32 = egui::Color32::from_rgb(33, 97, 168);
/// The shader's colour of weights at the limit and above.
pub const POSITIVE: egui::Color32 = egui::Color32::from_rgb(184, 41, 41);

/// The fields of the shader's `View`, in order.
type View = [u32; 8];

/// A picture of some units of one engine.
pub struct Weights {
    painter: Arc<Painter>,
    /// The number of inputs of the first layer along one side of the image.
    side: u32,
    units: u32,
    columns: u32,
    replica_stride: u32,
    /// The size of a weight that has the deepest colour.
    limit: f32,
    target_is_linear: bool,
}

/// The resources on the device.
struct Painter {
    pipeline: wgpu::RenderPipeline,
    bind_group: wgpu::BindGroup,
    view: wgpu::Buffer,
}

impl Weights {
    /// Creates the pictures of the weights of `engine`, on targets of `format`.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat, engine: &Engine) -> Self {
        let network = &engine.spec().network;
        // A replica's parameters begin with the first tensor, and the minibatch that it multiplies has one copy.
        let (units, inputs) = (network.values()[1], network.inputs());
        Self {
            painter: Arc::new(Painter::new(device, format, engine.parameters())),
            side: inputs.isqrt(),
            units: units.units,
            columns: units.padded_units(),
            replica_stride: network.parameter_stride() as u32,
            // Three times the bound of the initial weights, rounded.
            limit: (3.0 * (6.0 / inputs as f32).sqrt() * 20.0).round().max(1.0) / 20.0,
            target_is_linear: format.is_srgb(),
        }
    }

    /// Returns the weight of the deepest colour. Its negative has the deepest colour of negative weights.
    pub fn limit(&self) -> f32 {
        self.limit
    }

    /// Returns the width and height of one unit's picture, margin included, in image pixels.
    pub fn cell(&self) -> u32 {
        self.side + 1
    }

    /// Returns the number of units in the layer.
    pub fn units(&self) -> u32 {
        self.units
    }

    /// Paints over `rect` the units of `replica` that fit a grid of `[width, height]`.
    pub fn paint(&self, ui: &egui::Ui, rect: egui::Rect, replica: usize, grid: [u32; 2]) {
        let picture = Picture {
            painter: self.painter.clone(),
            view: self.view(replica, grid),
        };
        ui.painter()
            .add(Callback::new_paint_callback(rect, picture));
    }

    fn view(&self, replica: usize, grid: [u32; 2]) -> View {
        [
            replica as u32 * self.replica_stride,
            self.columns,
            self.units,
            self.side,
            grid[0],
            grid[1],
            self.limit.to_bits(),
            self.target_is_linear.into(),
        ]
    }
}

impl Painter {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat, parameters: &wgpu::Buffer) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("weights"),
            source: wgpu::ShaderSource::Wgsl(SHADER.into()),
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("weights"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("cover"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("paint"),
                compilation_options: Default::default(),
                targets: &[Some(format.into())],
            }),
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            multiview_mask: None,
            cache: None,
        });
        let view = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("view of the weights"),
            size: size_of::<View>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("weights"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: view.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: parameters.as_entire_binding(),
                },
            ],
        });
        Self {
            pipeline,
            bind_group,
            view,
        }
    }

    fn write(&self, queue: &wgpu::Queue, view: View) {
        let bytes: Vec<u8> = view.iter().flat_map(|word| word.to_ne_bytes()).collect();
        queue.write_buffer(&self.view, 0, &bytes);
    }

    fn draw(&self, pass: &mut wgpu::RenderPass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// The picture of one frame.
struct Picture {
    painter: Arc<Painter>,
    view: View,
}

impl CallbackTrait for Picture {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        _resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        self.painter.write(queue, self.view);
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _resources: &CallbackResources,
    ) {
        self.painter.draw(pass);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainable::gpu::{Gpu, adapters};
    use trainable::network::{Activation, Network};
    use trainable::spec::{ReplicaSpec, TrainingSpec};

    /// Target pixels for one pixel of an image.
    const ZOOM: usize = 16;
    const SIDE: usize = 4;
    const UNITS: usize = 7;
    /// A grid with one place more than there are units.
    const GRID: [u32; 2] = [4, 2];
    const SIZE: [usize; 2] = [4 * (SIDE + 1) * ZOOM, 2 * (SIDE + 1) * ZOOM];

    fn engine(gpu: &Gpu) -> Engine {
        let replica = |seed| ReplicaSpec {
            seed,
            ..ReplicaSpec::default()
        };
        let spec = TrainingSpec {
            network: Network::mlp(&[16, UNITS as u32, 3], Activation::Crelu).unwrap(),
            batch: 4,
            replicas: (0..2).map(replica).collect(),
            stream: None,
            probe: None,
        };
        Engine::new(&gpu.device, spec).unwrap()
    }

    /// Returns red, green and blue of every painted pixel.
    fn painted(gpu: &Gpu, weights: &Weights, replica: usize) -> Vec<[u8; 3]> {
        let [width, height] = SIZE.map(|side| side as u32);
        let size = wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        };
        let target = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let staging = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(width * height * 4),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        weights
            .painter
            .write(&gpu.queue, weights.view(replica, GRID));
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let attachment = wgpu::RenderPassColorAttachment {
            view: &target.create_view(&Default::default()),
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations::default(),
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(attachment)],
            ..Default::default()
        });
        weights.painter.draw(&mut pass);
        drop(pass);
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * 4),
            rows_per_image: None,
        };
        let destination = wgpu::TexelCopyBufferInfo {
            buffer: &staging,
            layout,
        };
        encoder.copy_texture_to_buffer(target.as_image_copy(), destination, size);
        gpu.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |mapped| mapped.unwrap());
        gpu.device
            .poll(wgpu::PollType::wait_indefinitely())
            .unwrap();
        let view = staging.get_mapped_range(..).unwrap();
        view.chunks(4).map(|p| [p[0], p[1], p[2]]).collect()
    }

    /// Returns the colour that the comment at the head of the shader defines, 0 to 255.
    fn colour(weight: f32, limit: f32) -> [f32; 3] {
        let (zero, deepest) = (
            [0.965, 0.965, 0.955],
            [[0.13, 0.38, 0.66], [0.72, 0.16, 0.16]],
        );
        let (depth, deepest) = (
            (weight / limit).abs().min(1.0),
            deepest[usize::from(weight > 0.0)],
        );
        [0, 1, 2].map(|i| 255.0 * (zero[i] * (1.0 - depth) + deepest[i] * depth))
    }

    /// Returns the largest distance of the picture from `weights[unit * 16 + input]`.
    fn worst(picture: &[[u8; 3]], weights: &[f32], limit: f32) -> f32 {
        let mut worst = 0.0_f32;
        for unit in 0..UNITS {
            for input in 0..SIDE * SIDE {
                let x = unit % 4 * (SIDE + 1) + input % SIDE + 1;
                let y = unit / 4 * (SIDE + 1) + input / SIDE + 1;
                let found = picture[y * ZOOM * SIZE[0] + x * ZOOM];
                let wanted = colour(weights[unit * SIDE * SIDE + input], limit);
                let distances = found
                    .iter()
                    .zip(wanted)
                    .map(|(f, w)| (f32::from(*f) - w).abs());
                worst = distances.fold(worst, f32::max);
            }
        }
        worst
    }

    #[test]
    fn every_weight_is_painted_where_it_belongs() {
        for (name, adapter) in pollster::block_on(adapters(wgpu::Backends::all())) {
            let gpu = pollster::block_on(Gpu::open(&adapter)).unwrap();
            let mut engine = engine(&gpu);
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            engine.encode_initialise(&mut encoder);
            let readback = engine.encode_parameters(&gpu.device, &mut encoder);
            gpu.queue.submit([encoder.finish()]);
            let parameters = readback.wait().unwrap();
            let format = wgpu::TextureFormat::Rgba8Unorm;
            let weights = Weights::new(&gpu.device, format, &engine);
            let picture = painted(&gpu, &weights, 1);
            let distance =
                |replica: usize| worst(&picture, &parameters[replica][0], weights.limit());
            assert!(distance(1) <= 1.0, "{name}: off by {}", distance(1));
            // The negative control: another replica has other weights.
            assert!(distance(0) > 20.0, "{name}");
            // A place without a unit and the margin are empty.
            let last = picture[(SIZE[1] - ZOOM) * SIZE[0] - ZOOM];
            assert_eq!((last, picture[0]), ([255; 3], [255; 3]), "{name}");
            gpu.check("painting").unwrap();
        }
    }
}
