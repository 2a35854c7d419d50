//! Multi-head softmax self-attention: `z = softmax(q k^T / sqrt(head units)) v` in every head, without a mask.

use super::Activation;
use super::build::Builder;
use super::value::{Value, ValueId};
use crate::error::Error;

/// Self-attention over the positions of a value (Vaswani et al., NeurIPS 2017). It has no parameters: linear operations
/// before and after it are its projections.
///
/// It reads the queries, keys and values `[q, k, v]` of every position, 3 E units, as `in_proj` of PyTorch's
/// `nn.MultiheadAttention` makes them, and makes E units. Head h has units h E / heads to (h + 1) E / heads of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// The number of heads.
    pub(crate) heads: u32,
}

impl Attention {
    /// Adds the value that attention with so many heads makes of `input`.
    ///
    /// # Errors
    /// No head, an input that holds two copies of its units, or one whose units are not three times a multiple of the
    /// heads.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        heads: u32,
        activation: Activation,
    ) -> Result<(Self, ValueId), Error> {
        let what = "attention";
        let read = network.value(input);
        if heads == 0 {
            return Err(Error::invalid(what, "1 head at least", "attention 0"));
        }
        if read.copies() != 1 {
            let wanted = "queries, keys and values of one copy each";
            let found = format!(
                "attention {heads} after {:?}, which makes two copies of its {} units",
                read.activation, read.units
            );
            return Err(Error::invalid(what, wanted, found));
        }
        if !read.units.is_multiple_of(3) {
            let wanted = "queries, keys and values of as many units, 3 x width in all";
            let found = format!("attention {heads} of {} units", read.units);
            return Err(Error::invalid(what, wanted, found));
        }
        let units = read.units / 3;
        if !units.is_multiple_of(heads) {
            let wanted = "a width that the number of heads divides";
            let found = format!("attention {heads} of width {units} ({} units)", read.units);
            return Err(Error::invalid(what, wanted, found));
        }
        let output = network.add_value(Value {
            units,
            activation,
            ..read
        });
        Ok((Self { heads }, output))
    }
}
