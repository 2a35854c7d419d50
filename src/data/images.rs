//! Images in the form in which a device holds them.

use std::sync::Arc;

use super::{Dataset, Description, Pixels, Shape, Statistics};
use crate::error::Error;

/// Images in the form in which a device holds them. Pixels are u8, four to a word with every image starting at a word, or
/// f32, one to a word. They are standardised, channel by channel, when they are gathered into a minibatch.
#[derive(Clone, Debug)]
pub struct ImageSet {
    words: Arc<[u32]>,
    count: u32,
    shape: Shape,
    pixels: u32,
    is_of_floats: bool,
    /// One entry for each channel.
    statistics: Arc<[Statistics]>,
    /// One label for each image, or none at all.
    labels: Arc<[u32]>,
    /// The description of a data set that has a name.
    description: Option<Arc<Description>>,
}

impl ImageSet {
    /// Packs `bytes`, images of one channel and `pixels` bytes one after the other. A pixel p becomes
    /// (p / 255 - mean) / std.
    ///
    /// # Errors
    /// There is no image, the length is not a multiple of `pixels`, or the standard deviation is not positive.
    pub fn new(bytes: &[u8], pixels: usize, mean: f32, std: f32) -> Result<Self, Error> {
        if pixels == 0 || bytes.is_empty() || !bytes.len().is_multiple_of(pixels) {
            let wanted = format!("one or more images of {pixels} bytes");
            return Err(Error::invalid("image bytes", wanted, bytes.len()));
        }
        if !(std.is_finite() && std > 0.0 && mean.is_finite()) {
            let wanted = "a finite mean and a positive standard deviation";
            return Err(Error::invalid(
                "pixel statistics",
                wanted,
                format!("{mean}, {std}"),
            ));
        }
        let count = u32::try_from(bytes.len() / pixels).map_err(|_| {
            Error::invalid("number of images", "fewer than 2^32", bytes.len() / pixels)
        })?;
        let columns = u32::try_from(pixels)
            .map_err(|_| Error::invalid("pixels of an image", "fewer than 2^32", pixels))?;
        Ok(Self {
            words: packed(bytes, pixels),
            count,
            shape: Shape::from([1, 1, columns]),
            pixels: columns,
            is_of_floats: false,
            statistics: Arc::from([Statistics {
                mean,
                deviation: std,
            }]),
            labels: Arc::default(),
            description: None,
        })
    }

    /// Takes the training images and labels of a data set. They are standardised by the mean and standard deviation of each
    /// channel.
    ///
    /// # Errors
    /// A channel whose pixels are all the same, or lengths that do not fit the shape. Data sets that [`crate::data`] returns
    /// have fitting lengths.
    pub fn training(dataset: &Dataset) -> Result<Self, Error> {
        let split = &dataset.train;
        let shape = split.shape;
        let wanted = "sides of 1 or more, fewer than 2^31 pixels together";
        let pixels = shape.pixels().filter(|pixels| *pixels > 0);
        let pixels = pixels.ok_or_else(|| Error::invalid("shape of an image", wanted, shape))?;
        let count = split.labels.len();
        let length = match &split.pixels {
            Pixels::Bytes(pixels) => pixels.len(),
            Pixels::Floats(pixels) => pixels.len(),
        };
        Error::check_length("pixels of the images", count * pixels as usize, length)?;
        let count = u32::try_from(count).ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| {
            let wanted = "1 or more, fewer than 2^32";
            Error::invalid("number of images", wanted, split.labels.len())
        })?;
        let statistics = split.statistics().map_err(|fault| {
            Error::invalid(
                "pixels of the images",
                fault.wanted,
                format!("{} in {}", fault.found, fault.what),
            )
        })?;
        let words = match &split.pixels {
            Pixels::Bytes(bytes) => packed(bytes, pixels as usize),
            Pixels::Floats(values) => values.iter().map(|value| value.to_bits()).collect(),
        };
        Ok(Self {
            words,
            count,
            shape,
            pixels,
            is_of_floats: matches!(split.pixels, Pixels::Floats(_)),
            statistics: statistics.into(),
            labels: split.labels.as_slice().into(),
            description: Some(Arc::new(dataset.description())),
        })
    }

    /// Adds the true labels of the images, one for each, for kinds of streams such as
    /// [`StreamKind::PermutedPixels`](crate::spec::StreamKind::PermutedPixels).
    ///
    /// # Errors
    /// [`Error::Length`] if the number of labels is not the number of images.
    pub fn with_labels(self, labels: &[u8]) -> Result<Self, Error> {
        Error::check_length("labels of the images", self.count as usize, labels.len())?;
        let labels = labels.iter().map(|label| u32::from(*label)).collect();
        Ok(Self { labels, ..self })
    }

    /// Number of images.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Pixels of one image, all channels together.
    pub fn pixels(&self) -> u32 {
        self.pixels
    }

    /// The shape of an image: one row of one channel where only the number of pixels is known.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The mean and the standard deviation that standardise the pixels of each channel.
    pub fn statistics(&self) -> &[Statistics] {
        &self.statistics
    }

    /// The true label of each image; empty where labels are not known.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The description that a run keeps of the data set; `None` for images without a name ([`Self::new`]).
    pub fn description(&self) -> Option<&Description> {
        self.description.as_deref()
    }

    pub(crate) fn shared_labels(&self) -> &Arc<[u32]> {
        &self.labels
    }

    pub(crate) fn words(&self) -> &Arc<[u32]> {
        &self.words
    }

    pub(crate) fn words_per_image(&self) -> u32 {
        if self.is_of_floats {
            self.pixels
        } else {
            self.pixels.div_ceil(4)
        }
    }

    pub(crate) fn is_of_floats(&self) -> bool {
        self.is_of_floats
    }

    /// Number of pixels in one channel.
    pub(crate) fn plane(&self) -> u32 {
        self.pixels / self.shape.channels
    }

    /// The factor and the addend that standardise a stored pixel, for each channel.
    pub(crate) fn standards(&self) -> Arc<[u32]> {
        let full = if self.is_of_floats { 1.0 } else { 255.0 };
        let words = |own: &Statistics| {
            let (scale, shift) = own.scale_and_shift(full);
            [scale.to_bits(), shift.to_bits()]
        };
        self.statistics.iter().flat_map(words).collect()
    }
}

/// Packs four bytes into a word; every image starts at a word.
fn packed(bytes: &[u8], pixels: usize) -> Arc<[u32]> {
    let pack = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u32::from(*byte))
    };
    bytes
        .chunks(pixels)
        .flat_map(|image| image.chunks(4).map(pack))
        .collect()
}
