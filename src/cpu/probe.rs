//! Twins of a probe's kernels.

use super::twins;

twins! {
    probe_start: ProbeStart,
    probe_reset: ProbeReset,
    primal_copy: PrimalCopy,
    probe_dots: ProbeDots,
    probe_update: ProbeUpdate,
    probe_normalise: ProbeNormalise,
    lobpcg_start: LobpcgStart,
    lobpcg_solve: LobpcgSolve,
    lobpcg_combine: LobpcgCombine,
    lobpcg_check: LobpcgCheck,
    layer_sums: LayerSumsParams,
    layer_stats: LayerStatsParams,
}
