//! What a replica is and where it stands, as the device sees it; the twin of
//! `shaders/common/state.wgsl`. `tests/shaders.rs` compares every offset.

use bytemuck::Zeroable;

use crate::layout::shader_struct;
use crate::network::Layer;

/// `halted_update` of a replica that is running.
pub(crate) const NEVER: u32 = u32::MAX;
/// `halted`: still training.
pub(crate) const RUNNING: u32 = 0;
/// `halted`: the loss of a minibatch was not finite.
pub(crate) const HALTED_LOSS: u32 = 1;
/// `halted`: an update made a parameter or a second moment that is not finite.
pub(crate) const HALTED_UPDATE: u32 = 2;

shader_struct! {
    /// One replica's seed and hyperparameters.
    pub struct ReplicaConfig {
        seed: u32,
        l2: f32,
        beta1: f32,
        one_minus_beta1: f32,
        beta2: f32,
        one_minus_beta2: f32,
        epsilon: f32,
        unused: u32,
    }
}

shader_struct! {
    /// Where one replica stands; the fields are explained in the shader's twin.
    pub struct ReplicaState {
        task: u32,
        epoch: u32,
        batch: u32,
        updates: u32,
        correction1: f32,
        correction2: f32,
        halted: u32,
        halted_task: u32,
        halted_update: u32,
        batch_loss: f32,
        batch_correct: u32,
        task_batches: u32,
        task_loss: f32,
        task_correct: u32,
        epoch_loss: f32,
        epoch_correct: u32,
    }
}

shader_struct! {
    /// One finished task, as sums over its minibatches and over those of its last epoch.
    pub struct TaskRecord {
        task: u32,
        batches: u32,
        loss: f32,
        correct: u32,
        final_batches: u32,
        final_loss: f32,
        final_correct: u32,
        unused: u32,
    }
}

shader_struct! {
    /// Where a layer's parameters end, in vec4s, and the layer's step size.
    pub struct LayerControl {
        end: u32,
        step_size: f32,
    }
}

impl ReplicaState {
    /// A replica before its first step.
    pub(crate) fn start(config: &ReplicaConfig) -> Self {
        Self {
            correction1: config.one_minus_beta1,
            correction2: config.one_minus_beta2,
            halted_update: NEVER,
            ..Self::zeroed()
        }
    }
}

impl LayerControl {
    pub(crate) fn new(layer: &Layer, step_size: f32) -> Self {
        Self {
            end: (layer.offset + layer.len()) / 4,
            step_size,
        }
    }
}
