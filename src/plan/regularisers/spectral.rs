//! The spectral regulariser: [`crate::spec::ReplicaSpec::spectral`].

use super::{Regulariser, copy};
use crate::kernels::{
    SpectralFinish, SpectralGradient, SpectralInputs, SpectralOutputs, SpectralStart,
};
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::Dispatch;
use crate::plan::matrices;
use crate::spec::TrainingSpec;

/// The buffers of the spectral regulariser. Vectors of all matrices are one after another: over stored columns for outputs, over
/// stored rows for inputs.
#[derive(Clone, Debug)]
pub struct SpectralBuffers {
    /// `[replica, columns]` f32: the left singular vectors of the latest step, from which the next one begins.
    pub outputs: BufferId,
    /// `[replica, columns]` f32: the left singular vectors of the current step.
    pub next_outputs: BufferId,
    /// `[replica, rows]` f32: the right singular vectors of the current step.
    pub inputs: BufferId,
    /// `[replica, matrices]` f32: the derivatives of the loss by the singular values.
    pub slopes: BufferId,
}

impl SpectralBuffers {
    pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Self {
        let [rows, columns] = matrices::lengths(&spec.network).map(|length| length as usize);
        let matrices = matrices::count(&spec.network) as usize;
        Self {
            outputs: declare.floats("spectral outputs", columns),
            next_outputs: declare.floats("next spectral outputs", columns),
            inputs: declare.floats("spectral inputs", rows),
            slopes: declare.floats("spectral slopes", matrices),
        }
    }
}

impl Regulariser for SpectralBuffers {
    fn store_reference(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let [_, columns] = matrices::lengths(&spec.network);
        let bound = [buffers.configs, buffers.matrix_layouts(), self.outputs];
        let grid = matrices::vectors::<SpectralStart>(&spec.network, |own| own.columns);
        vec![Dispatch::new(SpectralStart { columns }, bound, grid)]
    }

    fn add_gradient(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let network = &spec.network;
        let (configs, states, layouts) =
            (buffers.configs, buffers.states, buffers.matrix_layouts());
        let stride = network.parameter_stride() as u32 / 4;
        let [rows, columns] = matrices::lengths(network);
        let matrices = matrices::count(network);
        let inputs = SpectralInputs {
            stride,
            rows,
            columns: columns / 4,
        };
        let outputs = SpectralOutputs {
            stride,
            rows,
            columns: columns / 4,
        };
        let finish = SpectralFinish {
            rows,
            columns,
            matrices,
        };
        let gradient = SpectralGradient {
            stride,
            rows,
            columns: columns / 4,
            matrices,
        };
        vec![
            Dispatch::new(
                inputs,
                [
                    configs,
                    states,
                    layouts,
                    buffers.parameters,
                    self.outputs,
                    self.inputs,
                ],
                matrices::vectors::<SpectralInputs>(network, |own| own.rows),
            ),
            Dispatch::new(
                outputs,
                [
                    configs,
                    states,
                    layouts,
                    buffers.parameters,
                    self.inputs,
                    self.next_outputs,
                ],
                matrices::vectors::<SpectralOutputs>(network, |own| own.columns / 4),
            ),
            Dispatch::new(
                finish,
                [
                    configs,
                    states,
                    layouts,
                    self.outputs,
                    self.inputs,
                    self.next_outputs,
                    self.slopes,
                ],
                [matrices, 1],
            ),
            Dispatch::new(
                gradient,
                [
                    configs,
                    states,
                    layouts,
                    self.inputs,
                    self.next_outputs,
                    self.slopes,
                    buffers.gradients,
                ],
                matrices::tiles(network),
            ),
        ]
    }

    fn end_step(&self, spec: &TrainingSpec, _: &Buffers) -> Vec<Dispatch> {
        let [_, columns] = matrices::lengths(&spec.network);
        vec![copy(columns / 4, self.next_outputs, self.outputs)]
    }
}
