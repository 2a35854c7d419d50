//! The controllers of step sizes that the window offers.

use trainable::Error;
use trainable::scheduler::{
    BoundControl, Bounds, Control, Estimator, Monitor, Observation, Scheduler, Scope, Signal,
};

/// A choice of controller. All but the first use the paper's rule with the paper's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// No controller: every layer keeps the step size of the settings.
    Off,
    /// The paper's controller: it steers every layer by the layer's own combined bound.
    PerLayer,
    /// Steers all layers together, by the network's combined bound.
    Global,
    /// Steers every layer by its own gradient-noise bound.
    Noise,
    /// Steers every layer by its own curvature-volatility bound.
    Curvature,
}

impl Controller {
    /// All choices, in the order of the window.
    pub const ALL: [Self; 5] = [
        Self::Off,
        Self::PerLayer,
        Self::Global,
        Self::Noise,
        Self::Curvature,
    ];

    /// Returns the name in the window.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::PerLayer => "Combined bound, per layer",
            Self::Global => "Combined bound, global",
            Self::Noise => "Gradient noise only",
            Self::Curvature => "Curvature only",
        }
    }

    /// Returns the scheduler's control, if there is one.
    pub fn control(self) -> Option<BoundControl> {
        let (signal, scope) = match self {
            Self::Off => return None,
            Self::PerLayer => (Signal::Combined, Scope::PerLayer),
            Self::Global => (Signal::Combined, Scope::Global),
            Self::Noise => (Signal::Noise, Scope::PerLayer),
            Self::Curvature => (Signal::Curvature, Scope::PerLayer),
        };
        Some(BoundControl {
            signal,
            scope,
            ..BoundControl::paper()
        })
    }
}

/// The scheduler of one replica, which steers it or only watches it.
pub(crate) enum Steering {
    Watching(Monitor),
    Steering(Scheduler),
}

/// The statistics of every layer from one probe, and the next step sizes if a controller steers.
pub(crate) struct Decided {
    pub(crate) bounds: Vec<Option<Bounds>>,
    pub(crate) step_sizes: Option<Vec<f32>>,
}

impl Steering {
    /// Creates the steering of `layers` layers at `step_size`, with empty windows.
    pub(crate) fn new(
        controller: Controller,
        step_size: f32,
        layers: usize,
    ) -> Result<Self, Error> {
        Ok(match controller.control() {
            None => Self::Watching(Monitor::new(Estimator::paper(), layers)?),
            Some(bound) => {
                let control = Control::Bound(bound);
                Self::Steering(Scheduler::new(control, step_size.into(), layers, 0)?)
            }
        })
    }

    pub(crate) fn observe(&mut self, observation: &Observation) -> Result<Decided, Error> {
        Ok(match self {
            Self::Watching(monitor) => Decided {
                bounds: monitor.observe(observation)?.layers,
                step_sizes: None,
            },
            Self::Steering(scheduler) => {
                let decision = scheduler.observe(observation)?;
                Decided {
                    bounds: decision.layers.iter().map(|layer| layer.bounds).collect(),
                    step_sizes: Some(decision.device_step_sizes()),
                }
            }
        })
    }
}
