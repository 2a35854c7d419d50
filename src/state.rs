//! The configuration and the state of a replica, as the device stores them; the twin of `shaders/common/state.wgsl`.
//! `tests/shaders.rs` compares every offset.

use bytemuck::Zeroable;

use crate::layout::shader_struct;

/// `halted_update` of a replica that is running.
pub(crate) const NEVER: u32 = u32::MAX;
/// `halted`: still training.
pub(crate) const RUNNING: u32 = 0;
/// `halted`: the loss of a minibatch was not finite.
pub(crate) const HALTED_LOSS: u32 = 1;
/// `halted`: an update made a parameter or a moment that is not finite, or met a gradient whose square is not.
pub(crate) const HALTED_UPDATE: u32 = 2;

/// `at_task_switch`: everything carries over.
pub const SWITCH_CARRY: u32 = 0;
/// `at_task_switch`: moments and their update count start anew.
pub const SWITCH_RESET_OPTIMISER: u32 = 1;
/// `at_task_switch`: moments, their update count and the parameters start anew.
pub const SWITCH_FRESH_NETWORK: u32 = 2;
/// `at_task_switch`: the update count of the bias corrections starts anew; the moments stay.
pub const SWITCH_RELATIVE_TIME: u32 = 3;

/// `method`: the replica renews no units.
pub const RENEWAL_NONE: u32 = 0;
/// `method`: ReDo.
pub const RENEWAL_REDO: u32 = 1;
/// `method`: continual backprop.
pub const RENEWAL_CONTINUAL_BACKPROP: u32 = 2;
/// `method`: self-normalised resets.
pub const RENEWAL_SELF_NORMALISED_RESETS: u32 = 3;

/// `status` of a slot: still iterating.
pub(crate) const SLOT_RUNNING: u32 = 0;
/// `status`: the residual fell below the tolerance, or the Hessian-vector product is zero.
pub(crate) const SLOT_CONVERGED: u32 = 1;
/// `status`: the loss or a Hessian-vector product is not finite.
pub(crate) const SLOT_DIVERGED: u32 = 2;
/// LOBPCG follows the other end of the spectrum too where an eigenvalue there exceeds this share of |eigenvalue|.
pub(crate) const CONTESTED: f32 = 0.5;
/// The number of partial sums of every reduction of a probe.
pub(crate) const PARTIALS: u32 = 64;
/// The number of partial sums of a block's squared gradient in a step.
pub const SQUARE_PARTS: u32 = 16;

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
        weight_decay: f32,
        l2_init: f32,
        wasserstein: f32,
        optimiser: u32,
        at_task_switch: u32,
        gradient_limit: f32,
        clip_threshold: f32,
        clip_hold: f32,
        clip_decay: f32,
        one_minus_clip_decay: f32,
        fast_beta2: f32,
        one_minus_fast_beta2: f32,
        spectral: f32,
        isometry: f32,
        momentum: f32,
        one_minus_momentum: f32,
        adam_share: f32,
        noise: f32,
    }
}

shader_struct! {
    /// The state of one replica; `shaders/common/state.wgsl` explains the fields.
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
        whole_epoch_loss: f32,
        whole_epoch_correct: u32,
        optimiser_updates: u32,
    }
}

shader_struct! {
    /// One finished task, as sums over its minibatches and over those of its last whole epoch.
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
    /// The location of a layer's block in a replica's parameters, in vec4s, its step size, and its state of update clipping.
    /// The host writes the step size; the device writes the state.
    pub struct LayerControl {
        start: u32,
        main_end: u32,
        end: u32,
        main_count: u32,
        other_count: u32,
        step_size: f32,
        clip_ratio: f32,
        clip_mean: f32,
        clip_weight: f32,
        inputs: u32,
    }
}

shader_struct! {
    /// One part of a block in the current step; `shaders/common/gradient_scale.wgsl` explains the fields.
    pub struct StepSum {
        square: f32,
        divergence: u32,
        utility: u32,
    }
}

shader_struct! {
    /// One iteration towards an eigenvector; `shaders/common/probe.wgsl` explains the fields.
    pub struct ProbeSlot {
        eigenvalue: f32,
        residual: f32,
        scale: f32,
        momentum: f32,
        iterations: u32,
        status: u32,
        has_vector: u32,
        advanced: u32,
    }
}

shader_struct! {
    /// A step of LOBPCG; `shaders/common/probe.wgsl` explains the fields.
    pub struct LobpcgStep {
        iterate_x: f32,
        iterate_w: f32,
        iterate_p: f32,
        previous_x: f32,
        previous_w: f32,
        previous_p: f32,
        eigenvalue: f32,
        inverse_scale: f32,
        curvature: f32,
        next_eigenvalue: f32,
        next_scale: f32,
        is_taken: u32,
    }
}

shader_struct! {
    /// One layer's share of one eigenproblem's iterate; `shaders/common/probe.wgsl` explains the fields.
    pub struct ProbeSegment {
        slot: u32,
        offset: u32,
        length: u32,
        image_offset: u32,
        vector_offset: u32,
        parameters: u32,
        magnitude: f32,
    }
}

shader_struct! {
    /// Sums over a part of one layer.
    pub struct LayerSums {
        gradient: f32,
        objective: f32,
        weight: f32,
        update: f32,
        main_second_moment: f32,
        other_second_moment: f32,
        unused1: f32,
        unused2: f32,
    }
}

shader_struct! {
    /// The statistics of one layer, or of all of them.
    pub struct LayerRecord {
        grad_norm_sq: f32,
        objective_grad_norm_sq: f32,
        grad_variance: f32,
        weight_norm: f32,
        update_norm: f32,
        step_size: f32,
        effective_step: f32,
        second_moment: f32,
        clip_ratio: f32,
        clip_factor: f32,
    }
}

shader_struct! {
    /// One parameter tensor: the location of its elements and the range of their initial values;
    /// `shaders/common/tensors.wgsl` explains the fields.
    pub struct TensorLayout {
        start: u32,
        length: u32,
        count: u32,
        first_tile: u32,
        columns: u32,
        outputs: u32,
        copy_rows: u32,
        copy_inputs: u32,
        inputs: u32,
        block: u32,
        first_place: u32,
        bound: f32,
        constant: f32,
        block_bound: f32,
    }
}

shader_struct! {
    /// The settings of a replica's method that renews units; `shaders/common/units.wgsl` explains the fields.
    pub struct RenewalSettings {
        method: u32,
        every: u32,
        maturity: u32,
        window: u32,
        threshold: f32,
        rate: f32,
        decay: f32,
        one_minus_decay: f32,
    }
}

shader_struct! {
    /// One hidden layer whose units can be renewed; `shaders/common/units.wgsl` explains the fields.
    pub struct HiddenLayer {
        first_unit: u32,
        units: u32,
        incoming: u32,
        outgoing: u32,
    }
}

shader_struct! {
    /// The statistics of one unit in the latest step; `shaders/common/units.wgsl` explains the fields.
    pub struct UnitStatistic {
        activity: f32,
        contribution: f32,
        fired: u32,
        renewed: u32,
    }
}

shader_struct! {
    /// The record that a method keeps of one unit; `shaders/common/units.wgsl` explains the fields.
    pub struct UnitRecord {
        mean: f32,
        age: u32,
        intervals: u32,
    }
}

impl HiddenLayer {
    /// The places of its units among those of all hidden layers.
    pub(crate) fn all_units(&self) -> std::ops::Range<usize> {
        self.first_unit as usize..(self.first_unit + self.units) as usize
    }
}

impl RenewalSettings {
    /// Whether the method acts after the update that made `state`.
    pub(crate) fn is_due(&self, state: &ReplicaState) -> bool {
        self.method != RENEWAL_NONE
            && state.halted == RUNNING
            && state.updates.is_multiple_of(self.every)
    }
}

shader_struct! {
    /// One weight matrix; `shaders/common/matrices.wgsl` explains the fields.
    pub struct MatrixLayout {
        start: u32,
        rows: u32,
        columns: u32,
        inputs: u32,
        outputs: u32,
        block: u32,
        first_row: u32,
        first_column: u32,
        by_rows: u32,
        gram_start: u32,
    }
}

impl MatrixLayout {
    /// The number of rows of the Gram matrix of the smaller side.
    pub(crate) fn side(&self) -> u32 {
        if self.by_rows == 1 {
            self.rows
        } else {
            self.columns
        }
    }
}

impl ReplicaConfig {
    /// The step size of an update that has the ratio `ratio`; `shaders/common/optimiser.wgsl` has the formula.
    pub(crate) fn clipped_step_size(&self, step_size: f32, ratio: f32) -> f32 {
        if self.clip_threshold == 0.0 || ratio <= self.clip_threshold {
            step_size
        } else {
            step_size * (self.clip_threshold / ratio)
        }
    }

    /// Whether the replica's parameters are sorted: it is in training and has a Wasserstein regulariser.
    pub(crate) fn is_sorted(&self, state: &ReplicaState) -> bool {
        self.wasserstein != 0.0 && state.halted == RUNNING
    }

    /// The bias corrections 1 - beta1^t and 1 - beta2^t of the latest update; the state holds those of the next update.
    /// `shaders/common/state.wgsl` explains why they are clamped.
    pub(crate) fn latest_corrections(&self, state: &ReplicaState) -> (f32, f32) {
        let latest = |next: f32, beta: f32, complement: f32| {
            if beta == 0.0 {
                1.0
            } else {
                ((next - complement) / beta).clamp(complement, 1.0)
            }
        };
        (
            latest(state.correction1, self.beta1, self.one_minus_beta1),
            latest(state.correction2, self.beta2, self.one_minus_beta2),
        )
    }
}

impl ReplicaState {
    /// Whether the step that just ended was the last of its task. A halted replica begins no task.
    pub(crate) fn begins_task(&self) -> bool {
        self.epoch == 0 && self.batch == 0 && self.updates > 0 && self.halted == RUNNING
    }

    /// The state of a replica before its first step.
    pub(crate) fn start(config: &ReplicaConfig) -> Self {
        Self {
            correction1: config.one_minus_beta1,
            correction2: config.one_minus_beta2,
            halted_update: NEVER,
            ..Self::zeroed()
        }
    }
}
