//! Twins of the regularisers' kernels.

use super::twins;

twins! {
    anchor_copy: AnchorCopy,
    l2_init_gradient: L2InitGradient,
    wasserstein_gradient: WassersteinGradient,
}
