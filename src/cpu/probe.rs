//! Twins of a probe's kernels.

mod layer_stats;
mod layer_sums;
mod lobpcg_check;
mod lobpcg_combine;
mod lobpcg_solve;
mod lobpcg_start;
mod mean_norm;
mod primal_copy;
mod probe_dots;
mod probe_normalise;
mod probe_reset;
mod probe_start;
mod probe_update;

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
    mean_norm: MeanNorm,
    layer_sums: LayerSumsParams,
    layer_stats: LayerStatsParams,
}
