//! Minibatches.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use super::TensorError;
use super::file::{TensorFile, read};
use crate::network::{Network, Op};

/// Samples and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The number of samples B, at least 1.
    pub size: u32,
    /// The inputs `[B, in]`, row by row.
    pub inputs: Vec<f32>,
    /// The labels `[B]`, each below the network's number of classes.
    pub labels: Vec<u32>,
}

/// Reads a batch file whose samples `network` can classify.
///
/// # Errors
/// [`TensorError`] for the first fault of the file.
pub fn read_batch(file: &Path, network: &Network) -> Result<Batch, TensorError> {
    let bytes = read(file)?;
    let tensors = TensorFile::parse(file, &bytes)?;
    tensors.check_names("x and y", |name| name == "x" || name == "y")?;

    let x = tensors.typed("x", &[Dtype::F32])?;
    let wanted = format!("[B, {0}], as the network has {0} inputs", network.inputs());
    let (&[samples, ref sides @ ..], true) = (x.shape(), takes(network, x.shape())) else {
        return Err(tensors.wrong_shape("x", wanted, &x));
    };
    let width: usize = sides.iter().product();
    if samples == 0 {
        return Err(TensorError::EmptyBatch {
            file: file.into(),
            found: x.shape().to_vec(),
        });
    }
    let (Ok(size), true) = (u32::try_from(samples), width == network.inputs() as usize) else {
        return Err(tensors.wrong_shape("x", wanted, &x));
    };
    let y = tensors.typed("y", &[Dtype::I64, Dtype::I32, Dtype::U8])?;
    if y.shape() != [samples] {
        let wanted = format!("[{samples}], one label for each row of x");
        return Err(tensors.wrong_shape("y", wanted, &y));
    }
    Ok(Batch {
        size,
        inputs: tensors.finite("x", &x)?,
        labels: labels(file, &y, network.classes())?,
    })
}

/// Whether inputs of this shape can be the network's: a perceptron takes vectors, other networks also images.
fn takes(network: &Network, shape: &[usize]) -> bool {
    let is_perceptron = { network.nodes().iter() }.all(|node| matches!(node.op, Op::Linear(_)));
    match shape.len() {
        2 => true,
        3 | 4 => !is_perceptron,
        _ => false,
    }
}

/// The channels, rows and columns of the inputs in a batch file: `x` is `[B, in]`, `[B, rows, columns]` or
/// `[B, channels, rows, columns]`.
///
/// # Errors
/// [`TensorError`] for a file without such inputs.
pub fn read_input_shape(file: &Path) -> Result<[u32; 3], TensorError> {
    let bytes = read(file)?;
    let tensors = TensorFile::parse(file, &bytes)?;
    let x = tensors.typed("x", &[Dtype::F32])?;
    let sides: Vec<_> = { x.shape().iter().skip(1) }
        .map(|&n| u32::try_from(n))
        .collect();
    match sides[..] {
        [Ok(columns)] => Ok([1, 1, columns]),
        [Ok(rows), Ok(columns)] => Ok([1, rows, columns]),
        [Ok(channels), Ok(rows), Ok(columns)] => Ok([channels, rows, columns]),
        _ => {
            let wanted = "[B, in], [B, rows, columns] or [B, channels, rows, columns]".to_owned();
            Err(tensors.wrong_shape("x", wanted, &x))
        }
    }
}

/// The elements of an integer tensor, all below `classes`.
fn labels(file: &Path, tensor: &TensorView, classes: u32) -> Result<Vec<u32>, TensorError> {
    let label = |(index, found): (usize, i64)| match u32::try_from(found) {
        Ok(label) if label < classes => Ok(label),
        _ => Err(TensorError::LabelOutOfRange {
            file: file.into(),
            classes,
            index,
            found,
        }),
    };
    integers(tensor)
        .into_iter()
        .enumerate()
        .map(label)
        .collect()
}

/// The elements of an I64, I32 or U8 tensor.
fn integers(tensor: &TensorView) -> Vec<i64> {
    let bytes = tensor.data();
    let i64s = || bytes.as_chunks().0.iter().map(|w| i64::from_le_bytes(*w));
    let i32s = || bytes.as_chunks().0.iter().map(|w| i32::from_le_bytes(*w));
    match tensor.dtype() {
        Dtype::I64 => i64s().collect(),
        Dtype::I32 => i32s().map(i64::from).collect(),
        _ => bytes.iter().copied().map(i64::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{batch_fault, batch_of, batch_tensors, counted, floats, labels};
    use super::{Batch, Dtype};

    #[test]
    fn labels_are_read_from_all_three_types() {
        let wanted = Batch {
            size: 4,
            inputs: (0..8).map(|i| i as f32).collect(),
            labels: vec![0, 1, 1, 0],
        };
        let numbers = [0_u8, 1, 1, 0];
        let as_i32 = numbers.map(|y| i32::from(y).to_le_bytes()).concat();
        let as_i64 = numbers.map(|y| i64::from(y).to_le_bytes()).concat();
        for (dtype, bytes) in [
            (Dtype::U8, numbers.to_vec()),
            (Dtype::I32, as_i32),
            (Dtype::I64, as_i64),
        ] {
            let mut tensors = batch_tensors();
            (tensors[1].dtype, tensors[1].bytes) = (dtype, bytes);
            assert_eq!(batch_of(&tensors), Ok(wanted.clone()), "{dtype}");
        }
    }

    #[test]
    fn a_batch_needs_inputs_and_labels() {
        let message = batch_fault(|tensors| drop(tensors.remove(1)));
        assert_eq!(message, r#"FILE: wanted the tensor y, found only "x""#);
        let message = batch_fault(|tensors| drop(tensors.remove(0)));
        assert_eq!(message, r#"FILE: wanted the tensor x, found only "y""#);
    }

    #[test]
    fn a_batch_has_no_other_tensors() {
        let message = batch_fault(|tensors| tensors.push(counted("z", &[1])));
        assert_eq!(message, r#"FILE: wanted no tensors but x and y, found "z""#);
    }

    #[test]
    fn inputs_are_f32_and_labels_integers() {
        let message = batch_fault(|tensors| tensors[0].dtype = Dtype::U32);
        assert_eq!(message, "FILE: x: wanted elements of type F32, found U32");
        let message = batch_fault(|tensors| tensors[1].dtype = Dtype::F64);
        let wanted = "FILE: y: wanted elements of type I64 or I32 or U8, found F64";
        assert_eq!(message, wanted);
    }

    #[test]
    fn inputs_fit_the_network() {
        for shape in [&[8][..], &[2, 2, 2], &[4, 3], &[4, 0]] {
            let message = batch_fault(|tensors| tensors[0] = counted("x", shape));
            let wanted = "wanted the shape [B, 2], as the network has 2 inputs";
            assert_eq!(message, format!("FILE: x: {wanted}, found {shape:?}"));
        }
    }

    #[test]
    fn a_batch_is_not_empty() {
        let message = batch_fault(|tensors| {
            *tensors = vec![counted("x", &[0, 2]), labels(&[])];
        });
        let wanted = "wanted 1 sample at least, found none (its shape is [0, 2])";
        assert_eq!(message, format!("FILE: x: {wanted}"));
    }

    #[test]
    fn there_is_a_label_for_each_sample() {
        for shape in [vec![3], vec![5], vec![4, 1]] {
            let message = batch_fault(|tensors| {
                tensors[1] = labels(&vec![0; shape.iter().product()]);
                tensors[1].shape = shape.clone();
            });
            let wanted = "wanted the shape [4], one label for each row of x";
            assert_eq!(message, format!("FILE: y: {wanted}, found {shape:?}"));
        }
    }

    #[test]
    fn inputs_are_finite() {
        let elements = [0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0];
        let message = batch_fault(|tensors| tensors[0] = floats("x", &[4, 2], &elements));
        assert_eq!(
            message,
            "FILE: x: wanted finite numbers, found NaN at [2, 1]"
        );
    }

    #[test]
    fn labels_are_classes() {
        for found in [2, -1, 1 << 32, i64::MIN] {
            let message = batch_fault(|tensors| tensors[1] = labels(&[0, 1, found, -5]));
            let wanted = format!("wanted labels 0 to 1, found {found} at [2]");
            assert_eq!(message, format!("FILE: y: {wanted}"));
        }
    }
}
