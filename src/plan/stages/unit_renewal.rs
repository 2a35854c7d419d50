//! Renews units after updates: [`Intervention::Redo`], [`Intervention::ContinualBackprop`] and
//! [`Intervention::SelfNormalisedResets`].
//!
//! One dispatch for each hidden value measures its units, one selects those to renew by each replica's method, and one
//! renews them. Where no replica's method is due, or no unit is selected, they end at once. ReDo alone has them only after the
//! updates at which it is due, unless a stage follows it after every update.
//!
//! [`Intervention::Redo`]: crate::spec::Intervention::Redo
//! [`Intervention::ContinualBackprop`]: crate::spec::Intervention::ContinualBackprop
//! [`Intervention::SelfNormalisedResets`]: crate::spec::Intervention::SelfNormalisedResets

use bytemuck::Zeroable;

use super::{Cadence, Stage};
use crate::kernels::{self, UnitSelection, UnitStatistics};
use crate::network::ValueId;
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::Dispatch;
use crate::spec::{ReplicaSpec, TrainingSpec};
use crate::state::{HiddenLayer, RenewalSettings, UnitRecord, UnitStatistic};

/// Units that a workgroup of `unit_statistics` handles.
const UNITS_PER_WORKGROUP: u32 = 8;

struct Renewal {
    layers: Vec<(ValueId, HiddenLayer)>,
    /// Updates from one renewal to the next, of every method.
    periods: Vec<u32>,
    /// `[replica]` [`RenewalSettings`]
    renewals: BufferId,
    /// `[layers]` [`HiddenLayer`], shared
    table: BufferId,
    /// `[replica, all units]` [`UnitStatistic`]
    statistics: BufferId,
    /// `[replica, all units]` [`UnitRecord`]
    records: BufferId,
    /// `[replica, layers]` f32: the units that continual backprop has yet to renew
    credits: BufferId,
}

pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Box<dyn Stage>> {
    let own: Vec<_> = spec.replicas.iter().map(ReplicaSpec::renewal).collect();
    if own.iter().all(Option::is_none) {
        return None;
    }
    let layers = spec.network.hidden_layers().ok()?;
    let none = RenewalSettings {
        every: 1,
        ..RenewalSettings::zeroed()
    };
    let renewals: Vec<_> = own.iter().map(|own| own.unwrap_or(none)).collect();
    let table: Vec<_> = layers.iter().map(|(_, layer)| *layer).collect();
    let units = all_units(&layers) as usize;
    Some(Box::new(Renewal {
        periods: own.iter().flatten().map(|own| own.every).collect(),
        renewals: declare.structs("unit renewals", &renewals, 1),
        table: declare.table("hidden layers", &table),
        statistics: declare.zeroed::<UnitStatistic>("unit statistics", units),
        records: declare.zeroed::<UnitRecord>("unit records", units),
        credits: declare.floats("renewal credits", layers.len()),
        layers,
    }))
}

/// The number of units of all hidden layers.
fn all_units(layers: &[(ValueId, HiddenLayer)]) -> u32 {
    layers.iter().map(|(_, layer)| layer.units).sum()
}

impl Stage for Renewal {
    fn cadence(&self) -> Cadence {
        if self.periods.contains(&1) {
            Cadence::Update
        } else {
            Cadence::Periodic
        }
    }

    fn periods(&self) -> Vec<u32> {
        self.periods.clone()
    }

    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let statistics = self.layers.iter();
        statistics
            .map(|(value, layer)| self.statistics(spec, buffers, *value, layer))
            .chain([self.selection(buffers), self.renewal(spec, buffers)])
            .collect()
    }

    fn persistent(&self) -> Vec<BufferId> {
        vec![self.records, self.credits]
    }
}

impl Renewal {
    fn statistics(
        &self,
        spec: &TrainingSpec,
        buffers: &Buffers,
        id: ValueId,
        layer: &HiddenLayer,
    ) -> Dispatch {
        let value = spec.network.value(id);
        let outgoing = &spec.network.tensors()[layer.outgoing as usize].layout;
        let params = UnitStatistics {
            parameters_stride: spec.network.parameter_stride() as u32,
            outgoing: outgoing.start,
            outputs: outgoing.columns,
            batch: spec.batch,
            batch_rows: spec.batch_rows(),
            copies: value.copies(),
            padded_units: value.padded_units(),
            units: layer.units,
            first_unit: layer.first_unit,
            all_units: all_units(&self.layers),
            inverse_batch: (1.0 / f64::from(spec.batch)) as f32,
        };
        let bound = [
            self.renewals,
            buffers.states,
            buffers.activations[id.index()],
            buffers.parameters,
            self.statistics,
        ];
        let workgroups = layer.units.div_ceil(UNITS_PER_WORKGROUP);
        Dispatch::new(params, bound, [workgroups, 1])
    }

    fn selection(&self, buffers: &Buffers) -> Dispatch {
        let layers = self.layers.len() as u32;
        let params = UnitSelection {
            layers,
            all_units: all_units(&self.layers),
        };
        let bound = [
            self.renewals,
            buffers.states,
            self.table,
            self.statistics,
            self.records,
            self.credits,
        ];
        Dispatch::new(params, bound, [1, layers])
    }

    fn renewal(&self, spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
        let layers = self.layers.len() as u32;
        let params = kernels::UnitRenewal {
            stride: spec.network.parameter_stride() as u32,
            second_moments: spec.second_moments(),
            layers,
            all_units: all_units(&self.layers),
        };
        let bound = [
            buffers.configs,
            buffers.states,
            self.table,
            buffers.tensors,
            self.statistics,
            buffers.parameters,
            buffers.first_moment,
            buffers.second_moment,
        ];
        let widest = self.layers.iter().map(|(_, layer)| layer.units).max();
        Dispatch::new(params, bound, [widest.unwrap_or(0), layers])
    }
}
