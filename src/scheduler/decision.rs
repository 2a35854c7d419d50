//! The outcome of a probe: step sizes, and how they changed.

use serde::{Deserialize, Serialize};

use super::Bounds;

/// The change of a layer's step size at a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The step size stayed, because the controller left it or a limit held it.
    Hold,
    /// The step size was lowered by a factor.
    Cool,
    /// The step size was raised by a factor.
    Warm,
    /// The step size was set to another value by a schedule, a replay or the beginning of a task.
    Set,
    /// The step size stayed, because the probe has no statistics.
    Skipped,
}

impl Action {
    /// The action that changed a step size from `before` to `after`. `is_set` says that the controller sets step sizes
    /// and does not scale them.
    pub(super) fn between(before: f64, after: f64, is_set: bool) -> Self {
        if after == before {
            Self::Hold
        } else if is_set {
            Self::Set
        } else if after < before {
            Self::Cool
        } else {
            Self::Warm
        }
    }
}

/// The decision on one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerDecision {
    /// The step size to train on with.
    pub step_size: f64,
    /// The change from the step size before.
    pub action: Action,
    /// The bounds on the layer's effective step; `None` where the probe gives none.
    pub bounds: Option<Bounds>,
    /// Whether the layer exceeds what its controller follows: see
    /// [`Controller::exceeded`](super::Controller::exceeded). `None` where the probe does not say.
    pub exceeded: Option<bool>,
}

/// The decision after one probe of one replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// One entry per layer.
    pub layers: Vec<LayerDecision>,
    /// The bounds on the effective step of the network as a whole; `None` where the probe gives none.
    pub network: Option<Bounds>,
}

impl Decision {
    /// One step size per layer.
    pub fn step_sizes(&self) -> Vec<f64> {
        self.layers.iter().map(|layer| layer.step_size).collect()
    }

    /// The step sizes as the device takes them, rounded to the nearest f32. They are finite and off by one part in 2^24
    /// at most, and may lie outside a controller's floor or ceiling by as much. The scheduler keeps its f64s, so
    /// rounding errors do not add up.
    pub fn device_step_sizes(&self) -> Vec<f32> {
        let layers = self.layers.iter();
        layers.map(|layer| layer.step_size as f32).collect()
    }
}
