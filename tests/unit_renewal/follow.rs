//! A replica with a method is followed update by update, beside a float64 implementation of the method.

use std::collections::BTreeSet;

use crate::common::{Tolerance, compare, noise};
use crate::host::{Method, Unit, forward, statistics};
use crate::{BATCH, CHANGED, METHODS, UPDATES, WIDTHS, spec};
use trainable::network::{Activation, Network, Parameters};
use trainable::rng::{pcg4d, unit_uniform};
use trainable::spec::ReplicaSpec;
use trainable::{Compute, Trainer};

/// Parameters, and then the moments of the optimiser, of one replica.
fn state(trainer: &mut Trainer, replica: usize) -> Vec<Parameters> {
    let spec = trainer.spec().clone();
    let stride = spec.network.parameter_stride();
    let snapshot = trainer.snapshot().unwrap();
    let named = |name: &str| {
        let mut buffers = snapshot.buffers.iter();
        let buffer = buffers.find(|buffer| buffer.name == name);
        let words = &buffer.expect("the buffer is kept").words;
        let each = words.len() / spec.replicas.len();
        words[replica * each..(replica + 1) * each].to_vec()
    };
    ["parameters", "first moment", "second moment"]
        .iter()
        .flat_map(|name| {
            let floats: Vec<_> = named(name).into_iter().map(f32::from_bits).collect();
            let parts = floats.chunks(stride);
            parts
                .map(|part| spec.network.unpack(part).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Gives replica 1 the parameters, the moments and the counters of replica 0.
fn copy_to_second(trainer: &mut Trainer) {
    let mut snapshot = trainer.snapshot().unwrap();
    for buffer in &mut snapshot.buffers {
        let each = buffer.words.len() / 2;
        buffer.words.copy_within(..each, each);
    }
    trainer.restore(&snapshot).unwrap();
}

/// The fresh weight of a renewed unit by its definition, implemented a second time.
fn fresh(network: &Network, seed: u32, updates: u32, layer: usize, place: usize) -> f64 {
    let tensor = &network.tensors()[2 * layer];
    let bound = (6.0 / f64::from(tensor.shape[1])).sqrt();
    let bits = pcg4d([seed, 15 + 256 * updates, layer as u32, place as u32])[3];
    (2.0 * f64::from(unit_uniform(bits)) - 1.0) * bound
}

/// `plain` with the units of `renewed` renewed, and the places of drawn weights as (tensor, place).
fn with_renewed(
    network: &Network,
    plain: &[Parameters],
    renewed: &BTreeSet<Unit>,
) -> (Vec<Parameters>, BTreeSet<(usize, usize)>) {
    let mut wanted = plain.to_vec();
    let mut drawn = BTreeSet::new();
    let mut clear = |tensor: usize, place: usize| {
        for part in &mut wanted {
            part[tensor][place] = 0.0;
        }
    };
    for &Unit { layer, unit } in renewed {
        let inputs = network.tensors()[2 * layer].shape[1] as usize;
        for place in unit * inputs..(unit + 1) * inputs {
            clear(2 * layer, place);
            drawn.insert((2 * layer, place));
        }
        clear(2 * layer + 1, unit);
        let units = WIDTHS[layer + 1] as usize;
        let [outputs, inputs] = network.tensors()[2 * layer + 2].shape[..] else {
            panic!("a matrix");
        };
        for output in 0..outputs as usize {
            for input in (unit..inputs as usize).step_by(units) {
                clear(2 * layer + 2, output * inputs as usize + input);
            }
        }
    }
    (wanted, drawn)
}

const ROUNDING: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 1e-6,
};

/// The events of a run: numbers of renewals, of weights between renewed units, and of updates in which a changed setting
/// selects other units.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) renewals: usize,
    pub(crate) between: usize,
    pub(crate) differing: usize,
}

/// Trains with the method number `number`, and compares every update with the formula.
pub(crate) fn follow(
    what: &str,
    compute: &Compute,
    number: usize,
    activation: Activation,
    own: &ReplicaSpec,
) -> Met {
    let plain = ReplicaSpec {
        interventions: Vec::new(),
        ..own.clone()
    };
    let mut trainer = Trainer::new(compute, spec(activation, vec![own.clone(), plain])).unwrap();
    let network = trainer.spec().network.clone();
    let mut parameters = trainer.parameters().unwrap().remove(0);
    // Some units seldom fire.
    for layer in 0..2 {
        let biases = parameters[2 * layer + 1].iter_mut();
        biases
            .zip(0..)
            .for_each(|(bias, unit)| *bias = -0.3 * unit as f32);
    }
    trainer.write_parameters(0, &parameters).unwrap();
    let [mut method, mut changed] =
        [METHODS, CHANGED].map(|methods| Method::new(methods[number], &WIDTHS[1..3]));
    let mut met = Met::default();
    for update in 1..=UPDATES {
        let seed = 1_000 * own.seed + update;
        let inputs = noise(seed, (BATCH * WIDTHS[0]) as usize);
        let labels: Vec<_> = (0..BATCH).map(|b| (b + update) % WIDTHS[3]).collect();
        for replica in 0..2 {
            trainer.write_batch(replica, &inputs, &labels).unwrap();
        }
        copy_to_second(&mut trainer);
        let before = trainer.parameters().unwrap().remove(0);
        trainer.update(1).unwrap();
        let [found, plain] = [0, 1].map(|replica| state(&mut trainer, replica));
        let hidden = forward(&before, activation, &inputs, &WIDTHS);
        let measured = statistics(&hidden, &plain[0], &WIDTHS);
        let renewed = method.step(&measured, update);
        met.differing += usize::from(renewed != changed.step(&measured, update));
        met.renewals += renewed.len();
        let (wanted, drawn) = with_renewed(&network, &plain, &renewed);
        let place = format!("{what}, update {update}, renewed {renewed:?}");
        for (part, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            for (tensor, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                for (element, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                    if part == 0 && drawn.contains(&(tensor, element)) {
                        let fresh =
                            |updates| fresh(&network, own.seed, updates, tensor / 2, element);
                        let same = compare([f64::from(*found)], [fresh(update)], ROUNDING);
                        same.unwrap_or_else(|worst| panic!("{place}: {worst}"));
                        // The negative control: the draw of another update.
                        assert!((f64::from(*found) - fresh(update + 1)).abs() > 1e-5);
                    } else {
                        assert!(found == wanted, "{place}: {part}, {tensor}, {element}");
                    }
                }
            }
        }
        // The negative control: without the method, the step ends elsewhere.
        assert_eq!(renewed.is_empty(), found[0] == plain[0], "{place}");
        let of = |layer| renewed.iter().filter(|unit| unit.layer == layer).count();
        met.between += of(0) * of(1);
    }
    met
}
