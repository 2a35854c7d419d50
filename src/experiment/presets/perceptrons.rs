//! The arms of the paper's experiments, which are perceptrons.

use crate::experiment::{Arm, Placebo, PlaceboKind};
use crate::network::Activation;
use crate::scheduler::{BoundControl, Control, Profile, Schedule, Scope, Shape, Signal};
use crate::spec::UpdateClipping;

/// The strength of coupled L2 in all of these experiments.
const L2: f32 = 1e-3;

/// The strength of the Wasserstein regulariser: half of L2's, so that the gradient on a weight is as large.
const WASSERSTEIN: f32 = 5e-4;

fn relu() -> Arm {
    Arm::default()
}

fn crelu() -> Arm {
    Arm {
        name: "CReLU".to_owned(),
        activation: Activation::Crelu,
        ..Arm::default()
    }
}

pub(super) fn l2() -> Arm {
    Arm {
        name: "L2".to_owned(),
        l2: L2,
        ..Arm::default()
    }
}

fn wasserstein() -> Arm {
    Arm {
        name: "Wasserstein".to_owned(),
        wasserstein: WASSERSTEIN,
        ..Arm::default()
    }
}

/// `arm` in its own group, under `control`.
pub(super) fn controlled(arm: &Arm, name: &str, control: Control) -> Arm {
    Arm {
        name: format!("{}: {name}", arm.name),
        control,
        ..arm.clone()
    }
}

pub(super) fn paper(signal: Signal, scope: Scope) -> Control {
    Control::Bound(BoundControl {
        signal,
        scope,
        ..BoundControl::paper()
    })
}

pub(super) fn collapse() -> Vec<Arm> {
    let scheduler = Arm {
        name: "L2 + scheduler".to_owned(),
        control: paper(Signal::Combined, Scope::PerLayer),
        ..l2()
    };
    vec![relu(), l2(), scheduler, crelu()]
}

pub(super) fn diagnosis() -> Vec<Arm> {
    vec![relu(), l2(), wasserstein(), crelu()]
}

pub(super) fn ablation() -> Vec<Arm> {
    let arms = |base: Arm| {
        [
            controlled(&base, "constant", Control::Constant),
            controlled(&base, "noise only", paper(Signal::Noise, Scope::PerLayer)),
            controlled(
                &base,
                "curvature only",
                paper(Signal::Curvature, Scope::PerLayer),
            ),
            controlled(&base, "combined", paper(Signal::Combined, Scope::PerLayer)),
        ]
    };
    arms(l2()).into_iter().chain(arms(wasserstein())).collect()
}

pub(super) fn per_layer_vs_global() -> Vec<Arm> {
    let arms = |base: Arm| {
        [
            controlled(&base, "constant", Control::Constant),
            controlled(&base, "per layer", paper(Signal::Combined, Scope::PerLayer)),
            controlled(&base, "global", paper(Signal::Combined, Scope::Global)),
        ]
    };
    arms(crelu()).into_iter().chain(arms(l2())).collect()
}

pub(super) fn trajectories() -> Vec<Arm> {
    let base = l2();
    let scheduler = controlled(&base, "scheduler", paper(Signal::Combined, Scope::PerLayer));
    let schedule = |name, shape| {
        let schedule = Schedule {
            shape,
            end_share: 0.1,
        };
        controlled(&base, name, Control::Schedule(schedule))
    };
    let placebo = |name, kind| Arm {
        placebo: Some(Placebo {
            of: scheduler.name.clone(),
            kind,
        }),
        ..controlled(&base, name, Control::Constant)
    };
    vec![
        controlled(&base, "constant", Control::Constant),
        scheduler.clone(),
        schedule("cosine", Shape::Cosine),
        schedule("linear", Shape::Linear),
        schedule("exponential", Shape::Exponential),
        schedule(
            "warmup-stable-decay",
            Shape::WarmupStableDecay {
                warmup: 0.05,
                decay: 0.2,
            },
        ),
        placebo("always cool", PlaceboKind::AlwaysCool),
        placebo("random cool", PlaceboKind::RandomCool),
        placebo("replay", PlaceboKind::Replay),
    ]
}

pub(super) fn controllers() -> Vec<Arm> {
    let constant = |base: &Arm| controlled(base, "constant", Control::Constant);
    let clipped = |base: &Arm| {
        let clipping = Profile::UpdateClipping.control();
        controlled(base, "update clipping", clipping)
    };
    let (relu, l2, wasserstein, crelu) = (relu(), l2(), wasserstein(), crelu());
    vec![
        constant(&l2),
        controlled(
            &l2,
            "paper, per layer",
            paper(Signal::Combined, Scope::PerLayer),
        ),
        controlled(&l2, "paper, global", paper(Signal::Combined, Scope::Global)),
        clipped(&l2),
        constant(&relu),
        clipped(&relu),
        constant(&wasserstein),
        clipped(&wasserstein),
        constant(&crelu),
        clipped(&crelu),
    ]
}

/// Methods with the settings that the scoreboards `tournament` and `tournament-l2-init` chose, on tasks of equal length. Each has
/// L2 or L2-init.
pub(super) fn remedies() -> Vec<Arm> {
    let hold = |threshold| {
        Some(UpdateClipping {
            threshold,
            ..UpdateClipping::with_hold()
        })
    };
    let half = Arm {
        step_size: 5e-4,
        ..l2()
    };
    let l2_init = Arm {
        name: "L2-init".to_owned(),
        l2_init: 3e-3,
        ..Arm::default()
    };
    let named = |name: &str, base: &Arm| controlled(base, name, Control::Constant);
    vec![
        named("constant", &half),
        Arm {
            gradient_clipping: Some(1.0),
            ..named("gradient clipping", &half)
        },
        Arm {
            update_clipping: hold(1.5),
            ..named("update clipping with hold", &l2())
        },
        controlled(
            &half,
            "paper, per layer",
            paper(Signal::Combined, Scope::PerLayer),
        ),
        Arm {
            step_size: 5e-4,
            l2_init: 1e-2,
            ..named("constant", &l2_init)
        },
        Arm {
            gradient_clipping: Some(1.0),
            ..named("gradient clipping", &l2_init)
        },
        Arm {
            update_clipping: hold(1.75),
            ..named("update clipping with hold", &l2_init)
        },
    ]
}
