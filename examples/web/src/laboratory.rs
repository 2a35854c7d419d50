//! The object that the page's JavaScript holds.

use trainable::gpu::{Gpu, Readback};
use trainable::{Engine, Requirements, wgpu};
use wasm_bindgen::prelude::*;

use crate::{flat, training};

/// Training on its own device.
#[wasm_bindgen]
pub struct Laboratory {
    gpu: Gpu,
    engine: Engine,
}

#[wasm_bindgen]
impl Laboratory {
    /// Opens the browser's best adapter and draws the initial parameters.
    pub async fn open() -> Result<Laboratory, JsError> {
        let spec = training()?;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::BROWSER_WEBGPU,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let options = wgpu::RequestAdapterOptions::default();
        let adapter = instance.request_adapter(&options).await?;
        let gpu = Gpu::open(&adapter).await?;
        gpu.verify().await?;
        Requirements::new(&spec)?.check(&gpu.device.limits())?;
        let mut engine = Engine::new(&gpu.device, spec)?;
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        engine.encode_initialise(&mut encoder);
        gpu.queue.submit([encoder.finish()]);
        Ok(Self { gpu, engine })
    }

    /// Number of steps in `task`, which counts from 0.
    #[wasm_bindgen(js_name = stepsOfTask)]
    pub fn steps_of_task(&self, task: u32) -> u32 {
        self.engine.spec().task_lengths().length_of(task) as u32
    }

    /// Trains `steps` steps and waits for them. Returns, for each replica, the accuracy in the last epoch of its latest
    /// finished task, and an empty list during the first task.
    pub async fn train(&mut self, steps: u32) -> Result<Vec<f64>, JsError> {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        self.engine.encode_steps(&mut encoder, steps)?;
        let progress = self.engine.encode_progress(&self.gpu.device, &mut encoder);
        let replicas = self.read(encoder, progress).await?;
        let latest = replicas
            .iter()
            .filter_map(|replica| replica.finished.last());
        Ok(latest.map(|score| score.final_accuracy).collect())
    }

    /// Reads all parameters of all replicas.
    pub async fn parameters(&self) -> Result<Vec<f32>, JsError> {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let parameters = self
            .engine
            .encode_parameters(&self.gpu.device, &mut encoder);
        Ok(flat(&self.read(encoder, parameters).await?))
    }

    /// Submits the encoder and reads the words that it copied.
    async fn read<T>(
        &self,
        encoder: wgpu::CommandEncoder,
        readback: Readback<T>,
    ) -> Result<T, JsError> {
        self.gpu.queue.submit([encoder.finish()]);
        let result = readback.resolve().await;
        self.gpu.check("training")?;
        Ok(result?)
    }
}
