//! Multi-head softmax self-attention: `z = softmax(q k^T / sqrt(head units)) v` in every head, without a mask.

use super::build::Builder;
use super::value::{Value, ValueId};
use super::{Activation, Op};
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
    /// Adds attention with so many heads, and returns the value that it makes of `input`, which holds one copy of its units.
    /// `item` is the item of the network, for messages.
    ///
    /// # Errors
    /// No head, or an input whose units are not three times a multiple of the heads.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        heads: u32,
        activation: Activation,
        item: &str,
    ) -> Result<ValueId, Error> {
        let read = network.value(input);
        let refuse = |wanted: String, found: String| {
            Err(Error::invalid("items of a network", wanted, found))
        };
        if heads == 0 {
            return refuse(format!("1 head at least for {item}"), "0".to_owned());
        }
        if !read.units.is_multiple_of(3) {
            let wanted = format!("3 x width units for {item}: queries, keys and values");
            return refuse(wanted, read.units.to_string());
        }
        let units = read.units / 3;
        if !units.is_multiple_of(heads) {
            let wanted = format!("a width that the heads of {item} divide");
            return refuse(wanted, units.to_string());
        }
        let output = network.add_value(Value {
            units,
            activation,
            ..read
        });
        network.add_plain(Op::Attention(Self { heads }), vec![input], output);
        Ok(output)
    }
}
