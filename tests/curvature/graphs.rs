//! Networks that are no perceptrons against PyTorch float64 (`assets/reference/graph_<case>.json`): training steps,
//! Hessian-vector products, and probes.

use crate::common::{Tolerance, compare, computes};
use crate::point::{Block, Point};
use crate::probes::{EIGENVALUE, ONE_PASS, all, check, dot, eigenvalues, numbers, probe, swift};
use crate::products::hessian_vector_product;
use crate::reference::{GRAPH_CASES, Inputs, Layer, flat, items, parameters, read, single};
use serde::Deserialize;
use trainable::network::{Item, Network};
use trainable::probe::{LayerStats, ProbeMethod, ProbeSpec};
use trainable::spec::{Optimiser, ReplicaSpec};
use trainable::{Compute, Trainer};

#[derive(Deserialize)]
struct Reference {
    inputs: Inputs,
    items: Vec<String>,
    batch: u32,
    l2: f64,
    step_size: f64,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
    gradients: Vec<Layer>,
    losses: Vec<f64>,
    after_5: Vec<Layer>,
    blocks: Vec<Block>,
    network: Block,
    v: Vec<Layer>,
    hv: Vec<Layer>,
}

fn case(name: &str) -> Reference {
    read(&format!("graph_{name}"))
}

impl Reference {
    fn point(&self) -> Point {
        self.point_of(&items(&self.items))
    }

    /// The point with other items, of the same tensors.
    fn point_of(&self, items: &[Item]) -> Point {
        Point {
            network: Network::sequence(self.inputs, items).unwrap(),
            batch: self.batch,
            l2: self.l2 as f32,
            x: single(&self.x),
            y: self.y.clone(),
            parameters: parameters(&self.layers),
        }
    }

    /// Two replicas at the point, which Adam trains as the reference was trained.
    fn trainer(&self, compute: &Compute, items: &[Item]) -> Trainer {
        let replica = ReplicaSpec {
            step_size: self.step_size as f32,
            l2: self.l2 as f32,
            optimiser: Optimiser::default(),
            ..ReplicaSpec::default()
        };
        let point = self.point_of(items);
        point.trainer_of(compute, ProbeSpec::default(), vec![replica; 2])
    }
}

#[test]
fn training_steps_equal_pytorch() {
    let five_steps = Tolerance {
        atol: 2e-5,
        rtol: 2e-5,
    };
    for (device, compute) in computes() {
        for name in GRAPH_CASES {
            let (case, what) = (case(name), format!("{name}, {device}"));
            let mut trainer = case.trainer(&compute, &items(&case.items));
            for (update, loss) in case.losses.iter().enumerate() {
                trainer.update(1).unwrap();
                let found = trainer.progress().unwrap()[1].batch_loss;
                check(&what, vec![found.into()], vec![*loss], five_steps);
                if update == 0 {
                    let gradients = numbers(&trainer.gradients().unwrap()[1]);
                    let one_pass = Tolerance {
                        atol: 2e-6,
                        rtol: 1e-5,
                    };
                    check(&what, gradients, flat(&case.gradients), one_pass);
                }
            }
            let found = numbers(&trainer.parameters().unwrap()[1]);
            check(&what, found, flat(&case.after_5), five_steps);
        }
    }
}

#[test]
fn products_and_probes_equal_pytorch() {
    for (device, compute) in computes() {
        for name in GRAPH_CASES {
            let (case, what) = (case(name), format!("{name}, {device}"));
            let point = case.point();
            let [found, _] = hessian_vector_product(&compute, &point, &parameters(&case.v));
            let wanted = flat(&case.hv);
            let tolerance = Tolerance {
                atol: 1e-6 * dot(&wanted, &wanted).sqrt(),
                rtol: 0.0,
            };
            check(&what, numbers(&found), wanted, tolerance);
            for spec in swift(200) {
                let stats = probe(&mut point.trainer(&compute, spec, 2)).remove(1);
                let what = format!("{what}, {:?}, {:?}", spec.method, spec.form);
                let blocks: Vec<_> = case.blocks.iter().chain([&case.network]).collect();
                let found = |f: fn(&LayerStats) -> f64| all(&stats).iter().map(f).collect();
                let wanted = |f: fn(&Block) -> f64| blocks.iter().map(|block| f(block)).collect();
                check(&what, eigenvalues(&stats), wanted(|b| b.lambda), EIGENVALUE);
                check(&what, found(|l| l.grad_norm_sq), wanted(|b| b.g2), ONE_PASS);
                let objective = found(|l| l.objective_grad_norm_sq);
                check(&what, objective, wanted(|b| b.g2_l2), ONE_PASS);
                check(&what, found(|l| l.grad_variance), wanted(|b| b.s), ONE_PASS);
            }
        }
    }
}

/// A sum without its second term, one of another term, windows in other places and other heads have other gradients, products and
/// eigenvalues.
#[test]
fn the_comparisons_notice_another_graph() {
    let sums = case("residual");
    let right = items(&sums.items);
    let (mut other, mut without) = (right.clone(), right.clone());
    assert_eq!(other[6], Item::Add(5));
    other[6] = Item::Add(2);
    without.remove(3);
    without[5] = Item::Add(4);
    let with_item = |case: &Reference, number: usize, item: &str| {
        let mut items = items(&case.items);
        items[number] = item.parse().unwrap();
        items
    };
    let conv = case("conv");
    let (attention, curved) = (case("attention"), case("attention_curved"));
    let stride = with_item(&conv, 0, "conv 3 kernel 3 stride 3 padding 2");
    let pools = case("average_pool");
    let maximum = with_item(&pools, 5, "max-pool 3 stride 2 padding 1");
    for (what, case, items) in [
        ("another term", &sums, other),
        ("one sum less", &sums, without),
        ("another stride", &conv, stride),
        ("maxima in place of means", &pools, maximum),
        (
            "other heads",
            &attention,
            with_item(&attention, 2, "attention 4"),
        ),
        (
            "other heads, with activations",
            &curved,
            with_item(&curved, 2, "attention 1"),
        ),
    ] {
        let mut trainer = case.trainer(&Compute::Cpu, &items);
        trainer.update(1).unwrap();
        let gradients = numbers(&trainer.gradients().unwrap()[1]);
        let loose = Tolerance {
            atol: 1e-4,
            rtol: 1e-3,
        };
        let wanted = flat(&case.gradients);
        assert!(compare(gradients, wanted, loose).is_err(), "{what}");
        let point = case.point_of(&items);
        let v = parameters(&case.v);
        let [found, _] = hessian_vector_product(&Compute::Cpu, &point, &v);
        let wanted = flat(&case.hv);
        assert!(compare(numbers(&found), wanted, loose).is_err(), "{what}");
        let spec = swift(200)
            .into_iter()
            .find(|s| s.method == ProbeMethod::Lobpcg);
        let stats = probe(&mut point.trainer(&Compute::Cpu, spec.unwrap(), 1)).remove(0);
        let wanted = case.blocks.iter().chain([&case.network]).map(|b| b.lambda);
        assert!(
            compare(eigenvalues(&stats), wanted, EIGENVALUE).is_err(),
            "{what}"
        );
    }
}
