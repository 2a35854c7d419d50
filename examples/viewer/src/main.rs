//! The program `trainable-viewer`, which reads its options and opens the window.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use eframe::egui::{ColorImage, ViewportBuilder};
use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use trainable::data;
use trainable::spec::ImageSet;
use trainable::wgpu;
use trainable_viewer::app::{App, Ending, Outcome};
use trainable_viewer::settings::Settings;

/// A window onto networks that lose trainability, trained while it draws.
#[derive(Parser)]
#[command(name = "trainable-viewer", version)]
struct Options {
    /// The backend that draws and trains; by default any that is there
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// Width of both hidden layers
    #[arg(long, default_value_t = Settings::default().hidden)]
    hidden: u32,
    /// Number of networks that train side by side
    #[arg(long, default_value_t = Settings::default().replicas, value_parser = clap::value_parser!(u32).range(1..=64))]
    replicas: u32,
    /// Number of samples in a minibatch
    #[arg(long, default_value_t = Settings::default().batch)]
    batch: u32,
    /// Number of images in a task
    #[arg(long, default_value_t = Settings::default().images)]
    images: u32,
    /// Number of passes over the images in one task
    #[arg(long, default_value_t = Settings::default().epochs)]
    epochs: u32,
    /// Step size of Adam
    #[arg(long, default_value_t = Settings::default().step_size)]
    step_size: f32,
    /// Number of training steps from one probe to the next
    #[arg(long, default_value_t = Settings::default().interval, value_parser = clap::value_parser!(u32).range(1..))]
    interval: u32,
    /// Milliseconds of device time for training in each frame
    #[arg(long, default_value_t = Settings::default().budget.as_millis() as u64)]
    budget: u64,
    /// Close after this many frames, and print the state of training
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
    /// Write a picture (PNG) of the last frame
    #[arg(long, value_name = "FILE", requires = "frames")]
    screenshot: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Backend {
    Vulkan,
    Metal,
    Dx12,
    Gl,
}

impl Backend {
    fn backends(self) -> wgpu::Backends {
        match self {
            Self::Vulkan => wgpu::Backends::VULKAN,
            Self::Metal => wgpu::Backends::METAL,
            Self::Dx12 => wgpu::Backends::DX12,
            Self::Gl => wgpu::Backends::GL,
        }
    }
}

fn main() -> Result<()> {
    env_logger::init();
    let options = Options::parse();
    let images = ImageSet::training(&data::embedded()?)?;
    let settings = options.settings();
    // Faults of the settings are reported before the window opens.
    settings.training_spec(&images)?;
    let (sender, outcomes) = channel();
    let ending = options.frames.map(|frames| Ending {
        frames,
        screenshot: options.screenshot.is_some(),
        outcome: sender,
    });
    let create = |context: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        let render = context.wgpu_render_state.clone();
        let render = render.ok_or("the window draws without wgpu")?;
        let app = App::new(&context.egui_ctx, render, images, settings, ending)?;
        Ok(Box::new(app))
    };
    eframe::run_native(
        "trainable",
        native_options(options.backend),
        Box::new(create),
    )
    .map_err(|error| anyhow!("the window: {error}"))?;
    for outcome in outcomes.try_iter() {
        match (outcome, &options.screenshot) {
            (Outcome::Stopped(status), _) => println!("{}", status?),
            (Outcome::Screenshot(image), Some(file)) => write_png(&image, file)
                .with_context(|| format!("cannot write {}", file.display()))?,
            (Outcome::Screenshot(_), None) => {}
        }
    }
    Ok(())
}

impl Options {
    fn settings(&self) -> Settings {
        Settings {
            hidden: self.hidden,
            replicas: self.replicas,
            batch: self.batch,
            images: self.images,
            epochs: self.epochs,
            step_size: self.step_size,
            interval: self.interval,
            budget: Duration::from_millis(self.budget),
            ..Settings::default()
        }
    }
}

fn native_options(backend: Option<Backend>) -> eframe::NativeOptions {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    if let Some(backend) = backend {
        setup.instance_descriptor.backends = backend.backends();
    }
    setup.device_descriptor = Arc::new(device);
    eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("trainable")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([900.0, 640.0]),
        renderer: eframe::Renderer::Wgpu,
        wgpu_options: WgpuConfiguration {
            wgpu_setup: WgpuSetup::CreateNew(setup),
            ..WgpuConfiguration::default()
        },
        ..eframe::NativeOptions::default()
    }
}

/// Requests WebGPU's default limits, or the adapter's where those are lower. Buffers may be as large as the adapter allows,
/// because the controls can ask for larger networks later. Timestamps are requested where the adapter has them.
fn device(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let available = adapter.limits();
    wgpu::DeviceDescriptor {
        label: Some("trainable-viewer"),
        required_features: wgpu::Features::TIMESTAMP_QUERY & adapter.features(),
        required_limits: wgpu::Limits {
            max_buffer_size: available.max_buffer_size,
            max_storage_buffer_binding_size: available.max_storage_buffer_binding_size,
            ..wgpu::Limits::default().or_worse_values_from(&available)
        },
        ..Default::default()
    }
}

fn write_png(image: &ColorImage, file: &Path) -> Result<()> {
    let [width, height] = image.size.map(|side| side as u32);
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(file)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    let pixels = image.pixels.iter();
    let bytes: Vec<u8> = pixels.flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    writer.write_image_data(&bytes)?;
    Ok(writer.finish()?)
}
