//! Twins of the regularisers' kernels.

mod l2_init_gradient;
mod reference_copy;
mod wasserstein_gradient;

use super::twins;

twins! {
    reference_copy: ReferenceCopy,
    l2_init_gradient: L2InitGradient,
    wasserstein_gradient: WassersteinGradient,
}
