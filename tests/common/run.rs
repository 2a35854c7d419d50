//! A program on any device, with buffers that a test can read.

#![allow(dead_code, unreachable_pub)]

use trainable::Compute;
use trainable::cpu::CpuExecutor;
use trainable::gpu::{Gpu, RecordedPlan, Recorder};
use trainable::plan::{BufferId, Plan, Program, StepPlans};

use crate::common::read_buffer;

/// A program on one device, with readable buffers.
pub struct Run<'a> {
    pub program: &'a Program,
    updates: u64,
    side: Side<'a>,
}

enum Side<'a> {
    Cpu(CpuExecutor),
    Gpu(&'a Gpu, Recorder, Box<StepPlans<RecordedPlan>>),
}

impl<'a> Run<'a> {
    /// Builds the program on the device and runs its initialisation.
    pub fn new(compute: &'a Compute, program: &'a Program) -> Self {
        let side = match compute {
            Compute::Cpu => {
                let mut executor = CpuExecutor::new(program);
                executor.run(&program.initialise, 1);
                Side::Cpu(executor)
            }
            Compute::Gpu(gpu) => {
                let mut recorder = Recorder::new(&gpu.device, program).unwrap();
                let initialise = recorder.prepare(&gpu.device, &program.initialise).unwrap();
                submit(gpu, &initialise, 1);
                let prepare = |plan: &Plan| recorder.prepare(&gpu.device, plan);
                let steps = steps(program).map(prepare).unwrap();
                Side::Gpu(gpu, recorder, Box::new(steps))
            }
        };
        Self {
            program,
            updates: 0,
            side,
        }
    }

    pub fn steps(&mut self, steps: u32) {
        match &mut self.side {
            Side::Cpu(executor) => {
                for (plan, times) in self::steps(self.program).steps(self.updates, steps) {
                    executor.run(plan, times);
                }
            }
            Side::Gpu(gpu, _, plans) => {
                for (plan, times) in plans.steps(self.updates, steps) {
                    submit(gpu, plan, times);
                }
            }
        }
        self.updates += u64::from(steps);
    }

    pub fn words(&self, id: BufferId, replica: usize) -> Vec<u32> {
        match &self.side {
            Side::Cpu(executor) => executor.read(id, replica).to_vec(),
            Side::Gpu(gpu, recorder, _) => {
                let words = read_buffer(&gpu.device, &gpu.queue, recorder.buffer(id));
                let each = self.program.buffer(id).words;
                words[replica * each..(replica + 1) * each].to_vec()
            }
        }
    }

    pub fn floats(&self, id: BufferId, replica: usize) -> Vec<f64> {
        let words = self.words(id, replica).into_iter();
        words.map(|w| f64::from(f32::from_bits(w))).collect()
    }
}

pub fn steps(program: &Program) -> &StepPlans {
    program.steps.as_ref().expect("a stream was given")
}

fn submit(gpu: &Gpu, plan: &RecordedPlan, times: u32) {
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    plan.encode(&mut encoder, times);
    gpu.queue.submit([encoder.finish()]);
}
