//! Mean and standard deviation of each channel.

use super::error::Fault;
use super::{Pixels, Split};

/// Statistics of all pixels of one channel in all images; a byte counts as byte / 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Mean.
    pub mean: f32,
    /// Population standard deviation, more than 0.
    pub deviation: f32,
}

impl Split {
    /// Computes mean and standard deviation of each channel. For bytes they are exact before they are rounded to f32.
    ///
    /// # Errors
    /// The pixels of a channel are all equal, or so nearly equal that f32 cannot tell them apart.
    pub fn statistics(&self) -> Result<Vec<Statistics>, Fault> {
        let channels = self.shape.channels as usize;
        let plane = (self.shape.rows as usize) * (self.shape.columns as usize);
        let of_channel = |channel| {
            let (mean, variance) = match &self.pixels {
                Pixels::Bytes(pixels) => of_bytes(planes(pixels, plane, channels, channel)),
                Pixels::Floats(pixels) => of_floats(|| planes(pixels, plane, channels, channel)),
            };
            let found = Statistics {
                mean: mean as f32,
                deviation: variance.sqrt() as f32,
            };
            let (scale, shift) = found.scale_and_shift(1.0);
            if found.deviation > 0.0 && scale.is_finite() && shift.is_finite() {
                return Ok(found);
            }
            let wanted = "a positive standard deviation of the pixels";
            let found = format!("{} about the mean {}", found.deviation, found.mean);
            Err(Fault::new(format!("channel {channel}"), wanted, found))
        };
        (0..channels).map(of_channel).collect()
    }
}

impl Statistics {
    /// Factor and addend that standardise a stored pixel. A stored pixel is `full` times a value on the scale of the
    /// statistics.
    pub(crate) fn scale_and_shift(self, full: f64) -> (f32, f32) {
        let (mean, deviation) = (f64::from(self.mean), f64::from(self.deviation));
        (
            (1.0 / (full * deviation)) as f32,
            (-mean / deviation) as f32,
        )
    }
}

/// Iterates over the pixels of one channel in every image.
fn planes<T>(
    pixels: &[T],
    plane: usize,
    channels: usize,
    channel: usize,
) -> impl Iterator<Item = &[T]> {
    pixels.chunks(plane).skip(channel).step_by(channels)
}

/// Computes mean and variance of bytes. Their sums are whole numbers, and so exact.
fn of_bytes<'a>(planes: impl Iterator<Item = &'a [u8]>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0_u128, 0_u128, 0_u128);
    for plane in planes {
        let add = |(sum, squares): (u64, u64), pixel: &u8| {
            let pixel = u64::from(*pixel);
            (sum + pixel, squares + pixel * pixel)
        };
        let (own, own_squares) = plane.iter().fold((0, 0), add);
        count += plane.len() as u128;
        sum += u128::from(own);
        squares += u128::from(own_squares);
    }
    let total = count as f64;
    let mean = sum as f64 / total;
    let variance = (count * squares - sum * sum) as f64 / total / total;
    (mean / 255.0, variance / 255.0 / 255.0)
}

/// Computes mean and variance of floats, in two passes.
fn of_floats<'a, I: Iterator<Item = &'a [f32]>>(planes: impl Fn() -> I) -> (f64, f64) {
    let values = || planes().flatten().map(|value| f64::from(*value));
    let count = planes().map(<[f32]>::len).sum::<usize>() as f64;
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance)
}
