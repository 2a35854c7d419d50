//! Twin of `shaders/stages/unit_renewal.wgsl`.

use crate::cpu::Array;
use crate::cpu::initial_element::initial_element;
use crate::kernels::UnitRenewal;
use crate::rng::Stream;
use crate::state::{HiddenLayer, ReplicaConfig, ReplicaState, TensorLayout, UnitStatistic};

pub(crate) fn run(params: &UnitRenewal, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        layers,
        tensors,
        statistics,
        parameters,
        first_moment,
        second_moment,
    ] = arrays;
    let seed = configs.read::<ReplicaConfig>()[0].seed;
    let updates = states.read::<ReplicaState>()[0].updates;
    let statistics = statistics.read::<UnitStatistic>();
    let tensors = tensors.read::<TensorLayout>();
    let parameters = parameters.write::<f32>();
    let first_moment = first_moment.write::<f32>();
    let second_moments = second_moment.write::<f32>();
    let mut renew = |i: usize, element: f32| {
        parameters[i] = element;
        first_moment[i] = 0.0;
        for second_moment in second_moments.chunks_mut(params.stride as usize) {
            second_moment[i] = 0.0;
        }
    };
    let layers = layers.read::<HiddenLayer>();
    for (number, layer) in layers.iter().enumerate() {
        let [incoming, bias] = [0, 1].map(|next| &tensors[(layer.incoming + next) as usize]);
        let outgoing = &tensors[layer.outgoing as usize];
        let next = layers.get(number + 1).map_or(0..0, HiddenLayer::all_units);
        let next = &statistics[next];
        let is_drawn = |column: usize| next.get(column).is_some_and(|unit| unit.renewed == 1);
        let units = (0..).zip(&statistics[layer.all_units()]);
        for (unit, _) in units.filter(|(_, unit)| unit.renewed == 1) {
            for (row, i) in (0..).zip(incoming.column(unit)) {
                let stream = Stream::Renewal;
                renew(
                    i,
                    initial_element(incoming, seed, stream, updates, row, unit),
                );
            }
            bias.column(unit).for_each(|i| renew(i, 0.0));
            let rows = outgoing.column(0).skip(unit as usize);
            for row in rows.step_by(outgoing.copy_rows as usize) {
                let elements = (row..row + outgoing.columns as usize).enumerate();
                let cleared = elements.filter(|(column, _)| !is_drawn(*column));
                cleared.for_each(|(_, i)| renew(i, 0.0));
            }
        }
    }
}
