//! Times each Hessian-vector product of warm probes of the small transformer on the CPU executor: random labels, Adam, a
//! probe after every 40 steps, minibatches of 64, then of 16. One replica. Each probe prints a row: the milliseconds of a
//! step between probes, of the whole probe, and of its beginning, which has the statistics and the first product; then, for
//! each further product, the number of eigenproblems that were still iterated and its milliseconds.

mod common;

use std::time::Instant;

use self::common::spec;
use trainable::cpu::CpuExecutor;
use trainable::network::{Activation, Architecture};
use trainable::plan::{Plan, Program};
use trainable::probe::ProbeSpec;
use trainable::spec::TrainingSpec;
use trainable::state::ProbeSlot;

const STEPS: u32 = 40;
const PROBES: u64 = 6;

/// Runs a plan and returns the milliseconds.
fn time(executor: &mut CpuExecutor, plan: &Plan) -> f64 {
    let start = Instant::now();
    executor.run(plan, 1);
    start.elapsed().as_secs_f64() * 1e3
}

fn main() {
    let [_, _, transformer] = Architecture::named();
    println!("batch | step, ms | probe, ms | beginning, ms | eigenproblems:ms of every product");
    for batch in [64, 16] {
        let network = transformer.network([1, 28, 28], 10, &[], Activation::Relu);
        let probe = ProbeSpec::default();
        let spec = TrainingSpec {
            network: network.unwrap(),
            batch,
            ..spec(STEPS * batch, 1, Some(probe))
        };
        let program = Program::new(&spec).unwrap();
        let steps = program.steps.as_ref().unwrap();
        let plans = program.probe.as_ref().unwrap();
        let slots = program.buffers.probe.as_ref().unwrap().slots;
        let mut executor = CpuExecutor::new(&program);
        executor.run(&program.initialise, 1);
        let iterations = |executor: &CpuExecutor| -> u32 {
            let slots: Vec<ProbeSlot> = bytemuck::pod_collect_to_vec(executor.read(slots, 0));
            slots.iter().map(|slot| slot.iterations).sum()
        };
        for number in 0..PROBES {
            let start = Instant::now();
            let trained = u64::from(STEPS) * number;
            for (plan, times) in steps.steps(trained, STEPS) {
                executor.run(plan, times);
            }
            let step = start.elapsed().as_secs_f64() * 1e3 / f64::from(STEPS);
            let beginning = time(&mut executor, &plans.begin);
            let mut products = Vec::new();
            for (plan, times) in plans.products(1..probe.iterations) {
                for _ in 0..times {
                    let before = iterations(&executor);
                    let ms = time(&mut executor, plan);
                    products.push((iterations(&executor) - before, ms));
                }
            }
            let end = time(&mut executor, &plans.end);
            let whole = beginning + products.iter().map(|(_, ms)| ms).sum::<f64>() + end;
            let products: Vec<_> = products
                .iter()
                .map(|(problems, ms)| format!("{problems}:{ms:.1}"))
                .collect();
            let products = products.join(" ");
            println!("{batch} | {step:.2} | {whole:.1} | {beginning:.1} | {products}");
        }
    }
}
