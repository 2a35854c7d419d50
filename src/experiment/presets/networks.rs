//! The arms of the experiments on other networks: each network with a constant step size and with what may do better.

use super::perceptrons::{controlled, paper};
use crate::experiment::Arm;
use crate::network::{Activation, Architecture};
use crate::scheduler::{Control, Profile, Scope, Signal};
use crate::spec::UpdateClipping;

/// LeNet-5 in its usual sizes.
pub(super) fn lenet() -> Vec<Arm> {
    arms("LeNet", Architecture::named()[0].clone())
}

/// A transformer of two blocks of half the usual width, which costs about as much as LeNet.
pub(super) fn transformer() -> Vec<Arm> {
    let network = Architecture::VitSmall {
        patch: 7,
        width: 32,
        blocks: 2,
        heads: 4,
        activation: Activation::Gelu,
    };
    arms("transformer", network)
}

/// One network under each rule for the step size, without regularisers, and with L2-init, which won the tournament of
/// perceptrons with this strength.
fn arms(name: &str, network: Architecture) -> Vec<Arm> {
    let base = Arm {
        name: name.to_owned(),
        network,
        ..Arm::default()
    };
    let constant = controlled(&base, "constant", Control::Constant);
    let half = Arm {
        step_size: constant.step_size / 2.0,
        ..controlled(&base, "half the step size", Control::Constant)
    };
    let l2_init = Arm {
        l2_init: 1e-2,
        ..controlled(&base, "L2-init", Control::Constant)
    };
    let hold = Arm {
        update_clipping: Some(UpdateClipping::with_hold()),
        ..controlled(&base, "update clipping with hold", Control::Constant)
    };
    vec![
        constant,
        half,
        l2_init,
        controlled(
            &base,
            "paper, per layer",
            paper(Signal::Combined, Scope::PerLayer),
        ),
        controlled(&base, "update clipping", Profile::UpdateClipping.control()),
        hold,
    ]
}
