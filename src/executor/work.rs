//! The work that a program's plans do, by name.

use std::ops::Range;

use crate::error::Error;
use crate::plan::{Plan, ProbePlans, Program, StepPlans};

/// One piece of work, which one plan or several do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Draws initial parameters and takes them as the reference of regularisers.
    Initialise,
    /// Takes the current parameters as the reference of regularisers.
    StoreReference,
    /// Computes the logits of the loaded minibatch.
    Forward,
    /// Trains on the loaded minibatch so many times.
    Updates {
        /// Updates before them.
        updates: u64,
        /// Their number.
        count: u32,
    },
    /// Trains for so many steps of the task stream, with whatever is due when a task begins.
    Steps {
        /// Updates before them.
        updates: u64,
        /// Their number.
        steps: u32,
    },
    /// Trains for one step with the gradients that a probe has left.
    StepAfterProbe {
        /// Updates before it.
        updates: u64,
    },
    /// Computes a probe's statistics and its first Hessian-vector product.
    ProbeBegin,
    /// Computes the Hessian-vector products of these numbers.
    ProbeIterations(Range<u32>),
    /// Keeps the eigenvectors for the next probe.
    ProbeEnd,
}

impl Work {
    /// The number of updates that the work makes.
    pub(crate) fn new_updates(&self) -> u64 {
        match *self {
            Self::Updates { count, .. } => count.into(),
            Self::Steps { steps, .. } => steps.into(),
            Self::StepAfterProbe { .. } => 1,
            Self::Initialise
            | Self::StoreReference
            | Self::Forward
            | Self::ProbeBegin
            | Self::ProbeIterations(_)
            | Self::ProbeEnd => 0,
        }
    }
}

/// The plans of a program, in the form in which an executor holds them.
pub(crate) struct Plans<P> {
    initialise: P,
    store_reference: P,
    forward: P,
    update: P,
    steps: Option<StepPlans<P>>,
    probe: Option<ProbePlans<P>>,
}

impl<P> Plans<P> {
    /// Makes every plan of `program`.
    pub(crate) fn new<E>(
        program: &Program,
        mut make: impl FnMut(&Plan) -> Result<P, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            initialise: make(&program.initialise)?,
            store_reference: make(&program.store_reference)?,
            forward: make(&program.forward)?,
            update: make(&program.update)?,
            steps: match &program.steps {
                Some(plans) => Some(plans.map(&mut make)?),
                None => None,
            },
            probe: match &program.probe {
                Some(plans) => Some(plans.map(make)?),
                None => None,
            },
        })
    }

    /// The plans that do `work`, in their order, and how often each runs.
    ///
    /// # Errors
    /// [`Error::NoTaskStream`] or [`Error::NoProbe`] where the program has no such plan.
    pub(crate) fn of(&self, work: Work) -> Result<Vec<(&P, u32)>, Error> {
        let stream = || self.steps.as_ref().ok_or(Error::NoTaskStream);
        let probe = || self.probe.as_ref().ok_or(Error::NoProbe);
        Ok(match work {
            Work::Initialise => vec![(&self.initialise, 1)],
            Work::StoreReference => vec![(&self.store_reference, 1)],
            Work::Forward => vec![(&self.forward, 1)],
            Work::Updates { updates, count } => match &self.steps {
                Some(stream) => stream.updates(&self.update, updates, count).collect(),
                None => vec![(&self.update, count)],
            },
            Work::Steps { updates, steps } => stream()?.steps(updates, steps).collect(),
            Work::StepAfterProbe { updates } => {
                probe()?;
                stream()?.step_after_probe(updates).collect()
            }
            Work::ProbeBegin => vec![(&probe()?.begin, 1)],
            Work::ProbeIterations(numbers) => probe()?.products(numbers).collect(),
            Work::ProbeEnd => vec![(&probe()?.end, 1)],
        })
    }
}
