//! Twins of a probe's kernels.

use super::twins;

twins! {
    probe_start: ProbeStart,
    probe_reset: ProbeReset,
    probe_dots: ProbeDots,
    probe_update: ProbeUpdate,
    probe_normalise: ProbeNormalise,
    ritz_start: RitzStart,
    ritz_solve: RitzSolve,
    ritz_combine: RitzCombine,
    ritz_check: RitzCheck,
    layer_sums: LayerSumsParams,
    layer_stats: LayerStatsParams,
}
