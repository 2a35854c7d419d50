//! Networks and minibatches, which are read, and probed if they are small.

use std::path::Path;

use mutatis::Session;
use safetensors::tensor::{Dtype, TensorView};
use trainable::network::Activation;
use trainable::probe::ProbeSpec;
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::tensors::{read_batch, read_network};
use trainable::{Compute, Trainer};

use super::Target;
use crate::mutate::below;
use crate::{Input, bytes, text};

const NETWORK: &str = "network.safetensors";
const BATCH: &str = "batch.safetensors";

pub(super) const TARGET: Target = Target {
    name: "networks",
    corpus,
    mutate,
    run: read,
};

fn floats(elements: impl IntoIterator<Item = f32>) -> Vec<u8> {
    elements.into_iter().flat_map(f32::to_le_bytes).collect()
}

fn file(tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        (name, view.expect("as many bytes as the shape says"))
    });
    safetensors::serialize(views, None).expect("tensors of different names")
}

fn network(names: &[&str], widths: &[usize]) -> Vec<u8> {
    let pair = |(name, widths): (&&str, &[usize])| {
        let (inputs, outputs) = (widths[0], widths[1]);
        let weights = (0..inputs * outputs).map(|i| (i as f32).sin());
        let biases = (0..outputs).map(|i| (i as f32).cos());
        [
            (
                format!("{name}.weight"),
                Dtype::F32,
                vec![outputs, inputs],
                floats(weights),
            ),
            (
                format!("{name}.bias"),
                Dtype::F32,
                vec![outputs],
                floats(biases),
            ),
        ]
    };
    let tensors: Vec<_> = names.iter().zip(widths.windows(2)).flat_map(pair).collect();
    file(&tensors)
}

fn batch(dtype: Dtype, labels: Vec<u8>, inputs: usize) -> Vec<u8> {
    let x = floats((0..4 * inputs).map(|i| (i as f32).sqrt()));
    file(&[
        ("x".to_owned(), Dtype::F32, vec![4, inputs], x),
        ("y".to_owned(), dtype, vec![4], labels),
    ])
}

fn corpus() -> Vec<Input> {
    let labels = [0_i64, 1, 1, 0];
    let wide = labels
        .iter()
        .flat_map(|label| label.to_le_bytes())
        .collect();
    let narrow = labels.map(|label| label as u8).to_vec();
    vec![
        Input::of(NETWORK, network(&["fc1", "fc2"], &[3, 4, 2]))
            .with(BATCH, batch(Dtype::I64, wide, 3)),
        Input::of(
            NETWORK,
            network(&["net.0", "net.2", "net.10"], &[2, 3, 3, 2]),
        )
        .with(BATCH, batch(Dtype::U8, narrow, 2)),
    ]
}

/// Changes the header of one of the two files as text, or any of its bytes. Where only the header changes, the header's
/// length is adjusted.
fn mutate(input: &mut Input, session: &mut Session) {
    let name = [NETWORK, BATCH][below(session, 2)];
    let Some(file) = input.files.get_mut(name) else {
        return;
    };
    let header = file
        .first_chunk()
        .map(|length| u64::from_le_bytes(*length) as usize);
    match header.and_then(|length| file.split_at_checked(8usize.checked_add(length)?)) {
        Some((head, elements)) if below(session, 3) > 0 => {
            let mut header = head[8..].to_vec();
            text(session, &mut header);
            let length = header.len() as u64;
            *file = [&length.to_le_bytes()[..], &header, elements].concat();
        }
        _ => bytes(session, file),
    }
}

fn read(directory: &Path) -> bool {
    let mut accepted = false;
    for activation in [Activation::Relu, Activation::Crelu] {
        let Ok(found) = read_network(&directory.join(NETWORK), activation) else {
            continue;
        };
        let Ok(batch) = read_batch(&directory.join(BATCH), &found.network) else {
            continue;
        };
        accepted = true;
        if found.network.parameter_count() * batch.size as usize > 10_000 {
            continue;
        }
        let spec = TrainingSpec {
            network: found.network,
            batch: batch.size,
            replicas: vec![ReplicaSpec::default()],
            stream: None,
            probe: Some(ProbeSpec::default()),
        };
        let trainer = Trainer::new(&Compute::Cpu, spec).and_then(|mut trainer| {
            trainer.write_parameters(0, &found.parameters)?;
            trainer.write_batch(0, &batch.inputs, &batch.labels)?;
            let _ = trainer.probe()?;
            let _ = trainer.indicators()?;
            trainer.update(2)?;
            trainer.probe()
        });
        trainer.expect("what was read can be probed");
    }
    accepted
}
