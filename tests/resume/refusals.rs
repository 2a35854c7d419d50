//! Directories and checkpoints that do not belong to a run, or are damaged, are refused and left alone.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;

use crate::case::{CHECKPOINT, Case, assert_refused, contents, experiment};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// A directory is unfit for resumption in many ways. Each is refused, and no file changes.
#[test]
fn what_is_not_this_run_is_refused_and_left_alone() {
    let case = Case::stopped("run");
    let directory = case.directory("run");
    let checkpoint = directory.join(CHECKPOINT);
    let good = fs::read(&checkpoint).unwrap();
    let refused = |message: &str| {
        let before = contents(&directory);
        let output = case.run("run", &["--resume"]);
        assert_refused(&output, 2, message);
        assert!(
            contents(&directory) == before,
            "{message}: something was changed"
        );
    };

    let damaged = "checkpoint.safetensors is damaged: ";
    fs::write(&checkpoint, &good[..good.len() - 1]).unwrap();
    let (wanted, found) = (good.len(), good.len() - 1);
    refused(&format!("{damaged}wanted {wanted} bytes, found {found}"));
    fs::write(&checkpoint, []).unwrap();
    refused(&format!(
        "{damaged}it ends after 0 bytes, within its header"
    ));
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    fs::write(&checkpoint, &flipped).unwrap();
    refused(&format!("{damaged}its checksum is another"));

    let foreign = [0; 4];
    let foreign = TensorView::new(Dtype::F32, vec![1], &foreign).unwrap();
    fs::write(
        &checkpoint,
        safetensors::serialize([("x", foreign)], None).unwrap(),
    )
    .unwrap();
    refused("wanted a checkpoint of this program, found another safetensors file");

    let at = find(&good, b"\\\"format\\\":3");
    let mut old = good.clone();
    old[at + 11] = b'0';
    fs::write(&checkpoint, &old).unwrap();
    refused("wanted a checkpoint of format 3, found format 0");
    fs::write(&checkpoint, &good).unwrap();

    let rows = directory.join("probes.part.csv");
    let whole = fs::read(&rows).unwrap();
    fs::write(&rows, &whole[..whole.len() / 2]).unwrap();
    refused("probes.part.csv is damaged: wanted ");
    fs::write(&rows, &whole).unwrap();

    let mut other = experiment();
    other.arms[1].step_size = 0.5;
    case.write(&other);
    let field = "arms[1].step_size: wanted 0.5, found 0.01\nhint: --out takes another directory";
    refused(&format!("experiment.toml is of another run: {field}"));
    let described = directory.join("experiment.toml");
    let aside = case.directory("aside.toml");
    fs::rename(&described, &aside).unwrap();
    refused(&format!(
        "{CHECKPOINT} is of another run: experiment.{field}"
    ));
    fs::rename(&aside, &described).unwrap();
    case.write(&experiment());
    let lock = File::open(directory.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    refused("is in use by another run");
    drop(lock);

    fs::remove_file(&checkpoint).unwrap();
    fs::write(directory.join("tasks.csv"), "of somebody").unwrap();
    refused("holds the tables of a run, but no checkpoint");
    fs::remove_file(directory.join("tasks.csv")).unwrap();

    fs::write(&checkpoint, &good).unwrap();
    assert!(case.run("run", &["--resume"]).status.success());
}

/// Changes the contents of a checkpoint and gives it the checksum of the new contents.
fn forged(
    good: &[u8],
    change: impl FnOnce(&mut String, &mut BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>),
) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(good).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(good).unwrap();
    let mut tensors: BTreeMap<_, _> = file
        .iter()
        .map(|(name, view)| {
            let contents = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), contents)
        })
        .collect();
    tensors.remove("checksum");
    let standing = metadata.get_mut("trainable").unwrap();
    change(standing, &mut tensors);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(standing.as_bytes());
    for (name, (_, _, bytes)) in &tensors {
        hasher.update(name.as_bytes());
        hasher.update(bytes);
    }
    let checksum = hasher.finalize().to_le_bytes().to_vec();
    tensors.insert("checksum".to_owned(), (Dtype::U32, vec![1], checksum));
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, Some(metadata)).unwrap()
}

#[test]
fn a_forged_checkpoint_is_refused_and_left_alone() {
    let case = Case::stopped("run");
    let directory = case.directory("run");
    let checkpoint = directory.join(CHECKPOINT);
    let good = fs::read(&checkpoint).unwrap();
    assert!(forged(&good, |_, _| {}) == good, "the forger's own");
    let refused = |bytes: &[u8], message: &str| {
        fs::write(&checkpoint, bytes).unwrap();
        let before = contents(&directory);
        let output = case.run("run", &["--resume"]);
        assert_refused(&output, 2, message);
        assert!(
            contents(&directory) == before,
            "{message}: something was changed"
        );
    };
    // The first replica's state begins with the words task, epoch, batch, updates.
    for (word, message) in [
        (
            1,
            "checkpoint.safetensors is damaged: epoch: wanted below 3 in replica 0, found 4294967295",
        ),
        (
            2,
            "is damaged: batch of the epoch: wanted below 4 in replica 0, found 4294967295",
        ),
        (3, "is damaged: updates: wanted "),
    ] {
        let state = forged(&good, |_, tensors| {
            tensors.get_mut("training/states").unwrap().2[word * 4..][..4].fill(0xff);
        });
        refused(&state, message);
    }
    let controls = forged(&good, |_, tensors| {
        tensors.get_mut("training/layer controls").unwrap().2[8..12].fill(0xff);
    });
    refused(&controls, "is damaged: layer control: wanted ");
    let step = forged(&good, |standing, _| {
        let from = standing.find("\"step\":").unwrap();
        let to = from + standing[from..].find(',').unwrap();
        standing.replace_range(from..to, "\"step\":4000000000");
    });
    refused(
        &step,
        "is damaged: wanted 60 steps at most, found 4000000000",
    );
    let windows = forged(&good, |standing, _| {
        *standing = standing.replacen("\"length\":30", "\"length\":3", 1);
    });
    refused(
        &windows,
        "is damaged: values of a window: wanted 30 at most of 30, found ",
    );
    let nobody = forged(&good, |standing, _| {
        let mut read: serde_json::Value = serde_json::from_str(standing).unwrap();
        read["replicas"] = serde_json::json!([]);
        *standing = read.to_string();
    });
    refused(
        &nobody,
        "its replicas are not those that train together here",
    );

    fs::write(&checkpoint, &good).unwrap();
    assert!(case.run("run", &["--resume"]).status.success());
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    let mut windows = bytes.windows(wanted.len());
    windows
        .position(|window| window == wanted)
        .expect("it is there")
}
