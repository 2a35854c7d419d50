//! The controllers of a host: what an arm's `host_control` names.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::steered::Steered;
use crate::error::Error;
use crate::scheduler::{Controller, Estimator, Scheduler};

/// A controller of the program that runs the experiment, as an experiment file names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostControl {
    /// The name under which the program has the controller.
    pub name: String,
    /// The controller's parameters, which it defines itself.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// The controllers of a host by the names that experiment files have for them.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use trainable::experiment::{Controllers, Experiment};
/// use trainable::scheduler::{Context, Controller, Observation};
///
/// /// Cools a layer by `rate` at every probe that finds it sharper than `limit`.
/// #[derive(Serialize, Deserialize)]
/// struct CoolWhereSharp {
///     limit: f64,
///     rate: f64,
/// }
///
/// impl Controller for CoolWhereSharp {
///     fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
///         let layers = observation.layers.iter().zip(context.step_sizes);
///         let is_sharp = |sharpness: Option<f64>| sharpness.is_some_and(|found| found > self.limit);
///         let factor = |sharpness| if is_sharp(sharpness) { self.rate } else { 1.0 };
///         layers.map(|(layer, eta)| eta * factor(layer.sharpness)).collect()
///     }
/// }
///
/// // The parameters are deserialised as the argument of this closure.
/// let make = |controller: CoolWhereSharp| Ok(controller);
/// let controllers = Controllers::default().with("cool-where-sharp", make);
/// let experiment: Experiment = "
///     name = 'sharp'
///     [[arms]]
///     name = 'cooled'
///     host_control = { name = 'cool-where-sharp', parameters = { limit = 50, rate = 0.9 } }
/// ".parse()?;
/// let images = trainable::spec::ImageSet::new(&vec![0; 784 * 1_280], 784, 0.5, 0.25)?;
/// experiment.check_with(&images, &controllers)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Controllers(BTreeMap<String, Factory>);

/// Makes the scheduler of one replica.
type Factory = Box<dyn Fn(&HostControl, &Replica) -> Result<Box<dyn Steered>, Error>>;

/// The replica that a scheduler is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replica {
    pub(super) step_size: f64,
    pub(super) layers: usize,
    pub(super) seed: u32,
    /// The estimator of the bounds that are reported where the controller has none of its own.
    pub(super) estimator: Estimator,
}

impl Replica {
    /// The scheduler of this replica, steered by `controller`.
    pub(super) fn scheduler<C>(&self, controller: C) -> Result<Box<dyn Steered>, Error>
    where
        C: Controller + Serialize + DeserializeOwned + 'static,
    {
        let has_estimator = controller.estimator().is_some();
        let scheduler = Scheduler::new(controller, self.step_size, self.layers, self.seed)?;
        Ok(Box::new(if has_estimator {
            scheduler
        } else {
            scheduler.with_estimator(self.estimator)?
        }))
    }
}

impl Controllers {
    /// The same with one more controller, in place of any that had this name. `make` returns the controller of one
    /// replica from the parameters in the experiment file; it may refuse them with a message. A checkpoint holds the
    /// controller as JSON, and a resumed run reads it back.
    #[must_use]
    pub fn with<P, C>(mut self, name: &str, make: impl Fn(P) -> Result<C, String> + 'static) -> Self
    where
        P: DeserializeOwned,
        C: Controller + Serialize + DeserializeOwned + 'static,
    {
        let factory = move |host: &HostControl, replica: &Replica| {
            let parameters = Value::Object(host.parameters.clone());
            let parameters = serde_json::from_value(parameters).map_err(|error| error.to_string());
            let controller = parameters.and_then(&make).map_err(|found| {
                let wanted = format!("those of {:?}", host.name);
                Error::invalid("parameters of host_control", wanted, found)
            })?;
            replica.scheduler(controller)
        };
        self.0.insert(name.to_owned(), Box::new(factory));
        self
    }

    /// The names, in alphabetical order.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The scheduler of `replica`, steered by the controller that `host` names.
    pub(super) fn scheduler(
        &self,
        host: &HostControl,
        replica: &Replica,
    ) -> Result<Box<dyn Steered>, Error> {
        check_numbers(&host.parameters)?;
        match self.0.get(&host.name) {
            Some(factory) => factory(host, replica),
            None => Err(self.unknown(&host.name)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let names: Vec<_> = self.names().map(|name| format!("{name:?}")).collect();
        let wanted = match &names[..] {
            [] => "none, because this program has no controllers of its own".to_owned(),
            names => format!("a controller of this program: {}", names.join(", ")),
        };
        Error::invalid("host_control", wanted, super::check::shown(name))
    }
}

impl fmt::Debug for Controllers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Fails for a number that JSON does not have, and that was therefore read as null.
fn check_numbers(parameters: &Map<String, Value>) -> Result<(), Error> {
    fn is_whole(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(entries) => entries.iter().all(is_whole),
            Value::Object(fields) => fields.values().all(is_whole),
            _ => true,
        }
    }
    match parameters.iter().find(|(_, value)| !is_whole(value)) {
        None => Ok(()),
        Some((name, _)) => {
            let found = format!("nan or inf in {name}");
            Err(Error::invalid(
                "parameters of host_control",
                "finite numbers",
                found,
            ))
        }
    }
}
