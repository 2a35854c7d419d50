//! Functions that the CPU executor runs in place of the twins of several dispatches ([`crate::plan::Fused`]). They give the
//! same bits by an algorithm that suits a CPU.

mod wasserstein;

use super::Array;
use crate::plan::FusedWork;

/// Does the work on the buffers and the scratch buffers that the plan lists.
pub(super) fn run(work: FusedWork, bound: &mut [Array]) {
    let run = match work {
        FusedWork::WassersteinGradient => wasserstein::run,
    };
    run(bound.try_into().expect("a plan binds what the work needs"));
}
