//! The page's training on the CPU executor. The first argument is a number of steps, and the second a number of tasks. The
//! program prints, as JSON, all parameters after these steps and the accuracies `[task][replica]` of these tasks.

use std::error::Error;

use trainable::{Compute, Trainer};
use trainable_web::{flat, training};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Result<Vec<u32>, _> = std::env::args().skip(1).map(|a| a.parse()).collect();
    let [steps, tasks] = arguments?[..] else {
        return Err("two numbers are wanted: steps and tasks".into());
    };
    println!(
        "{}",
        serde_json::json!({
            "steps": steps,
            "parameters": parameters(steps)?,
            "accuracies": accuracies(tasks)?,
        })
    );
    Ok(())
}

fn parameters(steps: u32) -> Result<Vec<f32>, trainable::Error> {
    let mut trainer = Trainer::new(&Compute::Cpu, training()?)?;
    trainer.train(steps)?;
    Ok(flat(&trainer.parameters()?))
}

fn accuracies(tasks: u32) -> Result<Vec<Vec<f64>>, trainable::Error> {
    let mut trainer = Trainer::new(&Compute::Cpu, training()?)?;
    let lengths = trainer.spec().task_lengths();
    let train = |task| {
        trainer.train(lengths.length_of(task) as u32)?;
        let replicas = trainer.progress()?;
        let latest = replicas
            .iter()
            .filter_map(|replica| replica.finished.last());
        Ok(latest.map(|score| score.final_accuracy).collect())
    };
    (0..tasks).map(train).collect()
}
