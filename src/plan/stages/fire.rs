//! Makes every weight matrix orthogonal when a task begins: [`Intervention::Fire`].

use super::{Cadence, Stage};
use crate::kernels;
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::Dispatch;
use crate::plan::matrices::{self, Cubic};
use crate::spec::{Intervention, ReplicaSpec, TrainingSpec};

/// The Newton-Schulz iteration of FIRE: a singular value s becomes 1.5 s - 0.5 s^3.
const NEWTON_SCHULZ: Cubic = Cubic {
    linear: 1.5,
    cubic: -0.5,
};

struct Fire {
    /// `[replica]` the number of iterations; 0 where a replica does not use the stage
    iterations: BufferId,
    /// The largest number of iterations.
    most: u32,
}

pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Box<dyn Stage>> {
    let iterations = |replica: &ReplicaSpec| {
        let mut own = replica.interventions.iter();
        own.find_map(|intervention| match intervention {
            Intervention::Fire { iterations } => Some(*iterations),
            _ => None,
        })
        .unwrap_or(0)
    };
    let most = spec.replicas.iter().map(iterations).max().unwrap_or(0);
    (most > 0).then(|| {
        let iterations: Vec<_> = spec
            .replicas
            .iter()
            .map(|own| [iterations(own) as f32])
            .collect();
        Box::new(Fire {
            iterations: declare.settings("fire", &iterations),
            most,
        }) as Box<dyn Stage>
    })
}

impl Stage for Fire {
    fn cadence(&self) -> Cadence {
        Cadence::TaskSwitch
    }

    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let own = buffers.matrix_products();
        let parameters = buffers.parameters;
        let normalise = matrices::normalise(spec, buffers, self.iterations, parameters);
        let [mut x, mut next] = own.results;
        let mut dispatches = normalise.to_vec();
        for iteration in 0..self.most {
            let which = (self.iterations, iteration);
            dispatches.extend(NEWTON_SCHULZ.apply(spec, buffers, which, [x, next]));
            (x, next) = (next, x);
        }
        let params = kernels::Fire {
            stride: spec.network.parameter_stride() as u32 / 4,
            matrices: matrices::count(&spec.network),
        };
        let bound = [
            buffers.states,
            self.iterations,
            buffers.matrix_layouts(),
            own.norms,
            x,
            parameters,
        ];
        dispatches.push(Dispatch::new(params, bound, matrices::tiles(&spec.network)));
        dispatches
    }
}
