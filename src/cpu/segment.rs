//! The location of a segment in a probe's iterates, in elements.

use std::ops::Range;

use super::reduce::stretch;
use crate::state::{PARTIALS, ProbeSegment};

impl ProbeSegment {
    /// The range of the vector of a primal segment, or of the sample gradients of a dual one.
    pub(crate) fn iterate(&self) -> Range<usize> {
        let start = self.offset as usize * 4;
        start..start + self.length as usize * 4
    }

    /// The range of the whole segment, with the image of a dual one.
    pub(crate) fn with_image(&self) -> Range<usize> {
        let Range { start, end } = self.iterate();
        start..end + self.image_offset as usize * 4
    }

    /// The `number`-th of PARTIALS equal stretches, and its image. A primal stretch is its own image.
    pub(crate) fn stretch(&self, number: usize) -> (Range<usize>, Range<usize>) {
        let vec4s = stretch(self.length as usize, PARTIALS as usize, number);
        let place = |offset: u32| {
            let offset = offset as usize;
            (offset + vec4s.start) * 4..(offset + vec4s.end) * 4
        };
        (place(self.offset), place(self.offset + self.image_offset))
    }
}
