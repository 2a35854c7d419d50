//! Twin of `shaders/common/optimiser.wgsl`, which has the formulas.

use crate::state::ReplicaConfig;

/// The absolute value below which a first moment becomes zero; the shader explains why.
pub(super) const FIRST_MOMENT_FLOOR: f32 = 1e-30;
pub(super) const SECOND_MOMENT_FLOOR: f32 = 1e-36;

#[inline(always)]
pub(super) fn flush(x: f32, floor: f32) -> f32 {
    if x.abs() < floor { 0.0 } else { x }
}

/// One optimiser at one step size. Each optimiser is a type of its own, so that loops over parameters are compiled for
/// it and vectorise.
pub(crate) trait Rule: Copy + Sync {
    /// Whether v is used; a rule that does not use it leaves it zero.
    const KEEPS_V: bool = true;

    /// The moments m and v after a gradient `g`, the coupled L2 term included.
    fn advance(self, g: f32, m: f32, v: f32) -> [f32; 2];

    /// The amount that the moments alone subtract from a parameter.
    fn descent(self, m: f32, v: f32) -> f32;

    /// The parameter after an update of `theta` with these moments.
    #[inline(always)]
    fn stepped(self, theta: f32, m: f32, v: f32) -> f32 {
        theta - self.descent(m, v)
    }

    /// The latest update, as the parameter before it less the parameter after it, `theta`.
    #[inline(always)]
    fn latest_update(self, _theta: f32, m: f32, v: f32) -> f32 {
        self.descent(m, v)
    }

    /// The contribution of the moments to the mean square that the step size is divided by.
    #[inline(always)]
    fn mean_square(self, _m: f32, v: f32) -> f32 {
        v
    }

    /// The factor between a gradient and its update, for that mean square.
    fn effective_step(self, mean: f32) -> f32;
}

/// The settings from which a rule is made.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) config: &'a ReplicaConfig,
    /// The bias corrections 1 - beta1^t and 1 - beta2^t, where t counts the update itself.
    pub(crate) corrections: (f32, f32),
    pub(crate) step_size: f32,
}

/// `with_rule!(setting, |rule| expression)` compiles the expression for each [`Rule`], and evaluates it for that of the
/// setting's optimiser.
macro_rules! with_rule {
    ($setting:expr, |$rule:ident| $body:expr) => {{
        let setting: $crate::cpu::optimiser::Setting<'_> = $setting;
        match setting.config.optimiser {
            $crate::spec::optimiser::OPTIMISER_SGD => {
                let $rule = $crate::cpu::optimiser::Sgd::from(setting);
                $body
            }
            $crate::spec::optimiser::OPTIMISER_ADAMW => {
                let rule = $crate::cpu::optimiser::Adam::from(setting);
                let $rule = $crate::cpu::optimiser::Decayed::new(rule, setting);
                $body
            }
            $crate::spec::optimiser::OPTIMISER_LION => {
                let rule = $crate::cpu::optimiser::Lion::from(setting);
                let $rule = $crate::cpu::optimiser::Decayed::new(rule, setting);
                $body
            }
            $crate::spec::optimiser::OPTIMISER_AMSGRAD
            | $crate::spec::optimiser::OPTIMISER_ADAM_MAX => {
                let $rule =
                    $crate::cpu::optimiser::AdamOverV($crate::cpu::optimiser::Adam::from(setting));
                $body
            }
            $crate::spec::optimiser::OPTIMISER_UPGD => {
                let rule = $crate::cpu::optimiser::Upgd::from(setting);
                let $rule = $crate::cpu::optimiser::Decayed::new(rule, setting);
                $body
            }
            $crate::spec::optimiser::OPTIMISER_MUON => {
                let $rule = $crate::cpu::muon::MuonOther::from(setting);
                $body
            }
            _ => {
                let $rule = $crate::cpu::optimiser::Adam::from(setting);
                $body
            }
        }
    }};
}
pub(crate) use with_rule;

#[derive(Clone, Copy)]
pub(crate) struct Sgd {
    momentum: f32,
    one_minus_momentum: f32,
    correction: f32,
    step_size: f32,
}

impl From<Setting<'_>> for Sgd {
    fn from(setting: Setting<'_>) -> Self {
        Self {
            momentum: setting.config.beta1,
            one_minus_momentum: setting.config.one_minus_beta1,
            correction: setting.corrections.0,
            step_size: setting.step_size,
        }
    }
}

impl Rule for Sgd {
    const KEEPS_V: bool = false;

    #[inline(always)]
    fn advance(self, g: f32, m: f32, v: f32) -> [f32; 2] {
        [flush(self.momentum * m + g, FIRST_MOMENT_FLOOR), v]
    }

    #[inline(always)]
    fn descent(self, m: f32, _: f32) -> f32 {
        self.step_size * m
    }

    fn effective_step(self, _: f32) -> f32 {
        self.step_size * (self.correction / self.one_minus_momentum)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Adam {
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    epsilon: f32,
    corrections: (f32, f32),
    step_size: f32,
    /// The step size over the first bias correction.
    rate: f32,
}

impl From<Setting<'_>> for Adam {
    fn from(setting: Setting<'_>) -> Self {
        let config = setting.config;
        Self {
            beta1: config.beta1,
            one_minus_beta1: config.one_minus_beta1,
            beta2: config.beta2,
            one_minus_beta2: config.one_minus_beta2,
            epsilon: config.epsilon,
            corrections: setting.corrections,
            step_size: setting.step_size,
            rate: setting.step_size / setting.corrections.0,
        }
    }
}

impl Rule for Adam {
    #[inline(always)]
    fn advance(self, g: f32, m: f32, v: f32) -> [f32; 2] {
        let m = self.beta1 * m + self.one_minus_beta1 * g;
        let v = self.beta2 * v + self.one_minus_beta2 * g * g;
        [flush(m, FIRST_MOMENT_FLOOR), flush(v, SECOND_MOMENT_FLOOR)]
    }

    #[inline(always)]
    fn descent(self, m: f32, v: f32) -> f32 {
        self.rate * m / ((v / self.corrections.1).sqrt() + self.epsilon)
    }

    fn effective_step(self, mean: f32) -> f32 {
        let root = (mean / self.corrections.1).sqrt();
        self.step_size / (self.corrections.0 * (root + self.epsilon))
    }
}

/// Adam where `divisor.rs` has computed v of other second moments: AMSGrad and the larger of two.
#[derive(Clone, Copy)]
pub(crate) struct AdamOverV(pub(crate) Adam);

impl Rule for AdamOverV {
    #[inline(always)]
    fn advance(self, g: f32, m: f32, v: f32) -> [f32; 2] {
        let [m, _] = self.0.advance(g, m, v);
        [m, v]
    }

    #[inline(always)]
    fn descent(self, m: f32, v: f32) -> f32 {
        self.0.descent(m, v)
    }

    fn effective_step(self, mean: f32) -> f32 {
        self.0.effective_step(mean)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Lion {
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    step_size: f32,
}

impl From<Setting<'_>> for Lion {
    fn from(setting: Setting<'_>) -> Self {
        let config = setting.config;
        Self {
            beta1: config.beta1,
            one_minus_beta1: config.one_minus_beta1,
            beta2: config.beta2,
            one_minus_beta2: config.one_minus_beta2,
            step_size: setting.step_size,
        }
    }
}

impl Rule for Lion {
    #[inline(always)]
    fn advance(self, g: f32, m: f32, _: f32) -> [f32; 2] {
        let next_m = self.beta2 * m + self.one_minus_beta2 * g;
        let v = self.beta1 * m + self.one_minus_beta1 * g;
        [next_m, v].map(|x| flush(x, FIRST_MOMENT_FLOOR))
    }

    #[inline(always)]
    fn descent(self, _: f32, v: f32) -> f32 {
        // Rust's signum of 0 is 1.
        let sign = if v == 0.0 { 0.0 } else { v.signum() };
        self.step_size * sign
    }

    #[inline(always)]
    fn mean_square(self, _: f32, v: f32) -> f32 {
        v * v
    }

    fn effective_step(self, mean: f32) -> f32 {
        if mean == 0.0 {
            0.0
        } else {
            self.step_size / mean.sqrt()
        }
    }
}

/// UPGD, whose moments `upgd_utility` and `upgd_step` make: m is the gradient that the update takes, v the utility.
#[derive(Clone, Copy)]
pub(crate) struct Upgd {
    step_size: f32,
}

impl From<Setting<'_>> for Upgd {
    fn from(setting: Setting<'_>) -> Self {
        Self {
            step_size: setting.step_size,
        }
    }
}

impl Rule for Upgd {
    #[inline(always)]
    fn advance(self, _: f32, m: f32, v: f32) -> [f32; 2] {
        [m, v]
    }

    #[inline(always)]
    fn descent(self, m: f32, _: f32) -> f32 {
        self.step_size * m
    }

    #[inline(always)]
    fn mean_square(self, _: f32, _: f32) -> f32 {
        0.0
    }

    fn effective_step(self, _: f32) -> f32 {
        self.step_size
    }
}

/// A rule with weight decay that is decoupled from the gradient.
#[derive(Clone, Copy)]
pub(crate) struct Decayed<R> {
    rule: R,
    /// The step size times the weight decay.
    decay: f32,
}

impl<R> Decayed<R> {
    pub(crate) fn new(rule: R, setting: Setting<'_>) -> Self {
        Self {
            rule,
            decay: setting.step_size * setting.config.weight_decay,
        }
    }
}

impl<R: Rule> Rule for Decayed<R> {
    const KEEPS_V: bool = R::KEEPS_V;

    #[inline(always)]
    fn advance(self, g: f32, m: f32, v: f32) -> [f32; 2] {
        self.rule.advance(g, m, v)
    }

    #[inline(always)]
    fn descent(self, m: f32, v: f32) -> f32 {
        self.rule.descent(m, v)
    }

    #[inline(always)]
    fn stepped(self, theta: f32, m: f32, v: f32) -> f32 {
        theta - self.decay * theta - self.descent(m, v)
    }

    #[inline(always)]
    fn latest_update(self, theta: f32, m: f32, v: f32) -> f32 {
        let left = 1.0 - self.decay;
        let divisor = if left == 0.0 { 1.0 } else { left };
        (self.descent(m, v) + self.decay * theta) / divisor
    }

    #[inline(always)]
    fn mean_square(self, m: f32, v: f32) -> f32 {
        self.rule.mean_square(m, v)
    }

    fn effective_step(self, mean: f32) -> f32 {
        self.rule.effective_step(mean)
    }
}
