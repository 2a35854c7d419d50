//! Twins of the regularisers' kernels.

mod anchor_copy;
mod l2_init_gradient;
mod wasserstein_gradient;

use super::twins;

twins! {
    anchor_copy: AnchorCopy,
    l2_init_gradient: L2InitGradient,
    wasserstein_gradient: WassersteinGradient,
}
